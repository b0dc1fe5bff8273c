"""Tardis' daily CSV data sets: their names, and whether a file that came is whole."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from aftershock.errors import InputError, UsageError

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
_CHUNK = 1 << 20
_MOST_TIMES_SMALLER = 200
"""What unpacks to more than so many times its size is no market data, whose rows differ."""


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


def verify(path: Path, kind: str) -> Verified:
    """Read a file to its end: is it whole, and what it should be?

    Args:
        path: A `.csv.gz`; an empty one means that there was no data that day.
        kind: Its data type.

    Raises:
        InputError: It is cut short, damaged, of another kind, or no market data.
    """
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size = unpacked = lines = 0
    header, last = b"", b"\n"

    def on_raw(raw: bytes) -> None:
        sha256.update(raw)
        md5.update(raw)

    for part in _unpacked(path, on_raw):
        size = path.stat().st_size
        unpacked += len(part)
        if unpacked > _MOST_TIMES_SMALLER * max(size, 1 << 16):
            raise InputError(
                f"{path.name} unpacks to more than {_MOST_TIMES_SMALLER:,} times its size: it is no data set"
            )
        if b"\n" not in header:
            header += part[: 1 << 16]
        lines += part.count(b"\n")
        last = part[-1:]
    if unpacked and not header.startswith((_HEAD + DATA_TYPES[kind]).encode()):
        raise InputError(f"{path.name} holds no {kind}: its first line is {header[:60]!r}")
    if last != b"\n":
        raise InputError(f"{path.name} ends inside a row")
    return Verified(max(lines - 1, 0), path.stat().st_size, sha256.hexdigest(), md5.hexdigest())


def _unpacked(path: Path, on_raw: Callable[[bytes], object]) -> Iterator[bytes]:
    """Yield what a gzip file of any number of members holds, in parts of bounded size.

    Raises:
        InputError: It is cut short or damaged.
    """
    unpacker, fresh = zlib.decompressobj(31), True
    with path.open("rb") as file:
        try:
            while raw := file.read(_CHUNK):
                on_raw(raw)
                while raw:
                    part = unpacker.decompress(raw, _CHUNK)
                    fresh = False
                    raw = unpacker.unconsumed_tail
                    if part:
                        yield part
                    if unpacker.eof:
                        raw = raw or unpacker.unused_data
                        unpacker, fresh = zlib.decompressobj(31), True
        except zlib.error as error:
            raise InputError(f"{path.name} is damaged ({error}): it is fetched again on the next run") from error
    if not fresh:
        raise InputError(f"{path.name} is cut short: it is fetched again on the next run")
