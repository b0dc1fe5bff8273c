"""Guards: quotes that look stale and are not, by the arithmetic of docs/decision.md, section 9."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from aftershock.core.config import EngineConfig
from aftershock.core.smiles import KeptQuotes, PreShockSmile
from aftershock.core.stale_quotes import ArmedChain, EdgeFigures
from aftershock.model.events import Event, OptionQuotes
from aftershock.model.orders import ApprovedOrder
from aftershock.model.signals import Action, ArbitrageSignal, Reason, TriggerKind
from aftershock.model.units import NS_PER_S, tau_years
from aftershock.pricing import fit_smile, greeks
from tests.core.market import EXPIRY, EXPIRY_NS, T0, chain_of, engine_of, of_type, quote_values, run
from tests.core.shock import CONFIG, OVERSHOT, batched, timeline
from tests.core.test_stale_quotes import FEES, HEDGE

STRIKES = (54_000, 57_000, 60_000, 63_000, 66_000)
FORWARD, SIGMA, HALF = 60_000.0, 0.5, 0.0005
LATER = T0 + NS_PER_S


def value_of(strike: float, *, is_call: bool, forward: float = FORWARD, sigma: float = SIGMA) -> float:
    """Return a value in coin."""
    return float(greeks(forward, float(strike), tau_years(EXPIRY_NS, T0), sigma, is_call).price) / forward


def watched(wrong: dict[tuple[int, str], float] | None = None, crossed: tuple[int, str] | None = None) -> ArmedChain:
    """Return ten options quoted around a flat smile of 50 %.

    What is wrong is off by so many coins, before and now; the bid of what is crossed is above its ask.
    """
    wrong = wrong or {}
    names = [(strike, kind) for strike in STRIKES for kind in "CP"]
    chain = chain_of([f"BTC-{EXPIRY}-{strike}-{kind}" for strike, kind in names])
    bids, asks = [], []
    for row, (strike, kind) in enumerate(names):
        middle = value_of(strike, is_call=kind == "C") + wrong.get((strike, kind), 0.0)
        bids.append(middle + 2 * HALF if (strike, kind) == crossed else middle - HALF)
        asks.append(middle + HALF)
        chain.update(row, T0, quote_values(bids[-1], asks[-1]))
    k = np.log(np.array(STRIKES) / FORWARD)
    smile = fit_smile(k, np.full(len(k), SIGMA), np.ones(len(k)), tau_years(EXPIRY_NS, T0))
    rows = chain.expiries[EXPIRY_NS].rows
    kept = KeptQuotes(rows, np.array(bids)[rows], np.array(asks)[rows], np.full(len(rows), FORWARD))
    return ArmedChain(chain, {EXPIRY_NS: PreShockSmile(smile, FORWARD, 0.0, T0, kept)})


def position(armed: ArmedChain, strike: int, kind: str) -> int:
    symbols = [armed.chain.instruments[int(row)].symbol for row in armed.rows]
    return symbols.index(f"BTC-{EXPIRY}-{strike}-{kind}")


def evaluated(armed: ArmedChain, forward: float, config: EngineConfig | None = None) -> EdgeFigures:
    everything = np.arange(len(armed.rows), dtype=np.int64)
    return armed.evaluate(config or EngineConfig(), [forward], T0, FORWARD, FEES, HEDGE, everything)


def test_what_the_smile_missed_before_the_shock_is_no_edge_after_it() -> None:
    cheap = {(60_000, "C"): -0.004}
    at = position(watched(), 60_000, "C")
    sound, wrong = (evaluated(watched(each), FORWARD) for each in ({}, cheap))
    # Before, the smile's value stood 0.004 - HALF coins above the ask: so much comes off the bound.
    missed = (0.004 - HALF) * FORWARD
    assert float(sound.buy.value_usd[at] - wrong.buy.value_usd[at]) == pytest.approx(missed, rel=1e-4)
    assert float(wrong.buy.gross[at]) == pytest.approx(float(sound.buy.gross[at]) + HALF * FORWARD, rel=1e-4)


def test_an_expiry_with_one_quote_against_its_smile_is_not_believed() -> None:
    config = EngineConfig()
    armed = watched({(54_000, "C"): 0.01})
    assert all(armed.is_contradicted(config, at) for at in range(10))
    assert not any(watched().is_contradicted(config, at) for at in range(10))


def test_an_expiry_with_crossed_quotes_before_the_shock_is_not_believed() -> None:
    assert not watched().is_contradicted(EngineConfig(), 0)
    armed = watched(crossed=(63_000, "C"))
    assert armed.is_contradicted(EngineConfig(), position(armed, 57_000, "P"))


@pytest.mark.parametrize(("share", "explained"), [(1.0, True), (0.9, True), (0.5, False), (0.1, False)])
def test_a_stale_ask_stands_about_where_it_stood(*, share: float, explained: bool) -> None:
    armed = watched()
    at = position(armed, 60_000, "C")
    was = (value_of(60_000, is_call=True) + HALF) * FORWARD
    assert armed.explains(EngineConfig(), at, share * was, FORWARD, buying=True) is explained
    assert armed.explains(EngineConfig(), at, was * (2.0 - share), FORWARD, buying=False) is explained


def test_a_leg_beyond_a_factor_of_two_is_not_plausible() -> None:
    armed = watched()
    at = position(armed, 60_000, "C")
    assert armed.is_plausible(at)
    row = int(armed.rows[at])
    armed.chain.update(row, LATER, quote_values(0.0, 0.4 * value_of(60_000, is_call=True)))
    assert not armed.is_plausible(at)


def test_renewed_quotes_say_where_volatility_went_and_a_quote_cheap_against_the_old_smile_is_not_cheap() -> None:
    config = msgspec.structs.replace(EngineConfig(), min_peers=3)
    armed = watched()
    target = position(armed, 60_000, "C")
    for strike in (54_000, 57_000, 63_000, 66_000):  # volatility fell by four points, and four makers say so
        for kind in "CP":
            middle = value_of(strike, is_call=kind == "C", sigma=SIGMA - 0.04)
            row = int(armed.rows[position(armed, strike, kind)])
            armed.chain.update(row, LATER, quote_values(middle - HALF, middle + HALF))
    alone = evaluated(armed, FORWARD, EngineConfig())
    heard = evaluated(armed, FORWARD, config)
    fair = value_of(60_000, is_call=True, sigma=SIGMA - 0.04) * FORWARD
    assert float(alone.buy.value_usd[target]) > fair + 10.0
    assert float(heard.buy.value_usd[target]) == pytest.approx(fair, abs=12.0)
    assert float(heard.sell.value_usd[target]) >= float(alone.sell.value_usd[target])


def _orders(config: EngineConfig, events: Sequence[Event]) -> tuple[int, list[ArbitrageSignal]]:
    effects = run(engine_of(config), events)
    return len(of_type(ApprovedOrder, effects)), of_type(ArbitrageSignal, effects)


def test_static_packages_wait_for_a_shock_where_that_is_asked() -> None:
    events = batched(timeline([]))
    _, free = _orders(CONFIG, events)
    _, asked = _orders(msgspec.structs.replace(CONFIG, static_needs_trigger=True), events)
    statics = [s for s in free if s.trigger_kind is TriggerKind.STATIC and s.action is not Action.HOLD]
    assert statics
    held = {(s.ts_init, s.legs): s for s in asked if s.trigger_kind is TriggerKind.STATIC}
    for signal in statics:
        found = held[signal.ts_init, signal.legs]
        assert found.action is not Action.HOLD or Reason.UNIT_CHECK in (found.reason, *found.also)


def test_a_chain_that_is_late_is_stale() -> None:
    events = batched(timeline([]))
    late = [
        msgspec.structs.replace(e, ts_event=e.ts_event - NS_PER_S, row_ts_event=e.row_ts_event - NS_PER_S)
        if isinstance(e, OptionQuotes)
        else e
        for e in events
    ]
    edges = msgspec.structs.replace(CONFIG, edges=("A",), max_feed_lag_ms=400.0)
    in_time, _ = _orders(edges, events)
    orders, signals = _orders(edges, late)
    assert in_time > 0
    assert orders == 0
    assert any(s.reason is Reason.STALE_DATA for s in signals)


def test_a_chain_that_says_nothing_while_the_price_runs_is_stale() -> None:
    frozen = [e for e in batched(timeline([])) if not (isinstance(e, OptionQuotes) and e.ts_init > T0 + 11 * NS_PER_S)]
    config = msgspec.structs.replace(CONFIG, edges=("A",))
    without, _ = _orders(config, frozen)
    orders, signals = _orders(msgspec.structs.replace(config, max_quiet_move_bps=10.0), frozen)
    assert without > 0, "without the guard a frozen chain is taken for stale quotes"
    assert orders == 0
    assert any(s.reason is Reason.STALE_DATA for s in signals)


def _raised(event: Event) -> Event:
    """Raise one option by four thousandths of a coin, more than a second after the crash is over."""
    begin, end = T0 + int(12.7 * NS_PER_S), T0 + int(13.5 * NS_PER_S)
    if not isinstance(event, OptionQuotes) or OVERSHOT not in event.symbols or not begin <= event.ts_init < end:
        return event
    wrong = np.array([0.004 if symbol == OVERSHOT else 0.0 for symbol in event.symbols])
    raised = {name: event.columns[name] + wrong for name in ("bid", "ask")}
    return msgspec.structs.replace(event, columns=event.columns | raised)


def test_a_quote_that_is_wrong_by_more_than_the_price_moved_is_nobody_s_leftover() -> None:
    events = [_raised(event) for event in batched(timeline([]))]
    edges = msgspec.structs.replace(CONFIG, edges=("A",))

    def ordered(config: EngineConfig) -> list[tuple[str, int]]:
        approved = of_type(ApprovedOrder, run(engine_of(config), events))
        return [(each.intent.legs[0].symbol, each.ts_init) for each in approved]

    free, guarded = ordered(edges), ordered(msgspec.structs.replace(edges, maker_lag_ms=1_000.0))
    crash_over = T0 + 12 * NS_PER_S
    assert [symbol for symbol, ts in free if ts > crash_over] == [OVERSHOT], "without the guard it is traded"
    assert [each for each in free if each[1] < crash_over] == guarded, "what the price left behind still is"
