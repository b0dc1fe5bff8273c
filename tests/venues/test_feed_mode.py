"""Whether an options file was streamed or polled is read from how often instruments come again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aftershock.venues.tardis.feed_mode import infer
from tests.venues.files import OPTION_HEADER, PRINT_HEADER, option_row, print_row, source, write


def _mode(tmp_path: Path, strikes: list[int]) -> str:
    rows = [option_row(i, strike=strike) for i, strike in enumerate(strikes, 1)]
    inferred = infer(write(tmp_path / "o.csv", [OPTION_HEADER, *rows]))
    assert inferred.why
    return inferred.mode


def test_rounds_over_the_chain_are_a_poll(tmp_path: Path) -> None:
    assert _mode(tmp_path, [1 + i % 50 for i in range(500)]) == "poll"


def test_rounds_in_another_order_with_failed_calls_are_still_a_poll(tmp_path: Path) -> None:
    order = np.random.default_rng(1)
    chain = list(range(1, 101))
    rounds = []
    for _ in range(20):
        part = chain[40:60]
        order.shuffle(part)
        chain[40:60] = part
        rounds += [strike for strike in chain if order.random() > 0.02]
    assert _mode(tmp_path, rounds) == "poll"


def test_few_hot_instruments_are_a_stream(tmp_path: Path) -> None:
    draw = np.random.default_rng(2)
    cold = draw.integers(1, 200, size=2000)
    assert _mode(tmp_path, np.where(draw.random(2000) < 0.75, cold % 3 + 1, cold).tolist()) == "stream"


def test_instruments_that_are_equally_busy_are_a_stream_too(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    assert _mode(tmp_path, draw.integers(1, 101, size=3000).tolist()) == "stream"


def test_groups_of_options_that_are_sent_at_once_are_a_stream(tmp_path: Path) -> None:
    """A group of 12 comes whole when its maker requotes; which of the other five is next, chance says."""
    draw = np.random.default_rng(4)
    groups = np.cumsum(draw.integers(1, 6, size=200)) % 6
    assert _mode(tmp_path, [1 + 12 * group + i for group in groups.tolist() for i in range(12)]) == "stream"


def test_a_single_snapshot_is_a_poll(tmp_path: Path) -> None:
    assert _mode(tmp_path, list(range(1, 40))) == "poll"


def test_a_file_without_rows_is_a_poll_and_says_that_there_is_nothing_to_judge(tmp_path: Path) -> None:
    assert "0 instruments" in infer(write(tmp_path / "o.csv", [OPTION_HEADER])).why


def test_looking_does_not_move_the_source(tmp_path: Path) -> None:
    opened = source(write(tmp_path / "o.csv", [OPTION_HEADER, option_row(1), option_row(2)]))
    assert infer(opened).why
    assert (opened.rows_read, opened.report.rows) == (0, 0)


def test_a_file_that_holds_no_options_has_nothing_to_judge(tmp_path: Path) -> None:
    opened = source(write(tmp_path / "trades.csv", [PRINT_HEADER, print_row(1)]))
    assert infer(opened).mode == "poll"


def test_the_recorded_files_are_polls(shared_data: Path) -> None:
    for path in sorted((shared_data / "tardis").glob("deribit_options_chain_*.csv.gz")):
        assert infer(path).mode == "poll"
