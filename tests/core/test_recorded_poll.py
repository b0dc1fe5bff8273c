"""A day of a polled chain, 192,998 real rows: each expiry is visited for a moment in every five minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.events import Event
from aftershock.model.orders import ApprovedOrder, RefusedOrder
from aftershock.model.signals import Action, ArbitrageSignal, Reason, TriggerClosed, TriggerOpened
from tests.core.market import of_type
from tests.core.recorded import OPTIONS_2023, events_of, replayed

pytestmark = pytest.mark.slow  # whole recordings or samples

SERIES = "BTC-28APR23.deribit"


@pytest.fixture(scope="module")
def day(shared_data: Path) -> list[Event]:
    return events_of(shared_data, OPTIONS_2023)


def price_moves(events: list[Event], **trigger: float) -> tuple[Engine, list[Effect]]:
    return replayed(
        events,
        EngineConfig(
            forward="underlying",
            options_feed="poll",
            clocks="one",
            trigger=TriggerConfig(armed=("price-move",), **trigger),
        ),
    )


@pytest.fixture(scope="module")
def half_minute(day: list[Event]) -> tuple[Engine, list[Effect]]:
    return price_moves(day)


@pytest.fixture(scope="module")
def pass_to_pass(day: list[Event]) -> tuple[Engine, list[Effect]]:
    return price_moves(day, window_s=330.0, min_move_bps=30.0)


def test_a_window_shorter_than_a_pass_opens_nothing_and_says_why(half_minute: tuple[Engine, list[Effect]]) -> None:
    engine, effects = half_minute
    assert effects == []
    assert engine.stats.option_rows == 192_998
    # Every visit lasts seconds: nearly no sample finds one of its series that is 25 to 30 s old.
    assert engine.stats.not_evaluable["price_move"] > 190_000


def test_from_pass_to_pass_one_expiry_moves_four_times(pass_to_pass: tuple[Engine, list[Effect]]) -> None:
    _, effects = pass_to_pass
    moves = [o.features["move_bps"] for o in of_type(TriggerOpened, effects) if o.series == SERIES]
    assert moves == pytest.approx([35.0, 47.0, 34.0, -42.0], abs=0.6)


def test_every_trigger_is_aligned_decides_and_closes(pass_to_pass: tuple[Engine, list[Effect]]) -> None:
    _, effects = pass_to_pass
    opened, closed = of_type(TriggerOpened, effects), of_type(TriggerClosed, effects)
    assert [each.trigger_id for each in opened] == sorted(
        (each.trigger_id for each in closed), key=[each.trigger_id for each in opened].index
    )
    assert all(each.decisions >= 1 for each in closed)
    assert all(each.alignment is not None and each.alignment.atm_strike for each in opened)


def test_a_mark_is_no_price_to_hedge_at(pass_to_pass: tuple[Engine, list[Effect]]) -> None:
    _, effects = pass_to_pass
    signals = of_type(ArbitrageSignal, effects)
    assert {signal.action for signal in signals} == {Action.HOLD}
    assert all(Reason.NO_EXECUTABLE_FORWARD in (signal.reason, *signal.also) for signal in signals)
    assert Reason.STALE_DATA in {signal.reason for signal in signals}
    assert not [effect for effect in effects if isinstance(effect, ApprovedOrder | RefusedOrder)]


def test_packages_are_really_checked_and_none_is_net(half_minute: tuple[Engine, list[Effect]]) -> None:
    counts = half_minute[0].stats.packages
    assert 150_000 <= counts["parity"].checked <= 170_000
    assert counts["vertical"].checked >= 700_000
    assert counts["box"].checked >= 200_000
    assert counts["butterfly"].checked >= 700_000
    assert counts["calendar"].checked >= 400  # an expiry is seldom visited within a quarter second of the next
    assert not [kind for kind, count in counts.items() if count.net]
    assert [kind for kind, count in counts.items() if not count.desync] == ["cross_venue"]  # there is one venue


def test_parity_is_violated_only_against_a_mark_that_nobody_quotes(half_minute: tuple[Engine, list[Effect]]) -> None:
    parity = half_minute[0].stats.packages["parity"]
    assert parity.gross > 0
    assert parity.no_executable_forward == parity.gross
