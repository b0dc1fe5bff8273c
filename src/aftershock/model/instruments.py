"""What is traded: contract terms, and the fees that held at a time."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from aftershock.model.units import BPS, NAN, NS_PER_DAY

__all__ = ["AmountUnit", "FeeSchedule", "Instrument", "Kind"]

_FRIDAY = 1
"""Of days counted from 1970-01-01, a Thursday."""


class Kind(StrEnum):
    """What an instrument is."""

    SPOT = "spot"
    PERPETUAL = "perpetual"
    FUTURE = "future"
    OPTION = "option"


class AmountUnit(StrEnum):
    """What one unit of a venue's native `amount` is."""

    COIN = "coin"
    CONTRACTS = "contracts"
    USD = "usd"
    """US dollars of notional, as inverse perpetuals count."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of one contract.

    Attributes:
        venue: Tardis exchange id, e.g. `deribit`.
        symbol: The venue's own name.
        kind: Spot, perpetual, future or option.
        underlying: Coin, e.g. `BTC`.
        quote: Currency of the price of the underlying: `USD`, `USDT`, `USDC`.
        inverse: True if the contract is settled in the coin (an option's premium is then in coin per coin).
        amount_unit: Unit of the amounts that the venue publishes.
        contract_size: Coins per contract, or dollars per contract if inverse and not an option. NaN if unknown: a
            size in contracts is then not convertible, and never taken as 1.
        tick_size: Price step in the unit of the price; NaN if unknown.
        lot_size: Smallest order and order step in native amounts; NaN if unknown.
        strike: Quote currency per coin; NaN unless an option.
        is_call: None unless an option.
        expiry_ns: Nanoseconds UTC; None for spot and perpetuals.
    """

    venue: str
    symbol: str
    kind: Kind
    underlying: str
    quote: str
    inverse: bool
    amount_unit: AmountUnit
    contract_size: float = NAN
    tick_size: float = NAN
    lot_size: float = NAN
    strike: float = NAN
    is_call: bool | None = None
    expiry_ns: int | None = None

    @property
    def instrument_id(self) -> str:
        """Return `SYMBOL.VENUE`."""
        return f"{self.symbol}.{self.venue}"

    @property
    def family(self) -> str:
        """Return what settles alike: `BTC` for inverse, `BTC_USDC` for linear contracts."""
        return self.underlying if self.inverse else f"{self.underlying}_{self.quote}"

    @property
    def counts_dollars(self) -> bool:
        """Tell whether a position is a number of dollars, not of coins: inverse perpetuals and futures."""
        return self.inverse and self.kind is not Kind.OPTION

    @property
    def settles_in(self) -> str:
        """Return the currency of premium, profit and fees: the coin if inverse, else the quote currency."""
        return self.underlying if self.inverse else self.quote

    @property
    def is_daily(self) -> bool:
        """Tell whether it expires on another day than a Friday (UTC), as only daily contracts do."""
        return self.expiry_ns is not None and self.expiry_ns // NS_PER_DAY % 7 != _FRIDAY

    def coins(self, amount: float, price: float) -> float:
        """Convert a native amount to coins.

        Args:
            amount: In the venue's unit.
            price: Quote currency per coin; used where the venue counts dollars.

        Returns:
            Coins; NaN where the contract size is unknown.
        """
        if self.amount_unit is AmountUnit.COIN:
            return amount
        if self.amount_unit is AmountUnit.USD:
            return amount / price if price > 0 else NAN
        if self.inverse and self.kind is not Kind.OPTION:
            return amount * self.contract_size / price if price > 0 else NAN
        return amount * self.contract_size

    def native_amount(self, coins: float, price: float) -> float:
        """Convert coins to the venue's native amount: the inverse of `coins`."""
        one = self.coins(1.0, price)
        return coins / one if one > 0 else NAN

    def notional_usd(self, amount: float, price: float) -> float:
        """Return the notional of a native amount in quote currency, NaN where the contract size is unknown."""
        if self.amount_unit is AmountUnit.USD:
            return amount
        return self.coins(amount, price) * price


class FeeSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Fees of one venue and contract type from a date on.

    Attributes:
        venue: Tardis exchange id.
        kind: Contract kind.
        inverse: Settled in coin.
        valid_from_ns: First moment at which it held.
        taker_rate: Fraction of the underlying's notional (options: of the index).
        maker_rate: Likewise, for a maker.
        cap_fraction: Most of an option's premium that a fee may take; infinite if there is no cap.
        delivery_rate: Fraction of the underlying charged at expiry.
        delivery_cap_fraction: Most of the option's value charged at expiry.
        dailies_delivered_free: True if contracts that expire on another day than a Friday pay no delivery fee.
        source: Where the figure is from.
    """

    venue: str
    kind: Kind
    inverse: bool
    valid_from_ns: int
    taker_rate: float
    maker_rate: float
    cap_fraction: float = float("inf")
    delivery_rate: float = 0.0
    delivery_cap_fraction: float = float("inf")
    dailies_delivered_free: bool = False
    source: str = ""

    @property
    def taker_bps(self) -> float:
        """Return the taker fee in basis points of the underlying."""
        return self.taker_rate * BPS
