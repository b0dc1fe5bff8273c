"""The demonstration and the benchmark run through, and say what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aftershock.journal import JournalReader
from tests.cli.conftest import Run

pytestmark = pytest.mark.slow

HIDDEN = "the hidden truth: the engine never saw any of this"


def test_the_demonstration_tells_one_decision_from_trigger_to_truth(aftershock: Run, tmp_path: Path) -> None:
    ran = aftershock("demo", "--out", tmp_path / "demo")

    assert ran.code == 0
    assert "SYNTHETIC" in ran.out.splitlines()[1]
    parts = (
        "decisions BUY",
        "what opened it",
        "move_bps",
        "aligned to",
        "its robust value",
        "= net edge",
        "approved for paper",
        "the HOLDs within",
        HIDDEN,
        "truly worth",
        "paper orders",
    )
    places = [ran.out.index(part) for part in parts]
    assert places == sorted(places)
    assert aftershock("replay", "--from-journal", tmp_path / "demo" / "journal", "--verify").code == 0
    assert aftershock("demo", "--out", tmp_path / "demo").code == 2


def test_the_document_holds_the_truth_about_the_orders_of_the_replay(aftershock: Run, tmp_path: Path) -> None:
    document = json.loads(aftershock("demo", "--json", "--out", tmp_path / "demo").out)

    assert document["synthetic"] is True
    assert all(document["decisions"][action] > 0 for action in ("BUY", "SELL", "HOLD"))
    assert len(document["hold_reasons"]) >= 3
    assert document["chain"]["strikes"]
    truth, signal = document["truth"], document["best"]["signal"]
    (leg,), (quote,) = signal["legs"], truth["legs"]
    assert (quote["symbol"], quote["price"]) == (leg["symbol"], leg["price"])
    _is_a_path(quote, signal["action"])
    entries = [order for order in document["orders"]["approved"] if order["intent"]["purpose"] == "entry"]
    assert [paper["orders"] for paper in truth["paper"]] == [len(entries)] * 2
    assert [paper["latency_ms"] for paper in truth["paper"]] == [20.0, 100.0]
    assert all(paper["profitable"] <= paper["filled"] <= paper["orders"] for paper in truth["paper"])
    _is_told_by_no_input(tmp_path / "demo")


def _is_a_path(quote: dict[str, Any], action: str) -> None:
    """Check the path of an edge against what it is made of: without its costs it is value less price, signed."""
    sign = 1.0 if action == "BUY" else -1.0
    path = quote["path"]
    assert [step["at_ms"] for step in path] == sorted(step["at_ms"] for step in path)
    assert any("decides" in step["what"] for step in path)
    assert quote["edge_bps"] < sign * (quote["value_usd"] - quote["price_usd"]) / 90_000 * 1e4 * 1.1
    for step in path:
        if step["edge_bps"] is not None and step["edge_bps"] > 0:
            assert sign * (step["value"] - step["price"]) > 0


def _is_told_by_no_input(folder: Path) -> None:
    """The journal names every file that the engine read."""
    head = JournalReader(folder / "journal").head
    assert "TRUTH" not in repr(head)
    assert (folder / "data" / "TRUTH.jsonl").is_file()


def test_another_seed_shows_what_it_shows(aftershock: Run) -> None:
    """The shock of seed 7 is 22 bps: nothing pays, and that is said."""
    ran = aftershock("demo", "--seed", 7)

    assert ran.code == 0
    assert "decisions BUY 0, SELL 0" in ran.out
    assert "paper orders: the replay sent none" in ran.out


def test_the_benchmark_gives_each_figure_beside_a_baseline(aftershock: Run) -> None:
    document = json.loads(aftershock("bench", "--steps", "20", "--json").out)

    found = {item["name"]: item for item in document["measurements"]}
    assert {item["unit"] for item in found.values()} == {"ns", "rows/s"}
    assert all(item["ratio"] > 0 and item["baseline"] and item["count"] > 0 for item in found.values())
    assert document["environment"]["numerics"]
