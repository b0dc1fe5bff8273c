"""The option makers: each requotes when value moved enough for its eyes, in its time; some stand still."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aftershock.model.units import BPS
from aftershock.sim.sample.chain import Contracts
from aftershock.sim.sample.path import Market
from aftershock.sim.sample.story import DURATION_S, StallPlan
from aftershock.sim.sample.valuation import Greeks, greeks, smile

__all__ = ["Rows", "Stall", "choose_stalls", "quote_chain", "theoretical"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]

_STEP_S = 0.05
_FINE_TICK, _COARSE_TICK, _COARSE_FROM = 0.0001, 0.0005, 0.005
_LAGS_S = np.array([0.05, 0.09, 0.14, 0.2])
_WIDTHS = np.array([1.15, 1.05, 1.0, 1.1])
"""By maker: from a move of the index to the new quote, and its spread over the common one."""
_BASE_HALF_BPS, _HALF_BPS_PER_DELTA = 1.0, 6.0
_INSIDE_DELTA, _HALF_BPS_PER_DELTA_INSIDE = 0.6, 12.0
_REQUOTE_BPS, _REQUOTE_WIDENING = 1.0, 0.3
_WIDEN_PER_BPS, _WIDEN_AT_MOST = 1 / 25.0, 2.0
_CALM_PRINT_MEAN_S, _STRESSED_PRINT_S = 4.0, (0.15, 0.45)
_STRESSED = 0.3
_MEDIAN_SIZE, _LEAST_SIZE = 6.0, 0.5


class Stall(msgspec.Struct, frozen=True, kw_only=True):
    """A planned stall and the option that was drawn for it."""

    plan: StallPlan
    option: int


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """All that the venue prints about its options, in order, one entry per row; NaN where a side is empty."""

    seconds: _Array
    option: _Index
    bid: _Array
    bid_size: _Array
    ask: _Array
    ask_size: _Array


def theoretical(
    market: Market, contracts: Contracts, which: _Index, seconds: _Array, lag_s: _Array | float = 0.0
) -> tuple[_Array, _Array, Greeks]:
    """Return forward, volatility and greeks of options `which`, by the market as it stood `lag_s` before."""
    seen = seconds - lag_s
    forward = np.exp(market.at(market.log_index, seen) + contracts.log_carry[which])
    tau = contracts.tau_years(which, seconds)
    atm = contracts.atm_volatility(which, market.at(market.vol_points, seen))
    strike = contracts.strike[which]
    sigma = smile(np.log(strike / forward), tau, atm)
    return forward, sigma, greeks(forward, strike, tau, sigma, contracts.is_call[which])


def choose_stalls(
    rng: Generator, market: Market, contracts: Contracts, plans: tuple[StallPlan, ...]
) -> tuple[Stall, ...]:
    """Draw an option for each planned stall, by its delta just before it; no option twice in one shock."""
    chosen: list[Stall] = []
    every = np.arange(len(contracts.listed))
    for plan in plans:
        _, _, before = theoretical(market, contracts, every, np.full(len(every), plan.start_s))
        delta = np.abs(before.delta)
        outside = np.maximum(0.0, np.maximum(plan.least_delta - delta, delta - plan.most_delta))
        for i, contract in enumerate(contracts.listed):
            if contract.expiry != plan.expiry or contract.is_call != plan.is_call:
                outside[i] = np.inf
        for stall in chosen:
            if abs(stall.plan.start_s - plan.start_s) < 1.0:
                outside[stall.option] = np.inf
        fitting = np.flatnonzero(outside == np.min(outside))
        chosen.append(Stall(plan=plan, option=int(rng.choice(fitting))))
    return tuple(chosen)


def quote_chain(rng: Generator, market: Market, contracts: Contracts, stalls: tuple[Stall, ...]) -> Rows:
    """Let the makers quote through the whole sample.

    A row is printed when a best price changes, and now and then for the mark alone: the venue's stream goes
    on while a maker stands still.
    """
    floor = _Floor(rng, market, contracts, stalls)
    for step in range(int(DURATION_S / _STEP_S)):
        floor.advance(step * _STEP_S)
    return floor.rows()


class _Floor:
    """The standing quotes of all options; the arrays are the mutable state."""

    def __init__(self, rng: Generator, market: Market, contracts: Contracts, stalls: tuple[Stall, ...]) -> None:
        n = len(contracts.listed)
        self._rng, self._market, self._contracts = rng, market, contracts
        self._stalls = [(stall.plan.start_s, stall.plan.end_s, stall.option) for stall in stalls]
        maker = rng.integers(len(_LAGS_S), size=n)
        self._lag, self._width = _LAGS_S[maker], _WIDTHS[maker]
        self._only_size = np.full(n, np.nan)
        for stall in stalls:
            if stall.plan.size_coins is not None:
                self._only_size[stall.option] = stall.plan.size_coins
        self._bid, self._ask = np.full(n, np.nan), np.full(n, np.nan)
        self._bid_size, self._ask_size = np.full(n, np.nan), np.full(n, np.nan)
        self._quoted_index, self._quoted_points = np.full(n, -np.inf), np.zeros(n)
        self._quoted_widening = np.ones(n)
        self._delta, self._vega_bps = np.ones(n), np.zeros(n)
        self._next_print = rng.uniform(0.0, 1.0, size=n)
        self._was_stressed = False
        self._printed: list[tuple[_Array, _Index, _Array, _Array, _Array, _Array]] = []

    def advance(self, now_s: float) -> None:
        """Requote what is due and print it."""
        market, seen = self._market, now_s - self._lag
        log_index, points = market.at(market.log_index, seen), market.at(market.vol_points, seen)
        r5_bps = BPS * np.abs(log_index - market.at(market.log_index, seen - 5.0))
        widening = 1.0 + np.minimum(_WIDEN_AT_MOST, r5_bps * _WIDEN_PER_BPS)
        drift_bps = BPS * np.abs(self._delta * (log_index - self._quoted_index))
        drift_bps += self._vega_bps * np.abs(points - self._quoted_points)
        self._hurry(now_s)
        due_print = self._next_print <= now_s
        requote = due_print | (drift_bps >= _REQUOTE_BPS)
        requote |= np.abs(widening - self._quoted_widening) >= _REQUOTE_WIDENING
        for start_s, end_s, option in self._stalls:
            if start_s <= now_s < end_s:
                requote[option] = False
        which = np.flatnonzero(requote)
        changed = np.zeros(len(requote), dtype=np.bool_)
        if len(which):
            changed[which] = self._requote(which, now_s, widening[which])
            self._quoted_index[which], self._quoted_points[which] = log_index[which], points[which]
            self._quoted_widening[which] = widening[which]
        self._print(np.flatnonzero(changed | due_print), now_s)

    def _hurry(self, now_s: float) -> None:
        """Print sooner from the moment the market leaves its calm: the venue's mark moves with it."""
        stressed = float(self._market.at(self._market.stress, np.array([now_s]))[0]) > _STRESSED
        if stressed and not self._was_stressed:
            sooner = now_s + self._rng.uniform(0.0, _STRESSED_PRINT_S[1], size=len(self._next_print))
            self._next_print = np.minimum(self._next_print, sooner)
        self._was_stressed = stressed

    def _requote(self, which: _Index, now_s: float, widening: _Array) -> NDArray[np.bool_]:
        """Quote around value as the maker sees it, rounded away from it; tell which prices changed."""
        moment = np.full(len(which), now_s)
        forward, _, value = theoretical(self._market, self._contracts, which, moment, self._lag[which])
        self._delta[which] = value.delta
        self._vega_bps[which] = BPS * value.vega / forward * self._contracts.vol_response[which]
        delta = np.abs(value.delta)
        half_bps = _BASE_HALF_BPS + _HALF_BPS_PER_DELTA * delta
        half_bps += _HALF_BPS_PER_DELTA_INSIDE * np.maximum(0.0, delta - _INSIDE_DELTA)
        half = half_bps * self._width[which] * widening / BPS
        bid, ask = _round_down(value.value_coin - half), _round_up(value.value_coin + half)
        moved_bid, moved_ask = _differs(bid, self._bid[which]), _differs(ask, self._ask[which])
        self._bid[which], self._ask[which] = bid, ask
        new_bid_size, new_ask_size = self._sizes(which), self._sizes(which)
        kept_bid_size = np.where(moved_bid, new_bid_size, self._bid_size[which])
        self._bid_size[which] = np.where(np.isnan(bid), np.nan, kept_bid_size)
        self._ask_size[which] = np.where(moved_ask, new_ask_size, self._ask_size[which])
        return np.asarray(moved_bid | moved_ask)

    def _sizes(self, which: _Index) -> _Array:
        drawn = np.round(_MEDIAN_SIZE * np.exp(0.7 * self._rng.standard_normal(len(which))), 1)
        only = self._only_size[which]
        return np.where(np.isnan(only), np.maximum(_LEAST_SIZE, drawn), only)

    def _print(self, which: _Index, now_s: float) -> None:
        if not len(which):
            return
        calm = self._rng.exponential(_CALM_PRINT_MEAN_S, size=len(which))
        stressed = self._rng.uniform(*_STRESSED_PRINT_S, size=len(which))
        self._next_print[which] = now_s + (stressed if self._was_stressed else calm)
        moments = now_s + np.sort(self._rng.uniform(0.0, 0.9 * _STEP_S, size=len(which)))
        self._printed.append(
            (moments, which, self._bid[which], self._bid_size[which], self._ask[which], self._ask_size[which])
        )

    def rows(self) -> Rows:
        """Return all that was printed."""
        columns = zip(*self._printed, strict=True)
        seconds, option, bid, bid_size, ask, ask_size = (np.concatenate(column) for column in columns)
        return Rows(seconds=seconds, option=option, bid=bid, bid_size=bid_size, ask=ask, ask_size=ask_size)


def _differs(new: _Array, old: _Array) -> NDArray[np.bool_]:
    """Tell where prices differ; two empty sides don't."""
    return np.asarray(~((np.abs(new - old) < 0.5 * _FINE_TICK) | (np.isnan(new) & np.isnan(old))))


def _round_down(price: _Array) -> _Array:
    tick = np.where(price >= _COARSE_FROM, _COARSE_TICK, _FINE_TICK)
    rounded = np.floor(price / tick + 1e-9) * tick
    return np.where(rounded >= _FINE_TICK * 0.5, rounded, np.nan)


def _round_up(price: _Array) -> _Array:
    tick = np.where(price > _COARSE_FROM, _COARSE_TICK, _FINE_TICK)
    return np.asarray(np.ceil(price / tick - 1e-9) * tick)
