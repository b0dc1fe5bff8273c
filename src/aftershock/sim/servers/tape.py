"""What the market model does not draw: public trades, tickers without news, and the venue `ftx-restart`.

Option venues send a ticker whenever a mark or a greek moves, so in a calm market too; the model draws quotes that
change. Once a second without any, one option's state is sent again.

`ftx-restart`, an echo of the others, is no exchange of Tardis. Here it is a perpetual in FTX's dialect whose price
follows that of `binance-futures` with a basis of its own, and whose liquidations repeat some of the others' once there
are several: one alone must not look like two venues'. As FTX did and Deribit does, it prints a liquidation as a trade
too, with the same id.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator

import msgspec
import numpy as np

from aftershock.model.events import Event, Liquidation, OptionQuotes, Quote, Trade
from aftershock.model.instruments import AmountUnit
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.model.units import NAN, NS_PER_S
from aftershock.sim.market.listing import PERPS
from aftershock.sim.market.plan import generator

__all__ = ["RESTART", "RESTART_SYMBOL", "Tape"]

RESTART, RESTART_SYMBOL = "ftx-restart", "BTC-PERP"

_TAPE = 77
_LEADER = "binance-futures"
_TICK = 1.0
_BASIS_BPS = 1.5
_ECHOED, _ECHO_COUNT, _ECHO_NS = 0.4, 4, 5 * NS_PER_S
"""Chance of an echo, once there were so many liquidations in so long."""
_TRADES_PER_QUOTE = 0.25
_FIRST_ID = 5_312_345_000
_FLAGGED = frozenset({"deribit", RESTART})
"""Venues whose liquidations are flagged trades."""
_UNITS = {perp.venue: (perp.amount_unit, perp.contract_coins) for perp in PERPS}


class Tape:
    """Adds to the events of the market what a recorder would have seen beside them, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._rng = generator(seed, _TAPE)
        self._basis = 1.0 + 1e-4 * _BASIS_BPS * float(self._rng.standard_normal())
        self._quote: Quote | None = None
        self._next_id = _FIRST_ID
        self._options: dict[str, OptionQuotes] = {}
        self._liquidations: deque[int] = deque(maxlen=_ECHO_COUNT)

    def add(self, event: Event) -> Iterator[Event]:
        """Yield the event and what comes with it."""
        yield event
        if isinstance(event, OptionQuotes):
            self._options[event.stream.venue] = event.slice(len(event) - 1, len(event))
        if isinstance(event, Liquidation):
            if event.venue in _FLAGGED:
                yield _flagged(event)
            yield from self._echo(event)
        if isinstance(event, Quote) and event.venue in _UNITS:
            yield from self._trade(event)
            if event.venue == _LEADER:
                yield from self._unchanged(event)
                self._quote = self._follow(event)
                yield self._quote
                yield from self._trade(self._quote)

    def _unchanged(self, clock: Quote) -> Iterator[OptionQuotes]:
        """Yield the state of an option of each venue that has been silent for a second."""
        for venue, last in self._options.items():
            if clock.ts_init - last.ts_init > NS_PER_S and clock.ts_event > last.ts_event:
                again = msgspec.structs.replace(
                    last,
                    ts_event=clock.ts_event,
                    ts_init=clock.ts_init,
                    row_ts_event=np.array([clock.ts_event], dtype=np.int64),
                    row_ts_init=np.array([clock.ts_init], dtype=np.int64),
                    columns={**last.columns, "underlying_price": np.array([NAN])},
                )
                self._options[venue] = again
                yield again

    def _follow(self, leader: Quote) -> Quote:
        mid = 0.5 * (leader.bid + leader.ask) * self._basis
        bid = math.floor(mid / _TICK) * _TICK
        bid_coins, ask_coins = np.round(4.0 * np.exp(0.6 * self._rng.standard_normal(2)), 4).tolist()
        return Quote(
            ts_event=leader.ts_event,
            ts_init=leader.ts_init,
            venue=RESTART,
            symbol=RESTART_SYMBOL,
            bid=bid,
            bid_amount=bid_coins,
            ask=bid + _TICK,
            ask_amount=ask_coins,
        )

    def _echo(self, event: Liquidation) -> Iterator[Event]:
        chance, size = float(self._rng.random()), float(self._rng.exponential())
        recent = self._liquidations
        recent.append(event.ts_init)
        many = len(recent) == _ECHO_COUNT and recent[0] > event.ts_init - _ECHO_NS
        if self._quote is None or not many or chance >= _ECHOED or event.liquidated is Liquidated.UNKNOWN:
            return
        long = event.liquidated is Liquidated.LONG
        echo = Liquidation(
            ts_event=event.ts_event,
            ts_init=event.ts_init,
            venue=RESTART,
            symbol=RESTART_SYMBOL,
            price=self._quote.bid if long else self._quote.ask,
            amount=round(max(0.2 * size, 0.001), 4),
            liquidated=event.liquidated,
            price_kind=PriceKind.FILL,
            completeness=Completeness.ALL,
            liquidation_id=self._id(),
        )
        yield echo
        yield _flagged(echo)

    def _trade(self, quote: Quote) -> Iterator[Trade]:
        chance, size = float(self._rng.random()), float(self._rng.exponential())
        if chance >= _TRADES_PER_QUOTE or not quote.bid > 0 or not quote.ask > 0:
            return
        buys = chance < 0.5 * _TRADES_PER_QUOTE
        price = quote.ask if buys else quote.bid
        unit, contract = _UNITS.get(quote.venue, (AmountUnit.COIN, 1.0))
        coins = 0.05 * size
        if unit is AmountUnit.USD:
            amount = max(round(coins * price / 10.0), 1) * 10.0
        elif unit is AmountUnit.CONTRACTS:
            amount = float(max(round(coins / contract), 1))
        else:
            amount = round(max(coins, 0.001), 3)
        yield Trade(
            ts_event=quote.ts_event,
            ts_init=quote.ts_init,
            venue=quote.venue,
            symbol=quote.symbol,
            price=price,
            amount=amount,
            side="buy" if buys else "sell",
            trade_id=self._id(),
        )

    def _id(self) -> str:
        self._next_id += 1
        return str(self._next_id)


def _flagged(event: Liquidation) -> Trade:
    """Return the trade that a liquidation is."""
    return Trade(
        ts_event=event.ts_event,
        ts_init=event.ts_init,
        venue=event.venue,
        symbol=event.symbol,
        price=event.price,
        amount=event.amount,
        side="sell" if event.liquidated is Liquidated.LONG else "buy",
        trade_id=event.liquidation_id,
    )
