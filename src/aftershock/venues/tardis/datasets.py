"""Tardis' daily CSV data sets: their names, and whether a file that came is whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from aftershock.errors import InputError, UsageError
from aftershock.venues.tardis.unpacked import unpacked

__all__ = ["DATA_TYPES", "DataSet", "Verified", "days", "file_symbol", "is_free", "verify"]

DATA_TYPES = {
    "trades": "id,side,price,amount",
    "liquidations": "id,side,price,amount",
    "quotes": "ask_amount,ask_price,bid_price,bid_amount",
    "book_ticker": "ask_amount,ask_price,bid_price,bid_amount",
    "derivative_ticker": (
        "funding_timestamp,funding_rate,predicted_funding_rate,open_interest,last_price,index_price,mark_price"
    ),
    "incremental_book_L2": "is_snapshot,side,price,amount",
    "book_snapshot_5": "asks[0].price,asks[0].amount,bids[0].price,bids[0].amount",
    "book_snapshot_25": "asks[0].price,asks[0].amount,bids[0].price,bids[0].amount",
    "options_chain": (
        "type,strike_price,expiration,open_interest,last_price,bid_price,bid_amount,bid_iv,ask_price,ask_amount,ask_iv,"
        "mark_price,mark_iv,underlying_index,underlying_price,delta,gamma,vega,theta,rho"
    ),
}
"""How the header of each kind goes on after exchange, symbol and two times."""

_HEAD = "exchange,symbol,timestamp,local_timestamp,"


class DataSet(msgspec.Struct, frozen=True, order=True):
    """One day's file of a symbol or of a group (`PERPETUALS`, `OPTIONS`, `FUTURES`, `SPOT`)."""

    exchange: str
    kind: str
    day: date
    symbol: str

    @property
    def path(self) -> str:
        """Return where it is under the address of the data sets."""
        return f"{self.exchange}/{self.kind}/{self.day:%Y/%m/%d}/{self.symbol}.csv.gz"

    @property
    def file_name(self) -> str:
        """Return the name that Tardis' own clients give it."""
        return f"{self.exchange}_{self.kind}_{self.day:%Y-%m-%d}_{self.symbol}.csv.gz"


class Verified(msgspec.Struct, frozen=True):
    """What a whole file holds: data rows, size, SHA-256 and MD5 of its bytes in hexadecimal."""

    rows: int
    bytes: int
    sha256: str
    md5: str


def file_symbol(symbol: str) -> str:
    """Return a symbol as file names have it: `BTC/USD` is `BTC-USD`."""
    return symbol.replace("/", "-").replace(":", "-").upper()


def days(first: str, last: str) -> list[date]:
    """Return the days from the first to the one before the last.

    Raises:
        UsageError: One is no date, or there are none between them.
    """
    try:
        begin, end = (datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date() for text in (first, last))
    except ValueError:
        raise UsageError(f"--from and --to are days, not {first!r} and {last!r}: write 2022-11-01") from None
    if begin >= end:
        raise UsageError(f"nothing from {first} to {last}: --to is the day after the last one wanted")
    return [begin + timedelta(days=n) for n in range((end - begin).days)]


def is_free(day: date) -> bool:
    """Tell whether a day needs no key."""
    return day.day == 1


def verify(path: Path, kind: str, going_on: Callable[[], object] = lambda: None) -> Verified:
    """Read a file to its end: is it whole, and what it should be?

    Args:
        path: A `.csv.gz`; an empty one means that there was no data that day.
        kind: Its data type.
        going_on: Called now and then; what it raises ends the reading.

    Raises:
        InputError: It is cut short, damaged, of another kind, or no market data.
    """
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    lines = 0
    header, last = b"", b"\n"

    def on_raw(raw: bytes) -> None:
        going_on()
        sha256.update(raw)
        md5.update(raw)

    for part in unpacked(path, on_raw):
        if b"\n" not in header:
            header += part[: 1 << 16]
        lines += part.count(b"\n")
        last = part[-1:]
    if header and not header.startswith((_HEAD + DATA_TYPES[kind]).encode()):
        raise InputError(f"{path.name} holds no {kind}: its first line is {header[:60]!r}")
    if last != b"\n":
        raise InputError(f"{path.name} ends inside a row")
    return Verified(max(lines - 1, 0), path.stat().st_size, sha256.hexdigest(), md5.hexdigest())
