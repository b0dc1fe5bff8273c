"""From Backpack's WebSocket to events: pure. Its numbers there are decimal texts.

Its times are microseconds, but that of the next funding: milliseconds.
The side of a liquidation is not documented: until it is checked against prices it counts as unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from aftershock.model.events import DerivativeTicker, Event, Liquidation, Quote, Trade
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.model.units import NAN, NS_PER_MS, NS_PER_S, NS_PER_US
from aftershock.venues.backpack.liquidation_sides import LiquidationSides
from aftershock.venues.connection.book import BookUpdate, Delta
from aftershock.venues.tardis.report import Broken, FileReport

__all__ = ["VENUE", "Decoder"]

VENUE = "backpack"
_MOST = 1e300
_LONGEST_FUNDING_NS = 31 * 86_400 * NS_PER_S
"""A next funding that is further away is no time in the unit of the document."""


class _Frame(msgspec.Struct, frozen=True):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class _Stamped(msgspec.Struct, frozen=True):
    s: str
    E: int = 0
    T: int | None = None


class _Top(_Stamped, frozen=True):
    a: str | None = None
    A: str | None = None
    b: str | None = None
    B: str | None = None


class _Print(_Stamped, frozen=True, kw_only=True):
    p: str
    q: str
    t: int | None = None
    m: bool | None = None


class _Forced(_Stamped, frozen=True, kw_only=True):
    p: str
    q: str
    S: str | None = None


class _Depth(_Stamped, frozen=True, kw_only=True):
    U: int
    u: int
    a: list[tuple[str, str]]
    b: list[tuple[str, str]]


class _Mark(_Stamped, frozen=True, kw_only=True):
    p: str
    f: str | None = None
    i: str | None = None
    n: int | None = None


Decoded = Event | BookUpdate
_FRAMES = msgspec.json.Decoder(_Frame)


class Decoder:
    """Decodes frames and counts what it does not use.

    Attributes:
        report: What became of the messages.
        errors: What the venue complained of: code and message.
        sides: What prices say about the side of liquidations; for people.
    """

    def __init__(self, report: FileReport) -> None:
        self.report = report
        self.errors: list[tuple[int, str]] = []
        self.sides, self._said = LiquidationSides(), ""
        self._streams: dict[str, Callable[[msgspec.Raw, int], Decoded]] = {
            "bookTicker": _top,
            "trade": _trade,
            "depth": _depth,
            "markPrice": self._mark,
            "liquidation": self._liquidation,
        }

    def decode(self, text: str | bytes, ts_init: int) -> list[Decoded]:
        """Return the events of one frame; one that can't be read is counted.

        Args:
            text: As the socket delivered it.
            ts_init: When, ns UTC.
        """
        self.report.rows += 1
        try:
            frame = _FRAMES.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return self._drop(Broken.JSON, text)
        if frame.error is not None:
            self.report.errors += 1
            self.errors = [*self.errors[-9:], (frame.error.code, frame.error.message[:200])]
            return []
        name = frame.stream.partition(".")[0]
        use = self._streams.get(name)
        if use is None:
            self.report.leave(name or "answer")
            return []
        try:
            event = use(frame.data, ts_init)
        except (msgspec.MsgspecError, ValueError):
            return self._drop(Broken.FIELD, text)
        self.report.saw(ts_init, ts_init, two_clocks=True)
        return [event]

    def _liquidation(self, raw: msgspec.Raw, ts_init: int) -> Liquidation:
        """Decode a liquidation; its side is tried against the mark, for the report only."""
        data = msgspec.json.decode(raw, type=_Forced)
        ts_event, symbol = _when(data)
        price, amount = _positive(data.p), _number(data.q)
        self.sides.printed(symbol, ts_event, data.S or "", price)
        self._note_sides()
        return Liquidation(
            ts_event=ts_event,
            ts_init=ts_init,
            venue=VENUE,
            symbol=symbol,
            price=price,
            amount=amount,
            liquidated=Liquidated.UNKNOWN,
            price_kind=PriceKind.UNKNOWN,
            completeness=Completeness.UNKNOWN,
        )

    def _note_sides(self) -> None:
        """Keep one note on the sides of liquidations, the latest."""
        notes, text = self.report.notes, self.sides.text()
        if self._said in notes:
            notes[notes.index(self._said)] = text
        else:
            self.report.note(text)
        self._said = text

    def _mark(self, raw: msgspec.Raw, ts_init: int) -> DerivativeTicker:
        """Decode mark, index and funding; a prediction market has the mark only. The next funding is milliseconds."""
        data = msgspec.json.decode(raw, type=_Mark)
        ts_event, symbol = _when(data)
        funding_ts = 0 if data.n is None else data.n * NS_PER_MS
        if data.n is not None and abs(funding_ts - ts_event) > _LONGEST_FUNDING_NS:
            funding_ts = 0
            self.report.note("the time of the next funding is none in milliseconds: left out")
        mark = _number(data.p)
        self.sides.mark(symbol, ts_event, mark)
        return DerivativeTicker(
            ts_event=ts_event,
            ts_init=ts_init,
            venue=VENUE,
            symbol=symbol,
            mark_price=mark,
            index_price=_number(data.i),
            funding_rate=_number(data.f, signed=True),
            funding_ts=funding_ts,
        )

    def _drop(self, reason: Broken, text: str | bytes) -> list[Decoded]:
        shown = text if isinstance(text, str) else text[:200].decode("utf-8", errors="replace")
        self.report.drop(reason, self.report.rows, shown)
        return []


def _top(raw: msgspec.Raw, ts_init: int) -> Quote:
    data = msgspec.json.decode(raw, type=_Top)
    ts_event, symbol = _when(data)
    return Quote(
        ts_event=ts_event,
        ts_init=ts_init,
        venue=VENUE,
        symbol=symbol,
        bid=_number(data.b) or NAN,
        bid_amount=_number(data.B),
        ask=_number(data.a) or NAN,
        ask_amount=_number(data.A),
    )


def _trade(raw: msgspec.Raw, ts_init: int) -> Trade:
    data = msgspec.json.decode(raw, type=_Print)
    ts_event, symbol = _when(data)
    return Trade(
        ts_event=ts_event,
        ts_init=ts_init,
        venue=VENUE,
        symbol=symbol,
        price=_positive(data.p),
        amount=_number(data.q),
        side="unknown" if data.m is None else "sell" if data.m else "buy",
        trade_id="" if data.t is None else str(data.t),
    )


def _depth(raw: msgspec.Raw, ts_init: int) -> BookUpdate:
    """Decode a change of the book; a quantity of zero removes the level."""
    data = msgspec.json.decode(raw, type=_Depth)
    ts_event, symbol = _when(data)
    bids, asks = (tuple((_positive(p), _number(q)) for p, q in side) for side in (data.b, data.a))
    return BookUpdate(symbol, ts_event, ts_init, Delta(data.U, data.u, bids, asks))


def _when(data: _Stamped) -> tuple[int, str]:
    """Return the engine's time in ns, or that of sending, and the symbol.

    Raises:
        ValueError: The name can't be printed, or the time is none.
    """
    micros = data.E if data.T is None else data.T
    if not data.s or not data.s.isprintable() or not 0 < micros < 2**53:
        raise ValueError("no name or no time")
    return micros * NS_PER_US, data.s


def _number(text: str | None, *, signed: bool = False) -> float:
    """Return a decimal text, NaN for none.

    Raises:
        ValueError: It is no number, or negative where it may not be.
    """
    if text is None:
        return NAN
    value = float(text)
    if not (math.isfinite(value) and abs(value) < _MOST and (signed or value >= 0)):
        raise ValueError("no number")
    return value


def _positive(text: str) -> float:
    value = _number(text)
    if not value > 0:
        raise ValueError("no price")
    return value
