"""What the hidden truth says about a decision of a run: true value, path of the edge, and what orders would get.

The engine never sees any of this. The market is drawn anew from its seed, so it is the one that was played.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from aftershock.app.evaluation.runner import run_episode
from aftershock.app.evaluation.strategies import Counted, Sent
from aftershock.app.live.connect import BACKPACK
from aftershock.app.plain import plain
from aftershock.model.events import Event
from aftershock.model.orders import ApprovedOrder, Leg, Side
from aftershock.model.signals import ArbitrageSignal
from aftershock.model.units import NAN, NS_PER_MS
from aftershock.sim.market.book import MARKET
from aftershock.sim.market.episode import Episode
from aftershock.study.records import OrderRecord

__all__ = ["PAPER_LATENCIES_MS", "Paper", "Step", "TrueQuote", "Truth", "decided", "is_drawn", "reveal"]

PAPER_LATENCIES_MS = (20.0, 100.0)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One moment on the path of a quote's edge.

    Attributes:
        at_ms: After the planned onset of the shock.
        what: What happened.
        value: True value, as quoted.
        price: Best quote that could truly be had, as quoted; NaN if there was none.
        coins: Of that quote.
        edge_bps: Its net edge after fee and hedge, bps of the forward.
    """

    at_ms: float
    what: str
    value: float
    price: float
    coins: float
    edge_bps: float


class TrueQuote(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about one leg.

    Attributes:
        venue, symbol, side: The leg.
        price, price_usd: What the engine saw, as quoted and per coin.
        value, value_usd: True value at the decision, alike.
        edge_bps: Net edge of the price that the engine saw, at the decision.
        path: From the first moment at which the quote was worth taking to the last; empty if it never was.
        taken: Coins that competing takers took of it, by milliseconds after the onset.
    """

    venue: str
    symbol: str
    side: str
    price: float
    price_usd: float
    value: float
    value_usd: float
    edge_bps: float
    path: tuple[Step, ...]
    taken: tuple[tuple[float, float], ...]


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """What the order would have got at a latency, and all orders of the run together."""

    latency_ms: float
    order: OrderRecord | None
    orders: int
    filled: int
    profitable: int
    edge_usd: float


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What is hidden behind a run.

    Attributes:
        kind, shock_bps, onset_ns: Of the episode.
        stalls: Planted stalls: venue, and first and last moment in ms after the onset.
        opportunities: How many quotes were truly worth taking.
        decided_ms: The decision, after the onset; NaN without one.
        legs: Of the decision; option legs only.
        paper: At each latency.
        unjudged: Orders on venues that the model does not draw: Backpack's quotes follow another venue's, and have no
            truth of their own.
    """

    kind: str
    shock_bps: float
    onset_ns: int
    stalls: tuple[tuple[str, float, float], ...]
    opportunities: int
    decided_ms: float
    legs: tuple[TrueQuote, ...]
    paper: tuple[Paper, ...]
    unjudged: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**plain(self), "onset_ns": str(self.onset_ns)}


class _Recorded:
    """Sends the orders of a run when they were decided, and hears of nothing."""

    def __init__(self, orders: Iterable[tuple[int, Sent]]) -> None:
        self.counted = Counted()
        self._orders = list(orders)

    def begin(self, episode: Episode) -> None:
        """Look at nothing."""

    def on_event(self, event: Event) -> list[Sent]:
        """Return the orders that are due."""
        due = [sent for ts, sent in self._orders if ts <= event.ts_init]
        self._orders = self._orders[len(due) :]
        return due

    def due(self) -> int | None:
        """Return None: its orders leave with the market's events."""
        return None

    def act(self) -> list[Sent]:
        """Do nothing."""
        return []


def decided(approved: Iterable[ApprovedOrder], signals: Iterable[ArbitrageSignal]) -> list[tuple[int, Sent]]:
    """Return the entries of a run with the moment and the decision of each, in order."""
    known = {(signal.trigger_id, signal.legs, signal.ts_init): signal for signal in signals}
    return [
        (order.ts_init, Sent(order.intent, known.get((order.intent.trigger_id, order.intent.legs, order.ts_init))))
        for order in approved
        if order.intent.purpose == "entry"
    ]


def reveal(seed: int, episode: Episode, signal: ArbitrageSignal | None, orders: list[tuple[int, Sent]]) -> Truth:
    """Return the truth about a decision.

    Args:
        seed: Of the market.
        episode: Drawn anew: that which was played.
        signal: The decision; None if there was none.
        orders: Every order of the run, as `decided` gives them.
    """
    onset = episode.onset_ns
    judged = [each for each in orders if is_drawn(each[1].intent.legs)]
    # First, while nobody has traded in this market.
    legs = () if signal is None else tuple(_leg(episode, signal, number) for number in _options(episode, signal))
    return Truth(
        kind=episode.plan.kind,
        shock_bps=episode.path.shock_bps,
        onset_ns=onset,
        stalls=tuple(
            (each.venue, _ms(each.outage.from_ns, onset), _ms(each.outage.to_ns, onset))
            for each in episode.script.stalls
        ),
        opportunities=len(episode.truth.opportunities()),
        decided_ms=NAN if signal is None else _ms(signal.ts_init, onset),
        legs=legs,
        paper=_paper(seed, episode, signal, judged),
        unjudged=len(orders) - len(judged),
    )


def is_drawn(legs: Iterable[Leg]) -> bool:
    """Tell whether the model draws the venues of an order, so that there is a truth about them."""
    return all(leg.venue != BACKPACK for leg in legs)


def _ms(moment: int, onset: int) -> float:
    return (moment - onset) / NS_PER_MS


def _options(episode: Episode, signal: ArbitrageSignal) -> list[int]:
    known = episode.surface.listing.position
    return [n for n, leg in enumerate(signal.legs) if (leg.venue, leg.symbol) in known]


def _leg(episode: Episode, signal: ArbitrageSignal, number: int) -> TrueQuote:
    leg, now = signal.legs[number], signal.ts_init
    option, asks = episode.surface.listing.position[leg.venue, leg.symbol], leg.side is Side.BUY
    worth = episode.truth.worth_usd(np.array([now]), np.array([option]))
    taken = episode.books.of[option].taken(option, asks=asks, owner=MARKET)
    path = _path(episode, option, now, asks=asks)
    during = [each for each in taken if path and path[0].at_ms <= _ms(each.moment, episode.onset_ns) <= path[-1].at_ms]
    return TrueQuote(
        venue=leg.venue,
        symbol=leg.symbol,
        side="ask" if asks else "bid",
        price=leg.price,
        price_usd=leg.price_usd,
        value=_value(episode, option, now),
        value_usd=float(worth.usd[0]),
        edge_bps=episode.truth.edge_now(option, leg.price, now, asks=asks),
        path=path,
        taken=tuple((_ms(each.moment, episode.onset_ns), each.coins) for each in during),
    )


def _value(episode: Episode, option: int, moment: int) -> float:
    return float(episode.surface.values(np.array([moment]), np.array([option])).value[0])


def _path(episode: Episode, option: int, now: int, *, asks: bool) -> tuple[Step, ...]:
    """Return the path of the opportunity that the decision was about: the last that began before it could be seen."""
    spans = [each for each in episode.truth.opportunities() if (each.option, each.asks) == (option, asks)]
    spans = [each for each in spans if each.start_ns <= now]
    if not spans:
        return ()
    span = max(spans, key=lambda each: each.start_ns)
    rows = [row for row in episode.truth.stale[option, asks] if row.moments[-1] >= span.start_ns]
    peak = max(
        ((float(edge), -int(moment)) for row in rows for moment, edge in zip(row.moments, row.edge_bps, strict=True)
         if span.start_ns <= moment <= span.end_ns),
    )  # fmt: skip
    bump = episode.bump_ns(episode.surface.listing.venues[option])
    steps = [
        (span.start_ns, "worth taking from here"),
        (-peak[1], "its edge is largest"),
        (now, "the engine decides"),
        *(
            (now + int(latency * NS_PER_MS) + bump, f"an order that takes {latency:g} ms arrives")
            for latency in PAPER_LATENCIES_MS
        ),
        (span.end_ns, "no longer worth taking, or gone"),
    ]
    at: dict[int, list[str]] = {}
    for moment, what in sorted(steps, key=lambda step: step[0]):
        at.setdefault(moment, []).append(what)
    return tuple(_step(episode, option, moment, "; ".join(what), asks=asks) for moment, what in at.items())


def _step(episode: Episode, option: int, moment: int, what: str, *, asks: bool) -> Step:
    moment = min(moment, episode.end_ns)
    level = episode.truth.best_tradable(
        option, moment, float(episode.surface.listing.lot_coins()[option]), asks=asks
    )  # fmt: skip
    return Step(
        at_ms=_ms(moment, episode.onset_ns),
        what=what,
        value=_value(episode, option, moment),
        price=NAN if level is None else level.price,
        coins=NAN if level is None else level.coins,
        edge_bps=NAN if level is None else episode.truth.edge_now(option, level.price, moment, asks=asks),
    )


def _paper(
    seed: int, episode: Episode, signal: ArbitrageSignal | None, orders: list[tuple[int, Sent]]
) -> tuple[Paper, ...]:
    """Send every order of the run at each latency into this market, and return what the truth makes of them."""
    inside = [each for each in orders if each[0] >= episode.start_ns]
    records = run_episode(seed, episode, _Recorded(inside), PAPER_LATENCIES_MS)
    ids = [None if sent.signal is None else sent.signal.signal_id for _, sent in inside]
    which = ids.index(signal.signal_id) if signal is not None and signal.signal_id in ids else None
    return tuple(
        Paper(
            latency_ms=latency,
            order=None if which is None else record.orders[which],
            orders=len(record.orders),
            filled=sum(order.filled > 0 for order in record.orders),
            profitable=sum(order.edge_bps > 0 for order in record.orders),
            edge_usd=sum(order.edge_usd for order in record.orders),
        )
        for latency, record in zip(PAPER_LATENCIES_MS, records, strict=True)
    )
