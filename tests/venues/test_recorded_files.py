"""The recorded files are read whole."""

from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path

import pytest

from aftershock.model.events import OPTION_COLUMNS, Liquidation, OptionQuotes
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.venues.tardis import merge
from tests.venues.files import option_rows, source

pytestmark = pytest.mark.slow  # whole recordings or samples

FILES = {
    "deribit_options_chain_2023-04-13_OPTIONS.csv.gz": (192_998, "options_chain"),
    "deribit_options_chain_2026-03-04_OPTIONS.csv.gz": (5_552, "options_chain"),
    "okex-swap_liquidations_2026-03-04_PERPETUALS.csv.gz": (3_433, "liquidations"),
}
OUR_NAMES = {"bid_price": "bid", "ask_price": "ask"}


@pytest.mark.parametrize("name", FILES)
def test_no_row_of_a_recorded_file_is_dropped(shared_data: Path, name: str) -> None:
    rows, kind = FILES[name]
    opened = source(shared_data / "tardis" / name)
    total = sum(len(event) if isinstance(event, OptionQuotes) else 1 for event in opened)
    report = opened.report
    assert (total, report.rows, report.kind, report.clocks) == (rows, rows, kind, "one")
    assert (report.dropped, report.incomplete, report.out_of_order, report.notes) == ({}, "", 0, [])
    assert opened.rows_read == rows


def test_every_cell_of_a_recorded_chain_is_in_the_batches(shared_data: Path) -> None:
    path = shared_data / "tardis" / "deribit_options_chain_2026-03-04_OPTIONS.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        # Within one stamp, streams are ordered: here Bitcoin's rows stand before Ether's already.
        expected = list(csv.DictReader(file))
    rows = option_rows(source(path))
    theirs = {ours: cell for cell, ours in OUR_NAMES.items()}
    for row, cells in zip(rows, expected, strict=True):
        assert row[1:4] == (cells["symbol"], int(cells["timestamp"]) * 1000, int(cells["local_timestamp"]) * 1000)
        for name, value in zip(OPTION_COLUMNS, row[4:], strict=False):
            cell = cells[theirs.get(name, name)]
            scale = 100.0 if name.endswith("iv") else 1.0
            assert value == (float(cell) / scale if cell else None)
        assert row[-1] == cells["underlying_index"]


def test_recorded_liquidations_carry_what_okx_prints(shared_data: Path) -> None:
    path = shared_data / "tardis" / "okex-swap_liquidations_2026-03-04_PERPETUALS.csv.gz"
    events = [event for event in source(path) if isinstance(event, Liquidation)]
    assert {(event.price_kind, event.completeness) for event in events} == {
        (PriceKind.BANKRUPTCY, Completeness.THROTTLED)
    }
    assert (events[0].symbol, events[0].liquidated, events[0].price) == ("HYPE-USDT-SWAP", Liquidated.SHORT, 32.938)


def test_recorded_files_merge_into_one_run_of_time(shared_data: Path) -> None:
    sources = [source(shared_data / "tardis" / name, index) for index, name in enumerate(FILES)]
    last, total = -math.inf, 0
    for event in merge(sources):
        first = int(event.row_ts_init[0]) if isinstance(event, OptionQuotes) else event.ts_init
        assert first >= last
        last = event.ts_init
        total += len(event) if isinstance(event, OptionQuotes) else 1
    assert total == sum(rows for rows, _ in FILES.values())
    assert [opened.rows_read for opened in sources] == [rows for rows, _ in FILES.values()]
