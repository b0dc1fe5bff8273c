"""A violation planted into real rows: found inside one burst, refused across two."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.events import Event, OptionQuotes
from aftershock.model.orders import ApprovedOrder, Side
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, TriggerKind, TriggerOpened
from tests.core.market import millis, of_type
from tests.core.recorded import OPTIONS_2023, events_of, replayed

pytestmark = pytest.mark.slow  # whole runs, again and again

K1, K2 = 30_000, 31_000
LOW, HIGH = f"BTC-28APR23-{K1}-C", f"BTC-28APR23-{K2}-C"
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


def test_the_two_rows_belong_to_one_burst(rows: list[OptionQuotes]) -> None:
    assert abs(rows[row_of(rows, LOW)].ts_init - rows[row_of(rows, HIGH)].ts_init) <= millis(250)


def test_as_recorded_nothing_is_found(rows: list[OptionQuotes]) -> None:
    assert found(list(rows))[1] == []


@pytest.mark.parametrize("action", [Action.BUY, Action.SELL])
def test_inside_one_burst_it_is_found(rows: list[OptionQuotes], action: Action) -> None:
    _, effects, opened = found(planted(rows, action, net_bps=5.0))
    assert [each.kind for each in opened] == [TriggerKind.STATIC]
    (signal,) = of_type(ArbitrageSignal, effects)
    assert (signal.action, signal.edge_type) == (action, EdgeType.VERTICAL)
    assert signal.spread_bps == pytest.approx(5.0, abs=1e-6)
    low, high = (Side.BUY, Side.SELL) if action is Action.BUY else (Side.SELL, Side.BUY)
    assert [(leg.symbol, leg.side) for leg in signal.legs] == [(LOW, low), (HIGH, high)]
    assert signal.leg_span_ms <= 250.0
    (order,) = of_type(ApprovedOrder, effects)
    assert order.intent.quantity == 1.0


@pytest.mark.parametrize("action", [Action.BUY, Action.SELL])
def test_across_two_bursts_it_is_refused_and_counted_as_out_of_sync(rows: list[OptionQuotes], action: Action) -> None:
    together, effects, _ = found(planted(rows, action, net_bps=5.0, apart_ms=200.0))
    assert len(of_type(ArbitrageSignal, effects)) == 1
    apart, effects, _ = found(planted(rows, action, net_bps=5.0, apart_ms=600.0))
    assert effects == []
    verticals = (together.stats.packages["vertical"], apart.stats.packages["vertical"])
    assert verticals[1].desync > verticals[0].desync
    assert verticals[1].net == 0 < verticals[0].net


@pytest.mark.parametrize("action", [Action.BUY, Action.SELL])
def test_an_edge_that_fees_take_is_not_found(rows: list[OptionQuotes], action: Action) -> None:
    engine, effects, _ = found(planted(rows, action, net_bps=-0.1))
    assert effects == []
    counts = engine.stats.packages["vertical"]
    assert (counts.gross, counts.net) == (1, 0)
