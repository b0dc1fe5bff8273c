"""The demonstration and the benchmark run through, and say what they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow


def test_the_demonstration_buys_sells_and_mostly_holds_and_says_that_it_is_made_up(
    aftershock: Run, tmp_path: Path
) -> None:
    ran = aftershock("demo", "--out", tmp_path / "demo")

    assert ran.code == 0
    assert "SYNTHETIC" in ran.out.splitlines()[1]
    for part in ("BUY ", "SELL ", "why HOLD", "liquidation cascade", "= net edge", "aligned to"):
        assert part in ran.out
    assert aftershock("replay", "--from-journal", tmp_path / "demo" / "journal", "--verify").code == 0
    assert aftershock("demo", "--out", tmp_path / "demo").code == 2


def test_the_demonstration_as_a_document_has_every_kind_of_decision(aftershock: Run) -> None:
    document = json.loads(aftershock("demo", "--json").out)

    assert document["synthetic"] is True
    assert all(document["decisions"][action] > 0 for action in ("BUY", "SELL", "HOLD"))
    assert len(document["hold_reasons"]) >= 3
    assert document["chain"]["strikes"]


def test_the_benchmark_gives_each_figure_beside_a_baseline(aftershock: Run) -> None:
    document = json.loads(aftershock("bench", "--steps", "20", "--json").out)

    found = {item["name"]: item for item in document["measurements"]}
    assert {item["unit"] for item in found.values()} == {"ns", "rows/s"}
    assert all(item["ratio"] > 0 and item["baseline"] and item["count"] > 0 for item in found.values())
    assert document["environment"]["numerics"]
