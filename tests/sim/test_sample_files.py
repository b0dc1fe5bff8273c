"""The sample is what a reader of Tardis' CSV files expects, and the same bytes for the same seed."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest

from aftershock.model.instruments import Kind
from aftershock.model.liquidations import Completeness, PriceKind
from aftershock.model.table import InstrumentTable
from aftershock.sim.sample import write_sample
from tests.sim.tardis_rows import Sample, read

pytestmark = pytest.mark.slow  # whole recordings or samples

HEADERS = {
    "quotes": "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
    "liquidations": "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
    "derivative_ticker": "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,"
    "predicted_funding_rate,open_interest,last_price,index_price,mark_price",
    "options_chain": "exchange,symbol,timestamp,local_timestamp,type,strike_price,expiration,open_interest,"
    "last_price,bid_price,bid_amount,bid_iv,ask_price,ask_amount,ask_iv,mark_price,mark_iv,underlying_index,"
    "underlying_price,delta,gamma,vega,theta,rho",
}
FOUR_PERPETUALS = {
    ("okex-swap", "BTC-USDT-SWAP"),
    ("binance-futures", "BTCUSDT"),
    ("bybit", "BTCUSDT"),
    ("deribit", "BTC-PERPETUAL"),
}
LARGEST_GAP_US = 500_000


def kind_of(path: Path) -> str:
    return next(kind for kind in HEADERS if f"_{kind}_2026-10-01_" in path.name)


def test_the_same_seed_gives_the_same_bytes(sample: Sample, tmp_path: Path) -> None:
    again = write_sample(tmp_path, seed=7)

    assert [path.name for path in again] == [path.name for path in sample.paths]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in sample.paths]
    for name in ("TRUTH.json", "README.md"):
        assert (tmp_path / name).read_bytes() == (sample.folder / name).read_bytes()


def test_another_seed_gives_other_rows_in_every_file(sample: Sample, tmp_path: Path) -> None:
    other = write_sample(tmp_path, seed=8)

    assert [path.name for path in other] == [path.name for path in sample.paths]
    for mine, theirs in zip(sample.paths, other, strict=True):
        assert gzip.decompress(mine.read_bytes()) != gzip.decompress(theirs.read_bytes()), mine.name


def test_headers_are_those_of_tardis(sample: Sample) -> None:
    for path in sample.paths:
        with gzip.open(path, "rt", encoding="ascii") as file:
            assert file.readline() == HEADERS[kind_of(path)] + "\n", path.name
    assert {kind_of(path) for path in sample.paths} == set(HEADERS)


def test_rows_are_in_the_order_in_which_they_were_received(sample: Sample) -> None:
    for path in sample.paths:
        received = [int(row["local_timestamp"]) for row in read(path)]
        assert received, path.name
        assert received == sorted(received), path.name


def test_a_row_is_received_some_milliseconds_after_the_venue_stamped_it(sample: Sample) -> None:
    for path in sample.paths:
        late = [int(row["local_timestamp"]) - int(row["timestamp"]) for row in read(path)]
        assert min(late) >= 3_000, path.name
        assert max(late) <= 200_000, path.name


def test_the_sample_is_small(sample: Sample) -> None:
    assert sum(path.stat().st_size for path in sample.paths) < 5_000_000


def test_every_symbol_is_an_instrument_with_known_size_and_fees(sample: Sample) -> None:
    table = InstrumentTable()
    traded = {(row["exchange"], row["symbol"]) for kind in HEADERS for row in sample.rows(kind)}
    for venue, symbol in sorted(traded):
        instrument = table.resolve(venue, symbol)
        assert instrument is not None, symbol
        assert instrument.notional_usd(1.0, 90_000.0) > 0, symbol
        assert table.fee(instrument, 1_790_840_000_000_000_000) is not None, symbol


def test_strike_type_and_expiry_columns_agree_with_the_symbol(sample: Sample) -> None:
    table = InstrumentTable()
    for row in sample.rows("options_chain"):
        option = table.resolve(row["exchange"], row["symbol"])
        assert option is not None
        assert option.kind is Kind.OPTION
        assert option.inverse
        assert option.strike == float(row["strike_price"])
        assert option.is_call == (row["type"] == "call")
        assert option.expiry_ns == int(row["expiration"]) * 1_000


def test_perpetuals_never_leave_half_a_second_without_a_two_sided_quote(sample: Sample) -> None:
    last: dict[tuple[str, str], int] = {}
    for row in sample.rows("quotes"):
        key, now = (row["exchange"], row["symbol"]), int(row["local_timestamp"])
        assert now - last.get(key, now) < LARGEST_GAP_US, key
        assert float(row["bid_price"]) < float(row["ask_price"]), key
        assert float(row["bid_amount"]) > 0, key
        assert float(row["ask_amount"]) > 0, key
        last[key] = now
    assert set(last) >= FOUR_PERPETUALS


def test_the_chain_prints_at_least_once_a_second(sample: Sample) -> None:
    received = [int(row["local_timestamp"]) for row in sample.rows("options_chain")]

    assert max(b - a for a, b in pairwise(received)) < 1_000_000


def test_two_liquidation_feeds_print_fills_and_one_is_throttled(sample: Sample) -> None:
    table = InstrumentTable()
    venues = sorted({row["exchange"] for row in sample.rows("liquidations")})
    coverage = [table.coverage(venue, 1_790_840_000_000_000_000) for venue in venues]

    assert [row.price_kind for row in coverage].count(PriceKind.FILL) == 2
    throttled = [row.venue for row in coverage if row.completeness is Completeness.THROTTLED]
    assert throttled == ["binance-futures"]
    seconds = [
        int(row["timestamp"]) // 1_000_000 for row in sample.rows("liquidations") if row["exchange"] in throttled
    ]
    assert len(seconds) == len(set(seconds)) > 0


def test_the_folder_says_that_it_is_synthetic(sample: Sample) -> None:
    assert "SYNTHETIC" in (sample.folder / "README.md").read_text(encoding="utf-8")
    assert "SYNTHETIC" in json.loads((sample.folder / "TRUTH.json").read_text(encoding="utf-8"))


def test_what_was_planted_is_not_among_the_files_to_replay(sample: Sample) -> None:
    assert all(path.name.endswith(".csv.gz") for path in sample.paths)
    assert sorted(path.name for path in sample.folder.iterdir()) == sorted(
        [path.name for path in sample.paths] + ["README.md", "TRUTH.json"]
    )


@pytest.mark.parametrize("word", ["BUY", "SELL", "HOLD"])
def test_no_file_names_a_decision(sample: Sample, word: str) -> None:
    for path in sample.folder.iterdir():
        raw = path.read_bytes()
        body = gzip.decompress(raw) if path.suffix == ".gz" else raw
        assert word.encode() not in body, path.name
