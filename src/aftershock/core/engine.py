"""The engine: one synchronous step per event, effects out.

State is the assets, the open triggers and the counters; nothing else. Deadlines are the engine's own: each fires,
at its own time and on the state that held then, before the first later event, so neither the cutting of batches nor
extra timers can show in the effects.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from aftershock.core.aligner import OptionsChainAligner
from aftershock.core.asset import AssetState
from aftershock.core.chain import FLOAT_COLUMNS, Chain
from aftershock.core.decide import Decider
from aftershock.core.fees import FeeBook
from aftershock.core.packages import PackageScanner
from aftershock.core.series import LogPriceSeries
from aftershock.core.stale_quotes import ArmedChain
from aftershock.core.stats import EngineStats, LiquidationTotals
from aftershock.core.streams import StreamStatus, carries_options, carries_quotes
from aftershock.core.triggers import OpenTrigger, assess_cascade, is_degraded, log_or_nan
from aftershock.model import events as ev
from aftershock.model.instruments import Instrument, Kind
from aftershock.model.liquidations import Liquidated
from aftershock.model.signals import Alarm, Alignment, TriggerClosed, TriggerKind, TriggerOpened
from aftershock.model.units import NAN, NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.chain import Expiry
    from aftershock.core.config import EngineConfig
    from aftershock.core.forward import ExpiryKey
    from aftershock.core.packages import Package
    from aftershock.model.table import InstrumentTable

__all__ = ["Effect", "Engine"]

Effect = Any
"""TriggerOpened, TriggerClosed, ArbitrageSignal, ApprovedOrder, RefusedOrder or Alarm."""

_NEVER = 2**63 - 1
_STATIC_KEPT = 10_000


class Engine:
    """Turns events into decisions.

    Attributes:
        stats: Counters.
        assets: State per underlying coin.
    """

    def __init__(self, config: EngineConfig, table: InstrumentTable) -> None:
        """Take the configuration and the instruments; both stay as they are."""
        self.config = config
        self.stats = EngineStats()
        self.assets: dict[str, AssetState] = {}
        self._table = table
        self._fees = FeeBook(table)
        self._scanner = PackageScanner(config)
        self.stats.packages = self._scanner.counts
        self._decider = Decider(config, self._fees, self.stats)
        self._aligner = OptionsChainAligner()
        self._open: dict[str, OpenTrigger] = {}
        self._static_until: dict[tuple[str, ...], int] = {}
        self._static_limit = _STATIC_KEPT
        self._next_deadline = _NEVER
        self._triggers_opened = 0
        self._halted = ""
        self._streams = StreamStatus()
        self._rows: dict[tuple[str, str], tuple[AssetState, Chain, int] | None] = {}
        self._cascades_armed = "cascade" in config.trigger.armed
        self._moves_armed = "price-move" in config.trigger.armed
        self._effects: list[Effect] = []
        self._handlers: dict[type, Callable[[Any], None]] = {
            ev.OptionQuotes: self._on_option_quotes,
            ev.Quote: self._on_quote,
            ev.BookSnapshot: self._on_book,
            ev.DerivativeTicker: self._on_ticker,
            ev.Liquidation: self._on_liquidation,
            ev.Gap: self._on_gap,
            ev.Stale: self._on_stale,
            ev.Restored: self._on_restored,
            ev.ClockStep: self._on_clock_step,
            ev.Halt: self._on_halt,
            ev.Resume: self._on_resume,
            ev.EndOfInput: self._on_end,
        }

    @property
    def next_deadline(self) -> int | None:
        """Return the moment, ns, at which the engine wants to be called even if nothing happens; None for never."""
        return None if self._next_deadline == _NEVER else self._next_deadline

    @property
    def chains(self) -> dict[tuple[str, str], Chain]:
        """Return the chains by (venue, underlying)."""
        return {key: chain for asset in self.assets.values() for key, chain in asset.chains.items()}

    def process(self, event: ev.Event) -> list[Effect]:
        """Take one event and return its effects, in order.

        Args:
            event: `ts_init` never goes back from one event to the next.
        """
        self._effects = []
        self.stats.events += 1
        if not isinstance(event, ev.OptionQuotes):  # their rows advance the clock one by one
            self._advance(event.ts_init)
        handler = self._handlers.get(type(event))
        if handler is not None:  # trades, timers and replies change nothing here
            handler(event)
        return self._effects

    # --- time ---------------------------------------------------------------------------------------------------

    def _advance(self, now: int) -> None:
        """Fire, in order, every deadline that lies before now."""
        while self._next_deadline < now:
            due = self._next_deadline
            for trigger in list(self._open.values()):
                if trigger.closes <= due:
                    self._close(trigger, due)
                else:
                    for key in trigger.armed:
                        self._evaluate(trigger, key, due, due)
            self._schedule()

    def _schedule(self) -> None:
        pause = int(self.config.reevaluate_ms * NS_PER_MS)
        moments = [_NEVER]
        for trigger in self._open.values():
            moments += [trigger.closes, *(armed.due(pause) for armed in trigger.armed.values())]
        self._next_deadline = min(moments)

    # --- market data --------------------------------------------------------------------------------------------

    def _asset(self, name: str) -> AssetState:
        if name not in self.assets:
            self.assets[name] = AssetState(name, self.config, self._fees, self._streams)
        return self.assets[name]

    def _resolve(self, venue: str, symbol: str) -> Instrument | None:
        instrument = self._table.resolve(venue, symbol)
        if instrument is None:
            self.stats.unknown(venue, symbol)
        return instrument

    def _on_quote(self, event: ev.Quote) -> None:
        instrument = self._resolve(event.venue, event.symbol)
        if instrument is None:
            return
        if instrument.kind is Kind.OPTION:
            self._on_option_top(event)
            return
        asset = self._asset(instrument.underlying)
        if instrument.kind is Kind.FUTURE:
            asset.book.on_future(instrument, event)
        elif instrument.kind is Kind.PERPETUAL and asset.book.on_perpetual(instrument, event):
            self._on_consolidated(asset, event)

    def _on_book(self, event: ev.BookSnapshot) -> None:
        """Take the top of a book as a quote."""
        bid, bid_amount = event.bids[0] if event.bids else (NAN, NAN)
        ask, ask_amount = event.asks[0] if event.asks else (NAN, NAN)
        self._on_quote(
            ev.Quote(
                ts_event=event.ts_event,
                ts_init=event.ts_init,
                venue=event.venue,
                symbol=event.symbol,
                bid=bid,
                bid_amount=bid_amount,
                ask=ask,
                ask_amount=ask_amount,
            )
        )

    def _on_ticker(self, event: ev.DerivativeTicker) -> None:
        instrument = self._resolve(event.venue, event.symbol)
        if instrument is None:
            return
        asset = self._asset(instrument.underlying)
        if asset.book.on_index(event.index_price):
            asset.consolidated.clear()

    def _on_consolidated(self, asset: AssetState, event: ev.Quote) -> None:
        if self.config.forward != "quotes":
            return
        now = event.ts_init
        x = asset.book.consolidated(now).log_price
        for trigger in self._open.values():
            if trigger.asset == asset.name and trigger.expiry_scope is None:
                self._feed_extreme(trigger, x, event)
                for key, armed in trigger.armed.items():
                    armed.dirty[:] = True
                    self._evaluate(trigger, key, now, event.ts_event)
        if x == x:  # noqa: PLR0124  not NaN
            self._on_sample(asset, asset.name, asset.consolidated, x, event, None)
        if self._open:
            self._schedule()

    @staticmethod
    def _feed_extreme(trigger: OpenTrigger, log_price: float, event: ev.Event) -> None:
        if trigger.direction * (log_price - trigger.extreme) > 0:
            trigger.extreme = log_price
            trigger.feed(event.ts_init, event.ts_event)

    def _on_sample(
        self,
        asset: AssetState,
        name: str,
        series: LogPriceSeries,
        log_price: float,
        event: ev.Event,
        scope: ExpiryKey | None,
    ) -> None:
        now = event.ts_init
        series.add(now, log_price)
        if not self._moves_armed or now < asset.refractory.get(name, 0):
            return
        move = series.move(now, log_price)
        if move != move:  # noqa: PLR0124  NaN
            self.stats.cannot_evaluate("price_move")
            return
        if not abs(move) >= self.config.trigger.min_move_bps:
            return
        cascade = any(t.kind is TriggerKind.CASCADE and t.asset == asset.name for t in self._open.values())
        if scope is None and cascade:
            return  # the cascade already watches this move
        asset.refractory[name] = now + int(self.config.trigger.refractory_s * NS_PER_S)
        direction = 1 if move > 0 else -1
        self._open_trigger(
            asset,
            TriggerKind.PRICE_MOVE,
            name,
            event,
            direction=direction,
            log_price=log_price,
            move_bps=move,
            closes=now + int(self.config.trigger.price_move_life_s * NS_PER_S),
            scope=scope,
            source=name.rpartition(".")[2] if scope else "+".join(v for v, _ in asset.book.fresh(now)),
        )

    # --- options ------------------------------------------------------------------------------------------------

    def _option(self, venue: str, symbol: str) -> tuple[AssetState, Chain, int] | None:
        key = (venue, symbol)
        if key in self._rows:
            return self._rows[key]
        found = None
        instrument = self._table.resolve(venue, symbol)
        if instrument is not None and instrument.kind is Kind.OPTION:
            asset = self._asset(instrument.underlying)
            chain = asset.chains.get((venue, instrument.family))
            if chain is None:
                chain = Chain(venue, instrument.family, confirms_stream=self.config.options_feed == "stream")
                asset.chains[chain.key] = chain
            found = (asset, chain, chain.list_instrument(instrument))
        self._rows[key] = found
        return found

    def _on_option_quotes(self, event: ev.OptionQuotes) -> None:
        columns = [event.columns[name].tolist() for name in FLOAT_COLUMNS]
        times, venue_times = event.row_ts_init.tolist(), event.row_ts_event.tolist()
        venue = event.stream.venue
        for symbol, now, ts_event, *values in zip(event.symbols, times, venue_times, *columns, strict=True):
            self._option_row(venue, symbol, now, ts_event, tuple(values))

    def _on_option_top(self, event: ev.Quote) -> None:
        """Take a quote of an option that came without the rest of its summary."""
        values = (event.bid, event.bid_amount, event.ask, event.ask_amount)
        self._option_row(event.venue, event.symbol, event.ts_init, event.ts_event, values)

    def _option_row(self, venue: str, symbol: str, now: int, ts_event: int, values: tuple[float, ...]) -> None:
        if self._next_deadline < now:
            self._advance(now)
        self.stats.option_rows += 1
        found = self._option(venue, symbol)
        if found is None:
            self.stats.unknown(venue, symbol)
            return
        asset, chain, row = found
        instrument = chain.instruments[row]
        expiry_ns = instrument.expiry_ns or 0
        if expiry_ns <= now:
            self.stats.expired_rows += 1
            if next(iter(chain.expiries), now + 1) <= now:
                chain.roll(now)
            return
        chain.update(row, now, values)
        expiry = chain.expiries[expiry_ns]
        if len(values) == len(FLOAT_COLUMNS):
            self._on_underlying(asset, chain, expiry, values[-1], now, ts_event)
        forward = asset.package_forward(chain, expiry, now)
        for package in self._scanner.scan(chain, row, now, forward, self._fees.of(instrument, now)):
            self._on_package(asset, chain, package, now, ts_event)
        asset.record_smiles(chain, expiry, now)
        if self._open:
            self._touch(asset, chain, row, now, ts_event)

    def _on_underlying(
        self, asset: AssetState, chain: Chain, expiry: Expiry, price: float, now: int, ts_event: int
    ) -> None:
        key = (*chain.key, expiry.expiry_ns)
        if self.config.forward == "quotes":
            asset.book.on_underlying(key, price, now)
            return
        log_price = log_or_nan(asset.forward(chain, expiry, now) if self.config.forward == "parity" else price)
        if log_price != log_price:  # noqa: PLR0124  NaN
            return
        series = asset.expiry_series.get(key)
        if series is None:
            series = asset.expiry_series[key] = LogPriceSeries(self.config.trigger)
        name = f"{chain.instruments[expiry.rows[0]].symbol.rsplit('-', 2)[0]}.{chain.venue}"
        event = ev.Timer(ts_event=ts_event, ts_init=now, key=name)
        for trigger in self._open.values():
            if trigger.expiry_scope == key:
                self._feed_extreme(trigger, log_price, event)
                for armed in trigger.armed.values():
                    armed.dirty[:] = True
        self._on_sample(asset, name, series, log_price, event, key)

    def _touch(self, asset: AssetState, chain: Chain, row: int, now: int, ts_event: int) -> None:
        for trigger in list(self._open.values()):
            armed = trigger.armed.get(chain.key) if trigger.asset == asset.name else None
            if armed is not None:
                if row in armed.position:
                    armed.dirty[armed.position[row]] = True
                self._evaluate(trigger, chain.key, now, ts_event)
        self._schedule()

    def _on_package(self, asset: AssetState, chain: Chain, package: Package, now: int, ts_event: int) -> None:
        key = (chain.venue, *(f"{side.value} {chain.instruments[row].symbol}" for row, side in package.legs))
        if now < self._static_until.get(key, 0):
            return
        if len(self._static_until) >= self._static_limit:  # forget those that are over
            self._static_until = {k: t for k, t in self._static_until.items() if t > now}
            self._static_limit = max(_STATIC_KEPT, 2 * len(self._static_until))
        self._static_until[key] = now + int(self.config.trigger.refractory_s * NS_PER_S)
        self._effects.append(
            Alarm(
                ts_init=now,
                code="static_arbitrage",
                detail=f"{package.edge_type.value} on {chain.venue}: {', '.join(key[1:])}: {package.net_bps:.3f} bps "
                "after fees; suspect the data first",
            )
        )
        event = ev.Timer(ts_event=ts_event, ts_init=now, key="static")
        trigger = self._new_trigger(asset, TriggerKind.STATIC, "", event, source=chain.venue)
        self._effects.append(self._opened(trigger, (), {}, (), None))
        when = self._decider.moment(trigger, asset, now, ts_event, venue_up=self._chain_up(chain.venue, asset))
        self._effects += self._decider.on_package(trigger, when, chain, package, asset)
        self._effects.append(self._closed(trigger, now))

    # --- liquidations -------------------------------------------------------------------------------------------

    def _on_liquidation(self, event: ev.Liquidation) -> None:
        instrument = self._resolve(event.venue, event.symbol)
        if instrument is None:
            return
        asset = self._asset(instrument.underlying)
        usd = instrument.notional_usd(event.amount, event.price)
        self._count(asset.name, usd, event.liquidated)
        now = event.ts_init
        asset.window.add(now, event.venue, event.symbol, usd, event.liquidated, event.completeness)
        for trigger in self._open.values():
            if trigger.asset == asset.name and trigger.kind is TriggerKind.CASCADE:
                trigger.feed(now, event.ts_event)
                self._prolong(trigger, asset, now)
        if self._cascades_armed and now >= asset.refractory.get("cascade", 0):
            self._try_cascade(asset, event)
        if self._open:
            self._schedule()

    def _count(self, asset: str, usd: float, liquidated: Liquidated) -> None:
        totals = self.stats.liquidations.setdefault(asset, LiquidationTotals())
        totals.count += 1
        if not 0 <= usd < math.inf:
            totals.unconvertible += 1
            return
        totals.usd += usd
        if liquidated is Liquidated.LONG:
            totals.long_usd += usd
        elif liquidated is Liquidated.SHORT:
            totals.short_usd += usd

    def _prolong(self, trigger: OpenTrigger, asset: AssetState, now: int) -> None:
        """Move a cascade's end to `calm_s` after its intensity will have fallen below the calm level."""
        config = self.config.trigger
        figures = asset.window.figures(now)
        over = figures.intensity_ratio / config.calm_intensity_ratio
        if over >= 1:
            until_calm = math.log2(over) * config.intensity_half_life_s + config.calm_s
            trigger.closes = max(trigger.closes, now + int(until_calm * NS_PER_S))
        asset.refractory["cascade"] = trigger.closes + int(config.refractory_s * NS_PER_S)

    def _try_cascade(self, asset: AssetState, event: ev.Liquidation) -> None:
        if any(t.kind is TriggerKind.CASCADE and t.asset == asset.name for t in self._open.values()):
            return
        now = event.ts_init
        figures = asset.window.figures(now)
        if not (figures.saturated or figures.intensity_ratio >= self.config.trigger.min_intensity_ratio):
            return
        x = asset.book.consolidated(now).log_price if self.config.forward == "quotes" else NAN
        verdict = assess_cascade(
            figures,
            self.config.trigger,
            min_venues=min(2, self.config.liquidation_venues),
            venues_known=self.config.liquidation_venues > 0,
            move_bps=asset.consolidated.move(now, x),
            sigma_bps=asset.consolidated.sigma_bps(now),
        )
        if not verdict.opens:
            return
        for name in verdict.not_evaluable:
            self.stats.cannot_evaluate(f"cascade_{name}")
        for trigger in [t for t in self._open.values() if t.asset == asset.name and t.expiry_scope is None]:
            self._close(trigger, now)  # the cascade takes over from the price move
        asset.refractory["cascade"] = now + int(self.config.trigger.refractory_s * NS_PER_S)
        self._open_trigger(
            asset,
            TriggerKind.CASCADE,
            asset.name,
            event,
            direction=verdict.direction,
            log_price=x,
            move_bps=verdict.features["move_bps"],
            closes=now + int(self.config.trigger.calm_s * NS_PER_S),
            scope=None,
            source="+".join(figures.venues),
            not_evaluable=verdict.not_evaluable,
            features=verdict.features,
            venues=figures.venues,
            aligned_to=event.price,
            aligned_source=f"{event.price_kind.value} price of the liquidation",
        )

    # --- triggers -----------------------------------------------------------------------------------------------

    def _new_trigger(
        self, asset: AssetState, kind: TriggerKind, series: str, event: ev.Event, *, source: str, direction: int = 0
    ) -> OpenTrigger:
        self._triggers_opened += 1
        return OpenTrigger(
            trigger_id=f"{kind.value}-{asset.name}-{event.ts_init}-{self._triggers_opened}",
            kind=kind,
            asset=asset.name,
            series=series,
            opened=event.ts_init,
            direction=direction,
            source_market=source,
            closes=event.ts_init,
            cause_ts=event.ts_init,
            cause_ts_event=event.ts_event,
            reference=NAN,
            extreme=NAN,
        )

    def _open_trigger(  # noqa: PLR0913  what a trigger is made of
        self,
        asset: AssetState,
        kind: TriggerKind,
        series: str,
        event: ev.Event,
        *,
        direction: int,
        log_price: float,
        move_bps: float,
        closes: int,
        scope: ExpiryKey | None,
        source: str,
        not_evaluable: tuple[str, ...] = (),
        features: dict[str, float] | None = None,
        venues: tuple[str, ...] = (),
        aligned_to: float = NAN,
        aligned_source: str = "",
    ) -> None:
        now = event.ts_init
        trigger = self._new_trigger(asset, kind, series, event, source=source, direction=direction)
        trigger.closes = closes
        trigger.expiry_scope = scope
        trigger.extreme = log_price
        trigger.reference = log_price - move_bps / 1e4
        trigger.bases = asset.book.bases(now)
        price = math.exp(log_price) if log_price == log_price else aligned_to  # noqa: PLR0124  not NaN
        origin = series if log_price == log_price else aligned_source  # noqa: PLR0124
        alignment = self._align(asset, price, origin, now, scope)
        figures = {"move_bps": move_bps} if features is None else features
        self._effects.append(self._opened(trigger, not_evaluable, figures, venues, alignment))
        if is_degraded(not_evaluable):
            when = self._decider.moment(trigger, asset, now, event.ts_event, venue_up=True)
            self._effects += self._decider.on_nothing(trigger, when, asset, evaluable=False)
            self._effects.append(self._closed(trigger, now))
            return
        self._open[trigger.trigger_id] = trigger
        if kind is TriggerKind.CASCADE:
            self._prolong(trigger, asset, now)
        self._arm(trigger, asset, now)
        for key in trigger.armed:
            self._evaluate(trigger, key, now, event.ts_event)
        self._schedule()

    def _arm(self, trigger: OpenTrigger, asset: AssetState, now: int) -> None:
        as_of = now - int(self.config.smile_lag_s * NS_PER_S)
        max_age = int(self.config.smile_max_age_s * NS_PER_S)
        for key in sorted(asset.chains):
            chain = asset.chains[key]
            chain.roll(now)
            smiles = {}
            for expiry_ns in chain.expiries:
                if trigger.expiry_scope not in (None, (*key, expiry_ns)):
                    continue
                book = asset.smiles.get((*key, expiry_ns))
                smiles[expiry_ns] = None if book is None else book.fit(chain, expiry_ns, as_of, max_age)
            if smiles:
                trigger.armed[key] = ArmedChain(chain, smiles)

    def _align(
        self, asset: AssetState, price: float, source: str, now: int, scope: ExpiryKey | None
    ) -> Alignment | None:
        """Align a price with the nearest expiry outside the settlement window, of the first chain that has one."""
        window = int(self.config.expiry_window_s * NS_PER_S)
        for _, chain in sorted(asset.chains.items()):
            for expiry_ns, expiry in chain.expiries.items():
                wanted = (*chain.key, expiry_ns) == scope if scope else expiry_ns - now > window
                if wanted and price > 0:
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

    @staticmethod
    def _opened(
        trigger: OpenTrigger,
        not_evaluable: tuple[str, ...],
        features: dict[str, float],
        venues: tuple[str, ...],
        alignment: Alignment | None,
    ) -> TriggerOpened:
        return TriggerOpened(
            trigger_id=trigger.trigger_id,
            kind=trigger.kind,
            asset=trigger.asset,
            series=trigger.series,
            ts_init=trigger.opened,
            profile="degraded" if is_degraded(not_evaluable) else "full",
            not_evaluable=not_evaluable,
            features=features,
            venues=venues,
            alignment=alignment,
        )

    @staticmethod
    def _closed(trigger: OpenTrigger, now: int) -> TriggerClosed:
        return TriggerClosed(
            trigger_id=trigger.trigger_id,
            ts_init=now,
            evaluations=trigger.evaluations,
            decisions=trigger.decisions,
        )

    def _evaluate(self, trigger: OpenTrigger, key: tuple[str, str], now: int, ts_event: int) -> None:
        """Evaluate what is dirty and was not evaluated within the last `reevaluate_ms`."""
        armed = trigger.armed[key]
        ready = armed.ready(now, int(self.config.reevaluate_ms * NS_PER_MS))
        if len(ready) == 0:
            return
        asset = self.assets[trigger.asset]
        when = self._decider.moment(trigger, asset, now, ts_event, venue_up=self._chain_up(key[0], asset))
        self._effects += self._decider.on_quotes(trigger, when, armed, ready, asset)

    def _close(self, trigger: OpenTrigger, now: int) -> None:
        """End a trigger: evaluate once more; without any opportunity, say the one HOLD."""
        asset = self.assets[trigger.asset]
        for key, armed in trigger.armed.items():
            everything = np.arange(len(armed.rows), dtype=np.int64)
            when = self._decider.moment(trigger, asset, now, now, venue_up=self._chain_up(key[0], asset))
            self._effects += self._decider.on_quotes(trigger, when, armed, everything, asset)
        if trigger.decisions == 0:
            when = self._decider.moment(trigger, asset, now, now, venue_up=True)
            self._effects += self._decider.on_nothing(trigger, when, asset, evaluable=True)
        self._effects.append(self._closed(trigger, now))
        del self._open[trigger.trigger_id]

    # --- faults and control -------------------------------------------------------------------------------------

    def _chain_up(self, venue: str, asset: AssetState) -> bool:
        return not self._halted and self._streams.options_up(venue, asset.name)

    def _on_gap(self, event: ev.Gap) -> None:
        """Trust no quote of the stream until its next message."""
        stream = event.stream
        for asset in self.assets.values():
            for (venue, _), chain in asset.chains.items():
                if venue == stream.venue and carries_options(stream, asset.name):
                    chain.forget_confirmations()
                elif venue == stream.venue and stream.symbol and carries_quotes(stream, stream.symbol):
                    chain.forget_confirmation(stream.symbol)
            tops = [(venue, state.top) for venue, state in asset.book.perpetuals.items()]
            tops += [(key[0], top) for key, top in asset.book.futures.items()]
            for venue, top in tops:
                if venue == stream.venue and carries_quotes(stream, top.instrument.symbol):
                    top.confirmed = 0
        self._effects.append(
            Alarm(ts_init=event.ts_init, code="gap", detail=f"messages of {_name(stream)} were lost: {event.detail}")
        )

    def _on_stale(self, event: ev.Stale) -> None:
        self._streams.stale(event.stream, event.detail)
        self._effects.append(
            Alarm(ts_init=event.ts_init, code="stale", detail=f"{_name(event.stream)} went silent: {event.detail}")
        )

    def _on_restored(self, event: ev.Restored) -> None:
        self._streams.restored(event.stream)

    def _on_clock_step(self, event: ev.ClockStep) -> None:
        for asset in self.assets.values():
            asset.forget()
        self._effects.append(
            Alarm(
                ts_init=event.ts_init,
                code="clock_step",
                detail=f"the clock of {event.source or 'this machine'} went back {event.step_ns / NS_PER_MS:g} ms",
            )
        )

    def _on_halt(self, event: ev.Halt) -> None:
        self._halted = event.reason or "halted"

    def _on_resume(self, _event: ev.Resume) -> None:
        self._halted = ""

    def _on_end(self, event: ev.EndOfInput) -> None:
        for trigger in list(self._open.values()):
            self._close(trigger, event.ts_init)
        self._schedule()


def _name(stream: ev.StreamId) -> str:
    return " ".join(part for part in (stream.venue, stream.kind, stream.symbol) if part)
