"""`aftershock study`: what recorded history flags, and how much of it the next quote leaves."""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any, TypeVar

import pytest

from aftershock.model.units import iso_utc
from tests.cli.conftest import Run

T = TypeVar("T")


def test_a_study_of_a_tiny_market_counts_its_one_order(aftershock: Run, market: list[Path]) -> None:
    ran = aftershock("study", *market, "--json")

    found = json.loads(ran.out)
    assert (ran.code, found["schema_version"], found["section"]) == (0, 1, "flags")
    assert found["decisions"]["BUY"] == found["flags"]["signal"]["flags"] == 1
    assert found["flags"]["signal"]["by_kind"]["stale_quote"]["survived"] == 1
    assert all(refusal["meaning"] for refusal in found["refusals"])
    assert "NaN" not in ran.out


def test_the_report_says_what_was_flagged_and_explains_each_refusal(aftershock: Run, market: list[Path]) -> None:
    ran = aftershock("study", *market)

    assert ran.code == 0
    assert "stale_quote" in ran.out
    assert "1 of 1" in ran.out
    assert "no rate per hour is given" in ran.out
    assert "an option of it" in ran.out or "before costs" in ran.out


def test_files_without_options_are_refused_in_one_sentence(aftershock: Run, market: list[Path]) -> None:
    ran = aftershock("study", market[-1])

    assert (ran.code, ran.out) == (2, "")
    assert ran.sentence.startswith("aftershock: no option quote in ")
    assert ran.sentence.endswith("a study of flags needs an options chain among its files")


def test_no_file_at_all_is_refused(aftershock: Run) -> None:
    ran = aftershock("study")

    assert (ran.code, ran.out) == (2, "")
    assert "no input" in ran.sentence


# --- the recorded days that docs/evaluation.md speaks of ----------------------------------------------------------


@pytest.mark.slow
def test_a_calm_recorded_day_flags_twelve_parities_and_nothing_after_costs(aftershock: Run, shared_data: Path) -> None:
    path = shared_data / "tardis" / "deribit_options_chain_2023-04-13_OPTIONS.csv.gz"
    ran = aftershock("study", path, "--trigger", "price-move", "--json")

    found = json.loads(ran.out)
    gross, net = found["flags"]["gross"], found["flags"]["net"]
    assert found["hours"]["covered"] == pytest.approx(22.99, abs=0.01)
    assert (gross["flags"], gross["followed"], gross["survived"]) == (12, 12, 2)
    assert gross["by_kind"]["parity"]["flags"] == 12
    assert gross["per_hour"] == pytest.approx(0.522, abs=0.001)
    # Wilson's interval of 2 in 12, from its published formula.
    assert (gross["share"]["low"], gross["share"]["high"]) == pytest.approx((0.0470, 0.4480), abs=0.0005)
    assert 290 < gross["median_wait_s"] < 310
    assert net["flags"] == found["flags"]["signal"]["flags"] == 0
    assert found["decisions"] == {"BUY": 0, "SELL": 0, "HOLD": 0}
    refused = {(each["of"], each["reason"]): each["count"] for each in found["refusals"]}
    assert refused["gross edge", "no_executable_forward"] == 14
    assert list(refused) == [
        ("gross edge", "no_executable_forward"),
        ("test", "desync"),
        ("test", "unquoted"),
        ("trigger", "price_move"),
    ]
    assert_parities_are_those_of_the_file(path, found["list"])


def assert_parities_are_those_of_the_file(path: Path, flags: list[dict[str, Any]]) -> None:
    """Recompute each flag from the file's own cells: c - p against 1 - K/F when it was seen and at the next quotes."""
    wanted = {leg.split()[-1].rsplit("-", 2)[0] for flag in flags for leg in flag["legs"]}
    quotes: dict[str, list[tuple[int, dict[str, str]]]] = defaultdict(list)
    marks: dict[str, list[tuple[int, float]]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            expiry = row["symbol"].rsplit("-", 2)[0]
            if expiry in wanted:
                quotes[row["symbol"]].append((int(row["local_timestamp"]), row))
                marks[expiry].append((int(row["local_timestamp"]), float(row["underlying_price"])))
    for flag in flags:
        call, put = (leg.split()[-1] for leg in flag["legs"])
        for when, figure in ((flag["ts_init"], "gross_bps"), (flag["next_ts"], "next_gross_bps")):
            at = int(when) // 1_000
            c, p = (last(quotes[symbol], at) for symbol in (call, put))
            bound = 1 - float(c["strike_price"]) / last(marks[call.rsplit("-", 2)[0]], at)
            if flag["action"] == "BUY":
                edge = bound - float(c["ask_price"]) + float(p["bid_price"])
            else:
                edge = float(c["bid_price"]) - float(p["ask_price"]) - bound
            assert flag[figure] == pytest.approx(1e4 * edge, abs=1e-6), (iso_utc(int(when)), call)


def last(seen: list[tuple[int, T]], at: int) -> T:
    """Return what was seen last up to a moment."""
    return [value for then, value in seen if then <= at][-1]


@pytest.mark.slow
def test_three_snapshots_and_a_day_of_liquidations_flag_one_butterfly_that_fees_take(
    aftershock: Run, shared_data: Path
) -> None:
    ran = aftershock("study", *sorted((shared_data / "tardis").glob("*2026-03-04*")), "--json")

    found = json.loads(ran.out)
    assert (found["moments"], found["option_rows"]) == (3, 5_552)
    assert [flag["kind"] for flag in found["list"]] == ["butterfly"]
    assert found["flags"]["gross"]["followed"] == found["flags"]["net"]["flags"] == 0
    assert found["flags"]["gross"]["per_hour"] is None
    refused = {each["reason"]: each["count"] for each in found["refusals"]}
    assert (refused["no_chain"], refused["stale_data"], refused["fees"]) == (125, 54, 2)
