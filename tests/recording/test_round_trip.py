"""What is recorded comes back bit for bit, in the order in which it was received."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.errors import InputError
from aftershock.model.events import (
    OPTION_COLUMNS,
    BookSnapshot,
    ClockStep,
    Event,
    Gap,
    Halt,
    OptionQuotes,
    Restored,
    Settlement,
    Stale,
    StreamId,
    Trade,
)
from aftershock.model.liquidations import Completeness, PriceKind
from aftershock.sim.market.session import Session
from aftershock.venues.recording import Limits, RecordingWriter, segments_of
from aftershock.venues.recording.folder import named
from tests.core.market import T0, Row, liquidation, option_quotes
from tests.recording.files import quote, read_back, record
from tests.sim import tardis_events as drawn

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NS = st.integers(1, 2**63 - 1)
STEPS = st.integers(1, 3_600 * 10**9)


def any_stream() -> st.SearchStrategy[StreamId]:
    return st.builds(StreamId, TEXTS, TEXTS, TEXTS)


def books() -> st.SearchStrategy[Event]:
    levels = st.lists(st.tuples(drawn.PRESENT, drawn.AMOUNTS | drawn.ABSENT), max_size=7).map(tuple)
    return st.builds(BookSnapshot, ts_event=NS, ts_init=NS, venue=st.just("bybit"), symbol=st.just("BTCUSDT"),
                     bids=levels, asks=levels)  # fmt: skip


def statuses() -> st.SearchStrategy[Event]:
    common = {"ts_event": NS, "ts_init": NS}
    return (
        st.builds(Gap, **common, stream=any_stream(), from_ts=st.integers(0, 2**63 - 1), to_ts=NS, detail=TEXTS)
        | st.builds(Stale, **common, stream=any_stream(), detail=TEXTS)
        | st.builds(Restored, **common, stream=any_stream())
        | st.builds(ClockStep, **common, step_ns=STEPS, source=TEXTS)
    )


def market_data() -> st.SearchStrategy[Event]:
    meanings = st.builds(
        lambda event, kind, share: msgspec.structs.replace(event, price_kind=kind, completeness=share),
        drawn.liquidations(NS, st.just("")),
        st.sampled_from(PriceKind),
        st.sampled_from(Completeness),
    )
    return (
        drawn.quotes(NS)
        | drawn.tickers(NS)
        | drawn.trades(NS, st.just(""))
        | meanings
        | drawn.option_batches(NS)
        | books()
    )


@st.composite
def feeds(draw: st.DrawFn) -> list[Event]:
    """Draw events as the live shell gives them: receive times strictly increase, ids don't repeat."""
    events, ts = [], T0
    for number, event in enumerate(draw(st.lists(market_data() | statuses(), max_size=25))):
        ts += draw(STEPS)
        stamped = msgspec.structs.replace(event, ts_init=ts)
        if isinstance(stamped, OptionQuotes):
            stamped = msgspec.structs.replace(stamped, row_ts_init=np.full(len(stamped), ts, dtype=np.int64))
        elif isinstance(stamped, Trade):
            stamped = msgspec.structs.replace(stamped, trade_id=draw(TEXTS) + str(number))
        events.append(stamped)
    return events


@pytest.mark.slow
@settings(max_examples=150)
@given(events=feeds(), batch_rows=st.integers(1, 9), minutes=st.sampled_from((0.5, 60.0)), size=st.integers(1, 9_999))
def test_recorded_events_come_back_bit_for_bit_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event], batch_rows: int, minutes: float, size: int
) -> None:
    folder = tmp_path_factory.mktemp("r")
    limits = Limits(batch_rows=batch_rows, rotate_minutes=minutes, segment_bytes=size)
    writer = record(folder, events, limits)
    assert drawn.bits(read_back(folder)) == drawn.bits(events)
    assert writer.left_out == {}
    assert writer.rows == sum(len(event) if isinstance(event, OptionQuotes) else 1 for event in events)


def test_a_simulated_market_comes_back_with_its_faults(tmp_path: Path) -> None:
    """Many of its events share one receive time; they come in the total order, as files give them."""
    events = [event for event in Session(7, makers="fast", count=1).events() if not isinstance(event, Halt)]
    record(tmp_path / "r", events)
    assert drawn.bits(read_back(tmp_path / "r")) == drawn.bits(events)


def test_control_characters_in_texts_are_kept_and_in_names_refused(tmp_path: Path) -> None:
    odd = Trade(ts_event=T0, ts_init=T0, venue="bybit", symbol="BTCUSDT", price=1.0, amount=1.0, side="buy",
                trade_id="a\0\x1b[2J\u202e\n")  # fmt: skip
    named_so = quote(T0 + 1, symbol="BTC\x1b[2J")
    torn_text = msgspec.structs.replace(odd, ts_init=T0 + 2, trade_id="\ud800")
    writer = record(tmp_path / "r", [odd, named_so, torn_text])
    assert read_back(tmp_path / "r") == [odd]
    assert writer.left_out == {"a name is empty or can't be printed": 1, "a text is no Unicode": 1}


def test_one_unfit_row_does_not_cost_its_batch(tmp_path: Path) -> None:
    batch = option_quotes([Row(ts=T0, symbol=f"BTC-9OCT26-{90_000 + i}-C", bid=0.01, ask=0.02) for i in range(3)])
    batch.symbols[1] = ""
    writer = record(tmp_path / "r", [batch])
    assert [s for e in read_back(tmp_path / "r") if isinstance(e, OptionQuotes) for s in e.symbols] == [
        batch.symbols[0],
        batch.symbols[2],
    ]
    assert sum(writer.left_out.values()) == 1


def test_what_is_no_market_data_is_left_out_and_counted(tmp_path: Path) -> None:
    settled = Settlement(ts_event=T0, ts_init=T0, venue="deribit", family="BTC", expiry_ns=T0, price=1.0)
    writer = record(tmp_path / "r", [settled, Halt(ts_event=T0, ts_init=T0, reason="x")])
    assert writer.left_out == {"settlement events are not recorded": 1, "halt events are not recorded": 1}
    assert segments_of(tmp_path / "r") == []


def test_a_venue_with_a_strange_name_has_a_file_of_its_own(tmp_path: Path) -> None:
    events = [quote(T0 + i, venue=venue) for i, venue in enumerate(("../a_b", "ä crc32=00000000 body=0000000000"))]
    record(tmp_path / "r", events)
    assert read_back(tmp_path / "r") == events
    assert {segment.venue for segment in segments_of(tmp_path / "r")} == {"../a_b", events[1].venue}
    assert len(list(tmp_path.iterdir())) == 1


def test_any_reader_of_arrow_reads_a_segment(tmp_path: Path) -> None:
    import pyarrow as pa

    record(tmp_path / "r", [option_quotes([Row(ts=T0, symbol="BTC-9OCT26-90000-C", bid=0.01, ask=0.02)])])
    (segment,) = segments_of(tmp_path / "r")
    with pa.ipc.open_stream(segment.path) as stream:
        table = stream.read_all()
    head = table.schema.metadata
    assert (head[b"aftershock.format"], head[b"aftershock.kind"]) == (b"1", b"options_chain")
    assert (head[b"aftershock.source"], head[b"aftershock.iv"]) == (b"live", b"fraction")
    assert ",".join(table.schema.names).startswith("exchange,symbol,ts_event,ts_init,type,strike_price,expiration,open")
    (row,) = table.to_pylist()
    assert (row["type"], row["strike_price"], row["expiration"]) == ("call", 90_000.0, 1_791_532_800_000_000_000)
    assert row["rho"] is None


def test_terms_of_options_whose_names_say_nothing_come_from_whoever_heard_them(tmp_path: Path) -> None:
    from aftershock.venues.tardis.option_terms import OptionTerms

    batch = option_quotes([Row(ts=T0, symbol="ODD-1", bid=0.01, ask=0.02)], venue="bybit")
    batch = msgspec.structs.replace(batch, stream=StreamId("bybit", "option_quotes", "ODD"))
    terms = OptionTerms(strike=5.0, is_call=False, expiry_ns=T0)
    with RecordingWriter(tmp_path / "r", terms_of=lambda *_: terms) as writer:
        writer.add(batch)
    from tests.recording.files import read_file

    source, events = read_file(segments_of(tmp_path / "r")[0].path)
    assert drawn.bits(events) == drawn.bits([batch])
    assert source.option_terms == {("bybit", "ODD-1"): terms}
    record(tmp_path / "without", [batch])
    assert drawn.bits(read_back(tmp_path / "without")) == drawn.bits([batch])


def test_a_foreign_name_is_no_segment() -> None:
    for name in ("a.arrows", "a_b_c.arrows", "bybit_trades_20260101T000000Z_1.arrows", "x_trades_1_000001.parquet"):
        assert named(Path(name)) is None


def test_liquidations_keep_what_their_price_means(tmp_path: Path) -> None:
    event = msgspec.structs.replace(liquidation(T0), price_kind=PriceKind.ENTRY)
    record(tmp_path / "r", [event])
    assert read_back(tmp_path / "r") == [event]


def test_all_columns_of_options_are_there() -> None:
    from aftershock.venues.recording.schema import columns_of

    names = {column.name for column in columns_of("options_chain")}
    assert names >= {*OPTION_COLUMNS} - {"bid", "ask"}
    assert columns_of("no_such_kind") == ()


def test_a_folder_of_something_else_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(InputError, match="can't be read"):
        segments_of(tmp_path / "nowhere")
