"""The other commands, and what all share: help, version, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import aftershock.cli.replay_command
from aftershock.cli.root import root
from tests.app.market import MOVE_AT_S, STALLED, START_US
from tests.cli.conftest import Run

AFTER_NS = (START_US + (MOVE_AT_S + 5) * 1_000_000) * 1_000


@pytest.mark.parametrize("name", sorted(root.commands))
def test_help_of_each_command_has_examples(aftershock: Run, name: str) -> None:
    ran = aftershock(name, "--help")

    assert ran.code == 0
    assert "Examples:" in ran.out
    assert f"aftershock {name}" in ran.out


def test_the_version_is_printed(aftershock: Run) -> None:
    ran = aftershock("--version")

    assert ran.code == 0
    assert ran.out.startswith("aftershock ")


def test_without_a_command_the_help_is_shown_and_nothing_is_done(aftershock: Run) -> None:
    ran = aftershock()

    assert (ran.code, ran.out) == (2, "")
    assert "Usage: aftershock" in ran.err


def test_a_decision_is_explained_in_text_and_as_a_document(aftershock: Run, journal: Path) -> None:
    text, document = (
        aftershock("explain", "best", "--journal", journal),
        aftershock("explain", "best", "--journal", journal, "--json"),
    )

    assert (text.code, document.code) == (0, 0)
    for part in ("BUY  BTC", STALLED, "robust value", "= net edge", "threshold", "approved for paper"):
        assert part in text.out
    assert "do not add up" not in text.out
    assert json.loads(document.out)["signal"]["action"] == "BUY"


def test_a_hold_is_explained_without_a_price(aftershock: Run, journal: Path) -> None:
    ran = aftershock("explain", "cascade", "--journal", journal)

    assert "HOLD  BTC" in ran.out
    assert "nothing could be priced" in ran.out
    assert "not evaluable: hour_of_week, history" in ran.out


def test_the_chain_is_shown_in_text_and_as_a_document(aftershock: Run, market: list[Path]) -> None:
    arguments = ["chain", market[0], "--at", AFTER_NS, "--expiry", "9OCT26", "--asset", "BTC"]
    text, document = aftershock(*arguments), aftershock(*arguments, "--json")

    assert (text.code, document.code) == (0, 0)
    assert "BTC 9OCT26 on deribit at 2026-10-01T09:01:05.000Z" in text.out
    assert "90,000  *" in text.out
    strikes = json.loads(document.out)["strikes"]
    assert [line["strike"] for line in strikes][4] == 90_000.0
    assert strikes[4]["call"]["symbol"] == STALLED


def test_the_chain_is_aligned_to_a_price(aftershock: Run, market: list[Path]) -> None:
    document = json.loads(aftershock("chain", market[0], "--price", "97400", "--json").out)

    assert document["alignment"]["call"]["atm_strike"] == 97_500.0


def test_the_doctor_lists_what_was_changed_and_what_is_not_there(
    aftershock: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERSHOCK_ORDER_COINS", "2.5")

    text, document = aftershock("doctor"), aftershock("doctor", "--json")

    assert text.code == 0
    assert "environment AFTERSHOCK_ORDER_COINS" in text.out
    assert "ftx-restart" in text.out
    assert json.loads(document.out)["healthy"] is True


def test_the_doctor_fails_where_a_check_fails(aftershock: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert aftershock("doctor", "--journal", tmp_path / "file").code == 1


def test_an_internal_fault_keeps_its_traceback_in_a_file_and_says_where(
    aftershock: Run, market: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("planted\nsecond line")

    monkeypatch.setattr(aftershock_replay_command(), "replay_files", fail)

    ran = aftershock("replay", *market)

    assert ran.code == 70
    assert len(ran.err.strip().splitlines()) == 1
    assert "ZeroDivisionError: planted;" in ran.sentence
    path = Path(ran.sentence.rsplit("traceback is in ", 1)[1].split(":", 1)[0])
    assert "planted" in path.read_text(encoding="utf-8")


def aftershock_replay_command() -> object:
    return aftershock.cli.replay_command


def test_ctrl_c_outside_a_run_is_130_and_no_traceback(
    aftershock: Run, market: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(aftershock_replay_command(), "replay_files", interrupt)

    ran = aftershock("replay", *market)

    assert (ran.code, ran.sentence) == (130, "aftershock: interrupted")
