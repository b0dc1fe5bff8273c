"""Tardis' data sets as its documentation publishes them: columns, names, and gzip of which equal rows give equal bytes.

Written apart from `venues`, which reads them: a codec shared by both ends would agree with its own mistakes.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["HEADERS", "PackedFile", "data_set_name"]

_EVERY_FILE = "exchange,symbol,timestamp,local_timestamp"
_PRINTS = f"{_EVERY_FILE},id,side,price,amount"
HEADERS = {
    "quotes": f"{_EVERY_FILE},ask_amount,ask_price,bid_price,bid_amount",
    "trades": _PRINTS,
    "liquidations": _PRINTS,
    "derivative_ticker": (
        f"{_EVERY_FILE},funding_timestamp,funding_rate,predicted_funding_rate,open_interest,"
        "last_price,index_price,mark_price"
    ),
    "options_chain": (
        f"{_EVERY_FILE},type,strike_price,expiration,open_interest,last_price,bid_price,bid_amount,bid_iv,"
        "ask_price,ask_amount,ask_iv,mark_price,mark_iv,underlying_index,underlying_price,"
        "delta,gamma,vega,theta,rho"
    ),
}
"""Columns of each kind of data set."""

_COMPRESSION = 6
_ROWS_AT_ONCE = 1_024
"""Rows are packed in such portions, so that how they were handed in can't show in the bytes."""


def data_set_name(venue: str, kind: str, date: str, group: str) -> str:
    """Return the file name that Tardis' download client gives to a day (`YYYY-MM-DD`) of a group of instruments."""
    return f"{venue}_{kind}_{date}_{group}.csv.gz"


class PackedFile:
    """Lines of text in gzip without a time or a name in its header; as a context manager it closes itself."""

    def __init__(self, path: Path, header: str) -> None:
        """Create the file and write its first line.

        Raises:
            OSError: It can't be written.
        """
        self._file = path.open("wb")
        self._packed = gzip.GzipFile(filename="", mode="wb", fileobj=self._file, compresslevel=_COMPRESSION, mtime=0)
        self._waiting = [header]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def add(self, line: str) -> None:
        """Add a line, which has no line end of its own."""
        self._waiting.append(line)
        if len(self._waiting) >= _ROWS_AT_ONCE:
            self._pack()

    def close(self) -> None:
        """Write what waits and end the file, unless that was done; it is closed even if the disk is full."""
        if self._file.closed:
            return
        try:
            self._pack()
            self._packed.close()
        finally:
            self._file.close()

    def _pack(self) -> None:
        if self._waiting:
            self._packed.write(("\n".join(self._waiting) + "\n").encode("utf-8"))
            self._waiting.clear()
