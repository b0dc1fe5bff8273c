"""The desk of open triggers: what each watches, when it is looked at again, when it ends."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from aftershock.core.aligner import OptionsChainAligner
from aftershock.core.decide import Decider
from aftershock.core.held import Reviews
from aftershock.core.moments import Moments
from aftershock.core.stale_quotes import ArmedChain
from aftershock.core.triggers import OpenTrigger, is_degraded
from aftershock.model.signals import Alignment, TriggerClosed, TriggerKind, TriggerOpened
from aftershock.model.units import BPS, NAN, NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.case import Moment
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.cross_pair import CrossPair
    from aftershock.core.dislocation import Dislocation
    from aftershock.core.forward import ExpiryKey
    from aftershock.core.market import Market
    from aftershock.core.package import Package
    from aftershock.core.stats import EngineStats
    from aftershock.model.events import Event, ReviewReply

__all__ = ["NEVER", "Opening", "TriggerDesk"]

NEVER = 2**63 - 1


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """Why a trigger opens.

    Attributes:
        kind: Cascade, price move or probe.
        series: Whose move it is.
        direction: +1 up, -1 down.
        log_price: Of the series now, NaN if unknown; `move_bps` its move over the window.
        closes: End, ns, unless prolonged.
        source: Venues that it comes from.
        scope: The one expiry whose own price moved; None for all.
        not_evaluable: Conditions without inputs.
        features: Figures by name.
        venues: Liquidation venues in the window.
        print_price: Price of the liquidation, to align with where no forward is known; `print_source` what it is.
    """

    kind: TriggerKind
    series: str
    direction: int
    log_price: float
    move_bps: float
    closes: int
    source: str
    scope: ExpiryKey | None = None
    not_evaluable: tuple[str, ...] = ()
    features: dict[str, float] = {}
    venues: tuple[str, ...] = ()
    print_price: float = NAN
    print_source: str = ""


class TriggerDesk:
    """Open triggers and their deadlines; decisions go to `effects`, which the engine empties.

    Attributes:
        effects: What was decided since the engine last took them.
        next_deadline: Moment, ns, of the next end, put-off evaluation or answer that is waited for no longer; `NEVER`
            without any.
        moment: `ts_init` of option quotes that are not evaluated yet; `NEVER` without any.
    """

    def __init__(self, config: EngineConfig, market: Market, stats: EngineStats) -> None:
        self._config = config
        self._market = market
        self._reviews = Reviews(config.review, stats.review)
        self._decider = Decider(config, market.fees, stats, self._reviews)
        self._aligner = OptionsChainAligner()
        self._pause_ns = int(config.reevaluate_ms * NS_PER_MS)
        self._calm_ns = int(config.reevaluate_calm_ms * NS_PER_MS)
        self._touched: dict[tuple[str, str], int] = {}
        self._open: dict[str, OpenTrigger] = {}
        self._moments = Moments(config, market, self._open)
        self._opened = 0
        self.effects: list[Any] = []
        self.next_deadline = NEVER
        self.moment = NEVER

    def halt(self, *, halted: bool) -> None:
        """Let every decision be HOLD `venue_down`, or no longer."""
        self._moments.halted = halted

    # --- what is open -------------------------------------------------------------------------------------------

    def has_cascade(self, asset: AssetState, *, armed: bool = False) -> bool:
        """Tell whether a cascade of a coin is open, or one that may lead to an order."""
        return any(
            t.kind is TriggerKind.CASCADE and t.asset == asset.name and not (armed and t.degraded)
            for t in self._open.values()
        )

    def feed_cascades(self, asset: AssetState, event: Event) -> None:
        """Let a liquidation feed and prolong the open cascade of its coin."""
        for trigger in self._open.values():
            if trigger.kind is TriggerKind.CASCADE and trigger.asset == asset.name:
                trigger.feed(event.ts_init, event.ts_event)
                self._prolong(trigger, asset, event.ts_init)
        self._schedule()

    def _prolong(self, trigger: OpenTrigger, asset: AssetState, now: int) -> None:
        """Move a cascade's end to `calm_s` after its intensity will have fallen below the calm level; note its peak."""
        config = self._config.trigger
        over = asset.window.figures(now).intensity_ratio / config.calm_intensity_ratio
        if over >= 1:
            until_calm = math.log2(over) * config.intensity_half_life_s + config.calm_s
            trigger.closes = max(trigger.closes, now + int(until_calm * NS_PER_S))
        trigger.peak_hz = max(trigger.peak_hz, asset.window.intensity_hz(now))
        asset.refractory["cascade"] = trigger.closes + int(config.refractory_s * NS_PER_S)

    # --- opening ------------------------------------------------------------------------------------------------

    def open(self, asset: AssetState, opening: Opening, event: Event) -> None:
        """Open a trigger and evaluate all that it watches; a degraded one says its HOLD and watches nothing."""
        now = event.ts_init
        trigger = self._new(asset, opening.kind, opening.series, event, opening.source)
        trigger.direction, trigger.closes, trigger.expiry_scope = opening.direction, opening.closes, opening.scope
        trigger.extreme = opening.log_price
        trigger.reference = opening.log_price - opening.move_bps / BPS
        trigger.bases = asset.book.bases(now)
        known = opening.log_price == opening.log_price
        price = math.exp(opening.log_price) if known else opening.print_price
        source = opening.series if known else opening.print_source
        alignment = self._align(asset, price, source, now, opening.scope)
        self._say_opened(trigger, opening, alignment)
        self._open[trigger.trigger_id] = trigger
        if opening.kind is TriggerKind.CASCADE:
            self._prolong(trigger, asset, now)
        trigger.degraded = is_degraded(opening.not_evaluable)
        if trigger.degraded:  # watched to its end, so that it is one cascade, but never armed
            when = self._moments.of_trigger(trigger, asset, now, event.ts_event, venue_up=True)
            self.effects += self._decider.on_nothing(trigger, when, asset, evaluable=False)
        elif "A" in self._config.edges or ("D" in self._config.edges and opening.kind is TriggerKind.CASCADE):
            self._arm(trigger, asset, now)
        for key in trigger.armed:
            self._evaluate(trigger, key, now, event.ts_event)
        self._schedule()

    def on_package(self, asset: AssetState, chain: Chain, package: Package, event: Event) -> None:
        """Open a static trigger, judge its package, and close it at once."""
        listings = tuple((chain, leg.row) for leg in package.legs)
        trigger, when = self._open_static(asset, chain.venue, event, listings)
        self.effects += self._decider.on_package(trigger, when, chain, package, asset)
        self._finish(trigger, event.ts_init)

    def on_cross_venue(self, asset: AssetState, pair: CrossPair, event: Event) -> None:
        """Open a static trigger for the same option on two venues, judge it, and close it at once."""
        listings = tuple((side.chain, side.row) for side in (pair.bought, pair.sold))
        trigger, when = self._open_static(asset, pair.venues, event, listings)
        self.effects += self._decider.on_cross_venue(trigger, when, pair, asset)
        self._finish(trigger, event.ts_init)

    def _open_static(
        self, asset: AssetState, source: str, event: Event, listings: tuple[tuple[Chain, int], ...]
    ) -> tuple[OpenTrigger, Moment]:
        trigger = self._new(asset, TriggerKind.STATIC, "", event, source)
        self._say_opened(trigger, None, None)
        return trigger, self._moments.of_static(asset, listings, event.ts_init, event.ts_event)

    def on_dislocation(self, asset: AssetState, found: Dislocation, event: Event) -> None:
        """Open a trigger for a perpetual that stands away, judge it, and close it at once; not twice in a while."""
        now = event.ts_init
        when = self._moments.of_perpetuals(now, event.ts_event)
        if not asset.dislocations.is_news(found, now, strong=self._decider.would_order(when, found)):
            return
        trigger = self._new(asset, TriggerKind.DISLOCATION, "", event, found.venue)
        trigger.away_bps = found.away_bps
        self._say_opened(trigger, None, None, {"away_bps": found.away_bps})
        self.effects += self._decider.on_dislocation(trigger, when, found, asset)
        self._finish(trigger, now)

    def _new(self, asset: AssetState, kind: TriggerKind, series: str, event: Event, source: str) -> OpenTrigger:
        self._opened += 1
        return OpenTrigger(
            trigger_id=f"{kind.value}-{asset.name}-{event.ts_init}-{self._opened}",
            kind=kind,
            asset=asset.name,
            series=series,
            opened=event.ts_init,
            direction=0,
            source_market=source,
            closes=event.ts_init,
            cause_ts=event.ts_init,
            cause_ts_event=event.ts_event,
            reference=NAN,
            extreme=NAN,
        )

    def _arm(self, trigger: OpenTrigger, asset: AssetState, now: int) -> None:
        """Fit the smiles from before the shock, and watch every option in scope."""
        as_of = now - int(self._config.smile_lag_s * NS_PER_S)
        max_age = int(self._config.smile_max_age_s * NS_PER_S)
        for key in sorted(asset.chains):
            chain = asset.chains[key]
            asset.roll(chain, now)
            smiles = {}
            for expiry_ns in chain.expiries:
                if trigger.expiry_scope in (None, (*key, expiry_ns)):
                    book = asset.smiles.get((*key, expiry_ns))
                    smiles[expiry_ns] = None if book is None else book.fit(chain, expiry_ns, as_of, max_age)
            if smiles:
                trigger.armed[key] = ArmedChain(chain, smiles)

    def _align(
        self, asset: AssetState, price: float, source: str, now: int, scope: ExpiryKey | None
    ) -> Alignment | None:
        """Align a price with the nearest expiry outside the settlement window, of the first chain that has one."""
        window = int(self._config.expiry_window_s * NS_PER_S)
        for _, chain in sorted(asset.chains.items()):
            for expiry_ns, expiry in chain.expiries.items():
                wanted = (*chain.key, expiry_ns) == scope if scope else expiry_ns - now > window
                if wanted and 0 < price < math.inf:
                    found = self._aligner.find_nearest_strikes(price, expiry.strikes)
                    return Alignment(
                        venue=chain.venue,
                        expiry_ns=expiry_ns,
                        price=price,
                        price_source=source,
                        atm_strike=found["atm_strike"],
                        itm_strike=found["itm_strike"],
                        otm_strike=found["otm_strike"],
                    )
        return None

    def _say_opened(
        self,
        trigger: OpenTrigger,
        opening: Opening | None,
        alignment: Alignment | None,
        features: dict[str, float] | None = None,
    ) -> None:
        missing = () if opening is None else opening.not_evaluable
        if opening is not None:
            features = opening.features or {"move_bps": opening.move_bps}
        self.effects.append(
            TriggerOpened(
                trigger_id=trigger.trigger_id,
                kind=trigger.kind,
                asset=trigger.asset,
                series=trigger.series,
                ts_init=trigger.opened,
                profile="degraded" if is_degraded(missing) else "full",
                not_evaluable=missing,
                features=features or {},
                venues=() if opening is None else opening.venues,
                alignment=alignment,
            )
        )

    # --- watching -----------------------------------------------------------------------------------------------

    def on_forward(self, asset: AssetState, scope: ExpiryKey | None, log_price: float, event: Event) -> None:
        """Note that a series moved: everything that its triggers watch is to be evaluated again."""
        moved = False
        for trigger in self._open.values():
            if trigger.asset == asset.name and trigger.expiry_scope == scope:
                if trigger.direction * (log_price - trigger.extreme) > 0:
                    trigger.extreme = log_price
                    trigger.feed(event.ts_init, event.ts_event)
                for key, armed in trigger.armed.items():
                    if armed.forward_moved(log_price, event.ts_init, self._config.reevaluate_bps, self._calm_ns):
                        self._evaluate(trigger, key, event.ts_init, event.ts_event)
                        moved = True
        if moved:
            self._schedule()

    def on_option(self, asset: AssetState, chain: Chain, row: int, now: int, ts_event: int) -> None:
        """Note that an option's quote came; it is evaluated with the others of its moment, once that is over."""
        for trigger in self._open.values():
            armed = trigger.armed.get(chain.key) if trigger.asset == asset.name else None
            if armed is not None and row in armed.position:
                armed.dirty[armed.position[row]] = True
                self._touched[chain.key] = ts_event
                self.moment = now

    def finish_moment(self) -> None:
        """Evaluate the options whose quotes came at the moment that is over."""
        now, self.moment = self.moment, NEVER
        touched, self._touched = self._touched, {}
        for trigger in self._open.values():
            for key in trigger.armed:
                if key in touched:
                    self._evaluate(trigger, key, now, touched[key])
        self._schedule()

    def _evaluate(self, trigger: OpenTrigger, key: tuple[str, str], now: int, ts_event: int) -> None:
        """Evaluate what is dirty and was not evaluated within the last `reevaluate_ms`."""
        armed = trigger.armed[key]
        ready = armed.ready(now, self._pause_ns, self._config.reevaluate_bps, self._calm_ns)
        if len(ready):
            asset = self._market.assets[trigger.asset]
            when = self._moments.of_chain(trigger, asset, key[0], now, ts_event)
            self.effects += self._decider.on_quotes(trigger, when, armed, ready, asset)

    # --- answers to what is held --------------------------------------------------------------------------------

    def on_reply(self, reply: ReviewReply) -> None:
        """Take a model's answer; one that nothing waits for changes nothing."""
        trigger = self._reviews.answer(reply)
        if trigger is not None:
            self._settle(trigger, reply.ts_init, reply.ts_event)
            self._schedule()

    def _settle(self, trigger: OpenTrigger, now: int, ts_event: int) -> None:
        """Decide what a trigger held on the state of now, and end it if that was due."""
        review = trigger.review
        if review is None:
            return
        asset, held = self._market.assets[trigger.asset], review.held
        review.held = {}
        for each in held.values():
            when = self._moments.again(each.case, trigger, asset, now, ts_event)
            self.effects += self._decider.on_settled(trigger, each, when, asset)
        if review.closing:
            self._say_closed(trigger, now)

    # --- time and ends ------------------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Fire, in order and each at its own time, every deadline that lies before now."""
        while self.next_deadline < now:
            due = self.next_deadline
            if self._reviews.next_deadline <= due:
                for trigger in self._reviews.expire(due):
                    self._settle(trigger, due, due)
            for trigger in list(self._open.values()):
                if trigger.closes <= due:
                    self._close(trigger, due)
                else:
                    for key in trigger.armed:
                        self._evaluate(trigger, key, due, due)
            self._schedule()

    def _schedule(self) -> None:
        moments = [self._reviews.next_deadline]
        for trigger in self._open.values():
            moments += [trigger.closes, *(armed.due(self._pause_ns) for armed in trigger.armed.values())]
        self.next_deadline = min(moments)

    def close_moves(self, asset: AssetState, now: int) -> None:
        """End the price-move triggers of a coin's consolidated series: a cascade takes over."""
        for trigger in list(self._open.values()):
            if trigger.asset == asset.name and trigger.expiry_scope is None and trigger.kind is TriggerKind.PRICE_MOVE:
                self._close(trigger, now)

    def close_all(self, now: int) -> None:
        """End every trigger."""
        for trigger in list(self._open.values()):
            self._close(trigger, now)
        self._schedule()

    def begin_end(self) -> None:
        """Ask nobody from now on: the input is over."""
        self._reviews.ended = True

    def end(self, now: int) -> None:
        """Wait for no answer any more, and end every trigger."""
        for trigger in self._reviews.stop():
            self._settle(trigger, now, now)
        self.close_all(now)

    def _close(self, trigger: OpenTrigger, now: int) -> None:
        """End a trigger: evaluate once more; without any opportunity, say the one HOLD."""
        asset = self._market.assets[trigger.asset]
        for key, armed in trigger.armed.items():
            everything = np.arange(len(armed.rows), dtype=np.int64)
            when = self._moments.of_chain(trigger, asset, key[0], now, now)
            self.effects += self._decider.on_quotes(trigger, when, armed, everything, asset)
        if trigger.decisions == 0 and not _holds(trigger):
            when = self._moments.of_trigger(trigger, asset, now, now)
            self.effects += self._decider.on_nothing(trigger, when, asset, evaluable=True)
        del self._open[trigger.trigger_id]
        self._finish(trigger, now)

    def _finish(self, trigger: OpenTrigger, now: int) -> None:
        """Say that a trigger is over; one that holds something says so once that is decided."""
        if trigger.review is not None and trigger.review.held:
            trigger.review.closing = True
            self.next_deadline = min(self.next_deadline, self._reviews.next_deadline)
        else:
            self._say_closed(trigger, now)

    def _say_closed(self, trigger: OpenTrigger, now: int) -> None:
        self.effects.append(
            TriggerClosed(
                trigger_id=trigger.trigger_id,
                ts_init=now,
                evaluations=trigger.evaluations,
                decisions=trigger.decisions,
            )
        )


def _holds(trigger: OpenTrigger) -> bool:
    return trigger.review is not None and bool(trigger.review.held)
