"""The forward of one expiry: perpetuals and a carry, a venue's mark, or parity."""

from __future__ import annotations

import math

import pytest

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Engine
from aftershock.core.forward import Bases
from aftershock.model.events import Event
from aftershock.model.units import NAN
from tests.core.market import (
    EXPIRY,
    EXPIRY_NS,
    T0,
    engine_of,
    future_quote,
    index_price,
    millis,
    option_row,
    perp_quote,
    run,
    seconds,
)

CALL, PUT = f"BTC-{EXPIRY}-60000-C", f"BTC-{EXPIRY}-60000-P"
THREE = ("binance-futures", "bybit", "okex-swap")


def tick(ts: int, future: float = NAN, underlying: float = NAN) -> list[Event]:
    """Return the index and a quote of each perpetual at 60,000, one of the future and one of an option."""
    events: list[Event] = [index_price(ts, 60_000.0), *(perp_quote(ts, venue, 60_000.0) for venue in THREE)]
    if future > 0:
        events.append(future_quote(ts, future - 1, future + 1))
    return [*events, option_row(ts, CALL, 0.01, 0.02, underlying=underlying)]


def fed(span_s: float, engine: Engine | None = None, start: int = T0, **prices: float) -> tuple[Engine, int]:
    """Return an engine after ticks every 100 ms, and the time of the last."""
    engine, now = engine_of() if engine is None else engine, start
    for _ in range(round(10 * span_s)):
        now += millis(100)
        run(engine, tick(now, **prices), end=False)
    return engine, now


def forward_of(engine: Engine, now: int, bases: Bases | None = None, expiry_ns: int = EXPIRY_NS) -> float:
    asset = engine.assets["BTC"]
    chain = asset.chains["deribit", "BTC"]
    return asset.forward(chain, chain.expiries[expiry_ns], now, bases)


def test_a_dated_future_gives_the_carry_of_its_expiry() -> None:
    engine, now = fed(40, future=60_300.0)
    assert forward_of(engine, now) == pytest.approx(60_300.0, rel=1e-9)


def test_the_venues_underlying_gives_the_carry_where_no_future_is_quoted() -> None:
    engine, now = fed(40, underlying=60_200.0)
    assert forward_of(engine, now) == pytest.approx(60_200.0, rel=1e-9)


def test_a_future_goes_before_the_venues_underlying() -> None:
    engine, now = fed(40, future=60_300.0, underlying=60_200.0)
    assert forward_of(engine, now) == pytest.approx(60_300.0, rel=1e-4)


def test_a_forward_without_a_carry_is_unknown() -> None:
    engine, now = fed(40)
    assert math.isnan(forward_of(engine, now))


def test_inverse_and_linear_options_of_one_expiry_have_each_their_own_carry() -> None:
    engine, now = fed(40, underlying=60_200.0)
    linear = f"BTC_USDC-{EXPIRY}-60000-C"
    run(engine, [option_row(now, linear, 600.0, 700.0, underlying=60_500.0)], end=False)
    engine, now = fed(10, engine, now, underlying=60_200.0)
    asset = engine.assets["BTC"]
    chain = asset.chains["deribit", "BTC_USDC"]
    assert forward_of(engine, now) == pytest.approx(60_200.0, rel=1e-9)
    assert asset.forward(chain, chain.expiries[EXPIRY_NS], now) == pytest.approx(60_500.0, rel=1e-9)


def test_a_shock_of_the_future_does_not_reach_the_carry_within_the_lag() -> None:
    engine, now = fed(40, future=60_300.0)
    engine, now = fed(4.9, engine, now, future=59_000.0)
    assert forward_of(engine, now) == pytest.approx(60_300.0, rel=1e-9)


def test_the_carry_held_by_a_trigger_outlasts_minutes_of_new_ones() -> None:
    engine, now = fed(40, future=60_300.0)
    bases = engine.assets["BTC"].book.bases(now)
    engine, now = fed(150, engine, now, future=60_900.0)
    assert forward_of(engine, now, bases) == pytest.approx(60_300.0, rel=1e-9)


MARK = EngineConfig(forward="underlying", option_max_age_ms=2000.0)


def test_a_mark_is_the_last_one_of_any_row_of_the_expiry() -> None:
    engine = engine_of(MARK)
    rows = [option_row(T0, CALL, underlying=60_300.0), option_row(T0 + 1, PUT, underlying=60_301.0)]
    run(engine, [*rows, option_row(T0 + 2, CALL)], end=False)
    assert forward_of(engine, T0 + 2) == 60_301.0


def test_a_mark_is_unknown_once_it_is_too_old() -> None:
    engine = engine_of(MARK)
    run(engine, [option_row(T0, CALL, underlying=60_300.0)], end=False)
    assert forward_of(engine, T0 + seconds(2)) == 60_300.0
    assert math.isnan(forward_of(engine, T0 + seconds(2) + 1))


def parity(*rows: tuple[str, float, float], poll: bool = False, apart_ns: int = 0, inverse: bool = True) -> float:
    """Return the parity forward right after these quotes."""
    engine = engine_of(EngineConfig(forward="parity", options_feed="poll" if poll else "stream"))
    events = [option_row(T0 + i * apart_ns, *row, underlying=60_000.0) for i, row in enumerate(rows)]
    run(engine, events, end=False)
    asset = engine.assets["BTC"]
    chain = asset.chains["deribit", "BTC" if inverse else "BTC_USDC"]
    return asset.forward(chain, chain.expiries[EXPIRY_NS], events[-1].ts_init)


def test_parity_of_an_inverse_strike_bounds_the_forward_from_both_sides() -> None:
    low, high = 60_000 / (1 - (0.030 - 0.029)), 60_000 / (1 - (0.031 - 0.028))
    assert parity((CALL, 0.030, 0.031), (PUT, 0.028, 0.029)) == pytest.approx((low + high) / 2, rel=1e-12)


def test_parity_of_a_linear_strike_bounds_the_forward_from_both_sides() -> None:
    call, put = f"BTC_USDC-{EXPIRY}-60000-C", f"BTC_USDC-{EXPIRY}-60000-P"
    found = parity((call, 1800.0, 1860.0), (put, 1680.0, 1740.0), inverse=False)
    assert found == pytest.approx(60_000 + ((1800 - 1740) + (1860 - 1680)) / 2)


def test_several_strikes_leave_the_band_that_satisfies_all() -> None:
    other_call, other_put = f"BTC-{EXPIRY}-61000-C", f"BTC-{EXPIRY}-61000-P"
    wide = ((CALL, 0.030, 0.034), (PUT, 0.026, 0.030))
    low, high = 61_000 / (1 - (0.022 - 0.036)), 61_000 / (1 - (0.023 - 0.035))
    narrow = ((other_call, 0.022, 0.023), (other_put, 0.035, 0.036))
    assert parity(*wide, *narrow) == pytest.approx((low + high) / 2, rel=1e-12)


def test_parity_without_a_two_sided_pair_is_unknown() -> None:
    assert math.isnan(parity((CALL, 0.030, NAN), (PUT, NAN, 0.029)))


def test_parity_whose_bounds_contradict_each_other_is_unknown() -> None:
    other = ((f"BTC-{EXPIRY}-61000-C", 0.030, 0.031), (f"BTC-{EXPIRY}-61000-P", 0.028, 0.029))
    assert math.isnan(parity((CALL, 0.030, 0.031), (PUT, 0.028, 0.029), *other))


@pytest.mark.parametrize(("apart_ms", "known"), [(250, True), (251, False)])
def test_in_a_poll_call_and_put_must_come_within_the_span_of_each_other(apart_ms: int, *, known: bool) -> None:
    found = parity((CALL, 0.030, 0.031), (PUT, 0.028, 0.029), poll=True, apart_ns=millis(apart_ms))
    assert (found > 0) is known
