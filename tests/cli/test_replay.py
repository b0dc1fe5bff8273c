"""`aftershock replay` as its user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.app.market import OPTION_HEAD, PRINT_HEAD, STALLED, START_US, options, write, write_instrument
from tests.cli.conftest import Run


def test_text_names_what_opened_what_was_decided_and_why(aftershock: Run, market: list[Path]) -> None:
    ran = aftershock("replay", *market)

    assert ran.code == 0
    assert "triggers  2 (price_move 1, cascade 1)" in ran.out
    assert "BUY 1, SELL 0, HOLD 2" in ran.out
    assert STALLED in ran.out
    assert "not_evaluable" in ran.out


def test_what_was_inferred_is_said_on_stderr_and_kept_in_the_document(aftershock: Run, market: list[Path]) -> None:
    ran = aftershock("replay", *market, "--json")
    document = json.loads(ran.out)

    assert "options feed: poll (inferred" in ran.err
    assert document["options_feed"] == "poll"
    assert document["settings"]["options_feed"]["source"].startswith("inferred")
    assert document["settings"]["liquidation_venues"]["value"] == 1


def test_a_flag_is_believed_and_named_as_the_source(aftershock: Run, market: list[Path]) -> None:
    settings = json.loads(
        aftershock("replay", *market, "--json", "--options-feed", "stream", "--trigger-window", "45").out
    )["settings"]

    assert settings["options_feed"] == {"value": "stream", "source": "flag --options-feed"}
    assert settings["trigger.window_s"] == {"value": 45.0, "source": "flag --trigger-window"}


def test_settings_come_from_a_file_too(aftershock: Run, market: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("threshold_buy_bps = 30.0\n", encoding="utf-8")

    document = json.loads(aftershock("replay", *market, "--json", "--config", file).out)

    assert document["decisions"] == {"BUY": 0, "SELL": 0, "HOLD": 2}
    assert document["hold_reasons"]["below_min_spread"] == 1


def test_files_can_be_given_by_kind(aftershock: Run, market: list[Path]) -> None:
    options_file, *quotes, ticker, liquidations = market
    arguments = ["--options", options_file, "--tickers", ticker, "--liquidations", liquidations]
    for file in quotes:
        arguments += ["--quotes", file]

    assert json.loads(aftershock("replay", *arguments, "--json").out)["decisions"]["BUY"] == 1


def test_only_the_armed_trigger_opens(aftershock: Run, market: list[Path]) -> None:
    document = json.loads(aftershock("replay", *market, "--json", "--trigger", "price-move").out)

    assert document["triggers"]["by_kind"] == {"price_move": 1}


def test_signals_come_as_json_lines_on_stdout_and_the_report_goes_to_stderr(
    aftershock: Run, market: list[Path]
) -> None:
    ran = aftershock("replay", *market, "--signals", "-")

    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["action"] for line in lines] == ["BUY", "HOLD", "HOLD"]
    assert "triggers  2" in ran.err


def test_signals_come_as_json_lines_in_a_file(aftershock: Run, market: list[Path], tmp_path: Path) -> None:
    ran = aftershock("replay", *market, "--signals", tmp_path / "signals.jsonl", "--json")

    lines = (tmp_path / "signals.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == json.loads(ran.out)["signals"]


def test_signals_and_a_document_can_not_share_stdout(aftershock: Run, market: list[Path]) -> None:
    ran = aftershock("replay", *market, "--signals", "-", "--json")

    assert (ran.code, ran.out) == (2, "")
    assert "both want stdout" in ran.sentence


def test_a_page_is_written_on_demand(aftershock: Run, market: list[Path], tmp_path: Path) -> None:
    assert aftershock("replay", *market, "--report", tmp_path / "page.html").code == 0

    assert STALLED in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_dropped_rows_are_shown_and_fail_only_when_strict(aftershock: Run, tmp_path: Path) -> None:
    rows = list(options())[:300]
    rows[7] = rows[7].replace(",20,", ",twenty,", 1)
    rows[9] = rows[9].replace("deribit,", ",", 1)
    path = write(tmp_path / "options.csv", OPTION_HEAD, rows)

    lax, strict = aftershock("replay", path, "--json"), aftershock("replay", path, "--strict")

    dropped = json.loads(lax.out)["rows_dropped"]
    assert (lax.code, strict.code) == (0, 1)
    assert dropped["total"] == 2
    assert [example["line"] for example in dropped["examples"]] == [9, 11]
    assert "2 dropped" in strict.out
    assert "line 9, not_a_number" in strict.out


def test_a_truncated_file_gives_what_was_read_and_exit_1(aftershock: Run, market: list[Path], tmp_path: Path) -> None:
    whole = market[0].read_bytes()
    cut = tmp_path / "cut_options_chain.csv.gz"
    cut.write_bytes(whole[: len(whole) // 2])

    ran = aftershock("replay", cut, "--json")

    document = json.loads(ran.out)
    assert ran.code == 1
    assert document["incomplete"] is True
    assert "cut short" in document["incomplete_because"][0]
    assert 0 < document["rows"]["total"] < 2_700


def test_a_journal_is_written_and_verified_in_one_go(aftershock: Run, market: list[Path], tmp_path: Path) -> None:
    ran = aftershock("replay", *market, "--journal", tmp_path / "j", "--verify", "--json")

    verified = json.loads(ran.out)["verify"]
    assert ran.code == 0
    assert (verified["held"], verified["same_numerics"]) == ("identical", True)


def test_a_journal_is_verified_later(aftershock: Run, journal: Path) -> None:
    text = aftershock("replay", "--from-journal", journal, "--verify")
    document = aftershock("replay", "--from-journal", journal, "--verify", "--json")

    assert (text.code, document.code) == (0, 0)
    assert "9 outputs reproduce byte for byte" in text.out
    assert json.loads(document.out)["verify"]["held"] == "identical"


def test_a_journal_that_does_not_reproduce_is_exit_1_and_one_sentence(aftershock: Run, journal: Path) -> None:
    path = journal / "outputs-000001.seg"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(bytes(content))

    ran = aftershock("replay", "--from-journal", journal, "--verify")

    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.strip().splitlines()) == 1
    assert "outputs-000001.seg" in ran.sentence


def test_a_journals_inputs_can_be_replayed_for_a_report(aftershock: Run, journal: Path) -> None:
    document = json.loads(aftershock("replay", "--from-journal", journal, "--json").out)

    assert document["decisions"]["BUY"] == 1
    assert document["settings"]["order_coins"]["source"] == f"journal {journal}"


@pytest.mark.parametrize(
    "arguments", [["--forward", "parity"], ["--journal", "x"], ["--trades", "x.csv"], ["--min-spread-bps", "1"]]
)
def test_a_journal_brings_its_own_settings_and_inputs(aftershock: Run, journal: Path, arguments: list[str]) -> None:
    ran = aftershock("replay", "--from-journal", journal, *arguments)

    assert ran.code == 2
    assert "leave out" in ran.sentence


def test_verifying_needs_a_journal(aftershock: Run, market: list[Path]) -> None:
    ran = aftershock("replay", *market, "--verify")

    assert ran.code == 2
    assert "--verify needs a journal" in ran.sentence


def test_given_instruments_give_unknown_contracts_a_size(aftershock: Run, market: list[Path], tmp_path: Path) -> None:
    file = write_instrument(tmp_path, multiplier=10_000_000)

    totals = json.loads(aftershock("replay", *market, "--json", "--instruments", file).out)["liquidations"]

    assert totals["PEPE"]["usd"] == pytest.approx(700 * 10_000_000 * 0.00001)


def test_an_unknown_exchange_or_symbol_is_counted_by_name(aftershock: Run, tmp_path: Path) -> None:
    rows = [f"moon-exchange,DOGE-PERP,{START_US},{START_US + 9},,sell,1,5"]
    path = write(tmp_path / "liquidations.csv", PRINT_HEAD, rows)

    document = json.loads(aftershock("replay", path, "--json").out)

    assert document["unknown_instruments"] == {"DOGE-PERP.moon-exchange": 1}
    assert document["decisions"] == {"BUY": 0, "SELL": 0, "HOLD": 0}
