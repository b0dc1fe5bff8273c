"""The smile before a shock: fitted on quotes as they stood seconds before, and on no other."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Engine
from aftershock.core.smiles import PreShockSmile
from aftershock.model.units import NAN, tau_years
from tests.core.market import EXPIRY, EXPIRY_NS, T0, Row, engine_of, option_quotes, run, seconds
from tests.core.shock import undiscounted

STRIKES = range(54_000, 67_000, 1_000)
FORWARD = 60_000.0
Vol = Callable[[float], float]


def flat(vol: float) -> Vol:
    return lambda _strike: vol


def burst(engine: Engine, at_s: float, vol: Vol, *, forward: float = FORWARD, inverse: bool = True) -> None:
    """Quote the whole chain around a smile, a row per millisecond."""
    tau = tau_years(EXPIRY_NS, T0 + seconds(at_s))
    family, unit = ("BTC", forward) if inverse else ("BTC_USDC", 1.0)
    rows: list[Row] = []
    for strike in STRIKES:
        for kind in "CP":
            total = vol(strike) * math.sqrt(tau)
            value = undiscounted(forward, strike, total, is_call=kind == "C") / unit
            symbol = f"{family}-{EXPIRY}-{strike}-{kind}"
            ts = T0 + seconds(at_s) + 1_000_000 * len(rows)
            rows.append(Row(ts=ts, symbol=symbol, bid=value * 0.98, ask=value * 1.02, underlying=forward))
    run(engine, [option_quotes(rows)], end=False)


def polled() -> Engine:
    return engine_of(EngineConfig(forward="underlying", options_feed="poll", clocks="one"))


def streamed() -> Engine:
    return engine_of(EngineConfig(forward="underlying", options_feed="stream", clocks="one"))


def fitted(engine: Engine, as_of_s: float, *, max_age_s: float = 600.0, family: str = "BTC") -> PreShockSmile | None:
    asset = engine.assets["BTC"]
    chain = asset.chains["deribit", family]
    book = asset.smiles["deribit", family, EXPIRY_NS]
    return book.fit(chain, EXPIRY_NS, T0 + seconds(as_of_s), seconds(max_age_s))


def vol_at(smile: PreShockSmile | None, strike: float) -> float:
    assert smile is not None
    return float(smile.smile.iv(math.log(strike / smile.forward)))


@pytest.mark.parametrize("inverse", [True, False])
def test_it_returns_the_volatilities_that_the_quotes_were_made_from(*, inverse: bool) -> None:
    engine = streamed()
    skewed: Vol = lambda strike: 0.5 - 0.3 * math.log(strike / FORWARD)  # noqa: E731
    burst(engine, 0.0, skewed, inverse=inverse)
    burst(engine, 1.0, skewed, inverse=inverse)
    smile = fitted(engine, 5.0, family="BTC" if inverse else "BTC_USDC")
    for strike in (57_000, 60_000, 63_000):
        assert vol_at(smile, strike) == pytest.approx(skewed(strike), abs=0.005)
    assert smile is not None
    assert smile.slope == pytest.approx(-0.3, abs=0.03)
    assert smile.forward == FORWARD


def test_it_sees_nothing_of_what_came_after_its_moment() -> None:
    engine = streamed()
    for second in range(10):
        burst(engine, float(second), flat(0.5 if second < 6 else 0.9))
    assert vol_at(fitted(engine, 5.9), FORWARD) == pytest.approx(0.5, abs=0.002)
    assert vol_at(fitted(engine, 9.9), FORWARD) == pytest.approx(0.9, abs=0.002)


def test_before_anything_was_quoted_there_is_none() -> None:
    engine = streamed()
    burst(engine, 5.0, flat(0.5))
    assert fitted(engine, 4.9) is None


def test_in_a_poll_the_smile_is_that_of_the_last_complete_pass() -> None:
    engine = polled()
    for second, vol in ((0.0, 0.5), (300.0, 0.6), (600.0, 0.7)):
        burst(engine, second, flat(vol))
    # As of 598 s, all of the second pass had been seen for minutes.
    assert vol_at(fitted(engine, 598.0), FORWARD) == pytest.approx(0.6, abs=0.005)


def test_in_a_poll_each_quote_is_read_at_the_forward_of_its_own_row() -> None:
    engine = polled()
    burst(engine, 0.0, flat(0.5))
    for i, strike in enumerate(STRIKES):  # half of the next pass, at another level
        if strike % 2_000:
            continue
        forward = 60_600.0
        ts = T0 + seconds(2.0) + 1_000_000 * i
        value = undiscounted(forward, strike, 0.5 * math.sqrt(tau_years(EXPIRY_NS, ts)), is_call=True) / forward
        row = Row(ts=ts, symbol=f"BTC-{EXPIRY}-{strike}-C", bid=value * 0.98, ask=value * 1.02, underlying=forward)
        run(engine, [option_quotes([row])], end=False)
    burst(engine, 4.0, flat(0.5))
    assert vol_at(fitted(engine, 4.5), FORWARD) == pytest.approx(0.5, abs=0.005)


def test_quotes_that_were_not_confirmed_for_too_long_are_left_out() -> None:
    engine = polled()
    burst(engine, 0.0, flat(0.5))
    burst(engine, 700.0, flat(0.5))
    run(engine, [option_quotes([Row(ts=T0 + seconds(1500), symbol=f"BTC-{EXPIRY}-60000-C", underlying=FORWARD)])])
    assert fitted(engine, 1501.0) is None
    assert fitted(engine, 1501.0, max_age_s=3600.0) is not None


def test_quotes_in_the_money_crossed_or_with_one_side_are_left_out() -> None:
    engine = streamed()
    burst(engine, 0.0, flat(0.5))
    ts = T0 + seconds(1)
    total = 0.9 * math.sqrt(tau_years(EXPIRY_NS, ts))  # far off the others, and narrow: it would weigh much

    def row(strike: float, kind: str, *, bid: float = 0.9999, ask: float = 1.0001) -> Row:
        value = undiscounted(FORWARD, strike, total, is_call=kind == "C") / FORWARD
        symbol = f"BTC-{EXPIRY}-{strike:.0f}-{kind}"
        return Row(ts=ts, symbol=symbol, bid=value * bid, ask=value * ask, underlying=FORWARD)

    junk = [row(58_000, "C"), row(63_000, "P"), row(62_000, "C", bid=1.1, ask=1.0), row(64_000, "C", bid=NAN)]
    run(engine, [option_quotes(junk)], end=False)
    last = Row(ts=T0 + seconds(3), symbol=f"BTC-{EXPIRY}-54000-C", underlying=FORWARD)
    run(engine, [option_quotes([last])], end=False)
    for strike in (58_000.0, FORWARD, 62_000.0, 64_000.0):
        assert vol_at(fitted(engine, 3.5), strike) == pytest.approx(0.5, abs=0.005)


def test_a_gap_leaves_nothing_to_fit_until_rows_come_again() -> None:
    engine = streamed()
    burst(engine, 0.0, flat(0.5))
    engine.chains["deribit", "BTC"].forget_confirmations()
    last = Row(ts=T0 + seconds(2), symbol=f"BTC-{EXPIRY}-54000-C", underlying=FORWARD)
    run(engine, [option_quotes([last])], end=False)
    run(engine, [option_quotes([Row(ts=T0 + seconds(4), symbol=last.symbol, underlying=FORWARD)])], end=False)
    assert fitted(engine, 5.0) is None
