"""Nanoseconds per option of greeks, implied volatility and smile fit, against loops that anybody writes first."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import NormalDist

import numpy as np

from aftershock.model.units import tau_years
from aftershock.pricing import fit_smile, greeks, implied_vol
from benchmarks.market import SPOT, START_NS, Market
from benchmarks.report import Report, Table, met, ratio, show

__all__ = ["main", "measure"]

_SIZES = (1, 25, 500, 10_000)
_ROUNDS = 15
_ROUND_S = 0.004
_LOOPED = 100
_NORMAL = NormalDist()
_GOAL_NS = 85.0
_GOAL_FACTOR = 15.0


def measure() -> Report:
    """Time everything, each next to its baseline."""
    rows = []
    market = Market.listed()
    worst_iv = 0.0
    for size in _SIZES:
        strike, is_call = np.resize(market.strike, size), np.resize(market.is_call, size)
        forward = np.resize(market.forward(SPOT), size)
        tau = np.resize(np.array([tau_years(int(ns), START_NS) for ns in market.expiry_ns]), size)
        sigma = np.resize(market.quotes(START_NS, SPOT).columns["mark_iv"], size)
        at = greeks(forward, strike, tau, sigma, is_call)
        solved, _ = implied_vol(at.price, forward, strike, tau, is_call)
        worst_iv = max(worst_iv, float(np.max(np.abs(solved / sigma - 1.0))))
        looped = min(size, _LOOPED)
        scalars = [x[:looped].tolist() for x in (forward, strike, tau, sigma, is_call, at.price)]
        rows += [
            _compared(
                "price and greeks",
                size,
                partial(greeks, forward, strike, tau, sigma, is_call),
                partial(_loop, _scalar_greeks, list(zip(*scalars[:5], strict=True))),
                looped,
            ),
            _compared(
                "implied volatility",
                size,
                partial(implied_vol, at.price, forward, strike, tau, is_call),
                partial(_loop, _scalar_vol, list(zip(scalars[5], *scalars[:3], scalars[4], strict=True))),
                looped,
            ),
        ]
    return Report(
        name="pricing",
        what="CPU time per option, the median of rounds, on the options of the decision benchmark. Baseline: a Python "
        "loop with `statistics.NormalDist`, Newton's method for the volatility (exact to about 1e-9, and without the "
        "wings). `python -m benchmarks.iv_accuracy` has the errors against 60 digits.",
        tables=(
            Table(
                title="Per option",
                columns=("what", "options", "baseline / ours", "ns", "baseline ns"),
                rows=tuple(
                    (name, f"{options:,}", ratio(loop / ours), f"{ours:,.0f}", f"{loop:,.0f}")
                    for name, options, ours, loop in rows
                ),
            ),
            _smiles(market),
        ),
        verdicts=_verdicts(rows, worst_iv),
    )


def _verdicts(rows: list[tuple[str, int, float, float]], worst_iv: float) -> tuple[str, ...]:
    ours, loop = next((ours, loop) for name, n, ours, loop in rows if name == "implied volatility" and n == _SIZES[2])
    return (
        (
            f"Goal {_GOAL_NS:g} ns per volatility at N >= 200 (compiled kernel, not there yet): "
            f"{met(ours <= _GOAL_NS)} ({ours:,.0f} ns at {_SIZES[2]}), {ratio(loop / ours)} the NormalDist loop. "
            f"The goal of {_GOAL_FACTOR:g} x is against packages that are no dependency here."
        ),
        f"Volatility put in and found again on this chain: worst relative difference {worst_iv:.1e}.",
    )


def _smiles(market: Market) -> Table:
    rows = []
    for at in (0, 4, 9):
        here = np.flatnonzero((market.expiry_of == at) & market.is_call)
        forward, tau = market.forward(SPOT)[here], tau_years(int(market.expiry_ns[here][0]), START_NS)
        k = np.log(market.strike[here] / forward)
        # Quotes are never on a curve: a tenth of a vol point up and down.
        iv = market.quotes(START_NS, SPOT).columns["mark_iv"][here] + 0.001 * np.sin(7.0 * np.arange(len(here)))
        weight = np.full(len(here), 2_500.0)
        ours = _cpu_ns(partial(fit_smile, k, iv, weight, tau))
        parabola = _cpu_ns(partial(np.polyfit, k, iv, 2))
        fitted = fit_smile(k, iv, weight, tau)
        straight = np.polyval(np.polyfit(k, iv, 2), k) - iv
        rows.append(
            (
                f"{365.0 * tau:.0f} days, {len(here)} quotes",
                ratio(parabola / ours),
                f"{ours / 1e3:,.0f}",
                f"{parabola / 1e3:,.0f}",
                f"{100.0 * fitted.rms:.3f}",
                f"{100.0 * math.sqrt(float(np.mean(straight**2))):.3f}",
            )
        )
    return Table(
        title="SVI per expiry; baseline numpy.polyfit of a parabola, an easier problem",
        columns=("expiry", "baseline / ours", "us", "baseline us", "rms vol points", "baseline rms"),
        rows=tuple(rows),
    )


def _compared(
    name: str, size: int, ours: Callable[[], object], loop: Callable[[], object], looped: int
) -> tuple[str, int, float, float]:
    return name, size, _cpu_ns(ours) / size, _cpu_ns(loop) / looped


def _cpu_ns(call: Callable[[], object]) -> float:
    """Return the median CPU time of a call over rounds of a few milliseconds."""
    call()
    started = time.process_time_ns()
    call()
    repeats = max(1, round(_ROUND_S * 1e9 / max(time.process_time_ns() - started, 1_000)))
    rounds = []
    for _ in range(_ROUNDS):
        started = time.process_time_ns()
        for _ in range(repeats):
            call()
        rounds.append((time.process_time_ns() - started) / repeats)
    return statistics.median(rounds)


def _loop(formula: Callable[..., object], options: Sequence[tuple[object, ...]]) -> None:
    for option in options:
        formula(*option)


def _scalar_greeks(forward: float, strike: float, tau: float, sigma: float, is_call: bool) -> tuple[float, ...]:
    root = math.sqrt(tau)
    d1 = math.log(forward / strike) / (sigma * root) + 0.5 * sigma * root
    d2 = d1 - sigma * root
    sign = 1.0 if is_call else -1.0
    density, n1 = _NORMAL.pdf(d1), _NORMAL.cdf(sign * d1)
    vega = forward * density * root
    price = sign * (forward * n1 - strike * _NORMAL.cdf(sign * d2))
    return price, sign * n1, density / (forward * sigma * root), vega, -0.5 * vega * sigma / tau / 365.0, -tau * price


def _scalar_vol(price: float, forward: float, strike: float, tau: float, is_call: bool) -> float:
    sigma = max(math.sqrt(2.0 * abs(math.log(forward / strike)) / tau), 0.01)  # the inflection point: Newton converges
    for _ in range(50):
        value, _, _, vega, *_ = _scalar_greeks(forward, strike, tau, sigma, is_call)
        if abs(value - price) <= 1e-9 * price or vega <= 0.0:
            break
        sigma -= (value - price) / vega
    return sigma


def main() -> None:
    """Print it."""
    show(measure)


if __name__ == "__main__":
    main()
