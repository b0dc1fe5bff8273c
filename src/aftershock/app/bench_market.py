"""A made-up chain of 500 two-sided options with four perpetuals around it, quiet for a minute and then moved."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.app.moment import expiry_name
from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.model.events import OPTION_COLUMNS, DerivativeTicker, Event, OptionQuotes, Quote, StreamId
from aftershock.model.units import NS_PER_DAY, NS_PER_MS, NS_PER_S, NS_PER_YEAR, utc_ns
from aftershock.pricing import price

__all__ = ["INDEX", "BenchChain", "bench_chain", "bench_config", "quiet_minute", "shaken_quotes"]

INDEX = 90_000.0
_START = utc_ns(2026, 10, 1, 9)
_PERPS = (
    ("binance-futures", "BTCUSDT"),
    ("bybit", "BTCUSDT"),
    ("okex-swap", "BTC-USDT-SWAP"),
    ("deribit", "BTC-PERPETUAL"),
)
_STEP_NS = 100 * NS_PER_MS
_QUIET_STEPS = 700
_RAMP_STEPS = 60
_DAYS = (1, 2, 8, 15, 22, 29, 57, 85, 176, 267)
_STRIKES = 25


class BenchChain(msgspec.Struct, frozen=True):
    """Columns of the chain: n symbols, strikes, sides, expiries, volatilities and coin prices of bid and ask."""

    symbols: list[str]
    strike: NDArray[np.float64]
    is_call: NDArray[np.bool_]
    expiry_ns: NDArray[np.int64]
    sigma: NDArray[np.float64]
    bid: NDArray[np.float64]
    ask: NDArray[np.float64]

    def requoted(self, forward: float, stalled: int) -> BenchChain:
        """Return the chain as quoted at another forward, but for `stalled` makers who stand still."""
        bid, ask = _quotes(forward, self.strike, self.sigma, self.is_call, self.expiry_ns)
        if stalled:
            still = np.arange(0, len(self.symbols), max(len(self.symbols) // stalled, 1))
            bid[still], ask[still] = self.bid[still], self.ask[still]
        return msgspec.structs.replace(self, bid=bid, ask=ask)


def bench_config() -> EngineConfig:
    """Return a configuration in which the one trigger stays open, so that every event can decide."""
    return EngineConfig(
        forward="quotes",
        options_feed="stream",
        trigger=TriggerConfig(armed=("price-move",), price_move_life_s=1e5, refractory_s=1e5),
    )


def bench_chain() -> BenchChain:
    """Return ten expiries of 25 strikes, calls and puts, quoted half a vol point around a smile."""
    listed: list[tuple[str, int, bool, int, float]] = []
    for days in _DAYS:
        expiry_ns = (_START // NS_PER_DAY + days) * NS_PER_DAY + 8 * 3600 * NS_PER_S
        width = 0.55 * math.sqrt((expiry_ns - _START) / NS_PER_YEAR)
        ladder = sorted({round(INDEX * math.exp(width * (i / 6 - 2)) / 250) * 250 for i in range(_STRIKES)})
        for strike in _padded(ladder):
            k = math.log(strike / INDEX) / width
            sigma = 0.55 - 0.02 * k + 0.015 * k * k
            listed += [
                (f"BTC-{expiry_name(expiry_ns)}-{strike}-{kind}", strike, kind == "C", expiry_ns, sigma)
                for kind in "CP"
            ]
    names, strikes, calls, expiries, sigmas = (list(column) for column in zip(*listed, strict=True))
    terms = np.array(strikes, dtype=np.float64), np.array(sigmas), np.array(calls), np.array(expiries, dtype=np.int64)
    bid, ask = _quotes(INDEX, *terms)
    return BenchChain(
        symbols=names, strike=terms[0], sigma=terms[1], is_call=terms[2], expiry_ns=terms[3], bid=bid, ask=ask
    )


def _quotes(
    forward: float,
    strike: NDArray[np.float64],
    sigma: NDArray[np.float64],
    is_call: NDArray[np.bool_],
    expiry_ns: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coin prices half a vol point to either side."""
    tau = (expiry_ns - _START) / NS_PER_YEAR
    bid, ask = (np.array(price(forward, strike, tau, sigma + s, is_call)) / forward for s in (-0.005, 0.005))
    return bid, ask


def _padded(ladder: list[int]) -> list[int]:
    """Fill a ladder whose rounded strikes coincide up to its full number of strikes."""
    while len(ladder) < _STRIKES:
        ladder.append(ladder[-1] + 250)
    return ladder


def quiet_minute(chain: BenchChain) -> Iterator[Event]:
    """Yield what comes before: perpetuals and index each 100 ms, the whole chain each second."""
    for step in range(_QUIET_STEPS):
        now = _START + step * _STEP_NS
        if step % 10 == 0:
            yield DerivativeTicker(
                ts_event=now, ts_init=now, venue="deribit", symbol="BTC-PERPETUAL", index_price=INDEX
            )
            yield chain_rows(chain, INDEX, now + NS_PER_MS, slice(None))
        for i, (venue, symbol) in enumerate(_PERPS):
            yield _perp(venue, symbol, INDEX, now + (2 + i) * NS_PER_MS)


def shaken_quotes(chain: BenchChain, steps: int, seed: int, stalled: int) -> Iterator[tuple[Event, bool]]:
    """Yield (event, whether it is to be measured) of a move of 30 bps in six seconds and of what follows it.

    Makers follow the move step by step, but for the stalled ones. Afterwards the forward keeps moving a little, one row
    of the chain before each step confirms the stream, and all options are requoted every tenth step.
    """
    rng = np.random.default_rng(seed)
    level = INDEX
    for step in range(_RAMP_STEPS + steps):
        now = _START + (_QUIET_STEPS + step) * _STEP_NS
        ramp = step < _RAMP_STEPS
        if ramp or step % 10 == 0:
            yield chain_rows(chain.requoted(level, stalled), level, now, slice(None)), False
        else:
            yield chain_rows(chain, INDEX, now, slice(0, 1)), False
        level *= math.exp(30e-4 / _RAMP_STEPS if ramp else 1e-6 * float(rng.standard_normal()))
        for i, (venue, symbol) in enumerate(_PERPS):
            yield _perp(venue, symbol, level, now + (2 + i) * NS_PER_MS), not ramp


def chain_rows(chain: BenchChain, underlying: float, now: int, which: slice) -> OptionQuotes:
    """Return some rows of the chain as one batch."""
    symbols = chain.symbols[which]
    n = len(symbols)
    columns = {name: np.full(n, math.nan) for name in OPTION_COLUMNS}
    columns |= {"bid": chain.bid[which], "ask": chain.ask[which], "underlying_price": np.full(n, underlying)}
    columns |= {"bid_amount": np.full(n, 10.0), "ask_amount": np.full(n, 10.0)}
    stamps = np.full(n, now, dtype=np.int64)
    return OptionQuotes(
        ts_event=now,
        ts_init=now,
        stream=StreamId("deribit", "option_quotes", "BTC"),
        symbols=symbols,
        row_ts_event=stamps,
        row_ts_init=stamps,
        columns=columns,
        underlying_index=["index_price"] * n,
    )


def _perp(venue: str, symbol: str, level: float, now: int) -> Quote:
    return Quote(
        ts_event=now,
        ts_init=now,
        venue=venue,
        symbol=symbol,
        bid=level - 0.5,
        bid_amount=1e6,
        ask=level + 0.5,
        ask_amount=1e6,
    )
