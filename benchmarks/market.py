"""A made-up market for timing: 500 two-sided inverse options, four perpetuals, an index; no randomness."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.events import OPTION_COLUMNS, DerivativeTicker, OptionQuotes, Quote, StreamId
from aftershock.model.units import NS_PER_DAY, NS_PER_MS, NS_PER_YEAR, tau_years, utc_ns
from aftershock.pricing import greeks, price

__all__ = ["PERPETUALS", "SPOT", "START_NS", "STEP_NS", "Market", "index_ticker", "perpetual_quote"]

SPOT = 90_000.0
START_NS = utc_ns(2026, 10, 1, 12)
STEP_NS = 110 * NS_PER_MS
"""Longer than the pause between two evaluations of an option; four of them are shorter than a perpetual's age limit."""

PERPETUALS = (
    ("binance-futures", "BTCUSDT", 3.8),
    ("bybit", "BTCUSDT", 3.4),
    ("deribit", "BTC-PERPETUAL", 1.6),
    ("okex-swap", "BTC-USDT-SWAP", 3.1),
)
"""Venue, symbol, basis over the index in bps."""

_OPTION_STREAM = StreamId("deribit", "option_quotes", "BTC")
_DAYS = (1, 2, 3, 8, 15, 29, 57, 85, 176, 358)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_STRIKES = 25
_WIDEST_SD = 2.0
_CARRY_PER_YEAR = 0.05
_HALF_SPREAD_VOL = 0.01
_COIN_TICK = 1e-4
Floats = NDArray[np.float64]


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """The chain as columns, one value per option.

    Attributes:
        symbols: Deribit's names.
        expiry_ns, strike, is_call: Terms.
        expiry_of: Position of the expiry, 0 the nearest.
        strike_of: Position of the strike within its expiry.
    """

    symbols: list[str]
    expiry_ns: NDArray[np.int64]
    strike: Floats
    is_call: NDArray[np.bool_]
    expiry_of: NDArray[np.int64]
    strike_of: NDArray[np.int64]

    @classmethod
    def listed(cls) -> Market:
        """List ten expiries with 25 strikes each, as far as two standard deviations."""
        rows = []
        for at, days in enumerate(_DAYS):
            expiry_ns = utc_ns(2026, 10, 1, 8) + days * NS_PER_DAY
            forward, sd = _forward(SPOT, expiry_ns), _atm(days) * math.sqrt(days / 365.0)
            for position, far in enumerate(np.linspace(-_WIDEST_SD, _WIDEST_SD, _STRIKES).tolist()):
                strike = round(forward * math.exp(far * sd), -1)
                rows += [(at, days, expiry_ns, position, strike, is_call) for is_call in (True, False)]
        return cls(
            symbols=[f"BTC-{_date(days)}-{strike:.0f}-{'C' if call else 'P'}" for _, days, _, _, strike, call in rows],
            expiry_ns=np.array([row[2] for row in rows], dtype=np.int64),
            strike=np.array([row[4] for row in rows]),
            is_call=np.array([row[5] for row in rows]),
            expiry_of=np.array([row[0] for row in rows], dtype=np.int64),
            strike_of=np.array([row[3] for row in rows], dtype=np.int64),
        )

    def stale_candidates(self, count: int) -> NDArray[np.int64]:
        """Return options that a rise leaves too cheap if their quotes stand: short calls next to the money."""
        distance = np.abs(self.strike_of - _STRIKES // 2)
        order = np.lexsort((self.expiry_of, distance))
        return order[self.is_call[order] & (self.expiry_of[order] < 3)][:count]

    def quotes(self, now: int, index: float, quoted_at: Floats | float | None = None) -> OptionQuotes:
        """Return one row per option, all received at one moment.

        Args:
            now: `ts_init`, ns.
            index: Index price.
            quoted_at: Index price that each option's bid and ask were made for; `index` if absent.
        """
        forward = self.forward(index)
        made_for = forward if quoted_at is None else self.forward(quoted_at)
        tau = np.array([tau_years(int(ns), START_NS) for ns in self.expiry_ns])
        sigma = self._volatility(made_for, tau)
        bid = np.floor(
            price(made_for, self.strike, tau, sigma - _HALF_SPREAD_VOL, self.is_call) / made_for / _COIN_TICK
        )
        ask = np.ceil(price(made_for, self.strike, tau, sigma + _HALF_SPREAD_VOL, self.is_call) / made_for / _COIN_TICK)
        bid, ask, n = np.maximum(bid, 1.0) * _COIN_TICK, ask * _COIN_TICK, len(self.symbols)
        mark = greeks(forward, self.strike, tau, sigma, self.is_call)
        given = {
            "bid": bid,
            "bid_amount": np.full(n, 10.0),
            "ask": ask,
            "ask_amount": np.full(n, 10.0),
            "bid_iv": sigma - _HALF_SPREAD_VOL,
            "ask_iv": sigma + _HALF_SPREAD_VOL,
            "last_price": bid,
            "open_interest": np.full(n, 100.0),
            "mark_price": mark.price / forward,
            "mark_iv": sigma,
            "underlying_price": forward,
            "delta": mark.delta,
            "gamma": mark.gamma,
            "vega": mark.vega,
            "theta": mark.theta,
            "rho": mark.rho_black76,
        }
        return OptionQuotes(
            ts_event=now,
            ts_init=now,
            stream=_OPTION_STREAM,
            symbols=self.symbols,
            row_ts_event=np.full(n, now, dtype=np.int64),
            row_ts_init=np.full(n, now, dtype=np.int64),
            columns={name: np.asarray(given[name], dtype=np.float64) for name in OPTION_COLUMNS},
            underlying_index=["BTC"] * n,
        )

    def forward(self, index: Floats | float) -> Floats:
        """Return the forward of each option's expiry."""
        return np.asarray(index * np.exp(_CARRY_PER_YEAR * (self.expiry_ns - START_NS) / NS_PER_YEAR))

    def _volatility(self, forward: Floats, tau: Floats) -> Floats:
        far = np.log(self.strike / forward) / np.sqrt(tau)
        atm = np.array([_atm(days) for days in _DAYS])[self.expiry_of]
        return np.asarray(atm - 0.02 * far + 0.05 * far * far)


def perpetual_quote(which: int, now: int, index: float) -> Quote:
    """Return a perpetual's quote, one of `PERPETUALS` by position."""
    venue, symbol, basis_bps = PERPETUALS[which]
    middle = index * math.exp(basis_bps * 1e-4)
    coins_or_usd = 500_000.0 if venue == "deribit" else 500.0
    return Quote(
        ts_event=now,
        ts_init=now,
        venue=venue,
        symbol=symbol,
        bid=middle - 0.5,
        bid_amount=coins_or_usd,
        ask=middle + 0.5,
        ask_amount=coins_or_usd,
    )


def index_ticker(now: int, index: float) -> DerivativeTicker:
    """Return the ticker that carries the index."""
    return DerivativeTicker(ts_event=now, ts_init=now, venue="deribit", symbol="BTC-PERPETUAL", index_price=index)


def _forward(index: float, expiry_ns: int) -> float:
    return index * math.exp(_CARRY_PER_YEAR * (expiry_ns - START_NS) / NS_PER_YEAR)


def _atm(days: int) -> float:
    return 0.45 + 0.05 / math.sqrt(1.0 + days / 30.0)


def _date(days: int) -> str:
    date = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(days=days)
    return f"{date.day}{_MONTHS[date.month - 1]}{date.year % 100}"
