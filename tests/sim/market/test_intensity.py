"""Thinning is exact only if the bound holds at every moment of its block; here it is tried at many."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from aftershock.sim.market.hawkes import LiquidationParams
from aftershock.sim.market.intensity import Intensity, Path


@pytest.mark.parametrize("step_bps", [4.0, 0.0])
@pytest.mark.parametrize("seed", range(3))
def test_no_intensity_exceeds_its_bound_while_nothing_happens(seed: int, step_bps: float) -> None:
    rng = Generator(PCG64(seed))
    steps = rng.choice([0.02, 0.3, 5.0], size=300, p=[0.5, 0.45, 0.05])
    seconds = np.concatenate(([0.0], np.cumsum(steps)))
    wandering = np.cumsum(rng.standard_normal(301) * step_bps / 1e4)
    path = Path(seconds, wandering, rng.choice([0.05, 1.0], size=301), np.full(301, 2, dtype=np.int8))
    intensity = Intensity(LiquidationParams(d0_bps=0.0), path)
    tried, closest = 0, 0.0
    while intensity.now_s < path.end_s - 1e-9:
        if rng.random() < 0.6:
            intensity.add(int(rng.choice([-1, 1])), float(np.exp(rng.uniform(10, 17))))
        until_s = min(math.floor(intensity.now_s) + 1.0, path.end_s)
        bound = intensity.bound(until_s)
        for moment in np.sort(rng.uniform(intensity.now_s, until_s, 8)).tolist():
            later = copy.copy(intensity)
            later._recent = intensity._recent.copy()
            later.advance(moment)
            rates = sum(later.rates())
            assert rates <= bound * (1 + 1e-12)
            tried, closest = tried + 1, max(closest, rates / bound)
        intensity.advance(until_s if rng.random() < 0.5 else float(rng.uniform(intensity.now_s, until_s)))

    assert tried > 1_000
    assert closest > 0.9


def test_the_bound_leaves_room_for_an_impact_that_wears_off() -> None:
    seconds = np.array([0.0, 20.5, 20.51, 40.0])
    path = Path(seconds, np.array([0.0, 0.0, 0.0050, 0.0050]), np.full(4, 0.05), np.zeros(4, dtype=np.int8))
    intensity = Intensity(LiquidationParams(alpha=0.0, stress_alpha=0.0), path)
    intensity.advance(21.5)
    intensity.add(-1, 2e6)  # pushes the price down while shorts are being forced out
    intensity.advance(23.0)
    bound = intensity.bound(24.0)
    rates_now = sum(intensity.rates())
    intensity.advance(23.999)

    assert rates_now < sum(intensity.rates()) <= bound
