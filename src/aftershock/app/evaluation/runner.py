"""One seed through one strategy: twenty episodes, event by event, and a record of each.

The strategy sees what arrives and nothing else; the record is written afterwards from the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from aftershock.app.evaluation.desk import NEVER, Desk, Order
from aftershock.app.evaluation.labels import (
    by_latency,
    edge_bps,
    leg_names,
    partial_loss_usd,
    realised_bps,
    waterfall_bps,
)
from aftershock.app.evaluation.strategies import Sent, Strategy
from aftershock.model.events import Timer
from aftershock.model.orders import OrderIntent, Side, leg_limit
from aftershock.model.signals import ArbitrageSignal
from aftershock.model.units import BPS, NAN, NS_PER_MS
from aftershock.sim.market.book import SHOWN
from aftershock.sim.market.episode import Episode
from aftershock.sim.market.listing import PERPS
from aftershock.sim.market.session import Session
from aftershock.sim.market.truth import Opportunity
from aftershock.study.records import OpportunityRecord, OrderRecord, TriggerRecord, latency_key

__all__ = ["run_episode", "run_session"]

_JUDGED_LATENCIES_MS = (1.0, 5.0, 20.0, 50.0, 100.0, 250.0)
_KEPT_OPPORTUNITIES = 6
_PLANTED_WITHIN_NS = 20_000_000_000


def run_session(
    session: Session,
    strategy: Strategy,
    latencies_ms: Sequence[float],
    *,
    hedged: bool = True,
    probe_ns: Callable[[Episode], int] | None = None,
) -> list[list[TriggerRecord]]:
    """Run a strategy through a session and return, for each latency, a record per episode.

    Args:
        session: The market.
        strategy: Who is judged.
        latencies_ms: From a decision to the venue, speed bump apart. The strategy lives with the first; the others
            are the same decisions, had they taken so long.
        hedged: False to leave positions unhedged in the realised label.
        probe_ns: Moment in each episode at which a timer asks for a probe trigger; None for none.
    """
    records: list[list[TriggerRecord]] = [[] for _ in latencies_ms]
    for episode in session.episodes():
        probe = probe_ns(episode) if probe_ns else None
        for found, record in zip(
            records, run_episode(session.seed, episode, strategy, latencies_ms, hedged=hedged, probe=probe), strict=True
        ):
            found.append(record)
    return records


def run_episode(
    seed: int,
    episode: Episode,
    strategy: Strategy,
    latencies_ms: Sequence[float],
    *,
    hedged: bool = True,
    probe: int | None = None,
) -> list[TriggerRecord]:
    """Run one episode and label it, once for each latency."""
    opportunities = episode.truth.opportunities()
    judged = sorted({*_JUDGED_LATENCIES_MS, *latencies_ms})
    alive = {latency_key(latency): _alive(episode, opportunities, latency) for latency in judged}
    desks = [Desk(episode, latency, SHOWN + i) for i, latency in enumerate(latencies_ms)]
    strategy.begin(episode)
    curves: list[dict[str, float]] = []
    outside = _drive(episode, strategy, desks, curves, probe)
    facts = _Facts(seed, episode, opportunities, alive, curves, outside, hedged=hedged)
    return [facts.record(strategy, desk) for desk in desks]


def _drive(  # noqa: C901 - one branch for each thing that can come next
    episode: Episode, strategy: Strategy, desks: list[Desk], curves: list[dict[str, float]], probe: int | None
) -> int:
    """Hand over what arrives, in order, and carry what is sent; return the orders outside the window."""
    outside = 0

    def send(orders: list[Sent], now: int) -> int:
        left = 0
        for sent in orders:
            entry = sent.intent.purpose == "entry"
            if entry and now < episode.start_ns:
                left += 1
                continue
            if entry:
                curves.append(by_latency(episode, sent.intent, now, [leg_limit(sent.intent, 0)]))
            for desk in desks if entry else desks[:1]:
                desk.send(sent, now)
        return left

    while True:
        place = episode.next_place()
        due = strategy.due()
        soonest = NEVER if place is None else place.ts_init
        nearest = min(desks, key=lambda desk: desk.next_ts)
        at_desk, acts = nearest.next_ts, NEVER if due is None else due
        if probe is not None and probe <= min(soonest, at_desk):
            outside += send(strategy.on_event(Timer(ts_event=probe, ts_init=probe, key="probe:BTC")), probe)
            probe = None
        elif acts < NEVER and acts <= min(soonest, at_desk):
            outside += send(strategy.act(), acts)
        elif at_desk < NEVER and at_desk <= soonest:
            report = nearest.step()
            if report is not None:
                outside += send(strategy.on_event(report), report.ts_init)
        elif place is not None:
            event = episode.pop()
            outside += send(strategy.on_event(event), event.ts_init)
        else:
            return outside


def _alive(episode: Episode, opportunities: list[Opportunity], latency_ms: float) -> list[float]:
    """Return the edge of each opportunity when an order would arrive that left as it began."""
    names = episode.surface.listing.venues
    moments = [
        each.start_ns + int(latency_ms * NS_PER_MS) + episode.bump_ns(names[each.option]) for each in opportunities
    ]
    return episode.truth.alive_bps(opportunities, moments).tolist()  # type: ignore[no-any-return]


class _Facts:
    """What holds for an episode at every latency."""

    def __init__(
        self,
        seed: int,
        episode: Episode,
        opportunities: list[Opportunity],
        alive: dict[str, list[float]],
        curves: list[dict[str, float]],
        outside: int,
        *,
        hedged: bool,
    ) -> None:
        self._seed, self._episode, self._opportunities = seed, episode, opportunities
        self._alive, self._curves, self._outside, self._hedged = alive, curves, outside, hedged

    def record(self, strategy: Strategy, desk: Desk) -> TriggerRecord:
        """Return the record of one latency."""
        episode, counted = self._episode, strategy.counted
        orders = [self._order(order, self._curves[i], desk) for i, order in enumerate(desk.orders)]
        perps = _dislocations(episode, list(self._alive), orders)
        positive = {
            key: any(edge > 0 for edge in edges) or any(p.alive.get(key, False) for p in perps)
            for key, edges in self._alive.items()
        }
        starts = [(each.start_ns - episode.onset_ns) / NS_PER_MS for each in self._opportunities]
        starts += [each.start_ms for each in perps]
        return TriggerRecord(
            seed=self._seed,
            index=episode.plan.index,
            plan=episode.plan.kind,
            opportunities=(*_opportunities(episode, self._opportunities, self._alive, orders), *perps),
            t_ref_ms=min(starts) if starts else NAN,
            positive=positive,
            triggers=counted.triggers,
            decisions=counted.decisions,
            evaluations=counted.evaluations,
            hold_reasons=dict(sorted(counted.hold_reasons.items())),
            orders=tuple(orders),
            outside_orders=self._outside,
            questions=tuple(counted.questions),
            reviewed=tuple(counted.reviewed),
        )

    def _order(self, order: Order, curve: dict[str, float], desk: Desk) -> OrderRecord:
        episode, intent, signal = self._episode, order.sent.intent, order.sent.signal
        filled = order.filled
        edge = edge_bps(episode, intent, order.fills) if filled > 0 else NAN
        index = float(np.exp(episode.surface.log_at(order.decided)))
        forward = signal.forward if signal is not None and signal.forward > 0 else index
        later = int(desk.latency_ms * NS_PER_MS) + episode.wire_ns
        partial = partial_loss_usd(episode, intent, order.fills, later)
        realised = {}
        if filled > 0:
            realised = realised_bps(episode, intent, order.fills, hedge_delay_ns=later, hedged=self._hedged)
        return OrderRecord(
            edge=intent.edge,
            action=_action(intent, signal),
            venue="+".join(dict.fromkeys(each.venue for each in intent.legs)),
            symbols=tuple(each.symbol for each in intent.legs),
            spread_bps=NAN if signal is None else signal.spread_bps,
            confidence=NAN if signal is None else signal.confidence,
            p_fill=NAN if signal is None else signal.p_fill,
            p_profit_h=NAN if signal is None else signal.p_profit_h,
            quantity=intent.quantity,
            filled=filled,
            partial_loss_usd=partial,
            forward=forward,
            edge_bps=edge,
            edge_usd=(edge / BPS * forward * filled if filled > 0 else 0.0) + partial,
            realised_bps=realised,
            waterfall_bps=waterfall_bps(episode, intent, signal, order.fills, edge) if filled > 0 else {},
            decided_ms=(order.decided - episode.onset_ns) / NS_PER_MS,
            lead_ms=_lead_ms(episode, order, self._opportunities),
            by_latency_bps=curve,
            trigger=intent.trigger_id,
            legs=leg_names(intent.legs),
        )


def _action(intent: OrderIntent, signal: ArbitrageSignal | None) -> str:
    if signal is not None:
        return signal.action.value
    return "BUY" if intent.legs[0].side is Side.BUY else "SELL"


def _lead_ms(episode: Episode, order: Order, opportunities: list[Opportunity]) -> float:
    """Return the decision less the first moment at which anything delivered could have shown the edge."""
    leg = order.sent.intent.legs[0]
    option = episode.surface.listing.position.get((leg.venue, leg.symbol))
    if option is None or len(order.sent.intent.legs) != 1:
        return NAN
    buying = leg.side is Side.BUY
    ours = [each for each in opportunities if each.option == option and each.asks == buying]
    later = [each for each in ours if each.end_ns >= order.decided]
    if not later:
        return NAN
    begun = min(each.start_ns for each in later)
    if begun - order.decided > 10_000_000_000:
        return NAN
    return (order.decided - begun - episode.ways.least_ns) / NS_PER_MS


def _opportunities(
    episode: Episode, opportunities: list[Opportunity], alive: dict[str, list[float]], orders: list[OrderRecord]
) -> list[OpportunityRecord]:
    """Keep the largest opportunities, and those that an order was sent on."""
    listing = episode.surface.listing
    ordered = {(order.symbols[0], order.action): order for order in orders if len(order.symbols) == 1}
    largest = sorted(range(len(opportunities)), key=lambda i: -opportunities[i].peak_bps)[:_KEPT_OPPORTUNITIES]
    kept = []
    for i, each in enumerate(opportunities):
        symbol, action = listing.symbols[each.option], "BUY" if each.asks else "SELL"
        order = ordered.get((symbol, action))
        if i not in largest and order is None:
            continue
        near = 0 <= each.start_ns - episode.onset_ns + 1_000_000_000 < _PLANTED_WITHIN_NS
        kept.append(
            OpportunityRecord(
                edge="A",
                planted=episode.plan.kind if near and episode.plan.kind.startswith("S") else "",
                venue=listing.venues[each.option],
                symbols=(symbol,),
                action=action,
                start_ms=(each.start_ns - episode.onset_ns) / NS_PER_MS,
                end_ms=(each.end_ns - episode.onset_ns) / NS_PER_MS,
                peak_bps=each.peak_bps,
                size_coins=each.coins,
                alive={key: edges[i] > 0 for key, edges in alive.items()},
                captured=order is not None and order.filled > 0 and order.edge_bps > 0,
            )
        )
    return kept


def _dislocations(episode: Episode, keys: list[str], orders: list[OrderRecord]) -> list[OpportunityRecord]:
    """Return stretches in which a perpetual stood away from its own fair price by more than both legs cost."""
    found = []
    clock = episode.clock
    for venue, perp in enumerate(PERPS):
        edge = episode.perps.dislocation_bps(venue)
        good = (edge > 0) & (clock >= episode.start_ns)
        if not good.any():
            continue
        first = int(np.argmax(good))
        last = len(good) - 1 - int(np.argmax(good[::-1]))
        start, end = int(clock[first]), int(clock[last])
        alive = {}
        for key in keys:
            k = int(np.searchsorted(clock, start + int(float(key) * NS_PER_MS)))
            alive[key] = k < len(clock) and bool(edge[k] > 0)
        up = episode.perps.log_mid[venue, first] > episode.perps.fair[venue, first]
        captured = any(
            order.edge == "E" and perp.symbol in order.symbols and perp.venue in order.venue and order.edge_bps > 0
            for order in orders
        )
        found.append(
            OpportunityRecord(
                edge="E",
                planted=episode.plan.kind if episode.plan.kind == "S6" else "",
                venue=perp.venue,
                symbols=(perp.symbol,),
                action="SELL" if up else "BUY",
                start_ms=(start - episode.onset_ns) / NS_PER_MS,
                end_ms=(end - episode.onset_ns) / NS_PER_MS,
                peak_bps=float(edge.max()),
                size_coins=float(episode.perps.coins[venue, first]),
                alive=alive,
                captured=captured,
            )
        )
    return found
