"""The recorded days that the documents speak of, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

pytestmark = pytest.mark.slow


@pytest.fixture(name="april")
def _april(shared_data: Path) -> Path:
    return shared_data / "tardis" / "deribit_options_chain_2023-04-13_OPTIONS.csv.gz"


@pytest.fixture(name="march")
def _march(shared_data: Path) -> list[Path]:
    return sorted((shared_data / "tardis").glob("*2026-03-04*"))


def document(run: Run, *arguments: object) -> dict[str, Any]:
    ran = run("replay", *arguments, "--json")
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_a_day_of_polled_chains_holds_no_package_that_pays_its_fees(aftershock: Run, april: Path) -> None:
    found = document(aftershock, april, "--trigger", "price-move")

    packages = found["packages"]
    assert found["rows"]["total"] == 192_998
    assert (found["options_feed"], found["clocks"], found["forward"]) == ("poll", "one", "underlying")
    assert 155_000 < packages["parity"]["checked"] < 165_000
    assert packages["vertical"]["checked"] >= 700_000
    assert packages["box"]["checked"] >= 200_000
    assert packages["butterfly"]["checked"] >= 700_000
    assert list(packages) == ["parity", "vertical", "butterfly", "box", "calendar", "cross_venue"]
    assert [counts["net"] for counts in packages.values()] == [0] * 6
    assert found["alarms"]["count"] == 0
    assert packages["parity"]["no_executable_forward"] == packages["parity"]["gross"] > 0


def test_a_day_of_polled_chains_opens_no_trigger_of_thirty_seconds_and_says_why(aftershock: Run, april: Path) -> None:
    found = document(aftershock, april, "--trigger", "price-move")

    assert found["triggers"]["count"] == 0
    assert found["not_evaluable"]["price_move"] > 100_000


def test_from_pass_to_pass_four_moves_of_one_expiry_are_judged_and_reproduce(
    aftershock: Run, april: Path, tmp_path: Path
) -> None:
    arguments = ["--trigger", "price-move", "--trigger-window", "330", "--trigger-bps", "30"]
    found = document(aftershock, april, *arguments, "--journal", tmp_path / "journal", "--verify")

    moves = [
        trigger["features"]["move_bps"]
        for trigger in found["triggers"]["list"]
        if trigger["series"].startswith("BTC-28APR23")
    ]
    assert [round(abs(move)) for move in moves] == [35, 47, 34, 42]
    assert found["decisions"]["BUY"] == found["decisions"]["SELL"] == 0
    assert found["decisions"]["HOLD"] > 0
    assert found["verify"]["held"] == "identical"


def test_liquidations_of_bankruptcy_prices_give_degraded_cascades_only(aftershock: Run, march: list[Path]) -> None:
    found = document(aftershock, *march)

    usd = {asset: totals["usd"] / 1e6 for asset, totals in found["liquidations"].items()}
    assert usd == pytest.approx({"BTC": 3.27, "ETH": 2.47, "SOL": 3.44, "DOGE": 4.57, "HYPE": 0.26}, abs=0.006)
    assert found["degraded"]["count"] == found["triggers"]["count"] > 100
    assert found["decisions"]["BUY"] == found["decisions"]["SELL"] == 0
    assert found["decisions"]["HOLD"] == found["triggers"]["count"]
    also = {reason for signal in found["signals"] for reason in [signal["reason"], *signal["also"]]}
    assert {"no_chain", "stale_data", "no_forward", "no_size", "not_evaluable"} <= also


def test_the_chain_of_a_recorded_day_is_shown(aftershock: Run, april: Path) -> None:
    ran = aftershock("chain", april, "--at", "2023-04-13T12:00:00Z", "--expiry", "28APR23", "--json")

    chain = json.loads(ran.out)
    at_the_money = next(line for line in chain["strikes"] if line["strike"] == 30_000)
    assert 0.49 < at_the_money["call"]["bid_iv"] < at_the_money["call"]["ask_iv"] < 0.53
    assert chain["alignment"]["call"]["atm_strike"] == 30_000
