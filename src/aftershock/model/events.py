"""Everything that can happen to the engine, as frozen structs.

Each event has two clocks, integer nanoseconds UTC: `ts_event` (the venue's) and `ts_init` (ours). An absent number is
NaN and an absent text is empty; the codecs at the edge translate. A stream is (venue, kind, symbol), where the symbol
of a chain's quotes is the underlying: one subscription, one stream.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.model.units import NAN

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "OPTION_COLUMNS",
    "BookSnapshot",
    "ClockStep",
    "DerivativeTicker",
    "EndOfInput",
    "Event",
    "Gap",
    "Halt",
    "Liquidation",
    "OptionQuotes",
    "OrderUpdate",
    "Priority",
    "Quote",
    "Restored",
    "Resume",
    "ReviewReply",
    "Settlement",
    "Stale",
    "StreamId",
    "Timer",
    "Trade",
]


class Priority(IntEnum):
    """Order of events that carry the same `ts_init` in merged files."""

    STATUS = 0
    INDEX_AND_MARK = 1
    EXPIRY = 2
    BOOK = 3
    TRADE = 4
    LIQUIDATION = 5
    TIMER = 6
    REPLY = 7
    ORDER_AND_FILL = 8


class StreamId(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A subscription: what gaps, heartbeats and sequence numbers belong to."""

    venue: str
    kind: str
    symbol: str


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of all events.

    Attributes:
        ts_event: Venue's clock, ns UTC.
        ts_init: Our clock, ns UTC.
    """

    ts_event: int
    ts_init: int


class Trade(Event, frozen=True, kw_only=True, tag="trade"):
    """A public trade; `side` is the taker's (`buy`, `sell`, `unknown`), `amount` the venue's native unit."""

    venue: str
    symbol: str
    price: float
    amount: float
    side: str
    trade_id: str = ""


class Liquidation(Event, frozen=True, kw_only=True, tag="liquidation"):
    """A forced liquidation as the venue's public feed shows it.

    Attributes:
        venue: Tardis exchange id.
        symbol: The venue's own name.
        price: What it means is `price_kind`.
        amount: The venue's native unit.
        liquidated: Whose position was closed.
        price_kind: Fill, order, bankruptcy, entry or unknown.
        completeness: How much the feed shows at that date.
        liquidation_id: The venue's id, empty where it gives none.
    """

    venue: str
    symbol: str
    price: float
    amount: float
    liquidated: Liquidated
    price_kind: PriceKind
    completeness: Completeness
    liquidation_id: str = ""


class Quote(Event, frozen=True, kw_only=True, tag="quote"):
    """Best bid and ask of one instrument that is not an option; NaN where a side is empty."""

    venue: str
    symbol: str
    bid: float
    bid_amount: float
    ask: float
    ask_amount: float


class BookSnapshot(Event, frozen=True, kw_only=True, tag="book_snapshot"):
    """The top levels of a book, best first: (price, amount) pairs in native units."""

    venue: str
    symbol: str
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]


class DerivativeTicker(Event, frozen=True, kw_only=True, tag="derivative_ticker"):
    """Index, mark, funding and open interest of a perpetual or future; NaN where the message lacks it."""

    venue: str
    symbol: str
    last_price: float = NAN
    index_price: float = NAN
    mark_price: float = NAN
    open_interest: float = NAN
    funding_rate: float = NAN
    predicted_funding_rate: float = NAN
    funding_ts: int = 0


class OptionQuotes(Event, frozen=True, kw_only=True, tag="option_quotes"):
    """A run of rows of one option stream, contiguous in the total order: columns of equal length n.

    `ts_event` and `ts_init` are those of the last row. Prices are as the venue quotes them: coin per coin if inverse,
    quote currency per coin if linear. IVs are fractions. Greeks are the venue's own.

    Attributes:
        stream: Subscription that the rows belong to.
        symbols: The venue's instrument names, n of them.
        row_ts_event: int64[n], ns UTC.
        row_ts_init: int64[n], ns UTC, not decreasing.
        columns: float64[n] by name, NaN where absent; the names are `OPTION_COLUMNS`.
        underlying_index: What each row's `underlying_price` is a price of, n names.
    """

    stream: StreamId
    symbols: list[str]
    row_ts_event: NDArray[np.int64]
    row_ts_init: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]
    underlying_index: list[str]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.symbols)

    def slice(self, start: int, stop: int) -> OptionQuotes:
        """Return rows start to stop as a batch of their own; the arrays are views."""
        return OptionQuotes(
            ts_event=int(self.row_ts_event[stop - 1]),
            ts_init=int(self.row_ts_init[stop - 1]),
            stream=self.stream,
            symbols=self.symbols[start:stop],
            row_ts_event=self.row_ts_event[start:stop],
            row_ts_init=self.row_ts_init[start:stop],
            columns={name: column[start:stop] for name, column in self.columns.items()},
            underlying_index=self.underlying_index[start:stop],
        )

    def rows(self) -> Iterator[OptionQuotes]:
        """Iterate over the rows, each as a batch of one."""
        for i in range(len(self)):
            yield self.slice(i, i + 1)

    def moments(self) -> Iterator[OptionQuotes]:
        """Iterate over the runs of rows with one receive time."""
        if self.row_ts_init[0] == self.ts_init:
            yield self
            return
        start = 0
        for stop in (np.flatnonzero(np.diff(self.row_ts_init)) + 1).tolist():
            yield self.slice(start, stop)
            start = stop
        yield self.slice(start, len(self))


OPTION_COLUMNS = (
    "bid",
    "bid_amount",
    "bid_iv",
    "ask",
    "ask_amount",
    "ask_iv",
    "last_price",
    "open_interest",
    "mark_price",
    "mark_iv",
    "underlying_price",
    "delta",
    "gamma",
    "vega",
    "theta",
    "rho",
)
"""Columns of `OptionQuotes`, in this order."""


class Settlement(Event, frozen=True, kw_only=True, tag="settlement"):
    """A venue settled an expiry: everything of one family that expires then, against one price.

    Attributes:
        venue: Tardis exchange id.
        family: What settles alike, as `Instrument.family` names it: `BTC` inverse, `BTC_USDC` linear.
        expiry_ns: Nanoseconds UTC.
        price: Settlement price, quote currency per coin.
    """

    venue: str
    family: str
    expiry_ns: int
    price: float


class Gap(Event, frozen=True, kw_only=True, tag="gap"):
    """Messages of a stream, or of a whole venue if kind and symbol are empty, were lost between two moments."""

    stream: StreamId
    from_ts: int
    to_ts: int
    detail: str = ""


class Stale(Event, frozen=True, kw_only=True, tag="stale"):
    """A stream stopped confirming its state."""

    stream: StreamId
    detail: str = ""


class Restored(Event, frozen=True, kw_only=True, tag="restored"):
    """A stream is whole again: snapshot taken, sequence continuous."""

    stream: StreamId


class ClockStep(Event, frozen=True, kw_only=True, tag="clock_step"):
    """A clock went back by `step_ns`; `ts_init` holds still until it has caught up."""

    step_ns: int
    source: str = ""


class Timer(Event, frozen=True, kw_only=True, tag="timer"):
    """A moment that the engine asked for."""

    key: str


class EndOfInput(Event, frozen=True, kw_only=True, tag="end_of_input"):
    """Nothing follows: open triggers end here."""


class Halt(Event, frozen=True, kw_only=True, tag="halt"):
    """No new risk from here on."""

    reason: str


class Resume(Event, frozen=True, kw_only=True, tag="resume"):
    """A person lifted the halt."""

    reason: str


class ReviewReply(Event, frozen=True, kw_only=True, tag="review_reply"):
    """A model's answer to a review request, or the reason why there is none.

    Attributes:
        request_id: Of the question.
        action: `BUY`, `SELL` or `HOLD`; empty without an answer.
        probability: That the order pays, as the model says; NaN without an answer.
        reason_codes: Values of `ReviewCode`, up to three.
        fallback: A value of `Fallback`; empty if there is an answer.
        provider, model: Who answered, as the provider itself names the model; empty if nobody did.
        latency_ms: From asking to this reply.
        cost_usd: What it cost; NaN if that is not known. An answer that nobody could use is paid for, too.
        cost_is_estimate: True if the provider did not say what it counted.
    """

    request_id: str
    action: str
    probability: float
    reason_codes: tuple[str, ...] = ()
    fallback: str = ""
    provider: str = ""
    model: str = ""
    latency_ms: float = NAN
    cost_usd: float = 0.0
    cost_is_estimate: bool = False


class OrderUpdate(Event, frozen=True, kw_only=True, tag="order_update"):
    """A venue's word on an order: `accepted`, `rejected`, `cancelled` or `expired`; all but the first end it."""

    client_id: str
    status: str
    detail: str = ""
