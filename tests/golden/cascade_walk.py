"""Walks the cascade of section 3 of docs/decision.md: intensity, imbalance, venues, and the move in sigmas."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.golden.arithmetic import Number, exact, is_number, mp
from tests.golden.forward_walk import move_bps, series_value
from tests.golden.terms import PERPETUAL_TERMS
from tests.golden.timeline import beat_times, setting, trigger_setting

if TYPE_CHECKING:
    from tests.golden.terms import Scenario


class Cascade(NamedTuple):
    """The conditions at one liquidation; NaN where the inputs do not allow one."""

    intensity_ratio: Number
    imbalance: Number
    venues: int
    move_bps: Number
    sigma_bps: Number
    needed_bps: Number
    missing: list[str]

    def opens(self, scenario: Scenario) -> bool:
        """Tell whether every condition that has its inputs holds."""
        direction = -1 if self.imbalance > 0 else 1
        return bool(
            self.intensity_ratio >= trigger_setting(scenario, "min_intensity_ratio")
            and abs(self.imbalance) >= exact(trigger_setting(scenario, "min_imbalance"))
            and self.venues >= min(2, setting(scenario, "liquidation_venues"))
            and ("forward" in self.missing or direction * self.move_bps >= self.needed_bps)
        )


def _usd(liquidation: tuple[object, ...]) -> Number:
    _, venue, _, price, amount, *_ = liquidation
    coins = PERPETUAL_TERMS[str(venue)]["coins"]
    return exact(str(amount)) * (1 if coins is None else exact(coins) * exact(str(price)))


def cascade(scenario: Scenario, at_ms: int) -> Cascade:
    """Return the conditions at a moment, the window holding every liquidation so far."""
    printed = [liq for liq in scenario["liquidations"] if liq[0] <= at_ms]
    decay = mp.log(2) / exact(trigger_setting(scenario, "intensity_half_life_s"))
    intensity = sum((decay * mp.exp(-decay * exact(at_ms - liq[0]) / 1_000) for liq in printed), mp.mpf(0))
    # Nothing was liquidated before the window, so that the base rate is its floor.
    ratio = intensity / exact(trigger_setting(scenario, "base_rate_floor_hz"))
    long = sum((_usd(liq) for liq in printed if liq[5] == "long"), mp.mpf(0))
    short = sum((_usd(liq) for liq in printed if liq[5] == "short"), mp.mpf(0))
    has_forward = bool(scenario.get("perpetuals"))
    move = move_bps(scenario, at_ms) if has_forward else mp.nan
    sigma = _sigma_bps(scenario, at_ms) if has_forward else mp.nan
    needed = exact(trigger_setting(scenario, "min_move_bps"))
    if is_number(sigma):
        window = exact(trigger_setting(scenario, "window_s"))
        needed = max(needed, exact(trigger_setting(scenario, "min_move_sigmas")) * sigma * mp.sqrt(window))
    missing = [name for name, value in (("forward", move), ("history", sigma)) if not is_number(value)]
    venues = len({liq[1] for liq in printed})
    return Cascade(ratio, (long - short) / (long + short), venues, move, sigma, needed, missing)


def _sigma_bps(scenario: Scenario, at_ms: int) -> Number:
    """Return the root mean square of the 1 s returns before the window; NaN with less than 300 s of them."""
    end = at_ms - int(1_000 * trigger_setting(scenario, "window_s"))
    # A basis counts from 30 s after the venue's first quote, and is read 5 s late.
    warm = max(feed["offset_ms"] for feed in scenario["perpetuals"].values()) + 36_000
    beats = [at for feed in scenario["perpetuals"].values() for at in beat_times(feed, end) if at >= warm]
    times = range(min(beats), end + 1, 1_000) if beats else range(0)
    if len(times) - 1 < 300:
        return mp.nan
    # Neither the levels nor the bases differ from one second of a parity to the next.
    levels = [series_value(scenario, times[0]), series_value(scenario, times[1])]
    return 10_000 * abs(levels[1] - levels[0])
