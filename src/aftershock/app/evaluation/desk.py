"""The paper desk: orders on their way, what the simulated venues made of them, and the reports on their way back."""

from __future__ import annotations

import heapq
from typing import Any

import msgspec

from aftershock.app.evaluation.labels import LegFill
from aftershock.app.evaluation.strategies import Sent
from aftershock.model.events import Event, OrderUpdate
from aftershock.model.orders import Fill, Leg, Side, leg_client_id, leg_limit
from aftershock.model.units import NAN, NS_PER_MS
from aftershock.sim.market.book import SHOWN
from aftershock.sim.market.episode import Episode, Execution
from aftershock.sim.market.listing import INVERSE, LINEAR, PERPS

__all__ = ["NEVER", "Desk", "Order"]

NEVER = 2**63 - 1

_PERP = {(perp.venue, perp.symbol): v for v, perp in enumerate(PERPS)}


class Order(msgspec.Struct, kw_only=True):
    """An order that was sent: its intent, its claim, when it left, and the fills of each leg."""

    sent: Sent
    decided: int
    fills: list[list[LegFill]]

    @property
    def filled(self) -> float:
        """Return the coins of the whole package that filled."""
        intent = self.sent.intent
        each = [
            sum(fill.coins for fill in fills) / leg.ratio for leg, fills in zip(intent.legs, self.fills, strict=True)
        ]
        return min(each) if each else 0.0


class Desk:
    """Carries orders to one episode's venues at a fixed latency.

    One decision is tried at several latencies at once, each in a world of its own: it meets what the market left there
    and what its own orders left. The first of them is the one whose fills the strategy hears of and the feeds show.

    Attributes:
        latency_ms: From a decision to the venue.
        orders: Entries, in the order in which they left; `others` hedges and unwinds.
    """

    def __init__(self, episode: Episode, latency_ms: float, owner: int = SHOWN) -> None:
        self._episode = episode
        self._owner = owner
        self.latency_ms = latency_ms
        self._latency = int(latency_ms * NS_PER_MS)
        self._due: list[tuple[int, int, Any]] = []
        self._number = 0
        self.orders: list[Order] = []
        self.others: list[Order] = []

    @property
    def next_ts(self) -> int:
        """Return when the next order or report arrives, `NEVER` without any."""
        return self._due[0][0] if self._due else NEVER

    def send(self, sent: Sent, now: int) -> None:
        """Let an order leave: each leg arrives after the latency and its venue's speed bump."""
        intent = sent.intent
        order = Order(sent=sent, decided=now, fills=[[] for _ in intent.legs])
        if intent.purpose == "entry":
            self.orders.append(order)
        else:
            self.others.append(order)
        for number, leg in enumerate(intent.legs):
            self._push(now + self._latency + self._episode.bump_ns(leg.venue), (order, number))

    def _push(self, ts: int, what: object) -> None:
        self._number += 1
        heapq.heappush(self._due, (ts, self._number, what))

    def step(self) -> Event | None:
        """Let the next thing happen: an order meets the book (None), or a report reaches us (the event)."""
        ts, _, what = heapq.heappop(self._due)
        if isinstance(what, tuple):
            self._execute(ts, *what)
            return None
        event: Event = what
        return event

    def _execute(self, ts: int, order: Order, number: int) -> None:
        intent = order.sent.intent
        leg = intent.legs[number]
        coins = intent.quantity * leg.ratio
        fills = self._trade(leg, coins, leg_limit(intent, number), ts)
        order.fills[number] = [LegFill(ts, fill.price, fill.coins, fill.busted) for fill in fills]
        if self._owner != SHOWN:
            return
        back = ts + self._episode.wire_ns
        client_id = leg_client_id(intent.intent_id, number + 1)
        for n, fill in enumerate(fills):
            report = Fill(
                ts_event=ts, ts_init=back, client_id=client_id, venue=leg.venue, symbol=leg.symbol, side=leg.side,
                quantity=fill.coins, price=fill.price, fee=NAN, trade_id=f"{client_id}/{n + 1}",
            )  # fmt: skip
            self._push(back, report)
        self._push(back, OrderUpdate(ts_event=ts, ts_init=back, client_id=client_id, status="expired"))

    def _trade(self, leg: Leg, coins: float, limit: float, ts: int) -> list[Execution]:
        buying = leg.side is Side.BUY
        if ts > self._episode.end_ns:
            return []
        if leg.venue in {INVERSE, LINEAR} and (leg.venue, leg.symbol) in self._episode.surface.listing.position:
            option = self._episode.surface.listing.position[leg.venue, leg.symbol]
            return self._episode.trade_option(option, coins, limit, ts, buying=buying, owner=self._owner)
        venue = _PERP.get((leg.venue, leg.symbol))
        if venue is None:
            return self._episode.trade_future(leg.symbol, coins, limit, ts, buying=buying)
        return self._episode.trade_perp(venue, coins, limit, ts, buying=buying)
