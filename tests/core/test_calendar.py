"""Total variance that falls from one expiry to the next: counted and flagged, never traded."""

from __future__ import annotations

import pytest

from aftershock.core.calendar import CalendarScanner
from aftershock.core.chain import Chain
from aftershock.core.config import EngineConfig
from aftershock.core.engine import Effect, Engine
from aftershock.model.events import Event
from aftershock.model.instruments import FeeSchedule
from aftershock.model.signals import Alarm
from aftershock.model.units import NAN
from tests.core.market import (
    EXPIRY,
    LATER,
    T0,
    Row,
    chain_of,
    engine_of,
    millis,
    of_type,
    option_quotes,
    quote_values,
    run,
)
from tests.core.package_quotes import NO_FEES

NEAR_FORWARD, FAR_FORWARD = 60_000.0, 63_000.0
RATE = 0.0003


def name(expiry: str, strike: float, kind: str = "C", family: str = "BTC") -> str:
    return f"{family}-{expiry}-{strike:.0f}-{kind}"


def chain_with(quotes: dict[str, tuple[float, float]], *, stream: bool = True, family: str = "BTC") -> Chain:
    """Return a chain of two expiries with these quotes, all confirmed at T0."""
    chain = chain_of(quotes, confirms_stream=stream, family=family)
    for row, (symbol, (bid, ask)) in enumerate(quotes.items()):
        forward = NEAR_FORWARD if EXPIRY in symbol else FAR_FORWARD
        chain.update(row, T0, quote_values(bid, ask, forward))
    return chain


def flagged(
    chain: Chain, symbol: str, now: int = T0, *, fees: FeeSchedule | None = NO_FEES
) -> tuple[list[tuple[str, str]], CalendarScanner]:
    """Scan one option; return the pairs that it flags, and the scanner with its counts."""
    scanner = CalendarScanner(EngineConfig(leg_span_ms=250.0, option_max_age_ms=2000.0))
    row = chain.row(symbol)
    flags = scanner.scan(chain, -1 if row is None else row, now, NEAR_FORWARD, fees, {})
    return [(chain.instruments[each.near].symbol, chain.instruments[each.far].symbol) for each in flags], scanner


# --- which options are compared --------------------------------------------------------------------------------------

FAR_STRIKES = (59_000.0, 61_000.0, 62_000.0, 64_000.0, 66_000.0)


@pytest.mark.parametrize(("kind", "partner"), [("C", 62_000.0), ("P", 64_000.0)])
def test_a_near_option_meets_the_far_strike_next_to_its_k_on_the_safe_side(kind: str, partner: float) -> None:
    near = name(EXPIRY, 60_000.0, kind)  # the same k at the later expiry is 63,000
    far = {name(LATER, strike, kind): (NAN, 0.04) for strike in FAR_STRIKES}
    found, scanner = flagged(chain_with({near: (0.05, NAN), **far}), near)
    assert found == [(near, name(LATER, partner, kind))]
    assert (scanner.counts.checked, scanner.counts.gross, scanner.counts.net) == (1, 1, 1)


@pytest.mark.parametrize(("kind", "partner"), [("C", 61_000.0), ("P", 60_000.0)])
def test_a_far_option_meets_the_near_strike_next_to_its_k_on_the_safe_side(kind: str, partner: float) -> None:
    far = name(LATER, 63_500.0, kind)  # the same k at the nearer expiry is 60,476
    near = {name(EXPIRY, strike, kind): (0.05, NAN) for strike in (59_000.0, 60_000.0, 61_000.0, 62_000.0)}
    found, _ = flagged(chain_with({far: (NAN, 0.04), **near}), far)
    assert found == [(name(EXPIRY, partner, kind), far)]


@pytest.mark.parametrize("kind", ["C", "P"])
def test_a_strike_of_exactly_the_same_k_is_safe(kind: str) -> None:
    near, far = name(EXPIRY, 60_000.0, kind), name(LATER, 63_000.0, kind)
    chain = chain_with({near: (0.05, NAN), far: (NAN, 0.04)})
    assert flagged(chain, near)[0] == flagged(chain, far)[0] == [(near, far)]


def test_without_a_strike_on_the_safe_side_nothing_is_compared() -> None:
    near, far = name(EXPIRY, 60_000.0), name(LATER, 64_000.0)
    found, scanner = flagged(chain_with({near: (0.05, NAN), far: (NAN, 0.04)}), near)
    assert (found, scanner.counts.checked, scanner.counts.desync) == ([], 0, 0)


def test_an_expiry_in_the_middle_meets_its_two_neighbours_until_one_is_over() -> None:
    middle = "13MAR26"
    symbols = [name(expiry, 60_000.0) for expiry in (LATER, EXPIRY, middle)]
    chain = chain_of(symbols)
    for row in range(3):
        chain.update(row, T0, quote_values(0.05, 0.06, NEAR_FORWARD))
    assert flagged(chain, symbols[2])[1].counts.checked == 2
    assert flagged(chain, symbols[0])[1].counts.checked == 1
    chain.roll(next(iter(chain.expiries)))
    assert flagged(chain, symbols[2])[1].counts.checked == 1


# --- what counts -----------------------------------------------------------------------------------------------------


def edge(bid: float, ask: float, *, fees: FeeSchedule | None) -> CalendarScanner:
    near, far = name(EXPIRY, 60_000.0), name(LATER, 63_000.0)
    return flagged(chain_with({near: (bid, NAN), far: (NAN, ask)}), near, fees=fees)[1]


FEES = FeeSchedule(
    venue="deribit",
    kind=NO_FEES.kind,
    inverse=True,
    valid_from_ns=0,
    taker_rate=RATE,
    maker_rate=RATE,
    cap_fraction=0.125,
    delivery_rate=0.00015,
)


@pytest.mark.parametrize(
    ("bid", "gross", "net"), [(0.0400, 0, 0), (0.0401, 1, 0), (0.0406 - 1e-9, 1, 0), (0.0406 + 1e-9, 1, 1)]
)
def test_gross_is_above_the_far_ask_and_net_above_both_option_fees(bid: float, gross: int, net: int) -> None:
    counts = edge(bid, 0.0400, fees=FEES).counts
    assert (counts.checked, counts.gross, counts.net) == (1, gross, net)


def test_with_an_unknown_fee_nothing_is_net() -> None:
    counts = edge(0.05, 0.04, fees=None).counts
    assert (counts.gross, counts.net) == (1, 0)


@pytest.mark.parametrize(("bid", "ask"), [(NAN, 0.04), (0.05, NAN)])
def test_a_pair_without_a_price_it_needs_is_unquoted(bid: float, ask: float) -> None:
    counts = edge(bid, ask, fees=NO_FEES).counts
    assert (counts.checked, counts.unquoted, counts.gross) == (1, 1, 0)


def test_prices_in_currency_are_compared_over_their_forwards() -> None:
    near, far = (name(expiry, k, family="BTC_USDC") for expiry, k in ((EXPIRY, 60_000.0), (LATER, 63_000.0)))
    # 3,000 over 60,000 is 0.05, and so is 3,150 over 63,000.
    for ask, found in ((3_149.0, [(near, far)]), (3_151.0, [])):
        chain = chain_with({near: (3_000.0, NAN), far: (NAN, ask)}, family="BTC_USDC")
        assert flagged(chain, near)[0] == found


@pytest.mark.parametrize(("apart_ms", "tests"), [(250, (1, 0)), (251, (0, 1))])
def test_in_a_poll_legs_farther_apart_than_the_span_are_not_tested(apart_ms: float, tests: tuple[int, int]) -> None:
    near, far = name(EXPIRY, 60_000.0), name(LATER, 63_000.0)
    chain = chain_with({near: (0.05, NAN), far: (NAN, 0.04)}, stream=False)
    now = T0 + millis(apart_ms)
    chain.update(1, now, quote_values(NAN, 0.04, FAR_FORWARD))
    counts = flagged(chain, far, now)[1].counts
    assert (counts.checked, counts.desync) == tests


def test_with_a_forward_older_than_an_option_may_be_no_k_is_known() -> None:
    near, far = name(EXPIRY, 60_000.0), name(LATER, 63_000.0)
    chain = chain_with({near: (0.05, NAN), far: (NAN, 0.04)})
    for late_ms, checked in ((2000, 1), (2001, 0)):
        now = T0 + millis(late_ms)
        chain.update(1, now, quote_values(NAN, 0.04, FAR_FORWARD))
        assert flagged(chain, far, now)[1].counts.checked == checked


# --- in the engine ---------------------------------------------------------------------------------------------------


def rows(at_ms: float, *, apart_ms: float = 0.0, near_bid: float = 0.0450) -> list[Event]:
    quotes = ((EXPIRY, near_bid, near_bid + 0.001, NEAR_FORWARD), (LATER, 0.0430, 0.0440, FAR_FORWARD))
    return [
        option_quotes(
            [Row(ts=T0 + millis(at_ms + i * apart_ms), symbol=name(e, k), bid=bid, ask=ask, underlying=forward)]
        )
        for i, ((e, bid, ask, forward), k) in enumerate(zip(quotes, (60_000.0, 63_000.0), strict=True))
    ]


def said(*events: Event) -> tuple[Engine, list[Effect]]:
    engine = engine_of()
    return engine, run(engine, events)


def test_a_flag_is_an_alarm_and_nothing_else() -> None:
    engine, effects = said(*rows(0.0))
    (alarm,) = effects
    assert isinstance(alarm, Alarm)
    assert alarm.code == "calendar_flag"
    assert name(EXPIRY, 60_000.0) in alarm.detail
    assert name(LATER, 63_000.0) in alarm.detail
    assert "4.000 bps" in alarm.detail  # 10 less two fees of 3
    assert engine.stats.packages["calendar"].net == 1


def test_total_variance_that_rises_says_nothing() -> None:
    engine, effects = said(*rows(0.0, near_bid=0.0430))
    assert effects == []
    assert engine.stats.packages["calendar"].checked == 1


def test_a_pair_whose_legs_come_at_one_moment_is_tested_once_and_else_with_each_leg() -> None:
    assert said(*rows(0.0))[0].stats.packages["calendar"].checked == 1
    assert said(*rows(0.0), *rows(1000.0, apart_ms=1.0))[0].stats.packages["calendar"].checked == 3


def test_a_pair_is_flagged_again_only_after_a_minute() -> None:
    _, effects = said(*(event for second in range(130) for event in rows(1000.0 * second)))
    at = [(alarm.ts_init - T0) / 1e9 for alarm in of_type(Alarm, effects)]
    assert at == pytest.approx([0.0, 60.0, 120.0], abs=0.01)
