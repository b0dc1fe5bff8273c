"""Who is judged: the engine, baselines that anybody could run, and strategies that test the judge itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import msgspec

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Engine
from aftershock.model import events as ev
from aftershock.model.orders import ApprovedOrder, Leg, OrderIntent, Side
from aftershock.model.signals import Action, ArbitrageSignal, TriggerOpened
from aftershock.model.table import InstrumentTable
from aftershock.model.units import BPS, NAN, NS_PER_S
from aftershock.sim.market.episode import Episode
from aftershock.sim.market.listing import INVERSE, Listing
from aftershock.sim.market.plan import generator
from aftershock.study.records import QuestionRecord, ReviewedRecord

__all__ = ["AlwaysHold", "Article", "Coin", "EngineStrategy", "Leak", "Oracle", "PriceMove", "Sent", "Strategy"]


class Sent(msgspec.Struct, frozen=True):
    """An order on its way, and what was claimed about it."""

    intent: OrderIntent
    signal: ArbitrageSignal | None = None


class Counted(msgspec.Struct):
    """What a strategy counted in one episode."""

    triggers: int = 0
    decisions: int = 0
    evaluations: int = 0
    hold_reasons: dict[str, int] = {}
    questions: list[QuestionRecord] = []
    reviewed: list[ReviewedRecord] = []


class Strategy(Protocol):
    """What the runner asks of a strategy."""

    counted: Counted

    def begin(self, episode: Episode) -> None:
        """Start an episode; an honest strategy looks at nothing of it."""
        ...

    def on_event(self, event: ev.Event) -> list[Sent]:
        """Take what arrived, and return the orders that leave now."""
        ...

    def due(self) -> int | None:
        """Return when it wants to act next, whatever arrives; None if it waits for nothing."""
        ...

    def act(self) -> list[Sent]:
        """Do what is due, and return the orders that leave now."""
        ...


class EngineStrategy:
    """The engine as it is."""

    def __init__(self, config: EngineConfig, listing: Listing) -> None:
        self.engine = Engine(config, InstrumentTable(listing.instruments))
        self.counted = Counted()
        self._evaluated = 0

    def begin(self, episode: Episode) -> None:  # noqa: ARG002 - an honest strategy looks at nothing of it
        """Count anew."""
        self._evaluated = self.engine.stats.evaluations
        self.counted = Counted()

    def on_event(self, event: ev.Event) -> list[Sent]:
        """Process an event; each approved order leaves with the signal that justified it."""
        orders: list[Sent] = []
        signal: ArbitrageSignal | None = None
        for effect in self.engine.process(event):
            self.see(effect, event.ts_init)
            if isinstance(effect, ArbitrageSignal):
                signal = effect
                self.counted.decisions += 1
                if effect.action is Action.HOLD:
                    reasons = self.counted.hold_reasons
                    reasons[effect.reason.value] = reasons.get(effect.reason.value, 0) + 1
            elif isinstance(effect, ApprovedOrder):
                entry = effect.intent.purpose == "entry"
                orders.append(Sent(effect.intent, signal if entry else None))
            elif isinstance(effect, TriggerOpened):
                self.counted.triggers += 1
        self.counted.evaluations = self.engine.stats.evaluations - self._evaluated
        return orders

    def see(self, effect: object, now: int) -> None:
        """Take note of an effect, in order."""

    def due(self) -> int | None:
        """Return None: what the engine waits for happens with the next event."""
        return None

    def act(self) -> list[Sent]:
        """Do nothing."""
        return []


class _Simple(ABC):
    """A strategy that knows options by the last row of each, and orders one at a time."""

    def __init__(self, listing: Listing) -> None:
        self.counted = Counted()
        self._listing = listing
        self._quotes: dict[str, tuple[float, float]] = {}
        self._price = NAN
        self._number = 0
        self._until = 0

    def begin(self, episode: Episode) -> None:
        """Count anew."""
        self.counted = Counted()
        self._start = episode.start_ns

    @abstractmethod
    def on_event(self, event: ev.Event) -> list[Sent]:
        """Take what arrived."""

    def due(self) -> int | None:
        """Return None: only events move it."""
        return None

    def act(self) -> list[Sent]:
        """Do nothing."""
        return []

    def _see(self, event: ev.Event) -> None:
        if isinstance(event, ev.OptionQuotes) and event.stream.venue == INVERSE:
            bids, asks = event.columns["bid"].tolist(), event.columns["ask"].tolist()
            self._quotes.update(zip(event.symbols, zip(bids, asks, strict=True), strict=True))
        elif isinstance(event, ev.DerivativeTicker):
            self._price = event.index_price

    def _near(self, *, is_call: bool, now: int) -> str | None:
        """Return the nearest strike of the nearest expiry beyond a day on the inverse venue."""
        listing = self._listing
        best: tuple[int, float, str] | None = None
        for i, symbol in enumerate(listing.symbols):
            expiry_ns = int(listing.expiries_ns[listing.expiry[i]])
            if not listing.inverse[i] or listing.is_call[i] != is_call or expiry_ns - now < 86_400 * NS_PER_S:
                continue
            candidate = (expiry_ns, abs(float(listing.strike[i]) - self._price), symbol)
            best = candidate if best is None or candidate < best else best
        return None if best is None else best[2]

    def _order(self, symbol: str, now: int, *, buying: bool) -> list[Sent]:
        bid, ask = self._quotes.get(symbol, (NAN, NAN))
        price = ask if buying else bid
        if not price > 0 or now < self._until or now < self._start:
            return []
        self._until = now + 60 * NS_PER_S
        self._number += 1
        return [Sent(_intent(f"order-{self._number}", INVERSE, symbol, price, self._price, 1.0, buying=buying))]


def _intent(
    name: str, venue: str, symbol: str, price: float, unit: float, coins: float, *, buying: bool
) -> OrderIntent:
    leg = Leg(
        venue=venue, symbol=symbol, side=Side.BUY if buying else Side.SELL, ratio=1.0, price=price,
        price_usd=price * unit,
    )  # fmt: skip
    return OrderIntent(intent_id=name, trigger_id="", edge="", legs=(leg,), quantity=coins, limit_usd=price * unit)


class AlwaysHold(_Simple):
    """Never orders."""

    def on_event(self, event: ev.Event) -> list[Sent]:  # noqa: ARG002 - that is its whole idea
        """Do nothing."""
        return []


class Article(_Simple):
    """The article's rule: at a liquidation, the nearest strike 50 bps away, BUY if the price is above, or SELL."""

    def on_event(self, event: ev.Event) -> list[Sent]:
        """Look at each liquidation."""
        self._see(event)
        if not isinstance(event, ev.Liquidation) or not self._price > 0:
            return []
        symbol = self._near(is_call=True, now=event.ts_init)
        if symbol is None:
            return []
        strike = float(self._listing.strike[self._listing.position[INVERSE, symbol]])
        if abs(self._price - strike) / self._price * BPS < 50.0:
            return []
        return self._order(symbol, event.ts_init, buying=self._price > strike)


class PriceMove(_Simple):
    """Buy the nearest call after a move of 15 bps up within 30 s of the index, the put after one down."""

    def __init__(self, listing: Listing) -> None:
        super().__init__(listing)
        self._seen: list[tuple[int, float]] = []

    def on_event(self, event: ev.Event) -> list[Sent]:
        """Look at each print of the index."""
        self._see(event)
        if not isinstance(event, ev.DerivativeTicker):
            return []
        now = event.ts_init
        self._seen = [(t, p) for t, p in self._seen if now - t <= 30 * NS_PER_S]
        self._seen.append((now, event.index_price))
        move = BPS * (event.index_price / self._seen[0][1] - 1.0)
        symbol = self._near(is_call=move > 0, now=now) if abs(move) >= 15.0 else None
        return [] if symbol is None else self._order(symbol, now, buying=True)


class Coin(_Simple):
    """Throws a coin at the planned onset, and buys the nearest call on heads: it must score the prior."""

    def begin(self, episode: Episode) -> None:
        """Note when to throw; the onset is the schedule's, not the truth's."""
        super().begin(episode)
        self._at = episode.start_ns + 130 * NS_PER_S
        self._rng = generator(episode.start_ns, episode.plan.index, 99)
        self._thrown = False

    def on_event(self, event: ev.Event) -> list[Sent]:
        """Throw once."""
        self._see(event)
        if self._thrown or event.ts_init < self._at:
            return []
        self._thrown = True
        symbol = self._near(is_call=True, now=event.ts_init) if self._rng.random() < 0.5 else None
        return [] if symbol is None else self._order(symbol, event.ts_init, buying=True)


class Oracle(_Simple):
    """Reads the truth: orders whatever will still be there when the order arrives. Nothing real can do this."""

    early_ns = 0
    """How long before an opportunity starts it already acts."""

    def __init__(self, listing: Listing, latency_ns: int) -> None:
        super().__init__(listing)
        self._latency = latency_ns
        self._plans: list[tuple[int, OrderIntent]] = []

    def begin(self, episode: Episode) -> None:
        """Read everything."""
        super().begin(episode)
        lots = self._listing.lot_coins()
        self._plans = []
        for n, each in enumerate(episode.truth.opportunities()):
            venue = self._listing.venues[each.option]
            arrival = each.start_ns + self._latency + episode.bump_ns(venue)
            edge = episode.truth.alive(each.option, arrival, float(lots[each.option]), asks=each.asks)
            level = episode.truth.best_tradable(each.option, arrival, float(lots[each.option]), asks=each.asks)
            if edge > 0 and level is not None:
                unit = 1.0 if venue != INVERSE else float(
                    episode.surface.forward(arrival, int(self._listing.expiry[each.option]))
                )  # fmt: skip
                intent = _intent(
                    f"oracle-{episode.plan.index}-{n}", venue, self._listing.symbols[each.option], level.price, unit,
                    float(lots[each.option]), buying=each.asks,
                )  # fmt: skip
                self._plans.append((each.start_ns - self.early_ns, intent))
        self._plans.sort(key=lambda plan: plan[0])

    def due(self) -> int | None:
        """Return when it wants to act next, whatever arrives."""
        return self._plans[0][0] if self._plans else None

    def act(self) -> list[Sent]:
        """Return the order that is due."""
        return [Sent(self._plans.pop(0)[1])]

    def on_event(self, event: ev.Event) -> list[Sent]:  # noqa: ARG002 - it knows already
        """Nothing that arrives matters to it."""
        return []


class Leak(Oracle):
    """Looks into the future by two seconds, now and then: the judge must notice."""

    early_ns = 2 * NS_PER_S
