"""Baseline B: the same edges in plain NumPy, all nine scenarios priced for all options.

Forwards, smile, nine volatilities and values per option, least and greatest value, delta at the volatility behind
each, fees, hedge cost and net edge of both sides, the best of each. No events, no state, no rules, no signals.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import tau_years
from aftershock.pricing import Smile, fit_smile, greeks, price
from aftershock.pricing.robust import VolShock, scenarios
from benchmarks.market import SPOT, START_NS, Market

__all__ = ["PlainNumpy"]

Floats = NDArray[np.float64]


class PlainNumpy(msgspec.Struct, frozen=True, kw_only=True):
    """The chain and what was known before the move."""

    market: Market
    bid: Floats
    ask: Floats
    tau: Floats
    smiles: list[Smile]
    taker_rate: float = 3e-4
    cap_fraction: float = 0.125
    hedge_cost_usd: float = 50.0

    @classmethod
    def of(cls, market: Market, *, quoted_at: Floats | float) -> PlainNumpy:
        """Fit the smiles on quotes made for `SPOT`, and take others as those of now."""
        before, now = market.quotes(START_NS, SPOT), market.quotes(START_NS, SPOT, quoted_at)
        smiles = []
        for at in range(int(market.expiry_of.max()) + 1):
            here = market.expiry_of == at
            iv = before.columns["mark_iv"][here]
            k = np.log(market.strike[here] / market.forward(SPOT)[here])
            smiles.append(fit_smile(k, iv, np.ones(len(k)), tau_years(int(market.expiry_ns[here][0]), START_NS)))
        tau = np.array([tau_years(int(ns), START_NS) for ns in market.expiry_ns])
        return cls(market=market, bid=now.columns["bid"], ask=now.columns["ask"], tau=tau, smiles=smiles)

    def evaluate(self, index: float) -> tuple[int, float, int, float]:
        """Return the best option to buy and its net edge in bps, and the same to sell."""
        market, forward, before = self.market, self.market.forward(index), self.market.forward(SPOT)
        sigma = np.empty((9, len(forward)))
        for at, smile in enumerate(self.smiles):
            here = np.flatnonzero(market.expiry_of == at)
            base = smile.iv(np.log(market.strike[here] / forward[here]))
            move = float(np.log(forward[here[0]] / before[here[0]]))
            shift = [each.shift for each in scenarios(move, smile.slope_atm(), VolShock())]
            sigma[:, here] = base + np.array(shift)[:, None]
        values = price(forward, market.strike, self.tau, sigma, market.is_call)
        found: list[tuple[int, float]] = []
        for sign, quote, chosen in ((1.0, self.ask, values.argmin(axis=0)), (-1.0, self.bid, values.argmax(axis=0))):
            at_value = greeks(
                forward, market.strike, self.tau, np.take_along_axis(sigma, chosen[None], axis=0)[0], market.is_call
            )
            paid = quote * forward
            fee = np.minimum(self.taker_rate * index, self.cap_fraction * paid)
            hedge = np.abs(at_value.delta - quote) * self.hedge_cost_usd
            net_bps = 1e4 * (sign * (at_value.price - paid) - fee - hedge) / forward
            best = int(np.nanargmax(net_bps))
            found.append((best, float(net_bps[best])))
        return (*found[0], *found[1])
