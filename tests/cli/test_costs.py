"""`aftershock costs`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.app.test_costs import record, recording
from tests.cli.conftest import Run

REPOSITORY = Path(__file__).resolve().parents[2]


def test_providers_stand_side_by_side_at_both_prices(aftershock: Run) -> None:
    ran = aftershock("costs", "--at", "2026-11-27")

    assert (ran.code, ran.err) == (0, "")
    for part in ("holysheep", "gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-flash", "peak hours"):
        assert part in ran.out
    for figure in ("0.00008", "0.00152", "0.00285", "0.00048", "190 tokens of input"):
        assert figure in ran.out
    assert max(map(len, ran.out.splitlines())) < 160


def test_the_documentation_shows_what_the_command_says(aftershock: Run) -> None:
    page = (REPOSITORY / "docs" / "costs.md").read_text(encoding="utf-8")
    shown = page.split("$ aftershock costs --at 2026-11-27\n")[1].split("```")[0]

    assert shown == aftershock("costs", "--at", "2026-11-27").out, "put the command's output into docs/costs.md"


def test_the_document_holds_prompts_offers_claims_and_no_recording(aftershock: Run) -> None:
    document = json.loads(aftershock("costs", "--at", "2026-11-27", "--json").out)

    assert document["schema_version"] == 1
    assert document["recordings"] is None
    assert [prompt["name"] for prompt in document["prompts"]][-1] == "ours"
    assert {offer["table"] for offer in document["offers"]} == {"article", "published"}
    assert all(len(offer["costs"]) == len(document["prompts"]) for offer in document["offers"])
    assert document["article"]["tokens_that_fit_all"] == [190]
    assert document["at"] == "2026-11-27T00:00:00.000000000Z"


def test_on_another_day_other_prices_hold(aftershock: Run) -> None:
    before = aftershock("costs", "--at", "2026-07-01").out

    assert "no longer sold" not in before
    assert "deepseek-flash" not in before


def test_recordings_are_counted_priced_and_their_bad_lines_shown(aftershock: Run, tmp_path: Path) -> None:
    one = recording(tmp_path / "one", record(), b"broken")
    two = recording(tmp_path / "two", record(2, fallback="late?", verdict=None, too_late=True))
    arguments = ["costs", "--recording", one, "--recording", two, "--decisions", "40"]

    text, document = aftershock(*arguments), json.loads(aftershock(*arguments, "--json").out)

    assert text.code == 0
    assert "recordings: 2 files, 3 lines" in text.out
    assert "bad lines left out: 1: the line is no record of a gateway (1)" in text.out
    assert "per 1,000 of 40 decisions" in text.out
    assert "recorded" in text.out
    found = document["recordings"]
    assert found["bad_lines"]["count"] == 1
    assert found["models"][0]["requests"] == 2
    assert found["models"][0]["usd_per_1000_decisions"]["published"] == pytest.approx(0.048)
    assert document["prompts"][-1]["name"] == "recorded"


def test_a_recording_can_t_speak_to_the_terminal(aftershock: Run, tmp_path: Path) -> None:
    hostile = record(provider="p\x1b[2J", model="m\x07", answered_by="x\x1b]0;t", fallback="\x1b[31m")

    ran = aftershock("costs", "--recording", recording(tmp_path / "r", hostile))

    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "\x07" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--decisions", "5"], "--recording"),
        (["--recording", "missing"], "can't read the recording"),
        (["--prices", "missing"], "can't read the prices"),
        (["--decisions", "0", "--recording", "x"], "0"),
        (["--at", "yesterday"], "yesterday"),
    ],
)
def test_wrong_use_is_one_sentence(aftershock: Run, arguments: list[str], says: str) -> None:
    ran = aftershock("costs", *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert says in ran.sentence
