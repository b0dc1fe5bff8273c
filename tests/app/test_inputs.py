"""What the first rows of the inputs imply for settings that nobody chose."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.app.inputs import Given, open_inputs
from aftershock.errors import InputError, UsageError
from tests.app.market import OPTION_HEAD, PRINT_HEAD, START_US, options, write, write_instrument


def implied(paths: list[Path]) -> dict[str, object]:
    return {key: choice.value for key, choice in open_inputs([Given(path) for path in paths]).imply().items()}


def test_perpetual_quotes_make_the_forward(market: list[Path]) -> None:
    assert implied(market) == {
        "forward": "quotes",
        "clocks": "two",
        "options_feed": "poll",
        "liquidation_venues": 1,
    }


def test_without_perpetual_quotes_the_forward_is_the_venues_own(market: list[Path]) -> None:
    assert implied(market[:1])["forward"] == "underlying"


def test_one_file_with_a_single_clock_makes_latency_unknown(market: list[Path], tmp_path: Path) -> None:
    rows = [f"okex-swap,BTC-USDT-SWAP,{START_US},{START_US},,buy,90000,5"]
    one = write(tmp_path / "liquidations.csv", PRINT_HEAD, rows)

    assert implied([*market[:1], one])["clocks"] == "one"


def test_liquidation_venues_are_counted_by_what_the_rows_say(tmp_path: Path) -> None:
    rows = [
        f"{venue},{symbol},{START_US + i},{START_US + i + 9},,sell,90000,5"
        for i, (venue, symbol) in enumerate(
            [("okex-swap", "BTC-USDT-SWAP"), ("bybit", "BTCUSDT"), ("bybit", "BTCUSDT")]
        )
    ]
    both = write(tmp_path / "liquidations.csv", PRINT_HEAD, rows)

    choice = open_inputs([Given(both)]).imply()["liquidation_venues"]

    assert choice.value == 2
    assert "bybit, okex-swap" in choice.source


def test_options_that_change_unevenly_are_a_stream(tmp_path: Path) -> None:
    rows = list(options())[:400]
    busy = [row for i, row in enumerate(rows) if i % 18 < 3 or i % 180 < 18]
    path = write(tmp_path / "options.csv", OPTION_HEAD, busy)

    assert implied([path])["options_feed"] == "stream"


def test_without_any_input_the_user_is_told_what_to_give() -> None:
    with pytest.raises(UsageError, match="no input"):
        open_inputs([])


def test_a_file_given_twice_would_count_double_and_is_refused(market: list[Path]) -> None:
    other = market[0].parent / ".." / market[0].parent.name / market[0].name

    with pytest.raises(UsageError, match="given twice"):
        open_inputs([Given(market[0]), Given(other)])


def test_a_file_of_another_kind_than_the_user_said_is_refused_with_what_it_is(market: list[Path]) -> None:
    with pytest.raises(InputError, match="options_chain"):
        open_inputs([Given(market[0], "liquidations")])


def test_given_instruments_change_the_digest_of_the_table(market: list[Path], tmp_path: Path) -> None:
    file = write_instrument(tmp_path, multiplier=10_000_000)

    with_it = open_inputs([Given(market[0])], file)

    assert with_it.table_digest != open_inputs([Given(market[0])]).table_digest
    instrument = with_it.table.resolve("okex-swap", "PEPE-USDT-SWAP")
    assert instrument is not None
    assert instrument.contract_size == 10_000_000


def test_the_digest_of_the_table_does_not_depend_on_what_was_looked_up(market: list[Path]) -> None:
    inputs = open_inputs([Given(path) for path in market])
    before = inputs.table_digest
    inputs.imply()

    assert open_inputs([Given(path) for path in market]).table_digest == before
