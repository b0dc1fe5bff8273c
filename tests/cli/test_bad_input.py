"""Every way of giving the command line something wrong ends with exit 2 and one sentence, never a traceback."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.app.market import OPTION_HEAD, write
from tests.cli.conftest import Ran, Run


def is_one_sentence(ran: Ran, pattern: str, code: int = 2) -> None:
    lines = ran.err.strip().splitlines()
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("aftershock: ")
    assert "Traceback" not in ran.err
    assert re.search(pattern, lines[0]), lines[0]


def test_a_missing_file(aftershock: Run, tmp_path: Path) -> None:
    is_one_sentence(aftershock("replay", tmp_path / "none.csv"), r"none\.csv does not exist")


def test_a_folder_in_place_of_a_file(aftershock: Run, tmp_path: Path) -> None:
    is_one_sentence(aftershock("replay", tmp_path), "is a folder")


def test_a_binary_file(aftershock: Run, tmp_path: Path) -> None:
    path = tmp_path / "options.csv"
    path.write_bytes(bytes(range(256)) * 40)

    is_one_sentence(aftershock("replay", path), r"options\.csv is not text")


def test_random_bytes_in_gzip(aftershock: Run, tmp_path: Path) -> None:
    path = tmp_path / "options.csv.gz"
    path.write_bytes(gzip.compress(bytes(range(256)) * 40))

    is_one_sentence(aftershock("replay", path), r"options\.csv\.gz is not text")


def test_a_csv_of_something_else(aftershock: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "people.csv", "name,age", ["Ada,36"])

    is_one_sentence(aftershock("replay", path), "no Tardis CSV")


def test_prints_that_could_be_trades_or_liquidations(aftershock: Run, market: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "prints.csv"
    path.write_bytes(market[-1].read_bytes())

    is_one_sentence(aftershock("replay", path), "--trades or --liquidations")


def test_a_file_under_the_flag_of_another_kind(aftershock: Run, market: list[Path]) -> None:
    is_one_sentence(aftershock("replay", "--liquidations", market[0]), "holds options_chain, not liquidations")


def test_an_empty_file_is_no_data_and_no_failure(aftershock: Run, tmp_path: Path) -> None:
    path = tmp_path / "okex-swap_liquidations.csv.gz"
    path.write_bytes(gzip.compress(b""))

    ran = aftershock("replay", path)

    assert ran.code == 0
    assert "the file is empty" in ran.out


def test_no_file_at_all(aftershock: Run) -> None:
    is_one_sentence(aftershock("replay"), "no input: name at least one file")


def test_the_same_file_twice(aftershock: Run, market: list[Path]) -> None:
    is_one_sentence(aftershock("replay", market[0], market[0]), "given twice")


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["--no-such-flag"], "No such option.*replay --help"),
        (["--forward", "guess"], "'guess' is not one of"),
        (["--trigger-bps", "many"], "'many' is not a valid float"),
        (["--trigger-bps", "nan"], r"`trigger\.min_move_bps` \(flag --trigger-bps\)"),
        (["--trigger-bps", "inf"], r"`trigger\.min_move_bps` \(flag --trigger-bps\)"),
        (["--trigger-window", "-5"], r"`trigger\.window_s` \(flag --trigger-window\)"),
        (["--min-spread-bps", "1e9"], r"`min_spread_bps` \(flag --min-spread-bps\)"),
        (["--config", "none.toml"], "can't read the configuration"),
        (["--instruments", "none.json"], r"none\.json"),
    ],
)
def test_a_wrong_flag_or_value(aftershock: Run, market: list[Path], arguments: list[str], pattern: str) -> None:
    is_one_sentence(aftershock("replay", market[0], *arguments), pattern)


def test_a_misspelt_variable(aftershock: Run, market: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERSHOCK_MIN_SPRED_BPS", "5")

    is_one_sentence(aftershock("replay", market[0]), "AFTERSHOCK_MIN_SPRED_BPS.*did you mean")


def test_a_journal_folder_that_holds_something(aftershock: Run, market: list[Path], tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    ran = aftershock("replay", market[0], "--journal", tmp_path)

    assert ran.code == 2
    assert "is not empty" in ran.sentence
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("flag", ["--journal", "--signals", "--report"])
def test_an_output_below_a_file(aftershock: Run, market: list[Path], tmp_path: Path, flag: str) -> None:
    (tmp_path / "file").touch()

    ran = aftershock("replay", market[0], flag, tmp_path / "file" / "out")

    assert ran.code == 2
    assert "can't write" in ran.sentence


def test_a_journal_to_explain_that_is_none(aftershock: Run, tmp_path: Path) -> None:
    is_one_sentence(aftershock("explain", "last", "--journal", tmp_path), "is not a journal")


def test_a_decision_that_is_not_in_the_journal(aftershock: Run, journal: Path) -> None:
    is_one_sentence(aftershock("explain", "nothing", "--journal", journal), "no decision of journal")


def test_a_chain_of_a_file_without_options(aftershock: Run, market: list[Path]) -> None:
    ran = aftershock("chain", market[1])

    assert ran.code == 2
    assert "holds quotes, not options" in ran.sentence


def test_a_moment_that_is_none(aftershock: Run, market: list[Path]) -> None:
    is_one_sentence(aftershock("chain", market[0], "--at", "teatime"), "'teatime' is not a moment")


@pytest.mark.parametrize("value", ["-1", "0", "nan", "inf"])
def test_a_price_that_is_none(aftershock: Run, market: list[Path], value: str) -> None:
    ran = aftershock("chain", market[0], "--price", value)

    assert ran.code == 2
    assert "--price" in ran.sentence


def test_a_command_that_does_not_exist(aftershock: Run) -> None:
    is_one_sentence(aftershock("trade-everything"), "No such command 'trade-everything'")


def test_an_option_file_of_rows_that_are_all_broken(aftershock: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "options.csv", OPTION_HEAD, ["a,b,c", "1,2,3"])

    ran = aftershock("replay", path)

    assert ran.code == 0
    assert "2 rows, 2 dropped" in ran.out
