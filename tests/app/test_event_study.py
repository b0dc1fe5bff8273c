"""Flags of a replay: counted once for as long as they last, and looked at again at the next quotes of their options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from aftershock.app.event_study import EventStudy, event_study
from aftershock.app.flags import Flag
from aftershock.app.inputs import Given
from aftershock.app.outcome import effect_document
from aftershock.app.replay import ReplayOptions, Watch, replay
from aftershock.app.settings import choose
from aftershock.app.words import CONDITIONS, REASONS
from aftershock.core.config import TriggerConfig
from aftershock.core.triggers import assess_cascade
from aftershock.core.window import LiquidationWindow
from aftershock.model.signals import Reason
from tests.app.market import OPTION_HEAD, write

SECOND = 1_000_000
START = 1_681_344_000 * SECOND  # 2023-04-13 00:00 UTC, where the venue's fees are known
EXPIRY = 1_682_668_800 * SECOND
LOW, HIGH = 29_000, 30_000
POLL = {"options_feed": "poll", "trigger.armed": ["price-move"]}

Row = tuple[float, int, float, float]
"""Seconds, strike, bid, ask."""

# The lower call is offered 11 bps of a coin below what the higher one is bid at. Two fees of 3 bps and the delivery of
# two legs at 1.5 bps leave 2 bps.
CHEAP, DEAR = (LOW, 0.0495, 0.0500), (HIGH, 0.0511, 0.0516)
FALLEN = (HIGH, 0.0480, 0.0490)


def row(at: float, strike: int, bid: float, ask: float, kind: str = "C", underlying: float = 30_000.0) -> str:
    ts = START + round(at * SECOND)
    word = "call" if kind == "C" else "put"
    return (
        f"deribit,BTC-28APR23-{strike}-{kind},{ts},{ts},{word},{strike},{EXPIRY},1,,{bid},5,,{ask},5,,,50,"
        f"BTC-28APR23,{underlying},,,,,"
    )


def options_of(folder: Path, rows: Sequence[str]) -> ReplayOptions:
    path = write(folder / "deribit_options_chain.csv", OPTION_HEAD, rows)
    return ReplayOptions(given=[Given(path)], chosen=choose(POLL))


def studied(folder: Path, rows: Sequence[Row]) -> EventStudy:
    return event_study(options_of(folder, [row(*each) for each in rows]))


def of_level(study: EventStudy, level: str) -> Flag:
    (flag,) = [flag for flag in study.book.flags if flag.level == level]
    return flag


def test_an_edge_that_stands_for_one_row_and_is_gone_at_the_next_did_not_survive(tmp_path: Path) -> None:
    found = studied(tmp_path, [(0, *CHEAP), (0.1, *DEAR), (1, *CHEAP), (2, *FALLEN), (3, *CHEAP), (3, *FALLEN)])

    flag = of_level(found, "gross")
    assert (flag.survived, flag.quotes_survived) == (False, 0)
    assert flag.wait_s == pytest.approx(1.9)
    assert (flag.gross_bps, flag.net_bps) == pytest.approx((11.0, 2.0))
    assert (flag.next_gross_bps, flag.next_net_bps) == pytest.approx((-20.0, -29.0))
    assert flag.next_span_ns == 1_000_000_000


def test_an_edge_that_the_next_rows_leave_survived_and_stays_one_flag(tmp_path: Path) -> None:
    again = [(at + late, *quote) for at in (0, 1, 2) for late, quote in ((0, CHEAP), (0.1, DEAR))]
    found = studied(tmp_path, [*again, (3, *CHEAP), (3.1, *FALLEN)])

    flag = of_level(found, "gross")
    assert (flag.survived, flag.quotes_survived) == (True, 2)
    assert flag.wait_s == pytest.approx(1.0)
    assert of_level(found, "net").survived is True
    assert found.replayed.stats.packages["vertical"].gross > 1


def test_an_edge_smaller_than_its_cost_is_there_before_costs_and_gone_after_them(tmp_path: Path) -> None:
    smaller = (HIGH, 0.0505, 0.0515)
    found = studied(tmp_path, [(0, *CHEAP), (0.1, *DEAR), (1, *CHEAP), (1.1, *smaller)])

    assert [of_level(found, level).survived for level in ("gross", "net")] == [True, False]
    assert of_level(found, "net").next_net_bps == pytest.approx(-4.0)


def test_a_signal_is_followed_by_its_own_value(tmp_path: Path) -> None:
    found = studied(tmp_path, [(0, *CHEAP), (0.1, *DEAR), (1, *CHEAP), (1.1, *FALLEN)])

    flag = of_level(found, "signal")
    assert (flag.kind, flag.action, flag.survived) == ("vertical", "BUY", False)
    assert (flag.net_bps, flag.next_net_bps) == pytest.approx((2.0, -29.0))


def test_an_edge_whose_options_are_not_quoted_again_is_counted_and_not_judged(tmp_path: Path) -> None:
    found = studied(tmp_path, [(0, *CHEAP), (0.1, *DEAR), (1, *CHEAP)])

    tally = found.tally("gross")
    assert (tally.flags, tally.followed, tally.survived) == (1, 0, 0)
    assert found.document()["flags"]["gross"]["share"] == {"value": None, "low": 0.0, "high": 1.0}


def test_a_quote_without_a_price_ends_an_edge_and_is_told_apart(tmp_path: Path) -> None:
    rows = [row(0, *CHEAP), row(0.1, *DEAR), row(1, *CHEAP), row(1.1, *DEAR).replace(",0.0511,5,", ",,,")]
    tally = event_study(options_of(tmp_path, rows)).tally("gross")

    assert (tally.followed, tally.survived, tally.without_price) == (1, 0, 1)


def test_parity_is_looked_at_again_at_the_forward_of_the_later_rows(tmp_path: Path) -> None:
    # Sell the call, buy the put: 0.0520 - 0.0500 - (1 - 30000/F) is 20 bps at 30000, and less 33.222... at 30100.
    rows = [
        row(at + late, HIGH, bid, ask, kind, underlying)
        for at, underlying in ((0, 30_000.0), (5, 30_100.0))
        for late, kind, bid, ask in ((0, "C", 0.0520, 0.0530), (0.1, "P", 0.0490, 0.0500))
    ]
    found = event_study(options_of(tmp_path, rows))

    flag = of_level(found, "gross")
    assert (flag.kind, flag.action, flag.survived) == ("parity", "SELL", False)
    assert flag.gross_bps == pytest.approx(20.0)
    assert flag.next_gross_bps == pytest.approx(20.0 - 1e4 * 100 / 30_100)
    (refused,) = [each for each in found.refusals() if each.of == "gross edge"]
    assert (refused.reason, refused.count, refused.meaning) == (
        "no_executable_forward",
        1,
        REASONS[Reason.NO_EXECUTABLE_FORWARD],
    )


def test_a_calendar_is_looked_at_again_only_while_its_far_strike_is_on_the_safe_side(tmp_path: Path) -> None:
    def rows(at: float, far_forward: float) -> list[str]:
        near = row(at, HIGH, 0.0600, 0.0610)
        far = row(at + 0.1, HIGH, 0.0500, 0.0510, underlying=far_forward).replace("28APR23", "26MAY23")
        return [near, far.replace(str(EXPIRY), str(EXPIRY + 28 * 86_400 * SECOND))]

    # A far call at the same strike is on the safe side while its forward is not below the near one.
    stays = event_study(options_of(tmp_path, [*rows(0, 30_300.0), *rows(1, 30_000.0)]))
    leaves = event_study(options_of(tmp_path, [*rows(0, 30_300.0), *rows(1, 29_900.0)]))

    flag = of_level(stays, "net")
    assert (flag.kind, flag.action, flag.survived) == ("calendar", "HOLD", True)
    assert (flag.gross_bps, flag.net_bps, flag.next_net_bps) == pytest.approx((90.0, 84.0, 84.0))
    assert of_level(leaves, "net").survived is False
    assert [(each.of, each.reason) for each in stays.refusals() if each.of == "net edge"] == [
        ("net edge", "calendar_flag")
    ]


def test_an_option_on_two_venues_is_one_flag_before_and_after_costs(tmp_path: Path) -> None:
    def rows(at: float, elsewhere: tuple[float, float]) -> list[str]:
        there = row(at + 0.1, HIGH, *elsewhere).replace("deribit,BTC-28APR23", "okex-options,BTC-USD-230428", 1)
        return [row(at, HIGH, 0.0500, 0.0510), there]

    found = event_study(options_of(tmp_path, [*rows(0, (0.0600, 0.0610)), *rows(1, (0.0505, 0.0515))]))

    flag = of_level(found, "gross")
    assert (flag.kind, flag.legs) == (
        "cross_venue",
        ("buy deribit BTC-28APR23-30000-C", "sell okex-options BTC-USD-230428-30000-C"),
    )
    assert (flag.gross_bps, flag.next_gross_bps) == pytest.approx((90.0, -5.0))
    assert of_level(found, "net").survived is False


def test_a_silence_is_not_time_in_sight(tmp_path: Path) -> None:
    found = studied(tmp_path, [(0, *FALLEN), (600, *FALLEN), (1_201, *FALLEN), (1_500, *FALLEN)])

    assert found.span_hours == pytest.approx(1_500 / 3_600)
    assert found.hours == pytest.approx(899 / 3_600)
    assert found.document()["flags"]["gross"]["per_hour"] is None


def test_flags_per_hour_are_over_the_time_in_sight(tmp_path: Path) -> None:
    quiet = [(float(at), *FALLEN) for at in range(100, 7_201, 100)]
    found = studied(tmp_path, [(0, *CHEAP), (0.1, *DEAR), *quiet])

    assert found.tally("gross").per_hour == pytest.approx(0.5)


def test_looking_on_changes_nothing_that_the_engine_says(tmp_path: Path) -> None:
    options = options_of(tmp_path, [row(*each) for each in ((0, *CHEAP), (0.1, *DEAR), (1, *CHEAP), (1.1, *FALLEN))])
    alone, watched = [], []
    plain = replay(options, Watch(on_effect=lambda effect: alone.append(effect_document(effect))))
    found = event_study(options, Watch(on_effect=lambda effect: watched.append(effect_document(effect))))

    assert len(alone) > 0
    assert alone == watched
    assert plain.stats == found.replayed.stats


def test_every_condition_of_a_cascade_has_words() -> None:
    config = TriggerConfig()
    figures = LiquidationWindow(config).figures(0)
    verdict = assess_cascade(
        figures, config, min_venues=1, venues_known=False, move_bps=float("nan"), sigma_bps=float("nan")
    )

    assert len(verdict.not_evaluable) >= 4
    assert {f"cascade_{name}" for name in verdict.not_evaluable} <= set(CONDITIONS)
    assert set(Reason) == set(REASONS)
