"""One event from one row of columns, whatever file the columns came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from aftershock.model.events import BookSnapshot, DerivativeTicker, Event, Liquidation, Quote, Trade
from aftershock.model.liquidations import Coverage, liquidated_side

__all__ = ["Make", "RowKey", "books", "liquidations", "quotes", "tickers", "trades"]


class RowKey(NamedTuple):
    """What every row has: both times in ns UTC, exchange, symbol."""

    ts_event: int
    ts_init: int
    venue: str
    symbol: str


Make: TypeAlias = Callable[[int, RowKey], Event]
"""Makes the event of a row, given its number in the block."""

Texts: TypeAlias = Sequence[str]
Numbers: TypeAlias = Sequence[float]


def trades(sides: Texts, ids: Texts, prices: Numbers, amounts: Numbers) -> Make:
    """Make trades."""

    def make(i: int, key: RowKey) -> Event:
        ts_event, ts_init, venue, symbol = key
        return Trade(
            ts_event=ts_event, ts_init=ts_init, venue=venue, symbol=symbol, price=prices[i], amount=amounts[i],
            side=sides[i], trade_id=ids[i],
        )  # fmt: skip

    return make


def liquidations(
    sides: Texts, ids: Texts, prices: Numbers, amounts: Numbers, coverage: Callable[[int, RowKey], Coverage]
) -> Make:
    """Make liquidations; `coverage` says what the price of a row means and how much its feed shows."""

    def make(i: int, key: RowKey) -> Event:
        ts_event, ts_init, venue, symbol = key
        known = coverage(i, key)
        return Liquidation(
            ts_event=ts_event, ts_init=ts_init, venue=venue, symbol=symbol, price=prices[i], amount=amounts[i],
            liquidated=liquidated_side(sides[i]), price_kind=known.price_kind, completeness=known.completeness,
            liquidation_id=ids[i],
        )  # fmt: skip

    return make


def quotes(bids: Numbers, bid_amounts: Numbers, asks: Numbers, ask_amounts: Numbers) -> Make:
    """Make quotes of what is no option."""

    def make(i: int, key: RowKey) -> Event:
        ts_event, ts_init, venue, symbol = key
        return Quote(
            ts_event=ts_event, ts_init=ts_init, venue=venue, symbol=symbol, bid=bids[i], bid_amount=bid_amounts[i],
            ask=asks[i], ask_amount=ask_amounts[i],
        )  # fmt: skip

    return make


def tickers(
    last: Numbers, index: Numbers, mark: Numbers, interest: Numbers, rate: Numbers, predicted: Numbers,
    funding_ts: Sequence[int],
) -> Make:  # fmt: skip
    """Make tickers of perpetuals and futures."""

    def make(i: int, key: RowKey) -> Event:
        ts_event, ts_init, venue, symbol = key
        return DerivativeTicker(
            ts_event=ts_event, ts_init=ts_init, venue=venue, symbol=symbol, last_price=last[i], index_price=index[i],
            mark_price=mark[i], open_interest=interest[i], funding_rate=rate[i], predicted_funding_rate=predicted[i],
            funding_ts=funding_ts[i],
        )  # fmt: skip

    return make


def books(bids: Sequence[tuple[Numbers, Numbers]], asks: Sequence[tuple[Numbers, Numbers]]) -> Make:
    """Make snapshots of the top levels: a pair of columns, price and amount, for each level of a side, best first."""

    def make(i: int, key: RowKey) -> Event:
        ts_event, ts_init, venue, symbol = key
        # An empty level, with its cells absent or zero, is no level: NaN > 0 is false too.
        return BookSnapshot(
            ts_event=ts_event, ts_init=ts_init, venue=venue, symbol=symbol,
            bids=tuple((prices[i], amounts[i]) for prices, amounts in bids if prices[i] > 0),
            asks=tuple((prices[i], amounts[i]) for prices, amounts in asks if prices[i] > 0),
        )  # fmt: skip

    return make
