"""What the columns of a columnar file are called, by kind: Tardis' data sets with times in nanoseconds."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

__all__ = [
    "FORMAT",
    "GAPS",
    "IV",
    "KIND",
    "SOURCE",
    "START",
    "VENUE",
    "VERSION",
    "Cell",
    "Column",
    "columns_of",
    "depth_of",
    "needed",
]

FORMAT, KIND, SOURCE, IV = b"aftershock.format", b"aftershock.kind", b"aftershock.source", b"aftershock.iv"
VENUE, START = b"aftershock.venue", b"aftershock.start"
"""Keys of a file's metadata: version of this format, kind, `live` or `dataset`, `fraction` where volatilities are
fractions whatever the venue prints; of a recording also its venue and the `ts_init` of the first row."""
VERSION = b"1"
GAPS = "gaps"

_BOOK = re.compile(r"book_snapshot_([1-9]\d{0,3})")


class Cell(StrEnum):
    """What a column holds."""

    TEXT = "text"
    TIME = "time"
    """Nanoseconds UTC."""
    TIME_OR_NONE = "time or none"
    NUMBER = "number"
    """Null where absent."""


class Column(NamedTuple):
    """A column; a file can be read without it unless it is needed."""

    name: str
    cell: Cell
    needed: bool = False


def _texts(*names: str, needed: bool = False) -> tuple[Column, ...]:
    return tuple(Column(name, Cell.TEXT, needed) for name in names)


def _numbers(*names: str, needed: bool = False) -> tuple[Column, ...]:
    return tuple(Column(name, Cell.NUMBER, needed) for name in names)


_EVERY = (
    *_texts("exchange", "symbol", needed=True),
    Column("ts_event", Cell.TIME, needed=True),
    Column("ts_init", Cell.TIME, needed=True),
)
_PRINT = (*_texts("id"), *_texts("side", needed=True), *_numbers("price", "amount", needed=True))
_KINDS: dict[str, tuple[Column, ...]] = {
    "trades": _PRINT,
    # A data set has not the last two; the dated table knows them then.
    "liquidations": (*_PRINT, *_texts("price_kind", "completeness")),
    "quotes": _numbers("ask_amount", "ask_price", "bid_price", "bid_amount", needed=True),
    "derivative_ticker": (
        Column("funding_timestamp", Cell.TIME_OR_NONE),
        *_numbers("funding_rate", "predicted_funding_rate", "open_interest", "last_price", "index_price"),
        *_numbers("mark_price", needed=True),
    ),
    "options_chain": (
        *_texts("type", needed=True),
        *_numbers("strike_price", needed=True),
        Column("expiration", Cell.TIME_OR_NONE, needed=True),
        *_numbers("open_interest", "last_price"),
        *_numbers("bid_price", needed=True),
        *_numbers("bid_amount", "bid_iv"),
        *_numbers("ask_price", needed=True),
        *_numbers("ask_amount", "ask_iv", "mark_price", "mark_iv"),
        *_texts("underlying_index"),
        *_numbers("underlying_price", "delta", "gamma", "vega", "theta", "rho"),
    ),
    GAPS: (
        *_texts("stream_kind", "what", needed=True),
        Column("from_ts", Cell.TIME_OR_NONE, needed=True),
        Column("to_ts", Cell.TIME_OR_NONE, needed=True),
        *_texts("detail"),
    ),
}


def columns_of(kind: str) -> tuple[Column, ...]:
    """Return the columns of a kind in their order; none if there is no such kind."""
    book = _BOOK.fullmatch(kind)
    if book is not None:
        levels = (f"{side}[{i}].{what}" for i in range(int(book[1])) for side in ("asks", "bids") for what in _LEVEL)
        return (*_EVERY, *_numbers(*levels, needed=True))
    return (*_EVERY, *_KINDS[kind]) if kind in _KINDS else ()


_LEVEL = ("price", "amount")


def needed(kind: str) -> tuple[Column, ...]:
    """Return the columns without which a file of the kind can't be read."""
    return tuple(column for column in columns_of(kind) if column.needed)


def depth_of(kind: str) -> int:
    """Return the number of levels of a kind of book; 0 if it is none."""
    book = _BOOK.fullmatch(kind)
    return 0 if book is None else int(book[1])
