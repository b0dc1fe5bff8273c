"""What holds for every opportunity at a moment: venues that are up, the dispersion gate, doubts about the data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aftershock.core.case import Moment
from aftershock.core.cross_case import CrossVenueCase
from aftershock.core.package_case import PackageCase
from aftershock.core.quote_case import QuoteCase
from aftershock.model.signals import TriggerKind
from aftershock.model.units import BPS, NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aftershock.core.asset import AssetState
    from aftershock.core.case import Case
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.market import Market
    from aftershock.core.triggers import OpenTrigger

__all__ = ["Moments", "is_suspect"]

_SHOCKS = (TriggerKind.CASCADE, TriggerKind.PRICE_MOVE, TriggerKind.PROBE)


def is_suspect(chain: Chain, asset: AssetState, config: EngineConfig) -> bool:
    """Tell whether a chain's feed is late, or said nothing while the consolidated series moved on."""
    quiet = abs(asset.consolidated.last - chain.seen_log_price) * BPS
    # A series that is not there says nothing against the chain.
    return chain.lag_ns > config.max_feed_lag_ms * NS_PER_MS or quiet > config.max_quiet_move_bps


class Moments:
    """Makes moments of the state as it is.

    Attributes:
        halted: While set, no venue is up.
    """

    def __init__(self, config: EngineConfig, market: Market, open_triggers: Mapping[str, OpenTrigger]) -> None:
        """Take the triggers that are open, which change as the desk opens and closes them."""
        self._config = config
        self._market = market
        self._open = open_triggers
        self.halted = False

    def of_trigger(
        self, trigger: OpenTrigger, asset: AssetState, now: int, ts_event: int, *, venue_up: bool | None = None
    ) -> Moment:
        """Return what holds for the options of a shock; `venue_up` unless told is whether nothing is halted."""
        dispersion, most = 0.0, math.inf
        if self._config.forward == "quotes" and trigger.bases is not None:
            held = asset.book.consolidated(now, trigger.bases)
            share = self._config.max_dispersion_move_share * abs(trigger.move_bps(held.log_price))
            dispersion = held.dispersion_bps
            most = min(self._config.max_dispersion_bps, share)
        return Moment(
            now=now,
            ts_event=ts_event,
            venue_up=not self.halted if venue_up is None else venue_up,
            dispersion_bps=dispersion,
            max_dispersion_bps=most,
        )

    def of_chain(self, trigger: OpenTrigger, asset: AssetState, venue: str, now: int, ts_event: int) -> Moment:
        """Return what holds for the options of a shock on one venue."""
        return self.of_trigger(trigger, asset, now, ts_event, venue_up=self._up(venue, asset))

    def of_static(self, asset: AssetState, listings: tuple[tuple[Chain, int], ...], now: int, ts_event: int) -> Moment:
        """Return what holds for a static package or pair; `listings` are its options, by chain and row."""
        venues = tuple(chain.venue for chain, _ in listings)
        return Moment(
            now=now,
            ts_event=ts_event,
            venue_up=all(self._up(venue, asset) for venue in venues),
            dispersion_bps=0.0,
            max_dispersion_bps=math.inf,
            faults=self._static_faults(asset, venues, listings),
        )

    def of_perpetuals(self, now: int, ts_event: int) -> Moment:
        """Return what holds for a perpetual that stands away."""
        return Moment(
            now=now, ts_event=ts_event, venue_up=not self.halted, dispersion_bps=0.0, max_dispersion_bps=math.inf
        )

    def again(self, case: Case, trigger: OpenTrigger, asset: AssetState, now: int, ts_event: int) -> Moment:
        """Return what holds for a case from an earlier moment."""
        if isinstance(case, QuoteCase):
            return self.of_chain(trigger, asset, case.of.armed.chain.venue, now, ts_event)
        if isinstance(case, PackageCase | CrossVenueCase):
            return self.of_static(asset, case.listings, now, ts_event)
        return self.of_perpetuals(now, ts_event)

    def _up(self, venue: str, asset: AssetState) -> bool:
        return not self.halted and self._market.streams.options_up(venue, asset.name)

    def _static_faults(
        self, asset: AssetState, venues: tuple[str, ...], listings: tuple[tuple[Chain, int], ...]
    ) -> tuple[str, ...]:
        """Say what makes a static package more likely a fault of the data than of the market."""
        faults = []
        shocks = [t for t in self._open.values() if t.asset == asset.name and t.kind in _SHOCKS and not t.degraded]
        if self._config.static_needs_trigger and not shocks:
            faults.append("nothing moved")
        if any(not self._is_sound(trigger, chain, row) for trigger in shocks for chain, row in listings):
            faults.append("a leg that made no sense before the shock")
        if any(is_suspect(c, asset, self._config) for (venue, _), c in asset.chains.items() if venue in venues):
            faults.append("feed late or silent")
        return tuple(faults)

    def _is_sound(self, trigger: OpenTrigger, chain: Chain, row: int) -> bool:
        armed = trigger.armed.get(chain.key)
        if armed is None or row not in armed.position:
            return True
        position, config = armed.position[row], self._config
        return not armed.is_contradicted(config, position) and armed.is_plausible(position)
