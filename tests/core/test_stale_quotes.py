"""Edge A: what an option is worth over all scenarios, and what trading it costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.core.config import EngineConfig
from aftershock.core.hedge import HedgeQuote
from aftershock.core.smiles import PreShockSmile
from aftershock.core.stale_quotes import ArmedChain, EdgeFigures
from aftershock.model.instruments import FeeSchedule, Kind
from aftershock.model.units import NAN, tau_years
from aftershock.pricing import fit_smile, greeks
from tests.core.market import EXPIRY, EXPIRY_NS, LATER, LATER_NS, T0, chain_of, quote_values

STRIKES = (54_000, 57_000, 60_000, 63_000, 66_000)
EXPIRIES = {EXPIRY: EXPIRY_NS, LATER: LATER_NS}
CONFIG = EngineConfig()
FEES = FeeSchedule(
    venue="deribit",
    kind=Kind.OPTION,
    inverse=True,
    valid_from_ns=0,
    taker_rate=3e-4,
    maker_rate=3e-4,
    cap_fraction=0.125,
)
HEDGE = HedgeQuote(venue="bybit", symbol="BTCUSDT", unit_cost_usd=36.0, buy_coins=9.0, sell_coins=8.0)
BID, ASK = 0.02, 0.03


def smile_with(level: float, slope: float, forward: float) -> PreShockSmile:
    k = np.linspace(-0.3, 0.3, 9)
    smile = fit_smile(k, level + slope * k + 0.4 * k**2, np.ones(9), 0.05)
    return PreShockSmile(smile, forward, float(smile.slope_atm()), T0)


def armed(*, inverse: bool = True, level: float = 0.55, slope: float = -0.2) -> ArmedChain:
    """Return two expiries of ten options each, all quoted alike, with a smile each."""
    family = "BTC" if inverse else "BTC_USDC"
    chain = chain_of(
        [f"{family}-{expiry}-{strike}-{kind}" for expiry in EXPIRIES for strike in STRIKES for kind in "CP"],
        family=family,
    )
    unit = 1.0 if inverse else 60_000.0
    for row in range(len(chain)):
        chain.update(row, T0, quote_values(BID * unit, ASK * unit))
    smiles = {ns: smile_with(level, slope, 60_000.0 + 500 * at) for at, ns in enumerate(EXPIRIES.values())}
    return ArmedChain(chain, smiles)  # type: ignore[arg-type]


def evaluated(
    watched: ArmedChain,
    forwards: list[float],
    *,
    index: float = NAN,
    fees: FeeSchedule | None = FEES,
    hedge: HedgeQuote | None = HEDGE,
) -> EdgeFigures:
    everything = np.arange(len(watched.rows), dtype=np.int64)
    return watched.evaluate(CONFIG, forwards, T0, index, fees, hedge, everything)


def nine_values(watched: ArmedChain, position: int, forward: float) -> list[float]:
    """Return Black-76 over the nine scenarios of the docs, one by one."""
    expiry = watched.expiries[int(watched.expiry_of[position])]
    instrument = watched.chain.instruments[int(watched.rows[position])]
    before = expiry.before
    assert before is not None
    move = math.log(forward / before.forward)
    base = float(before.smile.iv(math.log(instrument.strike / forward)))
    up = max(CONFIG.vol_up_points, CONFIG.vol_up_per_move * abs(move)) / 100
    down = max(CONFIG.vol_down_points, CONFIG.vol_down_per_move * abs(move)) / 100
    tau, is_call = tau_years(expiry.expiry_ns, T0), instrument.is_call is True
    sigmas = [base + ratio * before.slope * move + ds for ratio in (0, 1, 2) for ds in (-down, 0.0, up)]
    return [float(greeks(forward, instrument.strike, tau, sigma, is_call).price) for sigma in sigmas]


@settings(max_examples=30)
@given(move=st.floats(-0.05, 0.05), level=st.floats(0.3, 0.9), slope=st.floats(-0.4, 0.4))
def test_values_are_the_least_and_the_largest_of_the_nine_scenarios(move: float, level: float, slope: float) -> None:
    watched = armed(level=level, slope=slope)
    forwards = [60_000.0 * math.exp(move), 60_500.0 * math.exp(0.5 * move)]
    figures = evaluated(watched, forwards)
    for position in (0, 3, 4, 9, 10, 15, 19):
        values = nine_values(watched, position, float(figures.forward[position]))
        assert figures.buy.value_usd[position] == pytest.approx(min(values), rel=1e-9, abs=1e-7)
        assert figures.sell.value_usd[position] == pytest.approx(max(values), rel=1e-9, abs=1e-7)


def test_an_option_belongs_to_the_forward_of_its_own_expiry() -> None:
    figures = evaluated(armed(), [61_000.0, 62_000.0])
    assert figures.forward.tolist() == [61_000.0] * 10 + [62_000.0] * 10


@pytest.mark.parametrize("inverse", [True, False])
def test_net_is_gross_less_the_capped_fee_and_the_hedge(*, inverse: bool) -> None:
    watched = armed(inverse=inverse)
    figures = evaluated(watched, [61_000.0, 62_000.0], index=60_900.0)
    unit = figures.forward if inverse else np.full(20, 60_000.0)
    for side, quote, sign in ((figures.buy, ASK, 1.0), (figures.sell, BID, -1.0)):
        price = quote * unit
        np.testing.assert_allclose(side.price_usd, price)
        np.testing.assert_allclose(side.gross, sign * (side.value_usd - price))
        np.testing.assert_allclose(side.fee, np.minimum(3e-4 * 60_900.0, 0.125 * price))
        # One coin of premium is itself a position: delta less what was paid for it in coin.
        np.testing.assert_allclose(side.hedge_delta, side.delta - (quote if inverse else 0.0))
        np.testing.assert_allclose(side.hedge_cost, np.abs(side.hedge_delta) * 36.0)
        np.testing.assert_allclose(side.net, side.gross - side.fee - side.hedge_cost)


def test_without_an_index_the_fee_is_a_share_of_the_forward() -> None:
    figures = evaluated(armed(), [61_000.0, 62_000.0])
    assert figures.buy.fee[0] == pytest.approx(3e-4 * 61_000.0)


def test_a_fee_nobody_knows_leaves_no_net_edge() -> None:
    figures = evaluated(armed(), [61_000.0, 62_000.0], fees=None)
    assert np.isnan(figures.buy.net).all()
    assert np.isfinite(figures.buy.gross).all()


def test_an_expiry_without_a_forward_is_worth_nothing_that_anyone_could_say() -> None:
    figures = evaluated(armed(), [NAN, 62_000.0])
    assert np.isnan(figures.buy.value_usd[:10]).all()
    assert np.isnan(figures.sell.net[:10]).all()
    assert np.isfinite(figures.buy.value_usd[10:]).all()


def test_an_expiry_without_a_smile_is_worth_nothing_that_anyone_could_say() -> None:
    watched = armed()
    chain = watched.chain
    some = ArmedChain(chain, {EXPIRY_NS: None, LATER_NS: watched.expiries[1].before})
    figures = evaluated(some, [61_000.0, 62_000.0])
    assert np.isnan(figures.buy.value_usd[:10]).all()
    assert np.isfinite(figures.buy.value_usd[10:]).all()


def test_an_empty_side_has_no_edge() -> None:
    watched = armed()
    watched.chain.update(0, T0, quote_values(NAN, ASK))
    figures = evaluated(watched, [61_000.0, 62_000.0])
    assert np.isnan(figures.sell.gross[0])
    assert np.isfinite(figures.buy.gross[0])


def test_a_part_of_the_chain_is_valued_like_the_whole() -> None:
    watched = armed()
    whole = evaluated(watched, [61_000.0, 62_000.0])
    some = np.array([1, 7, 12], dtype=np.int64)
    part = watched.evaluate(CONFIG, [61_000.0, 62_000.0], T0, NAN, FEES, HEDGE, some)
    np.testing.assert_array_equal(part.buy.net, whole.buy.net[some])
    np.testing.assert_array_equal(part.sell.net, whole.sell.net[some])


def test_an_option_is_ready_again_only_after_the_pause() -> None:
    watched = armed()
    pause = 100
    assert len(watched.ready(1000, pause, 0.0, 0)) == 20
    watched.dirty[3] = True
    assert watched.due(pause) == 1100
    assert watched.ready(1099, pause, 0.0, 0).tolist() == []
    assert watched.ready(1100, pause, 0.0, 0).tolist() == [3]
    assert watched.due(pause) > 10**18


@pytest.mark.parametrize(("moved_bps", "along"), [(0.4, 20), (0.2, 1)])
def test_what_will_soon_be_due_is_evaluated_along_with_what_is(moved_bps: float, along: int) -> None:
    watched, hour = armed(), 3_600 * 10**9
    assert watched.forward_moved(11.0, 0, 1.0, hour)
    assert len(watched.ready(1000, 100, 1.0, hour)) == 20
    assert not watched.forward_moved(11.0 + 1e-4 * moved_bps, 1200, 1.0, hour), "a small move alone makes nothing due"
    assert watched.ready(1200, 100, 1.0, hour).tolist() == []
    watched.dirty[3] = True  # its own quote came
    found = watched.ready(1200, 100, 1.0, hour).tolist()
    assert len(found) == along
    assert 3 in found
