"""A desk with orders at work and a venue that answers as a test says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Effect
from aftershock.model.events import Event, OrderUpdate, Settlement
from aftershock.model.orders import ApprovedOrder, Fill, Hedge, Leg, OrderIntent, PackageResult, Side, leg_client_id
from aftershock.model.signals import Alarm
from aftershock.model.units import NAN
from tests.core.market import (
    EXPIRY_NS,
    PERPETUALS,
    T0,
    Row,
    engine_of,
    index_price,
    millis,
    of_type,
    option_quotes,
    perp_quote,
)

BUY, SELL = Side.BUY, Side.SELL
CALL, HIGHER = "BTC-6MAR26-60000-C", "BTC-6MAR26-62000-C"
PUT = "BTC-6MAR26-60000-P"
ENTRY = "t/1/order"
MID = 60_000.0
# Bid and ask of each option: three coins of a thousandth wide, a whole number of ticks.
QUOTES = {CALL: (0.0295, 0.0305), HIGHER: (0.0145, 0.0155), PUT: (0.0280, 0.0290)}

_T = TypeVar("_T")


def leg(symbol: str, side: Side, price: float | None = None, venue: str = "deribit") -> Leg:
    """Return a leg at its quote."""
    at = QUOTES[symbol][side is BUY] if price is None else price
    return Leg(venue=venue, symbol=symbol, side=side, ratio=1.0, price=at, price_usd=at * MID)


def entry(*legs: Leg, quantity: float = 1.0, hedge: Hedge | None = None, edge: str = "A") -> ApprovedOrder:
    """Return an approved entry; the legs' prices stand for its limit."""
    intent = OrderIntent(
        intent_id=ENTRY, trigger_id="t", edge=edge, legs=legs, quantity=quantity, limit_usd=2_000.0, hedge=hedge
    )
    return ApprovedOrder(ts_init=T0, intent=intent)


def call_hedged(quantity: float = 1.0, coins: float = 0.5) -> ApprovedOrder:
    """Return one call bought, to be hedged by selling."""
    return entry(leg(CALL, BUY), quantity=quantity, hedge=Hedge(side=SELL, coins=coins, cost_usd=1.0))


class Desk:
    """An engine with quotes and one entry, its clock, and all that it said.

    Attributes:
        said: Every effect so far.
        now: Clock, ns.
    """

    def __init__(self, order: ApprovedOrder, config: EngineConfig | None = None, *, perpetuals: bool = True) -> None:
        self.engine = engine_of(config)
        self.engine.account.deposit("deribit", "BTC", 10.0)
        self.engine.account.deposit("binance-futures", "USDT", 100_000.0)
        self.now = T0
        self.said: list[Effect] = []
        self._trades = 0
        self.tell(index_price(T0, MID))
        if perpetuals:
            self.quote_perpetuals()
        self.quote_options()
        self.engine._execution.open(order)

    def tell(self, event: Event) -> list[Effect]:
        """Process an event and return what was said to it."""
        effects = self.engine.process(event)
        self.said += effects
        return effects

    def wait(self, ms: float) -> None:
        self.now += millis(ms)

    def quote_perpetuals(self, mid: float = MID, venues: Iterable[str] = PERPETUALS) -> list[Effect]:
        return [effect for venue in venues for effect in self.tell(perp_quote(self.now, venue, mid))]

    def quote_options(self, **prices: tuple[float, float]) -> list[Effect]:
        quotes = QUOTES | prices
        rows = [Row(ts=self.now, symbol=name, bid=bid, ask=ask) for name, (bid, ask) in quotes.items()]
        return self.tell(option_quotes(rows))

    def fill(
        self, order: OrderIntent | str, coins: float, price: float | None = None, *, number: int = 1, trade: str = ""
    ) -> list[Effect]:
        """Fill a leg of an order, of the entry if `order` is empty, at its limit unless told otherwise."""
        intent = self.intent(order)
        wanted = intent.legs[number - 1]
        self._trades += 1
        return self.tell(
            Fill(
                ts_event=self.now,
                ts_init=self.now,
                client_id=leg_client_id(intent.intent_id, number),
                trade_id=trade or str(self._trades),
                venue=wanted.venue,
                symbol=wanted.symbol,
                side=wanted.side,
                quantity=coins,
                price=wanted.price if price is None else price,
                fee=NAN,
            )
        )

    def update(self, order: OrderIntent | str, status: str = "expired", *, number: int = 1) -> list[Effect]:
        client_id = leg_client_id(self.intent(order).intent_id, number)
        return self.tell(OrderUpdate(ts_event=self.now, ts_init=self.now, client_id=client_id, status=status))

    def settle(self, price: float, family: str = "BTC") -> list[Effect]:
        self.now = EXPIRY_NS + 1
        return self.tell(
            Settlement(
                ts_event=self.now, ts_init=self.now, venue="deribit", family=family, expiry_ns=EXPIRY_NS, price=price
            )
        )

    def intent(self, order: OrderIntent | str) -> OrderIntent:
        if isinstance(order, OrderIntent):
            return order
        working = [w for w, _ in self.engine._execution._sent.values()]
        return working[0].intent

    def position(self, symbol: str, venue: str = "deribit") -> float:
        found = self.engine.account.positions.get((venue, symbol))
        return 0.0 if found is None else found.quantity

    # --- what was said ------------------------------------------------------------------------------------------

    def all_of(self, kind: type[_T]) -> list[_T]:
        return of_type(kind, self.said)

    @property
    def orders(self) -> list[OrderIntent]:
        return [each.intent for each in self.all_of(ApprovedOrder)]

    @property
    def alarms(self) -> list[str]:
        return [alarm.code for alarm in self.all_of(Alarm) if alarm.code != "index_silent"]

    @property
    def results(self) -> list[PackageResult]:
        return self.all_of(PackageResult)


def with_execution(**settings: float) -> EngineConfig:
    """Return the default configuration with some settings of the execution changed."""
    config = EngineConfig()
    return msgspec.structs.replace(config, execution=msgspec.structs.replace(config.execution, **settings))
