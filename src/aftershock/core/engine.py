"""The engine: one synchronous step per event, effects out.

It writes each event into the market and tells the shock detector and the desk of open triggers. Deadlines are the
desk's own: each fires at its own time, on the state that held then, before the first later event, so neither the
cutting of batches nor extra timers can show in the effects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aftershock.core.account import Account
from aftershock.core.chain import FLOAT_COLUMNS, Chain, Expiry
from aftershock.core.desk import NEVER, TriggerDesk
from aftershock.core.execution import Execution
from aftershock.core.market import Market
from aftershock.core.series import LogPriceSeries
from aftershock.core.shocks import ShockDetector
from aftershock.core.static_watch import StaticWatch
from aftershock.core.stats import EngineStats
from aftershock.core.triggers import log_or_nan
from aftershock.model import events as ev
from aftershock.model.instruments import Kind
from aftershock.model.orders import ApprovedOrder, Fill
from aftershock.model.signals import Alarm
from aftershock.model.units import NAN, NS_PER_MS

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.config import EngineConfig
    from aftershock.core.static_observer import StaticObserver
    from aftershock.model.table import InstrumentTable

__all__ = ["Effect", "Engine"]

Effect = Any
"""TriggerOpened, TriggerClosed, ArbitrageSignal, ReviewRequest, ApprovedOrder, RefusedOrder, PackageResult or Alarm."""

_PROBE = "probe:"


class Engine:
    """Turns events into decisions.

    Attributes:
        config: As given.
        stats: Counters.
        account: Cash and positions; without a fill it stays as it was given.
    """

    def __init__(self, config: EngineConfig, table: InstrumentTable) -> None:
        """Take the configuration and the instruments; both stay as they are."""
        self.config = config
        self.stats = EngineStats()
        self._market = Market(config, table, self.stats)
        self._desk = TriggerDesk(config, self._market, self.stats)
        self._shocks = ShockDetector(config, self._desk, self.stats)
        self.account = Account(self._market.fees)
        self._execution = Execution(config, self._market, self.account, self._say)
        self._statics = StaticWatch(config, self._market, self._desk)
        self.stats.packages = self._statics.counts
        self._watch_dislocations = "E" in config.edges
        self._probes = "probe" in config.trigger.armed
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
            ev.Settlement: self._execution.on_settlement,
            ev.OrderUpdate: self._execution.on_update,
            Fill: self._execution.on_fill,
            ev.Halt: self._on_halt,
            ev.Resume: self._on_resume,
            ev.EndOfInput: self._on_end,
            ev.Timer: self._on_timer,
            ev.ReviewReply: self._desk.on_reply,
        }

    def observe_statics(self, observer: StaticObserver) -> None:
        """Let somebody see each moment's option quotes and each gross edge among them; the effects stay as they are."""
        self._statics.observe(observer)

    @property
    def next_deadline(self) -> int | None:
        """Return the moment, ns, at which the engine wants to be called even if nothing happens; None for never."""
        due = min(self._desk.next_deadline, self._execution.next_deadline, self._statics.moment, self._desk.moment)
        return None if due == NEVER else due + 1  # what is left for the end of a moment is done after it

    @property
    def assets(self) -> dict[str, AssetState]:
        """Return the state of each coin."""
        return self._market.assets

    @property
    def chains(self) -> dict[tuple[str, str], Chain]:
        """Return the chains by (venue, family)."""
        return {key: chain for asset in self.assets.values() for key, chain in asset.chains.items()}

    def process(self, event: ev.Event) -> list[Effect]:
        """Take one event and return its effects, in order.

        Args:
            event: `ts_init` never goes back from one event to the next.
        """
        self.stats.events += 1
        if not isinstance(event, ev.OptionQuotes):  # their rows advance the clock one by one
            self._advance(event.ts_init)
        handler = self._handlers.get(type(event))
        if handler is not None:  # trades change nothing here
            handler(event)
        effects, self._desk.effects = self._desk.effects, []
        for effect in effects:
            if isinstance(effect, ApprovedOrder) and effect.intent.purpose == "entry":
                self._execution.open(effect)
        return effects

    def _advance(self, now: int) -> None:
        """Do what was left for the end of an earlier moment, and fire the deadlines before now."""
        if self._desk.moment < now:
            self._desk.finish_moment()
        if self._statics.moment < now:
            self._statics.scan()
        while self._execution.next_deadline < now:  # in the order of time, the desk's first
            due = self._execution.next_deadline
            self._desk.advance(due + 1)
            self._execution.advance(due + 1)
        if self._desk.next_deadline < now:
            self._desk.advance(now)

    # --- perpetuals, futures, index ------------------------------------------------------------------------------

    def _on_quote(self, event: ev.Quote) -> None:
        instrument = self._market.resolve(event.venue, event.symbol)
        if instrument is None:
            return
        if instrument.kind is Kind.OPTION:  # a quote without the rest of a summary
            top = (event.bid, event.bid_amount, event.ask, event.ask_amount)
            self._option_row(event.venue, event.symbol, event.ts_init, event.ts_event, top)
            return
        asset = self._market.asset(instrument.underlying)
        if instrument.kind is Kind.FUTURE:
            asset.book.on_future(instrument, event)
        elif instrument.kind is Kind.PERPETUAL:
            if asset.book.expire_index(event.ts_init):
                asset.consolidated.clear()
                stands_in = f"no index price of {asset.name} for too long: the median of the perpetuals stands in"
                self._alarm(event.ts_init, "index_silent", stands_in)
            if asset.book.on_perpetual(instrument, event):
                self._on_consolidated(asset, event)
        if self._execution.active:
            self._execution.on_quote(instrument, event.ts_init)

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
        instrument = self._market.resolve(event.venue, event.symbol)
        if instrument is not None:
            asset = self._market.asset(instrument.underlying)
            if asset.book.on_index(event.venue, event.index_price, event.ts_init):
                asset.consolidated.clear()  # its samples were against another reference

    def _on_consolidated(self, asset: AssetState, event: ev.Quote) -> None:
        if self.config.forward != "quotes":
            return
        held = asset.book.consolidated(event.ts_init)
        x = held.log_price
        self._desk.on_forward(asset, None, x, event)
        if x == x:  # noqa: PLR0124  not NaN
            self._shocks.on_sample(asset, asset.name, asset.consolidated, x, event, None)
        if self._watch_dislocations:
            for found in asset.dislocations.on_quote(event.venue, held, event.ts_init):
                self._desk.on_dislocation(asset, found, event)

    # --- options ------------------------------------------------------------------------------------------------

    def _on_option_quotes(self, event: ev.OptionQuotes) -> None:
        columns = [event.columns[name].tolist() for name in FLOAT_COLUMNS]
        times, venue_times = event.row_ts_init.tolist(), event.row_ts_event.tolist()
        venue = event.stream.venue
        for symbol, now, ts_event, *values in zip(event.symbols, times, venue_times, *columns, strict=True):
            self._option_row(venue, symbol, now, ts_event, tuple(values))

    def _option_row(self, venue: str, symbol: str, now: int, ts_event: int, values: tuple[float, ...]) -> None:
        """Take one option's row: all of `FLOAT_COLUMNS`, or its quote alone."""
        self._advance(now)
        self.stats.option_rows += 1
        listed = self._market.option(venue, symbol)
        if listed is None:
            return
        asset, chain, row = listed
        instrument = chain.instruments[row]
        expiry_ns = instrument.expiry_ns or 0
        if next(iter(chain.expiries), NEVER) <= now:
            asset.roll(chain, now)
        if expiry_ns <= now:
            self.stats.expired_rows += 1
            return
        expiry = chain.expiries[expiry_ns]
        asset.record_smiles(chain, expiry, now)
        chain.update(row, now, values)
        chain.lag_ns, chain.seen_log_price = now - ts_event, asset.consolidated.last
        if self._desk.next_deadline != NEVER:  # something is open
            self._desk.on_option(asset, chain, row, now, ts_event)
        if len(values) == len(FLOAT_COLUMNS):
            self._on_underlying(asset, chain, expiry, values[-1], now, ts_event)
        self._statics.touch(asset, chain, row, now, ts_event)
        if self._execution.active:
            self._execution.on_quote(instrument, now)

    def _on_underlying(
        self, asset: AssetState, chain: Chain, expiry: Expiry, price: float, now: int, ts_event: int
    ) -> None:
        """Take the venue's own price of an expiry: a carry to the consolidated forward, or a series by itself."""
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
        if self._desk.next_deadline != NEVER and log_price != series.last:
            self._desk.on_forward(asset, key, log_price, event)
        self._shocks.on_sample(asset, name, series, log_price, event, key)

    # --- liquidations -------------------------------------------------------------------------------------------

    def _on_liquidation(self, event: ev.Liquidation) -> None:
        instrument = self._market.resolve(event.venue, event.symbol)
        if instrument is None:
            return
        asset = self._market.asset(instrument.underlying)
        usd = instrument.notional_usd(event.amount, event.price)
        now = event.ts_init
        self._market.count_liquidation(asset.name, usd, event.liquidated)
        asset.window.add(now, event.venue, event.symbol, usd, event.liquidated, event.completeness)
        self._shocks.on_liquidation(asset, event)

    # --- faults and control -------------------------------------------------------------------------------------

    def _say(self, effect: Effect) -> None:
        self._desk.effects.append(effect)

    def _alarm(self, now: int, code: str, detail: str) -> None:
        self._say(Alarm(ts_init=now, code=code, detail=detail))

    def _on_gap(self, event: ev.Gap) -> None:
        self._market.lose(event.stream)
        self._alarm(event.ts_init, "gap", f"messages of {_name(event.stream)} were lost: {event.detail}")

    def _on_stale(self, event: ev.Stale) -> None:
        self._market.streams.stale(event.stream, event.detail)
        self._alarm(event.ts_init, "stale", f"{_name(event.stream)} went silent: {event.detail}")

    def _on_restored(self, event: ev.Restored) -> None:
        self._market.streams.restored(event.stream)

    def _on_clock_step(self, event: ev.ClockStep) -> None:
        if abs(event.step_ns) > self.config.max_clock_step_ms * NS_PER_MS:
            self._market.forget()
            self._desk.close_all(event.ts_init)
        whose = event.source or "this machine"
        self._alarm(
            event.ts_init, "clock_step", f"the clock of {whose} went back {abs(event.step_ns) / NS_PER_MS:g} ms"
        )

    def _on_halt(self, _event: ev.Halt) -> None:
        self._desk.halt(halted=True)

    def _on_timer(self, event: ev.Timer) -> None:
        """Open a probe where the timer asks for one; every other timer only lets deadlines pass."""
        if not (self._probes and event.key.startswith(_PROBE)):
            return
        asset = self._market.assets.get(event.key.removeprefix(_PROBE))
        if asset is None:
            self.stats.cannot_evaluate("probe")
        else:
            self._shocks.on_probe(asset, event)

    def _on_resume(self, _event: ev.Resume) -> None:
        self._desk.halt(halted=False)

    def _on_end(self, event: ev.EndOfInput) -> None:
        self._desk.begin_end()
        self._desk.finish_moment()
        self._statics.scan()
        self._desk.end(event.ts_init)
        self._execution.on_end(event.ts_init)


def _name(stream: ev.StreamId) -> str:
    return " ".join(part for part in (stream.venue, stream.kind, stream.symbol) if part)
