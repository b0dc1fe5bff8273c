"""Shocks: a price move of a series, or a cascade of liquidations, each of which opens a trigger; and probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aftershock.core.desk import Opening, TriggerDesk
from aftershock.core.triggers import assess_cascade, is_degraded
from aftershock.model.signals import TriggerKind
from aftershock.model.units import BPS, NAN, NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.config import EngineConfig
    from aftershock.core.forward import ExpiryKey
    from aftershock.core.series import LogPriceSeries
    from aftershock.core.stats import EngineStats
    from aftershock.model.events import Event, Liquidation

__all__ = ["ShockDetector"]


class ShockDetector:
    """Tests each sample and each liquidation; what it finds it opens at the desk."""

    def __init__(self, config: EngineConfig, desk: TriggerDesk, stats: EngineStats) -> None:
        self._config = config
        self._desk = desk
        self._stats = stats
        self._refractory_ns = int(config.trigger.refractory_s * NS_PER_S)

    def on_sample(
        self,
        asset: AssetState,
        name: str,
        series: LogPriceSeries,
        log_price: float,
        event: Event,
        scope: ExpiryKey | None,
    ) -> None:
        """Take a sample of a series, and open a trigger if it moved enough."""
        now = event.ts_init
        series.add(now, log_price)
        if "price-move" not in self._config.trigger.armed or now < asset.refractory.get(name, 0):
            return
        move = series.move(now, log_price)
        if move != move:  # noqa: PLR0124  NaN
            self._stats.cannot_evaluate("price_move")
            return
        if not abs(move) >= self._config.trigger.min_move_bps:
            return
        if scope is None and self._desk.has_cascade(asset, armed=True):
            return  # the cascade already watches this move
        asset.refractory[name] = now + self._refractory_ns
        source = "+".join(venue for venue, _ in asset.book.fresh(now)) if scope is None else scope[0]
        opening = Opening(
            kind=TriggerKind.PRICE_MOVE,
            series=name,
            direction=1 if move > 0 else -1,
            log_price=log_price,
            move_bps=move,
            closes=now + int(self._config.trigger.price_move_life_s * NS_PER_S),
            source=source,
            scope=scope,
        )
        self._desk.open(asset, opening, event)

    def on_probe(self, asset: AssetState, event: Event) -> None:
        """Open a trigger at a moment that the shell chose, whatever the market does, on the consolidated series."""
        now = event.ts_init
        if self._config.forward != "quotes":
            self._stats.cannot_evaluate("probe")  # the series does not exist
            return
        x, oldest = asset.book.consolidated(now).log_price, asset.consolidated.oldest(now)
        move = BPS * (x - oldest) if oldest == oldest else 0.0  # noqa: PLR0124  nothing to compare with: no move
        opening = Opening(
            kind=TriggerKind.PROBE,
            series=asset.name,
            direction=-1 if move < 0 else 1,
            log_price=x,
            move_bps=move,
            closes=now + int(self._config.trigger.price_move_life_s * NS_PER_S),
            source="+".join(venue for venue, _ in asset.book.fresh(now)),
        )
        self._desk.open(asset, opening, event)

    def on_liquidation(self, asset: AssetState, event: Liquidation) -> None:
        """Let a liquidation, already in the window, feed the open cascade of its coin or open one."""
        self._desk.feed_cascades(asset, event)
        ready = event.ts_init >= asset.refractory.get("cascade", 0) and not self._desk.has_cascade(asset)
        if ready and "cascade" in self._config.trigger.armed:
            self._try_cascade(asset, event)

    def _try_cascade(self, asset: AssetState, event: Liquidation) -> None:
        config, now = self._config.trigger, event.ts_init
        figures = asset.window.figures(now)
        if not (figures.saturated or figures.intensity_ratio >= config.min_intensity_ratio):
            return
        x = asset.book.consolidated(now).log_price if self._config.forward == "quotes" else NAN
        verdict = assess_cascade(
            figures,
            config,
            min_venues=min(2, self._config.liquidation_venues),
            venues_known=self._config.liquidation_venues > 0,
            move_bps=asset.consolidated.move(now, x),
            sigma_bps=asset.consolidated.sigma_bps(now),
        )
        if not verdict.opens:
            return
        for name in verdict.not_evaluable:
            self._stats.cannot_evaluate(f"cascade_{name}")
        if not is_degraded(verdict.not_evaluable):
            self._desk.close_moves(asset, now)
        asset.refractory["cascade"] = now + self._refractory_ns
        opening = Opening(
            kind=TriggerKind.CASCADE,
            series=asset.name,
            direction=verdict.direction,
            log_price=x,
            move_bps=verdict.features["move_bps"],
            closes=now + int(config.calm_s * NS_PER_S),
            source="+".join(figures.venues),
            not_evaluable=verdict.not_evaluable,
            features=verdict.features,
            venues=figures.venues,
            print_price=event.price,
            print_source=f"{event.price_kind.value} price of the liquidation",
        )
        self._desk.open(asset, opening, event)
