"""Small Tardis files for tests, and events in a form that compares."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from aftershock.model.events import OPTION_COLUMNS, Event, OptionQuotes
from aftershock.model.table import InstrumentTable
from aftershock.venues.tardis import FileSource, open_source

PRINT_HEADER = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
QUOTE_HEADER = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"
OPTION_HEADER = (
    "exchange,symbol,timestamp,local_timestamp,type,strike_price,expiration,open_interest,last_price,bid_price,"
    "bid_amount,bid_iv,ask_price,ask_amount,ask_iv,mark_price,mark_iv,underlying_index,underlying_price,delta,gamma,"
    "vega,theta,rho"
)
T0_US = 1_681_344_000_000_000
EXPIRY_US = 1_682_668_800_000_000
"""08:00 UTC on 28 April 2023."""


def print_row(us: int = 0, *, symbol: str = "BTC-PERP", venue: str = "ftx", row_id: str = "", **cells: object) -> str:
    """Return a row of a trades or liquidations file, `us` microseconds after the start."""
    values = {"side": "sell", "price": "30000.5", "amount": "0.25", "timestamp": T0_US + us} | cells
    return (
        f"{venue},{symbol},{values['timestamp']},{values.get('local_timestamp', T0_US + us)},{row_id},"
        f"{values['side']},{values['price']},{values['amount']}"
    )


def option_row(us: int = 0, *, base: str = "BTC", strike: object = 30000, kind: str = "call", **cells: object) -> str:
    """Return a row of an options file; any cell can be given by its column."""
    values: dict[str, object] = dict.fromkeys(OPTION_HEADER.split(","), "")
    values |= {
        "exchange": "deribit",
        "symbol": f"{base}-28APR23-{strike}-{'C' if kind == 'call' else 'P'}",
        "timestamp": T0_US + us,
        "local_timestamp": T0_US + us,
        "type": kind,
        "strike_price": strike,
        "expiration": EXPIRY_US,
        "bid_price": 0.05,
        "bid_amount": 10,
        "bid_iv": 57.4,
        "ask_price": 0.055,
        "ask_amount": 12.5,
        "ask_iv": 59.1,
        "underlying_index": f"{base}-28APR23",
        "underlying_price": 30011.5,
    }
    values |= cells
    return ",".join(str(values[name]) for name in OPTION_HEADER.split(","))


def message(kind: str, second: float, **fields: object) -> str:
    """Return a normalized message, `second` seconds after 2022-11-01, in microseconds."""
    stamp = f"2022-11-01T00:{int(second) // 60:02d}:{int(second) % 60:02d}.{round(second % 1 * 1e6):06d}Z"
    base: dict[str, object] = {"type": kind, "exchange": "ftx", "localTimestamp": stamp}
    if kind not in {"disconnect", "error"}:
        base |= {"symbol": "BTC-PERP", "timestamp": stamp}
    if kind in {"trade", "liquidation"}:
        base |= {"price": 20480.5, "amount": 1.5, "side": "sell"}
    return json.dumps(base | fields)


def write(path: Path, lines: Iterable[str], *, newline: str = "\n") -> Path:
    """Write lines, compressed if the name ends in `.gz`."""
    data = "".join(line + newline for line in lines).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def source(path: Path, index: int = 0, expect: str | None = None, row_limit: int | None = None) -> FileSource:
    """Open a file with the bundled instruments."""
    return open_source(path, index=index, expect=expect, table=InstrumentTable(), row_limit=row_limit)


def read(path: Path, expect: str | None = None) -> tuple[FileSource, list[Event]]:
    """Read a file to its end."""
    opened = source(path, expect=expect)
    return opened, list(opened)


def option_rows(events: Iterable[Event]) -> list[tuple[object, ...]]:
    """Return the option rows of events, one tuple each; an absent number is None."""
    rows: list[tuple[object, ...]] = []
    for batch in events:
        if not isinstance(batch, OptionQuotes):
            continue
        columns = [batch.columns[name].tolist() for name in OPTION_COLUMNS]
        for i, symbol in enumerate(batch.symbols):
            numbers = [None if math.isnan(column[i]) else column[i] for column in columns]
            stamps = int(batch.row_ts_event[i]), int(batch.row_ts_init[i])
            rows.append((batch.stream, symbol, *stamps, *numbers, batch.underlying_index[i]))
    return rows


def flat(events: Iterable[Event]) -> list[object]:
    """Return events with batches taken apart to rows, in a form that compares: NaN equals NaN."""
    result: list[object] = []
    for event in events:
        result.extend(option_rows([event]) if isinstance(event, OptionQuotes) else [repr(event)])
    return result


def columns(text: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the columns of CSV lines."""
    return list(zip(*(line.split(",") for line in text), strict=True))
