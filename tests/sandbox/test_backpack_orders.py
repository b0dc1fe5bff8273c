"""Orders of the simulated Backpack by their ids, and the words of orders that it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.sim.servers.backpack_errors import ApiError
from tests.sandbox.backpack_box import PERP, SPOT, market_of, order


def test_an_id_that_is_not_open_finds_no_other_order() -> None:
    _, account = market_of()
    first = account.execute(order("Bid", "0.1", "59000"))
    named = account.execute(order("Bid", "0.1", "59000", clientId=7))

    assert account.find(PERP, first.id, None) is first
    assert account.find(PERP, None, "7") is named
    for order_id, client_id in (("1", None), (None, 8), (None, "8"), ("None", None), (None, "None")):
        with pytest.raises(ApiError) as refused:
            account.find(PERP, order_id, client_id)
        assert (refused.value.code, refused.value.status) == ("RESOURCE_NOT_FOUND", 404)
    with pytest.raises(ApiError, match="Order not found"):
        account.find(SPOT, first.id, None)
    for both in ((first.id, 7), (None, None)):
        with pytest.raises(ApiError, match="exactly one"):
            account.find(PERP, *both)


@pytest.mark.parametrize(
    "more",
    [
        {"triggerPrice": "58000"},
        {"triggerBy": "MarkPrice"},
        {"triggerQuantity": "0.1"},
        {"stopLossTriggerPrice": "58000"},
        {"stopLossLimitPrice": "58000"},
        {"stopLossTriggerBy": "LastPrice"},
        {"takeProfitTriggerPrice": "62000"},
        {"takeProfitLimitPrice": "62000"},
        {"takeProfitTriggerBy": "IndexPrice"},
        {"slippageTolerance": "1"},
        {"slippageToleranceType": "TickSize"},
        {"autoBorrow": True},
        {"autoLendRedeem": True},
    ],
)
def test_what_the_sandbox_can_t_do_is_refused_and_never_run_as_a_plain_order(more: dict[str, Any]) -> None:
    _, account = market_of()

    with pytest.raises(ApiError) as refused:
        account.execute(order("Bid", "0.1", "60100", **more))

    assert refused.value.code == "NOT_IMPLEMENTED"
    assert next(iter(more)) in refused.value.message
    assert not account.orders


def test_a_field_that_is_null_or_false_asks_for_nothing() -> None:
    _, account = market_of()

    taken = account.execute(order("Bid", "0.1", "60100", triggerPrice=None, autoBorrow=False))

    assert taken.status == "Filled"
