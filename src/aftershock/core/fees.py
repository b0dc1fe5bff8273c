"""Fee schedules at hand, looked up once a day per contract type, and what they make of one trade or delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aftershock.model.instruments import Kind
from aftershock.model.units import NAN, NS_PER_DAY
from aftershock.pricing.fees import delivery_fee, delivery_fee_coin, option_fee, option_fee_coin, perp_taker_fee

if TYPE_CHECKING:
    from aftershock.model.instruments import FeeSchedule, Instrument
    from aftershock.model.table import InstrumentTable

__all__ = ["FeeBook", "future_delivery_fee", "option_delivery_fee", "trade_fee"]


class FeeBook:
    """Caches the table's answers; schedules change at midnight UTC."""

    def __init__(self, table: InstrumentTable) -> None:
        self._table = table
        self._day = -1
        self._known: dict[tuple[str, str, bool], FeeSchedule | None] = {}
        self._by_name: dict[tuple[str, str], FeeSchedule | None] = {}

    def of(self, instrument: Instrument, ts: int) -> FeeSchedule | None:
        """Return the schedule that holds at a time, or None: then no edge can be net."""
        day = ts // NS_PER_DAY
        if day != self._day:
            self._known.clear()
            self._by_name.clear()
            self._day = day
        # By name: to hash what a schedule depends on costs more than the rest of a look.
        name = (instrument.venue, instrument.symbol)
        if name not in self._by_name:
            self._by_name[name] = self._look_up(instrument, ts)
        return self._by_name[name]

    def _look_up(self, instrument: Instrument, ts: int) -> FeeSchedule | None:
        key = (instrument.venue, instrument.kind.value, instrument.inverse)
        if key not in self._known:
            self._known[key] = self._table.fee(instrument, ts)
        return self._known[key]


def trade_fee(instrument: Instrument, schedule: FeeSchedule | None, price: float, index: float) -> float:
    """Return the taker's fee per coin in the settlement currency, capped; NaN while it is unknown.

    Args:
        instrument: What is traded.
        schedule: What holds that day; None makes the fee unknown.
        price: As quoted.
        index: Price of the coin; only the fee of a linear option needs it.
    """
    if schedule is None:
        return NAN
    if instrument.kind is Kind.OPTION:
        if instrument.inverse:
            return float(option_fee_coin(schedule.taker_rate, schedule.cap_fraction, price))
        return float(option_fee(schedule.taker_rate, schedule.cap_fraction, index, price))
    return float(perp_taker_fee(schedule.taker_rate, 1.0 if instrument.inverse else price))


def option_delivery_fee(
    instrument: Instrument, schedule: FeeSchedule | None, settlement: float, payoff: float
) -> float:
    """Return the fee per coin of an option that expires; what ends out of the money is not delivered and pays none."""
    if payoff == 0.0:
        return 0.0
    if schedule is None:
        return NAN
    if schedule.dailies_delivered_free and instrument.is_daily:
        return 0.0
    rate, cap = schedule.delivery_rate, schedule.delivery_cap_fraction
    return float(
        delivery_fee_coin(rate, cap, payoff) if instrument.inverse else delivery_fee(rate, cap, settlement, payoff)
    )


def future_delivery_fee(instrument: Instrument, schedule: FeeSchedule | None, settlement: float) -> float:
    """Return the fee per unit of size (coin, or dollar of an inverse future) of a future that expires."""
    if schedule is None:
        return NAN
    if schedule.dailies_delivered_free and instrument.is_daily:
        return 0.0
    return schedule.delivery_rate * (1.0 / settlement if instrument.inverse else settlement)
