"""Lists of the simulated Backpack hold what was asked for, no more, and say so when they can't."""

from __future__ import annotations

from typing import Any

import pytest

from aftershock.model.units import NS_PER_MS, NS_PER_S
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_private import PrivateAnswers
from aftershock.sim.servers.faults import Faults
from tests.sandbox.backpack_box import PERP, SPOT, market_of, order

FILLS, ORDERS, OPEN, POSITIONS = (
    "/wapi/v1/history/fills", "/wapi/v1/history/orders", "/api/v1/orders", "/api/v1/position"
)  # fmt: skip


class Asked:
    """An account with two fills of the perpetual, one of spot, a second apart, and an open order of each."""

    def __init__(self) -> None:
        market, account = market_of()
        self.began_ms = market.now_ns // NS_PER_MS
        self.ids = []
        for symbol in (PERP, SPOT, PERP):
            self.ids.append(account.execute(order("Bid", "0.1", symbol=symbol)).id)
            market.clock_ns += NS_PER_S
        for symbol in (PERP, SPOT):
            account.execute(order("Bid", "0.1", "59000", symbol=symbol))
        self._answers = PrivateAnswers(market, account, Faults(), options=False)

    def get(self, path: str, **params: str) -> list[dict[str, Any]]:
        (answer,) = [each[3] for each in self._answers.routes() if each[:2] == ("GET", path)]
        found: list[dict[str, Any]] = answer(params)
        return found

    def filled(self, **params: str) -> list[int]:
        """Return which of the three fills a list has."""
        return [self.ids.index(each["orderId"]) for each in self.get(FILLS, **params)]


def test_fills_are_filtered_paged_and_sorted() -> None:
    asked = Asked()

    assert asked.filled() == [2, 1, 0]
    assert asked.filled(sortDirection="Asc") == [0, 1, 2]
    assert asked.filled(symbol=PERP) == asked.filled(marketType="PERP") == [2, 0]
    assert asked.filled(orderId=asked.ids[1]) == asked.filled(marketType="SPOT") == [1]
    assert (asked.filled(limit="1"), asked.filled(limit="1", offset="1"), asked.filled(offset="3")) == ([2], [1], [])
    after, before = str(asked.began_ms + 500), str(asked.began_ms + 1_500)
    assert (asked.filled(**{"from": after}), asked.filled(to=before)) == ([2, 1], [1, 0])
    assert asked.filled(**{"from": after, "to": before}) == [1]
    assert asked.filled(fillType="User") == [2, 1, 0]
    assert asked.filled(fillType="Liquidation") == asked.filled(strategyId="1") == []


def test_orders_and_positions_are_filtered_by_market_and_type() -> None:
    asked = Asked()

    assert [each["symbol"] for each in asked.get(ORDERS)] == [SPOT, PERP, PERP, SPOT, PERP]
    assert [each["id"] for each in asked.get(ORDERS, symbol=PERP, limit="1", offset="1")] == [asked.ids[2]]
    assert [each["id"] for each in asked.get(ORDERS, orderId=asked.ids[0])] == [asked.ids[0]]
    assert [each["symbol"] for each in asked.get(OPEN, marketType="SPOT")] == [SPOT]
    assert [each["symbol"] for each in asked.get(OPEN, symbol=PERP)] == [PERP]
    assert [len(asked.get(POSITIONS, marketType=kind)) for kind in ("PERP", "DATED")] == [1, 0]
    assert asked.get(POSITIONS, symbol=SPOT) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "1001"), ("limit", "ten"), ("offset", "-1"), ("from", "9" * 15),
     ("marketType", "OPTION"), ("sortDirection", "Up"), ("fillType", "Some")],
)  # fmt: skip
def test_what_is_no_filter_is_refused_and_never_ignored(name: str, value: str) -> None:
    with pytest.raises(ApiError, match=f"`{name}`"):
        Asked().get(FILLS, **{name: value})
