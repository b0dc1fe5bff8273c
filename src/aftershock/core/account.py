"""What is owned: cash by venue and settlement currency, positions by instrument. The one place where a fill is booked.

Options: the premium is paid when traded. Perpetuals and futures: cash moves when a position shrinks or settles.
Funding of perpetuals, interest and transfers are not booked. See `core/contracts.py` for how amounts stay exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from aftershock.core.contracts import flow_of, is_usable, share, signed, size_of
from aftershock.core.fees import FeeBook, future_delivery_fee, option_delivery_fee, trade_fee
from aftershock.model.instruments import Instrument, Kind
from aftershock.model.units import NAN, NANO, nano
from aftershock.pricing.inverse import payoff_coin, payoff_usd

if TYPE_CHECKING:
    from aftershock.model.orders import Fill

__all__ = ["Account", "Booked", "CashKey", "Position"]

CashKey = tuple[str, str]
"""Venue and settlement currency."""

ExpiryKey = tuple[str, str, int]

_TRADES_KEPT = 100_000


class Position(msgspec.Struct):
    """What is held of one instrument; integers as in `core/contracts.py`.

    Attributes:
        instrument: Of what.
        size: Signed; long is positive.
        open_flow: Flow of the trades that made what is open.
        realised: Profit of what was closed, before fees.
        fees: Paid for it.
    """

    instrument: Instrument
    size: int = 0
    open_flow: int = 0
    realised: int = 0
    fees: int = 0

    @property
    def quantity(self) -> float:
        """Return the position: coins, or dollars of a contract that counts them."""
        return self.size / NANO

    @property
    def coins(self) -> float:
        """Return the position in coins: N dollars of an inverse contract are N divided by their average price."""
        return (self.open_flow if self.instrument.counts_dollars else self.size) / NANO

    @property
    def average_price(self) -> float:
        """Return the average price of what is open, as quoted; NaN if nothing is."""
        if self.size == 0:
            return NAN
        return self.size / self.open_flow if self.instrument.counts_dollars else -self.open_flow / self.size

    def take(self, size: int, flow: int) -> int:
        """Add a signed trade and return the profit that it realised, billionths of the settlement currency."""
        if self.size * size >= 0:
            self.size += size
            self.open_flow += flow
            return 0
        closed = min(abs(size), abs(self.size))
        closing = share(flow, closed, abs(size))
        released = share(self.open_flow, closed, abs(self.size))
        self.size += size
        self.open_flow += flow - closing - released
        profit = closing + released
        self.realised += profit
        return profit


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """What booking a fill, or settling a position, did.

    Attributes:
        venue, symbol: Of the instrument; `currency` is what it settles in.
        cash: Change of the cash balance, the fee included.
        fee: Paid; NaN if nobody knows it, and then none was taken from the cash.
        realised: Profit of what was closed, before the fee.
        quantity: Position after it, coins or dollars.
    """

    venue: str
    symbol: str
    currency: str
    cash: float
    fee: float
    realised: float
    quantity: float


class Account:
    """Cash and positions.

    Attributes:
        positions: By (venue, symbol); what expired is gone.
        realised, fees: Sums by (venue, currency) over all positions, gone ones included; billionths.
        unknown_fees: Trades and deliveries whose fee nobody knows.
        repeated: Fills that came again and were not booked again.
    """

    def __init__(self, fees: FeeBook) -> None:
        """Take the fee schedules; they are asked where a fill does not say its fee, and at delivery."""
        self._fees = fees
        self._cash: dict[CashKey, int] = {}
        self._trades: dict[tuple[str, str], None] = {}
        self._settled: dict[ExpiryKey, float] = {}
        self.positions: dict[tuple[str, str], Position] = {}
        self.realised: dict[CashKey, int] = {}
        self.fees: dict[CashKey, int] = {}
        self.unknown_fees = 0
        self.repeated = 0

    def deposit(self, venue: str, currency: str, amount: float) -> None:
        """Put cash in, or take it out if negative."""
        self._add(self._cash, (venue, currency), nano(amount))

    def cash(self, venue: str, currency: str) -> float:
        """Return a balance; it may be negative, margin is not looked at here."""
        return self._cash.get((venue, currency), 0) / NANO

    def balances(self) -> dict[CashKey, float]:
        """Return every balance, by venue and currency."""
        return {key: self._cash[key] / NANO for key in sorted(self._cash)}

    def settled_at(self, venue: str, family: str, expiry_ns: int) -> float | None:
        """Return the price against which an expiry was settled, or None."""
        return self._settled.get((venue, family, expiry_ns))

    def apply_fill(self, fill: Fill, instrument: Instrument, *, index: float = NAN) -> Booked | None:
        """Book a fill once.

        The fee is the venue's own where the fill says it, else that of the schedule of its day.

        Args:
            fill: Of any order, ours or not.
            instrument: Of the fill.
            index: Price of the coin, for the fee of a linear option.

        Returns:
            What it did; None if it was booked before or can't be, and nothing changed.
        """
        if not is_usable(fill) or instrument.kind is Kind.SPOT:
            return None
        trade = (fill.client_id, fill.trade_id)
        if trade in self._trades:
            self.repeated += 1
            return None
        self._trades[trade] = None
        if len(self._trades) > _TRADES_KEPT:
            del self._trades[next(iter(self._trades))]
        position = self.positions.setdefault((fill.venue, fill.symbol), Position(instrument))
        size = signed(fill.side, size_of(instrument, fill.quantity, fill.price))
        flow = flow_of(instrument, size, fill.price)
        profit = position.take(size, flow)
        fee = fill.fee
        if not math.isfinite(fee):
            schedule = self._fees.of(instrument, fill.ts_init)
            fee = trade_fee(instrument, schedule, fill.price, index) * fill.quantity
        booked = self._book(position, flow if instrument.kind is Kind.OPTION else profit, profit, fee)
        settled = self._settled.get((fill.venue, instrument.family, instrument.expiry_ns or 0))
        if settled is not None:  # the fill of a contract that is over is settled as the others were
            self._deliver(position, settled)
            del self.positions[fill.venue, fill.symbol]
        return booked

    def settle(self, venue: str, family: str, expiry_ns: int, price: float) -> tuple[Booked, ...]:
        """Settle everything of a family that expires at a time, in one step and against one price; once.

        Args:
            venue: Whose contracts.
            family: What settles alike (`Instrument.family`).
            expiry_ns: The expiry.
            price: Quote currency per coin. Nothing is settled, and the expiry stays open, unless it is positive.
        """
        key = (venue, family, expiry_ns)
        if not 0 < price < math.inf or key in self._settled:
            return ()
        self._settled[key] = price
        due = [
            place
            for place, each in self.positions.items()
            if (place[0], each.instrument.family, each.instrument.expiry_ns) == key
        ]
        return tuple(self._deliver(self.positions.pop(place), price) for place in due)

    def _deliver(self, position: Position, price: float) -> Booked:
        instrument, held = position.instrument, abs(position.size)
        schedule = self._fees.of(instrument, instrument.expiry_ns or 0)
        if instrument.kind is Kind.OPTION:
            pays = payoff_coin if instrument.inverse else payoff_usd
            payoff = float(pays(price, instrument.strike, instrument.is_call is True))
            flow = round(position.size * payoff)
            fee = option_delivery_fee(instrument, schedule, price, payoff) * held / NANO
        else:
            flow = flow_of(instrument, -position.size, price)
            fee = future_delivery_fee(instrument, schedule, price) * held / NANO
        profit = position.take(-position.size, flow)
        return self._book(position, flow if instrument.kind is Kind.OPTION else profit, profit, fee if held else 0.0)

    def _book(self, position: Position, moved: int, profit: int, fee: float) -> Booked:
        """Move cash: `moved`, less the fee."""
        instrument = position.instrument
        key = (instrument.venue, instrument.settles_in)
        known = math.isfinite(fee)
        taken = nano(fee) if known else 0
        self.unknown_fees += not known
        position.fees += taken
        self._add(self._cash, key, moved - taken)
        self._add(self.realised, key, profit)
        self._add(self.fees, key, taken)
        return Booked(
            venue=instrument.venue,
            symbol=instrument.symbol,
            currency=instrument.settles_in,
            cash=(moved - taken) / NANO,
            fee=taken / NANO if known else NAN,
            realised=profit / NANO,
            quantity=position.quantity,
        )

    @staticmethod
    def _add(sums: dict[CashKey, int], key: CashKey, amount: int) -> None:
        sums[key] = sums.get(key, 0) + amount
