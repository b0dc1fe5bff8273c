"""What hedging a coin costs now, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aftershock.model.orders import Side
from aftershock.model.units import NAN

if TYPE_CHECKING:
    from aftershock.core.fees import FeeBook
    from aftershock.core.forward import ForwardBook

__all__ = ["HedgeQuote", "cheapest_hedge"]


class HedgeQuote(msgspec.Struct, frozen=True, kw_only=True):
    """A perpetual to hedge with.

    Attributes:
        venue, symbol: Where.
        unit_cost_usd: Taker fee, half-spread and impact per coin.
        middle_usd: Price that the cost is measured from.
        buy_coins, sell_coins: Quoted size at the ask and at the bid.
    """

    venue: str
    symbol: str
    unit_cost_usd: float
    middle_usd: float = NAN
    buy_coins: float
    sell_coins: float

    def coins(self, side: Side) -> float:
        """Return the quoted size that an order of this side would meet."""
        return self.buy_coins if side is Side.BUY else self.sell_coins


def cheapest_hedge(book: ForwardBook, fees: FeeBook, now: int, impact_bps: float) -> HedgeQuote | None:
    """Return the cheapest fresh perpetual per coin, ties by venue name; None if there is none with known fees."""
    best: HedgeQuote | None = None
    for venue, state in book.fresh(now):
        top = state.top
        schedule = fees.of(top.instrument, now)
        if schedule is None:
            continue
        middle = top.microprice
        cost = (schedule.taker_rate + impact_bps * 1e-4) * middle + 0.5 * (top.ask - top.bid)
        if best is None or cost < best.unit_cost_usd:
            best = HedgeQuote(
                venue=venue,
                symbol=top.instrument.symbol,
                unit_cost_usd=cost,
                middle_usd=middle,
                buy_coins=top.coins(to_sell=False),
                sell_coins=top.coins(to_sell=True),
            )
    return best
