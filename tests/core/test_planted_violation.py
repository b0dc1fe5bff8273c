"""A violation planted into real rows: found inside one burst, refused across two."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.events import Event, OptionQuotes, StreamId
from aftershock.model.orders import ApprovedOrder, Side
from aftershock.model.signals import Action, Alarm, ArbitrageSignal, EdgeType, TriggerKind, TriggerOpened
from aftershock.model.units import tau_years, utc_ns
from tests.core.market import millis, of_type
from tests.core.recorded import OPTIONS_2023, events_of, replayed

pytestmark = pytest.mark.slow  # whole runs, again and again

K1, K2 = 30_000, 31_000
LOW, HIGH, HIGHER = f"BTC-28APR23-{K1}-C", f"BTC-28APR23-{K2}-C", "BTC-28APR23-32000-C"
FAR, ELSEWHERE = f"BTC-26MAY23-{K1}-C", f"BTC-USD-230428-{K1}-C"
CONFIG = EngineConfig(
    forward="underlying", options_feed="poll", clocks="one", trigger=TriggerConfig(armed=("price-move",))
)
COST = 2 * 0.0003 + 2 * 0.00015  # in coin: two fees of 3 bps, delivery of two legs
PASS = 2
"""The third visit of the expiry: both strikes come within a millisecond."""


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> list[OptionQuotes]:
    """Return the first real rows one by one: some twenty minutes."""
    events = events_of(shared_data, OPTIONS_2023, row_limit=4_000)
    return [row for event in events if isinstance(event, OptionQuotes) for row in event.rows()]


def row_of(rows: list[OptionQuotes], symbol: str) -> int:
    """Return where the row of an option is in the pass that is tampered with."""
    return [at for at, row in enumerate(rows) if row.symbols == [symbol]][PASS]


def quoted(row: OptionQuotes, bid: float, ask: float, amount: float = 5.0) -> OptionQuotes:
    """Return a row with another quote."""
    changed = {"bid": bid, "ask": ask, "bid_amount": amount, "ask_amount": amount}
    columns = row.columns | {name: np.array([value]) for name, value in changed.items()}
    return msgspec.structs.replace(row, columns=columns)


def later(row: OptionQuotes, delay_ns: int) -> OptionQuotes:
    """Return a row that came later."""
    return msgspec.structs.replace(
        row,
        ts_event=row.ts_event + delay_ns,
        ts_init=row.ts_init + delay_ns,
        row_ts_event=row.row_ts_event + delay_ns,
        row_ts_init=row.row_ts_init + delay_ns,
    )


def planted(rows: list[OptionQuotes], action: Action, net_bps: float, *, apart_ms: float = 0.0) -> list[Event]:
    """Return the rows with the lower strike so cheap, or so dear, that the spread leaves a net edge.

    Args:
        rows: As recorded.
        action: BUY plants a lower strike that is offered below what the upper one is bid at, SELL the opposite.
        net_bps: Edge after fees.
        apart_ms: How much later the upper strike's row comes.
    """
    low, high = row_of(rows, LOW), row_of(rows, HIGH)
    high_bid, high_ask = (float(rows[high].columns[name][0]) for name in ("bid", "ask"))
    gross = net_bps / 1e4 + COST
    if action is Action.BUY:
        ask = high_bid - gross
        tampered = quoted(rows[low], ask - 0.0005, ask)
    else:
        bid = high_ask + (1 - K1 / K2) + gross
        tampered = quoted(rows[low], bid, bid + 0.0005)
    changed = list(rows)
    changed[low] = tampered
    changed[high] = later(quoted(rows[high], high_bid, high_ask), millis(apart_ms))
    return sorted(changed, key=lambda row: row.ts_init)


def found(events: list[Event]) -> tuple[Engine, list[Effect], list[TriggerOpened]]:
    engine, effects = replayed(events, CONFIG)
    return engine, effects, of_type(TriggerOpened, effects)


def verticals(effects: list[Effect]) -> list[ArbitrageSignal]:
    """Return the decisions on verticals: a strike so cheap or so dear breaks hulls of its neighbours as well."""
    return [signal for signal in of_type(ArbitrageSignal, effects) if signal.edge_type is EdgeType.VERTICAL]


def test_the_two_rows_belong_to_one_burst(rows: list[OptionQuotes]) -> None:
    assert abs(rows[row_of(rows, LOW)].ts_init - rows[row_of(rows, HIGH)].ts_init) <= millis(250)


def test_as_recorded_nothing_is_found(rows: list[OptionQuotes]) -> None:
    assert found(list(rows))[1] == []


@pytest.mark.parametrize("action", [Action.BUY, Action.SELL])
def test_inside_one_burst_it_is_found(rows: list[OptionQuotes], action: Action) -> None:
    _, effects, opened = found(planted(rows, action, net_bps=5.0))
    assert {each.kind for each in opened} == {TriggerKind.STATIC}
    (signal,) = verticals(effects)
    assert signal.action is action
    assert signal.spread_bps == pytest.approx(5.0, abs=1e-6)
    low, high = (Side.BUY, Side.SELL) if action is Action.BUY else (Side.SELL, Side.BUY)
    assert [(leg.symbol, leg.side) for leg in signal.legs] == [(LOW, low), (HIGH, high)]
    assert signal.leg_span_ms <= 250.0
    (order,) = [each for each in of_type(ApprovedOrder, effects) if each.intent.edge == "B3"]
    assert order.intent.quantity == 1.0


@pytest.mark.parametrize("action", [Action.BUY, Action.SELL])
def test_across_two_bursts_it_is_refused_and_counted_as_out_of_sync(rows: list[OptionQuotes], action: Action) -> None:
    together, effects, _ = found(planted(rows, action, net_bps=5.0, apart_ms=200.0))
    assert len(verticals(effects)) == 1
    apart, effects, _ = found(planted(rows, action, net_bps=5.0, apart_ms=600.0))
    assert verticals(effects) == []
    counts = (together.stats.packages["vertical"], apart.stats.packages["vertical"])
    assert counts[1].desync > counts[0].desync
    assert counts[1].net == 0 < counts[0].net


@pytest.mark.parametrize("action", [Action.BUY, Action.SELL])
def test_an_edge_that_fees_take_is_not_found(rows: list[OptionQuotes], action: Action) -> None:
    engine, effects, _ = found(planted(rows, action, net_bps=-0.1))
    assert verticals(effects) == []
    counts = engine.stats.packages["vertical"]
    assert (counts.gross, counts.net) == (1, 0)


# --- a butterfly -----------------------------------------------------------------------------------------------------


def with_a_body_above_its_chord(rows: list[OptionQuotes], net_bps: float, *, apart_ms: float = 0.0) -> list[Event]:
    """Return the rows with the middle one of three strikes bid above the chord between the other two."""
    low, body, high = (row_of(rows, symbol) for symbol in (LOW, HIGH, HIGHER))
    chord = 0.5 * sum(float(rows[wing].columns["ask"][0]) for wing in (low, high))
    bid = chord + 2 * 0.0003 + 2 * 0.00015 + net_bps / 1e4
    changed = list(rows)
    changed[body] = later(quoted(rows[body], bid, bid + 0.0005), millis(apart_ms))
    return sorted(changed, key=lambda row: row.ts_init)


def test_a_body_above_its_chord_is_found_in_one_burst(rows: list[OptionQuotes]) -> None:
    _, effects, opened = found(with_a_body_above_its_chord(rows, 5.0))
    assert [each.kind for each in opened] == [TriggerKind.STATIC]
    (signal,) = of_type(ArbitrageSignal, effects)
    assert (signal.action, signal.edge_type) == (Action.SELL, EdgeType.BUTTERFLY)
    assert signal.spread_bps == pytest.approx(5.0, abs=1e-6)
    assert [(leg.symbol, leg.side, leg.ratio) for leg in signal.legs] == [
        (HIGH, Side.SELL, 1.0),
        (LOW, Side.BUY, 0.5),
        (HIGHER, Side.BUY, 0.5),
    ]


def test_a_body_of_another_burst_or_within_fees_is_not(rows: list[OptionQuotes]) -> None:
    apart, effects, _ = found(with_a_body_above_its_chord(rows, 5.0, apart_ms=600.0))
    assert effects == []
    assert apart.stats.packages["butterfly"].gross == 0
    engine, effects, _ = found(with_a_body_above_its_chord(rows, -0.1))
    assert effects == []
    assert (engine.stats.packages["butterfly"].gross, engine.stats.packages["butterfly"].net) == (1, 0)


# --- two expiries ----------------------------------------------------------------------------------------------------


def with_a_dear_near_call(rows: list[OptionQuotes], net_bps: float, *, apart_ms: float = 100.0) -> list[Event]:
    """Return the rows with a near call put next to the far one of its strike, and bid above what that is offered at."""
    near, far = row_of(rows, LOW), row_of(rows, FAR)
    bid = float(rows[far].columns["ask"][0]) + 2 * 0.0003 + net_bps / 1e4
    changed = list(rows)
    moved = rows[far].ts_init - millis(apart_ms) - rows[near].ts_init
    changed[near] = later(quoted(rows[near], bid, bid + 0.0005), moved)
    return sorted(changed, key=lambda row: row.ts_init)


def test_a_near_call_above_the_far_one_of_no_higher_k_is_flagged(rows: list[OptionQuotes]) -> None:
    engine, effects, _ = found(with_a_dear_near_call(rows, 5.0))
    (alarm,) = effects
    assert isinstance(alarm, Alarm)
    assert alarm.code == "calendar_flag"
    assert "5.000 bps" in alarm.detail
    assert engine.stats.packages["calendar"].net == 1


def test_a_near_call_of_another_burst_or_within_fees_is_not_flagged(rows: list[OptionQuotes]) -> None:
    assert found(with_a_dear_near_call(rows, 5.0, apart_ms=600.0))[1] == []
    engine, effects, _ = found(with_a_dear_near_call(rows, -0.1))
    assert effects == []
    assert (engine.stats.packages["calendar"].gross, engine.stats.packages["calendar"].net) == (1, 0)


# --- two venues ------------------------------------------------------------------------------------------------------


def with_another_venue(rows: list[OptionQuotes], net_bps: float, *, apart_ms: float = 100.0) -> list[Event]:
    """Return the rows and, soon after one of them, the same option bid higher on another venue."""
    here = rows[row_of(rows, LOW)]
    ask = float(here.columns["ask"][0])
    fees = 2 * 0.0003 + 0.00015 + 0.0002
    capital = (ask + 0.15) * 0.10 * tau_years(utc_ns(2023, 4, 28, 8), here.ts_init)
    bid = (ask + fees + 1e-4 + net_bps / 1e4) + capital
    there = later(quoted(here, bid, bid + 0.0005, amount=500.0), millis(apart_ms))
    renamed = msgspec.structs.replace(
        there, stream=StreamId("okex-options", "option_quotes", "BTC"), symbols=[ELSEWHERE]
    )
    return sorted([*rows, renamed], key=lambda row: row.ts_init)


def test_the_same_option_dearer_on_another_venue_is_found(rows: list[OptionQuotes]) -> None:
    _, effects, opened = found(with_another_venue(rows, 5.0))
    assert [each.kind for each in opened] == [TriggerKind.STATIC]
    (signal,) = of_type(ArbitrageSignal, effects)
    assert (signal.action, signal.edge_type) == (Action.BUY, EdgeType.CROSS_VENUE)
    assert [(leg.venue, leg.symbol, leg.side) for leg in signal.legs] == [
        ("deribit", LOW, Side.BUY),
        ("okex-options", ELSEWHERE, Side.SELL),
    ]
    assert signal.spread_bps == pytest.approx(5.0, abs=0.01)  # the capital stands a moment less


def test_the_same_option_of_another_burst_or_within_its_costs_is_not(rows: list[OptionQuotes]) -> None:
    engine, effects, _ = found(with_another_venue(rows, 5.0, apart_ms=600.0))
    assert effects == []
    assert engine.stats.packages["cross_venue"].checked == 0 < engine.stats.packages["cross_venue"].desync
    engine, effects, _ = found(with_another_venue(rows, -0.1))
    assert effects == []
    assert (engine.stats.packages["cross_venue"].gross, engine.stats.packages["cross_venue"].net) == (1, 0)
