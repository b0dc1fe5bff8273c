"""The demonstration is the live system on the sandbox; the benchmark runs through; both say what they are."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from aftershock.journal import JournalReader
from tests.cli.conftest import Run

pytestmark = pytest.mark.slow

HIDDEN = "the hidden truth: the engine never saw any of this"
SEED = 45  # both buys and sells within eight seconds


@pytest.mark.sockets
@pytest.mark.subprocess
def test_the_demonstration_is_a_live_run_whose_best_decision_is_told_to_the_truth(
    aftershock: Run, tmp_path: Path
) -> None:
    ran = aftershock("demo", "--seed", SEED, "--seconds", 9, "--out", tmp_path / "demo")

    assert ran.code == 0
    assert "SIMULATED" in ran.out.splitlines()[1]
    parts = (
        "events",
        "0 lost; 0 gaps, 0 reconnects",
        "decisions BUY",
        "socket to queue",
        "what opened the trigger",
        "move_bps",
        "aligned",
        "USD per coin, its robust value",
        "= net edge",
        "approved for paper",
        HIDDEN,
        "truly worth",
        "paper orders",
    )
    places = [ran.out.index(part) for part in parts]
    assert places == sorted(places)
    assert aftershock("replay", "--from-journal", tmp_path / "demo" / "journal", "--verify").code == 0
    assert aftershock("demo", "--out", tmp_path / "demo").code == 2
    assert "TRUTH" not in repr(JournalReader(tmp_path / "demo" / "journal").head)


@pytest.mark.sockets
@pytest.mark.subprocess
def test_the_document_has_the_names_of_a_live_run_and_the_truth_about_its_orders(
    aftershock: Run, tmp_path: Path
) -> None:
    ran = aftershock("demo", "--seed", SEED, "--seconds", 9, "--json", "--signals", tmp_path / "signals")

    document = json.loads(ran.out)
    assert document["synthetic"] is True
    assert all(document["decisions"][action] > 0 for action in ("BUY", "SELL", "HOLD"))
    assert len(document["hold_reasons"]) >= 3
    names = ("events_in", "events_lost", "gaps", "reconnects", "review", "latency_ns", "paper", "packages")
    assert set(names) <= set(document)
    stages = document["latency_ns"]["stages"]
    assert all(stages[stage]["p50"] > 0 for stage in ("receive", "queue", "process", "total"))
    assert len((tmp_path / "signals").read_text().splitlines()) >= sum(document["decisions"].values())
    truth, signal_ = document["truth"], document["best"]["signal"]
    (leg,), (quote,) = signal_["legs"], truth["legs"]
    assert (quote["symbol"], quote["price"]) == (leg["symbol"], leg["price"])
    _is_a_path(quote, signal_["action"])
    entries = [order["intent"] for order in document["orders"]["approved"] if order["intent"]["purpose"] == "entry"]
    drawn = [each for each in entries if all(leg["venue"] != "backpack" for leg in each["legs"])]
    assert [paper["orders"] for paper in truth["paper"]] == [len(drawn)] * 2
    assert truth["unjudged"] == len(entries) - len(drawn)
    assert [paper["latency_ms"] for paper in truth["paper"]] == [20.0, 100.0]
    assert all(paper["profitable"] <= paper["filled"] <= paper["orders"] for paper in truth["paper"])


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


@pytest.mark.subprocess
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demonstration_that_is_stopped_reports_what_there_was_and_leaves_no_process(
    number: signal.Signals, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "aftershock", "demo", "--out", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if "serving a SIMULATED market" in line:
                break
        while not (tmp_path / "demo" / "journal").is_dir():
            assert child.poll() is None
        child.send_signal(number)
        out, _ = child.communicate(timeout=20)
        left = subprocess.run(["pgrep", "-f", f"sandbox .*--parent {child.pid}"], check=False)
    assert child.returncode == 128 + number
    assert "INTERRUPTED" in out
    assert left.returncode == 1


@pytest.mark.subprocess
def test_the_sandbox_ends_with_a_demonstration_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aftershock", "demo", "--out", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if "serving a SIMULATED market" in line:
                break
        child.kill()
        child.wait()
    for _ in range(100):
        left = subprocess.run(["pgrep", "-f", f"sandbox .*--parent {child.pid}"], check=False)
        if left.returncode == 1:
            return
        time.sleep(0.1)
    pytest.fail("the sandbox outlived the demonstration")


def test_the_benchmark_gives_each_figure_beside_a_baseline(aftershock: Run) -> None:
    document = json.loads(aftershock("bench", "--steps", "20", "--json").out)

    found = {item["name"]: item for item in document["measurements"]}
    assert {item["unit"] for item in found.values()} == {"ns", "rows/s"}
    assert all(item["ratio"] > 0 and item["baseline"] and item["count"] > 0 for item in found.values())
    assert document["environment"]["numerics"]
