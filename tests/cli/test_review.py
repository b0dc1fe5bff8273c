"""Second opinions as a user meets them: without a key, on the demonstration, and what a wrong setting says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftershock.review.record import ReviewRecord
from aftershock.review.recording import read_records
from tests.cli.conftest import Run
from tests.cli.test_run import _market  # noqa: F401 - a fixture

pytestmark = [pytest.mark.slow, pytest.mark.sockets, pytest.mark.subprocess]

KEYS = ("HOLYSHEEP_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY",
        "DEEPSEEK_API_KEY")  # fmt: skip
SEED = 45


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize("mode", ["shadow", "veto", "gate"])
def test_without_a_key_nothing_breaks_and_the_reason_is_shown(aftershock: Run, mode: str) -> None:
    ran = aftershock("run", "--review", mode, "--json")

    document = json.loads(ran.out)
    assert ran.code == 0
    assert document["review"]["mode"] == mode
    assert "HOLYSHEEP_API_KEY is not set" in document["review"]["why_off"]
    assert document["review"]["by_fallback"] == {"no_key": document["review"]["requests"]}
    orders = sum(document["decisions"][side] for side in ("BUY", "SELL"))
    assert (orders == 0) is (mode == "gate"), "without an answer a veto acts on the rules and a gate refuses"
    assert (document["hold_reasons"].get("model_unsure", 0) > 0) is (mode == "gate")


@pytest.mark.usefixtures("market")
def test_a_run_without_a_review_says_nothing_of_one(aftershock: Run) -> None:
    assert "review" not in aftershock("run").out


def test_the_demonstration_asks_the_stand_in_and_says_what_it_is(aftershock: Run, tmp_path: Path) -> None:
    ran = aftershock("demo", "--seed", SEED, "--seconds", 9, "--review", "shadow", "--out", tmp_path / "demo")

    assert ran.code == 0
    assert "review    shadow: " in ran.out
    assert "no evidence of what a model is worth" in ran.out
    assert "calls cost $0.0" in ran.out
    assert aftershock("replay", "--from-journal", tmp_path / "demo" / "journal", "--verify").code == 0


def test_orders_wait_for_the_stand_in_and_a_replay_needs_no_call(
    aftershock: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = tmp_path / "reviews.jsonl"
    monkeypatch.setenv("AFTERSHOCK_GATEWAY__RECORDING", str(recording))
    monkeypatch.setenv("AFTERSHOCK_REVIEW__DEADLINE_MS", "2000")
    ran = aftershock("demo", "--seed", SEED, "--seconds", 9, "--review", "gate", "--out", tmp_path / "demo", "--json")

    review = json.loads(ran.out)["review"]
    assert review["requests"] >= 1
    assert review["answers"] >= 1
    assert review["held"] >= 1
    assert review["cost_usd"] > 0
    assert review["latency_ns"]["p50"] > 50_000_000
    records = [record for record in read_records(recording) if isinstance(record, ReviewRecord)]
    asked = [record for record in records if not record.trigger_id.startswith("canary")]
    assert len(asked) == review["requests"]
    assert all(record.fingerprint == "stand-in" for record in records)
    assert aftershock("replay", "--from-journal", tmp_path / "demo" / "journal", "--verify").code == 0


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("AFTERSHOCK_GATEWAY__PROVIDERS", "nobody", "nobody is none of"),
        ("AFTERSHOCK_GATEWAY__QUEUE", "0", "gateway.queue"),
        ("AFTERSHOCK_GATEWAY__USD_PER_DAY", "nan", "gateway.usd_per_day"),
        ("AFTERSHOCK_GATEWAY__API_KEY", "sk-x", "is not a setting"),
        ("AFTERSHOCK_REVIEW__MODE", "always", "review.mode"),
        ("AFTERSHOCK_REVIEW__MIN_PROBABILITY", "1.5", "review.min_probability"),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    aftershock: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    ran = aftershock("run", "--seconds", "1")

    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err


def test_an_address_that_would_show_the_key_on_the_way_is_refused(
    aftershock: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "cr_secret")
    monkeypatch.setenv("AFTERSHOCK_HOLYSHEEP_URL", "http://api.example.com/v1")
    ran = aftershock("run", "--review", "shadow", "--seconds", "1")

    assert ran.code == 2
    assert "use https" in ran.err
    assert "cr_secret" not in ran.err
