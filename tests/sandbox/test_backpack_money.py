"""Money of the simulated Backpack: nothing is spent twice, and every fill takes what was there and no more."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from aftershock.sim.servers.backpack_account import Account
from aftershock.sim.servers.backpack_errors import ApiError
from aftershock.sim.servers.backpack_orders import Order
from aftershock.sim.servers.backpack_positions import collateral, position_document
from tests.sandbox.backpack_box import PERP, SPOT, market_of, order


def refused(account: Account, asked: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as error:
        account.execute(asked)
    return error.value.code


def heard(account: Account) -> list[tuple[str, dict[str, Any]]]:
    said: list[tuple[str, dict[str, Any]]] = []
    account.tell = lambda kind, _symbol, data: said.append((kind, data))
    return said


# --- margin and what is locked ---------------------------------------------------------------------------------------


def test_the_same_margin_is_not_spent_by_several_orders() -> None:
    _, account = market_of(size=1_000.0)
    account.execute(order("Bid", "50"))  # 60,010 USDC of margin, of 100,000

    assert refused(account, order("Bid", "50")) == "INSUFFICIENT_MARGIN"
    assert refused(account, order("Bid", "50", "59000")) == "INSUFFICIENT_MARGIN"
    assert account.execute(order("Ask", "50")).status == "Filled", "what only closes a position is never refused"


def test_resting_orders_hold_margin_until_they_end() -> None:
    _, account = market_of()
    resting = account.execute(order("Bid", "50", "59000"))

    assert refused(account, order("Bid", "50", "59000")) == "INSUFFICIENT_MARGIN"
    said = collateral(account.wallet, account.claims())
    assert Decimal(said["netEquityAvailable"]) == 100_000 - Decimal("0.02") * 50 * Decimal("60005.6")
    account.cancel(resting)
    assert account.execute(order("Bid", "50", "59000")).status == "New"


def test_a_loss_is_no_margin_and_a_profit_is() -> None:
    market, account = market_of(size=1_000.0)
    account.execute(order("Bid", "50"))
    market.quote(59_000.0, 59_010.0)
    assert refused(account, order("Bid", "1", "58000")) == "INSUFFICIENT_MARGIN"
    market.quote(61_000.0, 61_010.0)
    assert account.execute(order("Bid", "1", "60000")).status == "New"
    (said,) = [position_document(account.wallet, PERP, account.claims(), market.now_ns)]
    assert (said["netQuantity"], said["netExposureQuantity"]) == ("50.00000", "51")


def test_a_resting_spot_order_locks_what_it_would_pay() -> None:
    _, account = market_of()
    bid = account.execute(order("Bid", "1", "59000", SPOT))
    account.execute(order("Ask", "0.75", "61000", SPOT))

    wallet, claims = account.wallet, account.claims()
    assert [wallet.locked(asset, claims) for asset in ("USDC", "BTC")] == [Decimal(59_000), Decimal("0.75")]
    assert refused(account, order("Bid", "1", "59000", SPOT)) == "INSUFFICIENT_FUNDS"
    assert refused(account, order("Ask", "0.5", "61000", SPOT)) == "INSUFFICIENT_FUNDS"
    assert refused(account, order("Bid", "50")) == "INSUFFICIENT_MARGIN", "locked money is no margin"
    account.cancel(bid)
    assert account.wallet.locked("USDC", account.claims()) == 0
    assert account.execute(order("Bid", "1", "59000", SPOT)).status == "New"


def test_money_that_is_margin_buys_no_coins() -> None:
    _, account = market_of(size=1_000.0)
    account.execute(order("Bid", "50"))
    assert refused(account, order("Bid", "1", None, SPOT)) == "INSUFFICIENT_FUNDS"


@pytest.mark.parametrize("side", ["Bid", "Ask"])
@pytest.mark.parametrize("symbol", [PERP, SPOT])
def test_the_largest_order_is_what_is_taken_and_a_step_more_is_not(symbol: str, side: str) -> None:
    _, account = market_of(size=10_000.0)
    account.execute(order("Bid", "7"))
    account.execute(order("Ask", "3", "61000"))
    step, price = Decimal("0.00001"), Decimal(60_000)

    most = account.wallet.room(symbol, price, account.claims(), buys=side == "Bid") // step * step

    kind = "GTC" if side == "Bid" else "IOC"
    assert refused(account, order(side, str(most + step), str(price), symbol, timeInForce=kind)).startswith("INSUFF")
    assert account.execute(order(side, str(most), str(price), symbol, timeInForce=kind)).id


# --- fees ------------------------------------------------------------------------------------------------------------


def test_a_spot_fee_is_taken_of_what_is_received() -> None:
    _, account = market_of()
    said = heard(account)
    account.execute(order("Bid", "0.5", None, SPOT))
    account.execute(order("Ask", "0.5", None, SPOT))

    bought, sold = account.fills
    assert (bought["fee"], bought["feeSymbol"]) == ("0.0005", "BTC")
    assert (sold["fee"], sold["feeSymbol"]) == ("30", "USDC")
    assert account.wallet.balances == {
        "BTC": 1 - Decimal("0.0005"),
        "USDC": 100_000 - Decimal(30_005) + 30_000 - 30,
    }
    fills = [data for _, data in said if data["e"] == "orderFill"]
    assert [(data["N"], data["n"]) for data in fills] == [("BTC", "0.0005"), ("USDC", "30")]


def test_a_fill_has_the_id_of_its_public_print() -> None:
    market, account = market_of()
    account.execute(order("Bid", "0.5"))
    assert [each["tradeId"] for each in account.fills] == [each["id"] for each in market.trades[PERP]]


# --- resting orders --------------------------------------------------------------------------------------------------


def test_a_resting_order_is_filled_by_what_came_to_it_and_no_more() -> None:
    market, account = market_of()
    resting = account.execute(order("Bid", "50", "59000"))

    market.quote(58_990.0, 58_999.4, 0.5)  # the perpetual's ask: exactly 59,000.0, with 0.5

    assert (resting.status, resting.filled) == ("PartiallyFilled", Decimal("0.5"))
    assert account.open == {resting.id: resting}
    (fill,) = account.fills
    assert (fill["price"], fill["quantity"], fill["isMaker"]) == ("59000", "0.50000", True)
    printed = market.trades[PERP][-1]
    assert (printed["quantity"], printed["isBuyerMaker"]) == ("0.50000", True)


def test_a_print_fills_only_orders_that_stood_before_its_price_and_only_its_size() -> None:
    market, account = market_of()
    first = account.execute(order("Bid", "0.3", "60005"))  # inside the spread
    second = account.execute(order("Bid", "0.3", "60003"))
    behind = account.execute(order("Bid", "0.3", "60000"))

    market.trade(60_000.0, 0.4, "sell")
    market.trade(60_000.0, 9.0, "buy")

    assert [each.filled for each in (first, second, behind)] == [Decimal("0.3"), Decimal("0.1"), 0]
    assert {each["tradeId"] for each in account.fills} == {market.trades[PERP][0]["id"]}


# --- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "taker", "maker"),
    [
        ("RejectTaker", "Expired", "New"),
        ("RejectMaker", "New", "Expired"),
        ("RejectBoth", "Expired", "Expired"),
    ],
)
def test_an_order_never_trades_with_one_s_own(how: str, taker: str, maker: str) -> None:
    _, account = market_of()
    said = heard(account)
    mine = account.execute(order("Ask", "0.1", "60005"))

    crossing = account.execute(order("Bid", "0.1", "60005", selfTradePrevention=how))

    assert (crossing.status, mine.status) == (taker, maker)
    reasons = {data["i"]: data["R"] for _, data in said if data["e"] == "orderExpired"}
    assert set(reasons.values()) == {"SelfTradePrevention"}
    assert not account.fills


def test_what_stands_before_one_s_own_order_is_taken_first() -> None:
    _, account = market_of(size=0.2)
    account.execute(order("Ask", "0.1", "60010.8"))
    taken = account.execute(order("Bid", "1", "60100"))
    assert (taken.status, taken.filled) == ("Expired", Decimal("0.2"))


def test_an_order_that_only_reduces_never_turns_a_position() -> None:
    market, account = market_of(size=10.0)
    assert refused(account, order("Ask", "1", reduceOnly=True)) == "INVALID_ORDER"
    account.execute(order("Bid", "2"))
    reducing = account.execute(order("Ask", "2", "60500", reduceOnly=True))
    said = heard(account)

    account.execute(order("Ask", "1.5"))
    assert (reducing.quantity, said[-1][1]["e"]) == (Decimal("0.5"), "orderModified")
    account.execute(order("Ask", "0.5"))
    assert (reducing.status, reducing.expiry_reason) == ("Expired", "ReduceOnlyNotReduced")
    market.quote(60_600.0, 60_610.0)
    assert account.wallet.held(PERP) == 0


@pytest.mark.parametrize(("more", "reason"), [({"timeInForce": "IOC"}, "ImmediateOrCancel"),
                                              ({"timeInForce": "FOK"}, "FillOrKill")])  # fmt: skip
def test_the_history_says_why_an_order_expired(more: dict[str, Any], reason: str) -> None:
    _, account = market_of()
    gone: Order = account.execute(order("Bid", "0.1", "59000", **more))
    assert gone.document(history=True)["expiryReason"] == reason


@pytest.mark.parametrize("price", ["40000", "80000"])
def test_a_price_far_from_the_mark_is_out_of_bounds(price: str) -> None:
    _, account = market_of()
    assert refused(account, order("Bid", "0.1", price)) == "INVALID_PRICE"


def test_an_order_for_an_amount_of_the_quote_asset_says_so() -> None:
    _, account = market_of()
    body = order("Bid", "0", None, SPOT) | {"quoteQuantity": "600"}
    del body["quantity"]
    taken = account.execute(body)
    assert (taken.quantity, taken.document()["quoteQuantity"]) == (Decimal("0.00999"), "600")
    assert refused(account, body | {"quantity": "1"}) == "INVALID_CLIENT_REQUEST"
