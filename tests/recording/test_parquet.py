"""Data sets as Parquet, in the layout that downloads have, read as their CSV files are."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aftershock.errors import InputError
from aftershock.venues.recording.schema import Cell, columns_of
from tests.recording.files import read_file
from tests.venues.files import (
    OPTION_HEADER,
    PRINT_HEADER,
    QUOTE_HEADER,
    flat,
    option_row,
    print_row,
    read,
    write,
)

TICKER_HEADER = (
    "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,open_interest,"
    "last_price,index_price,mark_price"
)
BOOK_HEADER = "exchange,symbol,timestamp,local_timestamp," + ",".join(
    f"{side}[{level}].{what}" for level in range(5) for side in ("asks", "bids") for what in ("price", "amount")
)
START = 1_681_344_000_000_000
NAMES = {"timestamp": "ts_event", "local_timestamp": "ts_init"}


def parquet(path: Path, kind: str, lines: list[str], **metadata: str) -> Path:
    """Write CSV lines as a download does: names as dictionaries, times in nanoseconds, absent cells null."""
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    cells = {column.name: column.cell for column in columns_of(kind)}
    arrays: dict[str, Any] = {}
    for name in rows[0] if rows else lines[0].split(","):
        ours = NAMES.get(name, name)
        values = [row[name] or None for row in rows]
        if cells[ours] is Cell.TEXT:
            column = pa.array(values, pa.string())
            arrays[ours] = column.dictionary_encode() if name in {"exchange", "symbol"} else column
        elif cells[ours] is Cell.NUMBER:
            arrays[ours] = pa.array([None if value is None else float(value) for value in values], pa.float64())
        else:
            arrays[ours] = pa.array([None if value is None else int(value) * 1000 for value in values], pa.int64())
    head = {"aftershock.format": "1", "aftershock.kind": kind, "aftershock.source": "dataset"} | metadata
    table = pa.table(arrays).replace_schema_metadata(head)
    pq.write_table(table, path, row_group_size=7, write_page_checksum=True)
    return path


def options() -> list[str]:
    rows = [option_row(i * 250, strike=30_000 + 1_000 * (i % 5), kind=("call", "put")[i % 2]) for i in range(40)]
    rows[7] = option_row(7 * 250, bid_price="", bid_amount="", bid_iv="", underlying_index="")
    rows[8] = option_row(8 * 250, base="ETH", strike=2_000)
    rows[9] = option_row(8 * 250, ask_price=0)
    rows[20] = option_row(19 * 250 - 9)
    rows[21] = option_row(21 * 250, exchange="okex-options", symbol="BTC-USD-230428-30000-C", bid_iv=0.574)
    rows[22] = option_row(22 * 250, expiration=1)
    rows[23] = option_row(23 * 250, exchange="bybit-options", symbol="BTC-28APR23-30000-C-ODD")
    rows[24] = option_row(24 * 250, bid_amount=-1)
    rows[25] = option_row(25 * 250, type="")
    return [OPTION_HEADER, *rows]


FILES = {
    "trades": [
        PRINT_HEADER,
        *(print_row(i * 9, row_id=str(i % 17)) for i in range(30)),
        print_row(400, side="sold"),
        print_row(401, price=0),
        print_row(402, amount=""),
    ],
    "liquidations": [
        PRINT_HEADER,
        *(print_row(i * 9, venue=("ftx", "deribit")[i % 2], side=("buy", "sell", "unknown")[i % 3]) for i in range(30)),
    ],
    "quotes": [
        QUOTE_HEADER,
        *(f"bybit,BTCUSDT,{START + i * 5},{START + i * 7},{i},{30_000 + i},{29_999 - i},{2 * i}" for i in range(30)),
        f"bybit,BTCUSDT,{START + 900},{START + 900},,,0,",
        f",BTCUSDT,{START + 901},{START + 901},1,2,3,4",
    ],
    "derivative_ticker": [
        TICKER_HEADER,
        *(
            f"deribit,BTC-PERPETUAL,{START + i},{START + i},{START if i % 2 else ''},-0.0001,,{i},{i},,{i + 1}"
            for i in range(9)
        ),
    ],
    "book_snapshot_5": [
        BOOK_HEADER,
        *(
            f"bybit,BTCUSDT,{START + i},{START + i}," + ",".join(["30001,1,30000,2"] * i + [",,0,"] * (5 - i))
            for i in range(6)
        ),
    ],
    "options_chain": options(),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(FILES))
def test_a_data_set_as_parquet_gives_what_its_csv_gives(tmp_path: Path, kind: str) -> None:
    as_csv, expected = read(write(tmp_path / "f.csv", FILES[kind]), expect=kind.removesuffix("_5"))
    source, events = read_file(parquet(tmp_path / "f.parquet", kind, FILES[kind]))

    assert str(flat(events)) == str(flat(expected)).replace("f.csv", "f.parquet")
    ours, theirs = source.report, as_csv.report
    assert (ours.kind, ours.format, ours.incomplete) == (kind, "parquet", "")
    for name in ("rows", "dropped", "out_of_order", "clocks", "first_ts", "last_ts"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert source.option_terms == as_csv.option_terms


def test_volatilities_are_as_the_metadata_says(tmp_path: Path) -> None:
    lines = [OPTION_HEADER, option_row(bid_iv=50)]
    (percent,) = read_file(parquet(tmp_path / "a.parquet", "options_chain", lines))[1]
    (fraction,) = read_file(parquet(tmp_path / "b.parquet", "options_chain", lines, **{"aftershock.iv": "fraction"}))[1]
    assert percent.columns["bid_iv"].tolist() == [0.5]  # type: ignore[attr-defined]
    assert fraction.columns["bid_iv"].tolist() == [50.0]  # type: ignore[attr-defined]


def test_a_parquet_file_cut_short_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = parquet(tmp_path / "f.parquet", "quotes", FILES["quotes"])
    whole = path.read_bytes()
    for cut in (5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match="is no whole Parquet file"):
            read_file(path)


def test_a_damaged_page_ends_the_file_there_and_is_told(tmp_path: Path) -> None:
    path = parquet(tmp_path / "f.parquet", "quotes", FILES["quotes"])
    whole, expected = path.read_bytes(), flat(read_file(path)[1])
    column = pq.ParquetFile(path).metadata.row_group(2).column(5)
    told = 0
    for at in range(column.data_page_offset, column.data_page_offset + column.total_compressed_size):
        data = bytearray(whole)
        data[at] ^= 0x55
        path.write_bytes(data)
        source, events = read_file(path)
        if source.report.incomplete:
            told += 1
            assert source.report.incomplete.startswith("the rest can't be read")
            assert flat(events) == expected[: len(events)]
        else:
            assert flat(events) == expected, "what is not covered by a checksum is not the rows"
    assert told > 20


@pytest.mark.parametrize(
    ("metadata", "columns", "said"),
    [
        ({}, {}, "its metadata names no format and kind of ours"),
        ({"aftershock.format": "2", "aftershock.kind": "quotes"}, {}, "its metadata names no format and kind of ours"),
        ({"aftershock.format": "1", "aftershock.kind": "quote"}, {}, "its metadata names no format and kind of ours"),
        ({"aftershock.format": "1", "aftershock.kind": "quotes"}, {"ask_price": None}, "has no column ask_price"),
        (
            {"aftershock.format": "1", "aftershock.kind": "quotes"},
            {"ts_init": pa.array([1.5])},
            "column ts_init of type double",
        ),
    ],
)
def test_a_parquet_file_of_others_is_refused(
    tmp_path: Path, metadata: dict[str, str], columns: dict[str, Any], said: str
) -> None:
    cells: dict[str, Any] = dict.fromkeys(("exchange", "symbol"), pa.array(["x"]))
    cells |= dict.fromkeys(("ts_event", "ts_init"), pa.array([10**18]))
    cells |= dict.fromkeys(("ask_amount", "ask_price", "bid_price", "bid_amount"), pa.array([1.0]))
    cells = {name: array for name, array in (cells | columns).items() if array is not None}
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table(cells).replace_schema_metadata(metadata or None), path)
    with pytest.raises(InputError, match=said):
        read_file(path)
