"""Which files an event belongs into, and what of it can't be kept exactly."""

from __future__ import annotations

from collections.abc import Sequence

from aftershock.model.events import (
    BookSnapshot,
    ClockStep,
    DerivativeTicker,
    Event,
    Gap,
    Liquidation,
    OptionQuotes,
    Quote,
    Restored,
    Stale,
    Trade,
)
from aftershock.venues.recording.schema import GAPS

__all__ = ["ALL_VENUES", "kind_of", "unfit"]

ALL_VENUES = "all"
"""Gaps of all venues are one sequence of files."""

_DEPTHS = (1, 5, 10, 25, 50, 100, 200, 500, 1000)
_DEEPEST = 9999
_LAST_NS = 2**63 - 1
_PLAIN = {Trade: "trades", Liquidation: "liquidations", Quote: "quotes", DerivativeTicker: "derivative_ticker"}


def kind_of(event: Event) -> tuple[str, str] | None:
    """Return venue and kind of the files that an event belongs into; None if recordings don't hold such events."""
    if isinstance(event, OptionQuotes):
        return event.stream.venue, "options_chain"
    if isinstance(event, Trade | Liquidation | Quote | DerivativeTicker):
        return event.venue, _PLAIN[type(event)]
    if isinstance(event, BookSnapshot):
        levels = max(len(event.bids), len(event.asks))
        return event.venue, f"book_snapshot_{next((depth for depth in _DEPTHS if depth >= levels), levels)}"
    if isinstance(event, Gap | Stale | Restored | ClockStep):
        return ALL_VENUES, GAPS
    return None


def unfit(event: Event) -> str:
    """Return why an event can't be read back as it is; empty if it can."""
    names: Sequence[str] = ()
    texts: Sequence[str] = ()
    if isinstance(event, OptionQuotes):
        names, texts = (event.stream.venue, *event.symbols), event.underlying_index
    elif isinstance(event, Gap | Stale | Restored | ClockStep):
        texts = _texts_of(event)
    else:
        names, texts = (event.venue, event.symbol), _texts_of(event)  # type: ignore[attr-defined]  # see kind_of
    if not all(names) or not all(map(str.isprintable, names)):
        return "a name is empty or can't be printed"
    if not all(map(_is_utf8, texts)):
        return "a text is no Unicode"
    times: tuple[int, ...] = (event.ts_event, event.ts_init)
    if isinstance(event, Gap):
        times += (event.from_ts, event.to_ts)
    elif isinstance(event, DerivativeTicker):
        times += (event.funding_ts,)
    if min(times) < -_LAST_NS or max(times) > _LAST_NS:
        return "a time is beyond the year 2262"
    return _unfit_book(event) if isinstance(event, BookSnapshot) else ""


def _unfit_book(event: BookSnapshot) -> str:
    if not all(price > 0 for price, _ in (*event.bids, *event.asks)):
        return "a level of a book has no price"
    return "a book is too deep" if max(len(event.bids), len(event.asks)) > _DEEPEST else ""


def _texts_of(event: Event) -> Sequence[str]:
    if isinstance(event, Trade):
        return (event.side, event.trade_id)
    if isinstance(event, Liquidation):
        return (event.liquidation_id,)
    if isinstance(event, Gap | Stale):
        return (event.stream.venue, event.stream.kind, event.stream.symbol, event.detail)
    if isinstance(event, Restored):
        return (event.stream.venue, event.stream.kind, event.stream.symbol)
    return (event.source,) if isinstance(event, ClockStep) else ()


def _is_utf8(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True
