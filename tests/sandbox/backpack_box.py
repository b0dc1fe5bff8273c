"""The simulated Backpack without sockets: a market that a test moves by hand, and its account."""

from __future__ import annotations

import time
from typing import Any

from aftershock.model.events import Event, Quote, Trade
from aftershock.sim.market.listing import Listing
from aftershock.sim.servers.backpack_account import Account
from aftershock.sim.servers.backpack_market import BackpackMarket
from aftershock.sim.servers.hub import Hub
from aftershock.sim.servers.pace import Pace

PERP, SPOT = "BTC_USDC_PERP", "BTC_USDC"


class ByHand(BackpackMarket):
    """A market whose quotes and prints come from a test, on a clock that stands still unless it is moved."""

    def __init__(self, *, at_ns: int | None = None) -> None:
        self.clock_ns = time.time_ns() if at_ns is None else at_ns
        pace = Pace(live_from_ns=0, fast_from_ns=0)
        self.hub = Hub(_nothing(), {}, pace, 0)
        super().__init__(self.hub, _no_listing, options=False)

    @property
    def now_ns(self) -> int:
        """Return the time of the test."""
        return self.clock_ns

    def quote(self, bid: float, ask: float, size: float = 1.0) -> None:
        """Quote the leader; the perpetual stands 0.6 above it."""
        self._see(
            Quote(
                ts_event=self.clock_ns, ts_init=self.clock_ns, venue="binance-futures", symbol="BTCUSDT", bid=bid,
                bid_amount=size, ask=ask, ask_amount=size,
            )
        )  # fmt: skip

    def trade(self, price: float, amount: float, side: str) -> None:
        """Print a trade of the leader."""
        self._see(
            Trade(
                ts_event=self.clock_ns, ts_init=self.clock_ns, venue="binance-futures", symbol="BTCUSDT", price=price,
                amount=amount, side=side, trade_id="1",
            )
        )  # fmt: skip


async def _nothing() -> Any:
    events: list[Event] = []
    for event in events:
        yield event


def _no_listing() -> Listing:
    raise AssertionError("no options are listed")


def market_of(bid: float = 60_000.0, ask: float = 60_010.0, size: float = 1.0) -> tuple[ByHand, Account]:
    """Return a market that is quoted, and an account on it with 100,000 USDC and one BTC."""
    market = ByHand()
    account = Account(market)
    market.quote(bid, ask, size)
    return market, account


def order(side: str, quantity: str, price: str | None = None, symbol: str = PERP, **more: object) -> dict[str, Any]:
    """Return the body of an order; a market order without a price."""
    kind = "Market" if price is None else "Limit"
    body = {"symbol": symbol, "side": side, "orderType": kind, "quantity": quantity, "price": price}
    return {key: value for key, value in body.items() if value is not None} | more
