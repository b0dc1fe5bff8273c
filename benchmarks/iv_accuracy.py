"""Worst errors of the NumPy pricing against 60 digits, region by region, and its time per option.

    python -m benchmarks.iv_accuracy

Truth is the volatility of exactly the float premium that was passed (mpmath). Errors of volatility are relative and
divided by the condition number premium/(vega sigma), at least 1: what the premium's own rounding is magnified by.
Times are process CPU time, the median of rounds, next to a plain Python loop over the same options.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from aftershock.pricing import fit_smile, greeks, implied_vol, price, rho_spot, robust_values
from tests.pricing.oracle import all_greeks, condition_number, relative_error, true_vol

FORWARD = 60_000.0
_MINUTE = 1.0 / 525_600.0
_SAMPLES = 150
_ROUNDS = 21


class Option(NamedTuple):
    """An option and its premium, undiscounted."""

    premium: float
    strike: float
    tau: float
    is_call: bool


def main() -> None:
    """Print everything."""
    rng = np.random.default_rng(20230413)
    _say("implied volatility: worst relative error / condition number, and worst relative error")
    for name, options in _regions(rng):
        scaled, bare = _worst_vol_error(options)
        _say(f"  {name:48s} {scaled:8.1e} {bare:8.1e}  ({len(options)} options)")
    _say("greeks, |d1| <= 4, total volatility 1e-4 .. 4: worst relative error")
    for name, error in _worst_greek_errors(rng).items():
        _say(f"  {name:48s} {error:8.1e}")
    _say("CPU ns per option (and times a Python loop takes)")
    for size in (1, 100, 200, 1_000, 100_000):
        _say(f"  {size:7d} options: {_times(rng, size)}")
    _say(f"  robust bounds of 500 options: {_robust_time(rng):.0f} us; SVI fit of 40 quotes: {_fit_time(rng):.0f} us")


def _regions(rng: np.random.Generator) -> Iterator[tuple[str, list[Option]]]:
    """Yield named lists of options."""
    for low, high in ((1e-5, 0.002), (0.002, 0.01), (0.01, 0.25), (0.25, 1.0), (1.0, 4.0)):
        s = np.exp(rng.uniform(math.log(low), math.log(high), _SAMPLES))
        d = rng.uniform(-4.0, 4.0, _SAMPLES)
        yield (
            f"total volatility {low:g} .. {high:g}, |d| <= 4",
            [
                _priced(FORWARD * math.exp(-d_ * s_ + 0.5 * s_ * s_), 0.3, s_ / math.sqrt(0.3), bool(i % 2))
                for i, (s_, d_) in enumerate(zip(s.tolist(), d.tolist(), strict=True))
            ],
        )
    yield (
        "at the money, 1 minute .. 1 hour",
        [
            _priced(FORWARD * (1 + 1e-4 * x), m * _MINUTE, 0.2 + abs(x), x > 0)
            for x, m in zip(rng.uniform(-1, 1, _SAMPLES).tolist(), rng.uniform(1, 60, _SAMPLES).tolist(), strict=True)
        ],
    )
    yield (
        "in the money, time value 1e-9 .. 1e-3 of premium",
        [
            Option((FORWARD - k) * (1 + 10.0**x), k, 0.1, True)
            for k, x in zip(
                rng.uniform(3e4, 5.5e4, _SAMPLES).tolist(), rng.uniform(-9, -3, _SAMPLES).tolist(), strict=True
            )
        ],
    )
    for name, low, high in (("1e-14 .. 1e-10", -14, -10), ("1e-250 .. 1e-14", -250, -14)):
        yield (
            f"out of the money, premium {name} F",
            [
                Option(FORWARD * 10.0**x, FORWARD * ratio, 0.1, ratio > 1.0)
                for x, ratio in zip(
                    rng.uniform(low, high, _SAMPLES).tolist(),
                    (np.exp(rng.choice([-1, 1], _SAMPLES) * rng.uniform(0.05, 1.5, _SAMPLES))).tolist(),
                    strict=True,
                )
            ],
        )


def _priced(strike: float, tau: float, sigma: float, is_call: bool) -> Option:
    return Option(float(price(FORWARD, strike, tau, sigma, is_call)), strike, tau, is_call)


def _worst_vol_error(options: list[Option]) -> tuple[float, float]:
    """Return the worst error over its condition number, and the worst error, of those that have a volatility."""
    scaled = bare = 0.0
    for premium, strike, tau, is_call in options:
        sigma, status = implied_vol(premium, FORWARD, strike, tau, is_call)
        if status != 0:
            continue
        error = relative_error(sigma, true_vol(premium, FORWARD, strike, tau, is_call, float(sigma)))
        bare = max(bare, error)
        scaled = max(scaled, error / condition_number(FORWARD, strike, tau, float(sigma), is_call))
    return scaled, bare


def _worst_greek_errors(rng: np.random.Generator) -> dict[str, float]:
    worst: dict[str, float] = {}
    for i in range(4 * _SAMPLES):
        s, d = math.exp(rng.uniform(math.log(1e-4), math.log(4.0))), float(rng.uniform(-4.0, 4.0))
        terms = (FORWARD, FORWARD * math.exp(-d * s + 0.5 * s * s), 0.25, 2.0 * s, bool(i % 2), 0.97)
        ours = greeks(*terms)._asdict() | {"rho_spot": rho_spot(*terms)}
        for name, truth in all_greeks(*terms).items():
            worst[name] = max(worst.get(name, 0.0), relative_error(ours[name], truth))
    return worst


def _times(rng: np.random.Generator, size: int) -> str:
    """Return a line of figures for chains of one size: a minute to a year, four standard deviations."""
    tau = np.exp(rng.uniform(math.log(1.0 / 8760.0), 0.0, size))
    sigma = rng.uniform(0.2, 3.0, size)
    strike = FORWARD * np.exp(rng.uniform(-4.0, 4.0, size) * sigma * np.sqrt(tau))
    is_call = strike >= FORWARD
    premium = price(FORWARD, strike, tau, sigma, is_call)
    looped = list(zip(premium.tolist(), strike.tolist(), tau.tolist(), sigma.tolist(), is_call.tolist(), strict=True))[
        :200
    ]
    figures = []
    for name, ours, loop in (
        ("volatility", lambda: implied_vol(premium, FORWARD, strike, tau, is_call), _loop_vols),
        ("greeks", lambda: greeks(FORWARD, strike, tau, sigma, is_call), _loop_greeks),
    ):
        own = _cpu_seconds(ours) / size
        other = _cpu_seconds(partial(loop, looped)) / len(looped)
        figures.append(f"{name} {1e9 * own:7.0f} ({other / own:.1f})")
    return ", ".join(figures)


def _robust_time(rng: np.random.Generator) -> float:
    k = np.linspace(-0.3, 0.3, 40)
    smile = fit_smile(k, 0.6 + 0.3 * k * k, np.ones(40), 7 / 365)
    strike = FORWARD * np.exp(rng.uniform(-0.3, 0.3, 500))
    is_call = strike >= FORWARD
    return 1e6 * _cpu_seconds(lambda: robust_values(strike, is_call, smile, FORWARD, 0.99 * FORWARD, 7 / 365))


def _fit_time(rng: np.random.Generator) -> float:
    k = np.linspace(-0.3, 0.3, 40)
    iv = (0.6 + 0.3 * k * k) * (1.0 + 0.004 * rng.standard_normal(40))
    return 1e6 * _cpu_seconds(lambda: fit_smile(k, iv, np.ones(40), 7 / 365))


def _cpu_seconds(call: Callable[[], object]) -> float:
    """Return the median CPU time of a call over rounds of at least 2 ms."""
    call()
    started = time.process_time()
    call()
    repeats = max(1, round(0.002 / max(time.process_time() - started, 1e-6)))
    rounds = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        for _ in range(repeats):
            call()
        rounds.append((time.process_time() - started) / repeats)
    return statistics.median(rounds)


def _loop_greeks(options: list[tuple[float, float, float, float, bool]]) -> None:
    for _, strike, tau, sigma, is_call in options:
        _plain_greeks(strike, tau, sigma, is_call)


def _loop_vols(options: list[tuple[float, float, float, float, bool]]) -> None:
    """Newton's method from the inflection point, as one writes it by hand."""
    for premium, strike, tau, _, is_call in options:
        sigma = max(math.sqrt(2.0 * abs(math.log(FORWARD / strike)) / tau), 0.01)
        for _ in range(50):
            value, _, _, vega, _ = _plain_greeks(strike, tau, sigma, is_call)
            if vega < 1e-9 or abs(value - premium) < 1e-12 * premium:
                break
            sigma -= (value - premium) / vega


def _plain_greeks(strike: float, tau: float, sigma: float, is_call: bool) -> tuple[float, ...]:
    root = math.sqrt(tau)
    d1 = math.log(FORWARD / strike) / (sigma * root) + 0.5 * sigma * root
    d2 = d1 - sigma * root
    sign = 1.0 if is_call else -1.0
    n1, n2 = (0.5 * math.erfc(-sign * d / math.sqrt(2.0)) for d in (d1, d2))
    density = math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
    vega = FORWARD * density * root
    value = sign * (FORWARD * n1 - strike * n2)
    return value, sign * n1, density / (FORWARD * sigma * root), vega, -0.5 * vega * sigma / tau / 365.0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
