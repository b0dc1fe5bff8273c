"""The contracts of the simulated venues, under the names and terms of real ones."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.instruments import AmountUnit, Instrument, Kind
from aftershock.model.units import NS_PER_DAY, NS_PER_S, NS_PER_YEAR, utc_ns
from aftershock.sim.market.grid import Floats, Ints

__all__ = ["INVERSE", "LINEAR", "PERPS", "Future", "Listing", "Perp", "deribit_date", "list_options"]

INVERSE, LINEAR = "deribit", "okex-options"
"""Venue of the inverse options (speed bump, 12.5 % cap) and of the linear ones (no bump, 7 % cap, 0.01 coin)."""

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = (1, 2, 7, 14, 30, 90)
_LINEAR_DAYS = (1, 7, 30)
_SPREAD_SDS = (-1.3, -0.65, -0.15, 0.15, 0.65, 1.3)
_LINEAR_SDS = (-0.65, -0.15, 0.15, 0.65)
_FUTURE_DAYS = (30,)
CARRY_PER_YEAR = 0.05


class Perp(msgspec.Struct, frozen=True, kw_only=True):
    """A perpetual: venue, symbol, tick, native amounts per coin (USD: per dollar of price), taker fee in bps."""

    venue: str
    symbol: str
    tick: float
    fee_bps: float
    amount_unit: AmountUnit = AmountUnit.COIN
    contract_coins: float = 1.0

    def amount(self, coins: Floats, price: Floats) -> Floats:
        """Return coins as the venue counts them, in its own steps."""
        if self.amount_unit is AmountUnit.USD:
            return np.maximum(np.round(coins * price / 10.0), 1.0) * 10.0
        if self.amount_unit is AmountUnit.CONTRACTS:
            return np.maximum(np.round(coins / self.contract_coins), 1.0)
        return np.maximum(np.round(coins, 3), 0.001)


PERPS = (
    Perp(venue="binance-futures", symbol="BTCUSDT", tick=0.1, fee_bps=5.0),
    Perp(
        venue="okex-swap", symbol="BTC-USDT-SWAP", tick=0.1, fee_bps=5.0, amount_unit=AmountUnit.CONTRACTS,
        contract_coins=0.01,
    ),
    Perp(venue="bybit", symbol="BTCUSDT", tick=0.1, fee_bps=5.5),
    Perp(venue="deribit", symbol="BTC-PERPETUAL", tick=0.5, fee_bps=5.0, amount_unit=AmountUnit.USD),
)  # fmt: skip


class Future(msgspec.Struct, frozen=True, kw_only=True):
    """A dated future of the inverse venue; its forward is that of the options of the same expiry."""

    symbol: str
    expiry_ns: int
    tick: float = 2.5
    fee_bps: float = 5.0


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """All options as columns, one value per option.

    Attributes:
        symbols, venues: Names, n of them.
        inverse, is_call: bool[n].
        strike: float64[n].
        expiry: int64[n], position in `expiries_ns`.
        expiries_ns: int64[e], ascending.
        instruments: As the engine's table must know them.
        futures: Dated futures.
        position: By (venue, symbol).
    """

    symbols: list[str]
    venues: list[str]
    inverse: NDArray[np.bool_]
    is_call: NDArray[np.bool_]
    strike: Floats
    expiry: Ints
    expiries_ns: Ints
    instruments: tuple[Instrument, ...]
    futures: tuple[Future, ...]
    position: dict[tuple[str, str], int]

    def __len__(self) -> int:
        """Return the number of options."""
        return len(self.symbols)

    def lot_coins(self) -> Floats:
        """Return the smallest order of each, coins."""
        return np.where(self.inverse, 0.1, 0.01)


def list_options(start_ns: int, price: float, atm_vol: float) -> Listing:
    """List the options of a session: strikes by standard deviations around the first price.

    Args:
        start_ns: Start of the session.
        price: Of the coin then.
        atm_vol: Annual.
    """
    day = start_ns // NS_PER_DAY
    expiries = [utc_ns(1970, 1, 1, 8) + (day + d) * NS_PER_DAY for d in _DAYS]
    rows: list[Instrument] = []
    for days, expiry_ns in zip(_DAYS, expiries, strict=True):
        tau = (expiry_ns - start_ns) / NS_PER_YEAR
        forward = price * math.exp(CARRY_PER_YEAR * tau)
        step = 250.0 if days <= 2 else 500.0 if days <= 7 else 1_000.0 if days <= 30 else 2_000.0
        for venue, sds in ((INVERSE, _SPREAD_SDS), (LINEAR, _LINEAR_SDS if days in _LINEAR_DAYS else ())):
            strikes = sorted({round(forward * math.exp(s * atm_vol * math.sqrt(tau)) / step) * step for s in sds})
            rows += [_option(venue, expiry_ns, k, is_call=c) for c in (True, False) for k in strikes]
    at = {ns: i for i, ns in enumerate(expiries)}
    futures = tuple(
        Future(symbol=f"BTC-{deribit_date(ns)}", expiry_ns=ns)
        for d, ns in zip(_DAYS, expiries, strict=True)
        if d in _FUTURE_DAYS
    )
    return Listing(
        symbols=[row.symbol for row in rows],
        venues=[row.venue for row in rows],
        inverse=np.array([row.inverse for row in rows]),
        is_call=np.array([row.is_call is True for row in rows]),
        strike=np.array([row.strike for row in rows]),
        expiry=np.array([at[row.expiry_ns or 0] for row in rows], dtype=np.int64),
        expiries_ns=np.array(expiries, dtype=np.int64),
        instruments=tuple(row for row in rows if row.venue == LINEAR),
        futures=futures,
        position={(row.venue, row.symbol): i for i, row in enumerate(rows)},
    )


def _option(venue: str, expiry_ns: int, strike: float, *, is_call: bool) -> Instrument:
    date = datetime.fromtimestamp(expiry_ns // NS_PER_S, tz=UTC)
    kind = "C" if is_call else "P"
    inverse = venue == INVERSE
    name = f"BTC-{deribit_date(expiry_ns)}" if inverse else f"BTC-USD_UM-{date:%y%m%d}"
    return Instrument(
        venue=venue,
        symbol=f"{name}-{strike:.0f}-{kind}",
        kind=Kind.OPTION,
        underlying="BTC",
        quote="USD",
        inverse=inverse,
        amount_unit=AmountUnit.COIN if inverse else AmountUnit.CONTRACTS,
        contract_size=1.0 if inverse else 0.01,
        tick_size=0.0001 if inverse else 5.0,
        lot_size=0.1 if inverse else 1.0,
        strike=strike,
        is_call=is_call,
        expiry_ns=expiry_ns,
    )


def deribit_date(expiry_ns: int) -> str:
    """Return a date as Deribit writes it in names: `5OCT26`."""
    date = datetime.fromtimestamp(expiry_ns // NS_PER_S, tz=UTC)
    return f"{date.day}{_MONTHS[date.month - 1]}{date:%y}"
