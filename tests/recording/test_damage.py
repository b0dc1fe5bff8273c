"""A recording that is torn or damaged gives its whole batches and says what is missing; it never invents a row."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import AftershockError, InputError
from aftershock.model.events import Event, Gap, OptionQuotes, Quote, StreamId
from aftershock.model.table import InstrumentTable
from aftershock.venues.recording import Limits, RecordingWriter, is_columnar, open_columnar, segments_of
from aftershock.venues.recording.frame import END, FrameReader
from tests.core.market import T0, Row, option_quotes
from tests.recording.files import batches, only_segment, quote, read_file, record

ROWS, BATCH = 9, 3


@pytest.fixture(name="segment")
def _segment(tmp_path: Path) -> Path:
    """Return a segment of three batches with three quotes each."""
    record(tmp_path / "r", [quote(T0 + i) for i in range(ROWS)], Limits(batch_rows=BATCH))
    return only_segment(tmp_path / "r")


def quotes_in(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, Quote)]


@pytest.mark.slow
def test_a_segment_torn_at_any_byte_gives_the_batches_before(segment: Path) -> None:
    whole = segment.read_bytes()
    ends = [end for _, end in batches(segment)]
    for cut in range(len(whole)):
        segment.write_bytes(whole[:cut])
        source, events = read_file(segment)
        count = sum(end <= cut for end in ends[1:])
        assert events == [quote(T0 + i) for i in range(count * BATCH)]
        assert source.report.rows == len(events)
        assert source.report.dropped == {}
        torn = cut - max((end for end in ends if end <= cut), default=0)
        said = f"it ends in {torn:,} bytes of a batch that is torn" if torn else "it has no end mark"
        assert said in source.report.incomplete
        assert source.kind == "quotes"


@pytest.mark.slow
def test_a_changed_byte_anywhere_costs_its_batch_and_nothing_else(segment: Path) -> None:
    whole = segment.read_bytes()
    places = batches(segment)
    for at in range(len(whole)):
        for bits in (0x01, 0xFF):
            changed = bytearray(whole)
            changed[at] ^= bits
            segment.write_bytes(changed)
            if not is_columnar(segment):
                assert at < 4, "a file that does not begin like Arrow is none"
                continue
            source, events = read_file(segment)
            number = next((n for n, (start, end) in enumerate(places) if start <= at < end), None)
            if number == 0:
                expected: list[int] = []  # without its head nothing can be read
            elif number is None:
                expected = list(range(ROWS))
            else:
                expected = [i for i in range(ROWS) if i // BATCH != number - 1]
            assert quotes_in(events) == [quote(T0 + i) for i in expected]
            assert source.report.incomplete


def test_damage_in_the_middle_is_a_gap_of_the_venue(segment: Path) -> None:
    data = bytearray(segment.read_bytes())
    start, end = batches(segment)[2]
    data[start + 100] ^= 4
    segment.write_bytes(data)
    source, events = read_file(segment)
    (gap,) = (event for event in events if isinstance(event, Gap))
    assert events[BATCH] == gap
    assert (gap.stream, gap.from_ts, gap.to_ts) == (StreamId("bybit", "", ""), T0 + 2, T0 + 6)
    assert source.report.incomplete == f"{end - start:,} bytes in it are damaged and were left out"
    assert gap.ts_init == T0 + 6


def test_damage_of_the_first_batch_is_a_gap_since_the_segment_began(segment: Path) -> None:
    data = bytearray(segment.read_bytes())
    data[batches(segment)[1][0] + 100] ^= 4
    segment.write_bytes(data)

    _, (gap, *_) = read_file(segment)

    assert isinstance(gap, Gap)
    assert (gap.from_ts, gap.to_ts) == (T0, T0 + 3)


@pytest.mark.parametrize("damaged", ["head", "rows"])
def test_a_segment_of_which_nothing_can_be_read_is_a_gap_until_the_next_one(damaged: str, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    record(folder, [quote(T0 + i) for i in range(4)], Limits(batch_rows=2, segment_bytes=1))
    first, second = (each.path for each in segments_of(folder))
    data = bytearray(first.read_bytes())
    start, end = batches(first)[0 if damaged == "head" else 1]
    data[(start + end) // 2] ^= 4
    first.write_bytes(data)

    _, (gap,) = read_file(first)

    assert isinstance(gap, Gap)
    assert gap.stream == StreamId("bybit", "", "")
    assert gap.from_ts <= T0
    assert gap.to_ts == T0 + 2
    assert quotes_in(read_file(second)[1]) == [quote(T0 + 2), quote(T0 + 3)]


def test_gaps_that_are_lost_are_gaps_of_every_venue(tmp_path: Path) -> None:
    folder, stream = tmp_path / "r", StreamId("bybit", "", "")
    lost = Gap(ts_event=T0 + 1, ts_init=T0 + 2, stream=stream, from_ts=T0 + 1, to_ts=T0 + 2)
    record(folder, [quote(T0), quote(T0 + 1, venue="deribit"), lost])
    path = next(each.path for each in segments_of(folder) if each.kind == "gaps")
    data = bytearray(path.read_bytes())
    data[batches(path)[1][0] + 100] ^= 4
    path.write_bytes(data)

    _, found = read_file(path)

    assert [event.stream.venue for event in found if isinstance(event, Gap)] == ["bybit", "deribit"]
    assert all(isinstance(event, Gap) and event.from_ts <= lost.to_ts <= event.to_ts for event in found)


def test_damage_among_options_is_a_gap_too(tmp_path: Path) -> None:
    events = [option_quotes([Row(ts=T0 + i, symbol="BTC-9OCT26-90000-C", bid=0.01, ask=0.02)]) for i in range(3)]
    record(tmp_path / "r", events, Limits(batch_rows=1))
    path = only_segment(tmp_path / "r")
    data = bytearray(path.read_bytes())
    data[batches(path)[2][0] + 300] ^= 1
    path.write_bytes(data)
    source, back = read_file(path)
    assert [type(event) for event in back] == [OptionQuotes, Gap, OptionQuotes]
    assert [event.ts_init for event in back] == [T0, T0 + 2, T0 + 2]
    assert "damaged" in source.report.incomplete


def test_damage_of_the_last_batch_is_no_torn_end(segment: Path) -> None:
    data = bytearray(segment.read_bytes())
    start, end = batches(segment)[3]
    data[end - 3] ^= 1
    segment.write_bytes(data)
    source, events = read_file(segment)
    assert source.report.incomplete == f"{end - start:,} bytes in it are damaged and were left out"
    assert len(quotes_in(events)) == 6
    assert isinstance(events[-1], Gap)
    assert (events[-1].from_ts, events[-1].to_ts) == (T0 + 5, T0 + 6)


def test_a_batch_that_was_cut_out_or_doubled_leaves_whole_batches(segment: Path) -> None:
    """What no seal of a batch alone can tell: the order of receive times does."""
    data = segment.read_bytes()
    (_, head), first, second, _ = batches(segment)
    segment.write_bytes(data[:head] + data[slice(*second)] + data[slice(*first)] + data[second[1] :])
    source, events = read_file(segment)
    assert [e.bid for e in events if isinstance(e, Quote)] == [90_000.0] * ROWS
    assert source.report.out_of_order > 0


def test_bytes_behind_the_end_are_told(segment: Path) -> None:
    segment.write_bytes(segment.read_bytes() + b"more")
    source, events = read_file(segment)
    assert len(events) > ROWS - 1
    assert source.report.incomplete == "4 bytes in it are damaged and were left out"


@given(
    content=st.binary(max_size=300), flips=st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 255)), max_size=4)
)
def test_no_bytes_raise_anything_but_our_errors(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, flips: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("r")
    record(folder, [quote(T0 + i) for i in range(ROWS)], Limits(batch_rows=BATCH))
    segment = only_segment(folder)
    data = bytearray(segment.read_bytes()[: 5_000 if flips else 0] + content)
    for at, bits in flips:
        if at < len(data):
            data[at] ^= bits
    for name in (segment.name, "x.arrows"):
        path = folder / name
        path.write_bytes(data)
        try:
            source = open_columnar(path, index=0, table=InstrumentTable())
        except AftershockError:
            continue
        assert len(quotes_in(list(source))) <= ROWS


def test_a_torn_file_that_no_name_explains_is_refused_in_one_sentence(segment: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.arrows"
    path.write_bytes(segment.read_bytes()[:100])
    with pytest.raises(InputError, match="its head is damaged: check that it is the file you meant"):
        read_file(path)
    path.write_bytes(b"ARROW1\0\0" + bytes(50))
    with pytest.raises(InputError, match="is an Arrow file, not a stream"):
        read_file(path)


def test_a_stream_of_others_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    path = tmp_path / "x.arrows"
    with pa.ipc.new_stream(path, pa.schema([("a", pa.int64())])) as stream:
        stream.write_batch(pa.record_batch([pa.array([1])], names=["a"]))
    assert is_columnar(path)
    with pytest.raises(InputError, match="no Arrow stream of `aftershock record`"):
        read_file(path)


def test_rows_that_contradict_the_rules_are_dropped_and_counted(tmp_path: Path) -> None:
    """The seal holds, so somebody wrote them: the rules of CSV files decide."""
    events = [quote(T0), quote(T0 + 1, bid=-5.0), quote(T0 + 2, bid=float("inf")), quote(T0 + 3, bid=0.0)]
    record(tmp_path / "r", events)
    source, back = read_file(only_segment(tmp_path / "r"))
    assert source.report.dropped == {"negative": 1, "not_a_number": 1}
    assert [example.line for example in source.report.examples] == [2, 3]
    assert source.report.examples[0].excerpt.startswith("bybit,BTCUSDT,")
    assert [e.ts_init for e in back] == [T0, T0 + 3]


def test_reading_stops_after_the_rows_asked_for(segment: Path) -> None:
    source = open_columnar(segment, index=0, table=InstrumentTable(), row_limit=4)
    assert len(list(source)) == 4
    assert (source.report.rows, source.report.incomplete) == (4, "")
    assert source.rows_read == 4


def test_a_recording_that_still_grows_can_be_read(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "r", Limits(batch_rows=2)) as writer:
        for i in range(5):
            writer.add(quote(T0 + i))
        source, events = read_file(segments_of(tmp_path / "r")[0].path)
        assert len(events) == 4
        assert source.report.incomplete.startswith("it has no end mark")


def test_the_frames_of_a_segment_cover_each_of_its_bytes(segment: Path) -> None:
    frames = FrameReader(segment)
    messages = [frame.message for frame in frames]
    assert b"".join(messages) + END == segment.read_bytes()
    assert (frames.ended, frames.torn, frames.damaged) == (True, 0, 0)
