"""Several files are one stream of events, in an order that does not depend on how rows lie in the files."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.events import Event, Liquidation, OptionQuotes, Priority, Trade
from aftershock.venues.tardis import merge
from aftershock.venues.tardis.piece import MAX_BATCH
from tests.venues.files import (
    OPTION_HEADER,
    PRINT_HEADER,
    flat,
    message,
    option_row,
    option_rows,
    print_row,
    source,
    write,
)

STREAMS = ("BTC", "ETH", "SOL", "trades", "liquidations")
ROWS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(STREAMS)), max_size=40).map(
    lambda rows: sorted(rows, key=lambda row: row[0])
)


def _line(number: int, us: int, stream: str) -> str:
    if stream in {"trades", "liquidations"}:
        return print_row(us, price=number + 1)
    return option_row(us, base=stream, strike=number + 1)


def _files(folder: Path, rows: list[tuple[int, str]], share: dict[str, int]) -> list[Path]:
    """Write the rows, each stream to one of the files that take its kind."""
    files: dict[tuple[str, int], list[str]] = {}
    for number, (us, stream) in enumerate(rows):
        kind = stream if stream in {"trades", "liquidations"} else "options"
        header = OPTION_HEADER if kind == "options" else PRINT_HEADER
        files.setdefault((kind, share[stream]), [header]).append(_line(number, us, stream))
    return [write(folder / f"{kind}_{place}.csv", lines) for (kind, place), lines in sorted(files.items())]


def _merged(paths: list[Path]) -> list[Event]:
    return list(merge([source(path, index) for index, path in enumerate(paths)]))


@given(rows=ROWS, places=st.lists(st.integers(0, 2), min_size=5, max_size=5), turn=st.integers(0, 6))
def test_the_order_does_not_depend_on_which_file_holds_a_stream(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]], places: list[int], turn: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    together = _merged(_files(folder / "a", rows, dict.fromkeys(STREAMS, 0)))
    paths = _files(folder / "b", rows, dict(zip(STREAMS, places, strict=True)))
    apart = _merged(paths[turn % max(1, len(paths)) :] + paths[: turn % max(1, len(paths))])
    assert flat(apart) == flat(together)
    assert len(flat(together)) == len(rows)


@given(rows=ROWS)
def test_events_come_by_time_then_priority_then_stream_then_row(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    merged = _merged(_files(folder, rows, {"BTC": 0, "ETH": 1, "SOL": 0, "trades": 0, "liquidations": 0}))
    place = {stream: (Priority.BOOK, stream) for stream in ("BTC", "ETH", "SOL")}
    place |= {"trades": (Priority.TRADE, ""), "liquidations": (Priority.LIQUIDATION, "")}
    expected = sorted(range(len(rows)), key=lambda i: (rows[i][0], *place[rows[i][1]], i))
    seen = [
        int(event.price) - 1 if isinstance(event, Trade | Liquidation) else int(str(row[1]).split("-")[2]) - 1
        for event in merged
        for row in (option_rows([event]) or [()])
    ]
    assert seen == expected


@given(rows=ROWS)
def test_batches_are_the_longest_runs_of_one_stream(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]]
) -> None:
    merged = _merged(_files(tmp_path_factory.getbasetemp(), rows, {s: i % 2 for i, s in enumerate(STREAMS)}))
    for before, after in itertools.pairwise(merged):
        if isinstance(before, OptionQuotes) and isinstance(after, OptionQuotes):
            assert before.stream != after.stream
    for event in merged:
        if isinstance(event, OptionQuotes):
            assert event.ts_init == event.row_ts_init[-1]
            assert event.ts_event == event.row_ts_event[-1]


def test_rows_of_one_stream_in_two_files_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{name}.csv", [OPTION_HEADER, *(option_row(us, strike=100 * us + i + 1) for us in (1, 2))])
        for i, name in enumerate("ab")
    ]
    (batch,) = _merged(paths)
    assert isinstance(batch, OptionQuotes)
    assert [int(symbol.split("-")[2]) for symbol in batch.symbols] == [101, 102, 201, 202]


def test_no_batch_is_longer_than_4096_rows_and_none_is_lost(tmp_path: Path) -> None:
    lines = [option_row(i // 9000, strike=i + 1) for i in range(10_000)]
    path = write(tmp_path / "o.csv.gz", [OPTION_HEADER, *lines])
    batches = [event for event in source(path) if isinstance(event, OptionQuotes)]
    assert max(map(len, batches)) <= MAX_BATCH
    assert [str(row[1]).split("-")[2] for row in option_rows(batches)] == [str(i + 1) for i in range(10_000)]


@given(rows=ROWS, stop=st.integers(0, 60))
def test_an_interrupted_run_comes_again_from_the_rows_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]], stop: int
) -> None:
    paths = _files(tmp_path_factory.getbasetemp(), rows, {s: i % 2 for i, s in enumerate(STREAMS)})
    sources = [source(path, index) for index, path in enumerate(paths)]
    merged = merge(sources)
    events: list[Event] = []
    for event in merged:
        events.append(event)
        if len(events) > stop and merged.between_moments:
            break
    again = merge([source(path, i, row_limit=sources[i].rows_read) for i, path in enumerate(paths)])
    assert flat(again) == flat(events)


def test_messages_that_were_interrupted_come_again_with_their_gaps(tmp_path: Path) -> None:
    lines = [
        message("trade", 1),
        message("disconnect", 1),
        message("trade", 4),
        message("trade", 4),
        message("trade", 3),
        message("disconnect", 4),
    ]
    path = write(tmp_path / "m.ndjson", lines)
    for stop in range(7):
        opened = source(path)
        merged = merge([opened])
        events: list[Event] = []
        for event in merged:
            events.append(event)
            if len(events) > stop and merged.between_moments:
                break
        assert flat(source(path, row_limit=opened.rows_read)) == flat(events)


def test_a_source_can_be_read_again_from_the_start(tmp_path: Path) -> None:
    opened = source(write(tmp_path / "trades.csv", [PRINT_HEADER, print_row(1), print_row(2, side="?")]))
    first = list(opened)
    report = str(opened.report)
    assert list(opened) == first
    assert str(opened.report) == report


def test_a_row_limit_counts_broken_rows_too(tmp_path: Path) -> None:
    lines = [PRINT_HEADER, print_row(1), print_row(2, side="?"), print_row(3), print_row(4)]
    opened = source(write(tmp_path / "trades.csv.gz", lines), row_limit=3)
    assert len(list(opened)) == 2
    assert (opened.report.rows, opened.report.incomplete) == (3, "")


@pytest.mark.parametrize("limit", [0, 1, 511, 512, 513, 1100, 2000])
def test_a_row_limit_holds_across_the_blocks_that_are_read_at_once(tmp_path: Path, limit: int) -> None:
    lines = [PRINT_HEADER, *(print_row(i) for i in range(1500))]
    opened = source(write(tmp_path / "trades.csv", lines), row_limit=limit)
    assert len(list(opened)) == opened.report.rows == opened.rows_read == min(limit, 1500)


def test_two_sources_with_one_index_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    path = write(tmp_path / "trades.csv", [PRINT_HEADER])
    with pytest.raises(ValueError, match="same index"):
        merge([source(path), source(path)])


def _option_lines(count: int) -> Iterator[str]:
    yield OPTION_HEADER
    for i in range(count):
        yield option_row(i // 3, base="BTC" if i % 5 else "ETH", strike=1 + i % 50)


def _print_lines(count: int) -> Iterator[str]:
    yield PRINT_HEADER
    for i in range(count):
        yield print_row(i, row_id=str(i))


def _peak(paths: list[Path], rows: int) -> int:
    """Return the most bytes held while the files are merged."""
    sources = [source(path, index) for index, path in enumerate(paths)]
    tracemalloc.start()
    total = sum(len(event) if isinstance(event, OptionQuotes) else 1 for event in merge(sources))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == rows
    return peak


@pytest.mark.slow
def test_memory_does_not_grow_with_an_options_file(tmp_path: Path) -> None:
    counts = [8_000, 32_000, 128_000]
    paths = [write(tmp_path / f"{count}.csv.gz", _option_lines(count)) for count in counts]
    peaks = [_peak([path], count) for path, count in zip(paths, counts, strict=True)]
    assert max(peaks) <= 1.3 * min(peaks)


@pytest.mark.slow
def test_memory_does_not_grow_with_a_trades_file_once_its_memory_of_ids_is_full(tmp_path: Path) -> None:
    counts = [66_000, 198_000]
    paths = [write(tmp_path / f"trades_{count}.csv.gz", _print_lines(count)) for count in counts]
    peaks = [_peak([path], count) for path, count in zip(paths, counts, strict=True)]
    assert max(peaks) <= 1.3 * min(peaks)


def test_rows_at_one_moment_beyond_the_window_are_all_delivered(tmp_path: Path) -> None:
    rows = [option_row(5, base="BTC" if i % 2 else "ETH", strike=1 + i % 7) for i in range(70_000)]
    events = list(source(write(tmp_path / "o.csv", [OPTION_HEADER, *rows, option_row(6)])))
    assert sum(len(event) for event in events if isinstance(event, OptionQuotes)) == 70_001
    assert [event.ts_init for event in events] == sorted(event.ts_init for event in events)
