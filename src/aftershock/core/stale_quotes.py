"""Edge A: quotes on the wrong side of their robust value, for all options of a trigger at once.

Everything per option is an array over the concatenated expiries; only the smile is evaluated expiry by expiry.
The nine scenarios need two pricings, because Black-76 rises with volatility: the lowest and the highest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import NAN, tau_years
from aftershock.pricing.hot import price_delta_vega
from aftershock.pricing.smile_set import SmileSet
from aftershock.pricing.vol_band import scenario_name, shifts, vol_ends

if TYPE_CHECKING:
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.hedge import HedgeQuote
    from aftershock.core.smiles import PreShockSmile
    from aftershock.model.instruments import FeeSchedule

__all__ = ["ArmedChain", "EdgeFigures", "SideEdges"]

_NEVER = 2**63 - 1
Floats = NDArray[np.float64]


class SideEdges(msgspec.Struct, frozen=True, kw_only=True):
    """One side of the chain: arrays over the evaluated options, NaN where nothing can be said.

    Attributes:
        price_usd, value_usd: Executable price, and the robust value that it is held against.
        sigma: Volatility of that value.
        gross, fee, hedge_cost, net: USD per coin.
        delta, hedge_delta, vega: At that volatility; `hedge_delta` is delta - x for an inverse option.
    """

    price_usd: Floats
    value_usd: Floats
    sigma: Floats
    gross: Floats
    fee: Floats
    hedge_cost: Floats
    net: Floats
    delta: Floats
    hedge_delta: Floats
    vega: Floats


class EdgeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of the evaluated options, and the forward of each."""

    positions: NDArray[np.int64]
    forward: Floats
    tau: Floats
    buy: SideEdges
    sell: SideEdges


class ArmedExpiry(msgspec.Struct):
    """One expiry in the scope of a trigger."""

    expiry_ns: int
    before: PreShockSmile | None


class ArmedChain:
    """The options of one chain that a trigger watches.

    Attributes:
        rows: Their rows in the chain, by expiry.
        expiry_of: For each, its position in `expiries`.
        dirty: Whose quote or forward changed since the last evaluation.
        evaluated: When each was last evaluated, ns.
        known: Positions and sides (True for buying) that were candidates before, in order of appearance.
    """

    def __init__(self, chain: Chain, smiles: dict[int, PreShockSmile | None]) -> None:
        """Take the chain and the smile of each expiry in scope."""
        self.chain = chain
        self.expiries = [ArmedExpiry(ns, smiles[ns]) for ns in smiles if ns in chain.expiries]
        parts = [chain.expiries[e.expiry_ns].rows for e in self.expiries]
        self.rows = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
        lengths = np.array([len(p) for p in parts], dtype=np.int64)
        self.expiry_of = np.repeat(np.arange(len(parts), dtype=np.int64), lengths)
        self._smiles = SmileSet([None if e.before is None else e.before.smile for e in self.expiries])
        self.position = {int(row): at for at, row in enumerate(self.rows)}
        self.inverse = bool(chain.instruments) and chain.instruments[0].inverse
        self.dirty = np.ones(len(self.rows), dtype=np.bool_)
        self.evaluated = np.zeros(len(self.rows), dtype=np.int64)
        self.known: dict[tuple[int, bool], bool] = {}

    def ready(self, now: int, pause_ns: int) -> NDArray[np.int64]:
        """Return the positions to evaluate now, and note that they are."""
        positions = np.flatnonzero(self.dirty & (self.evaluated <= now - pause_ns))
        self.dirty[positions] = False
        self.evaluated[positions] = now
        return positions

    def due(self, pause_ns: int) -> int:
        """Return the moment at which something dirty may be evaluated, or the end of time."""
        waiting = self.evaluated[self.dirty]
        return int(waiting.min()) + pause_ns if len(waiting) else _NEVER

    def evaluate(
        self,
        config: EngineConfig,
        forwards: list[float],
        now: int,
        index: float,
        fees: FeeSchedule | None,
        hedge: HedgeQuote | None,
        positions: NDArray[np.int64],
    ) -> EdgeFigures:
        """Value options and price both sides against them.

        Args:
            config: Bands and costs.
            forwards: Per expiry, USD per coin; NaN where unknown.
            now: Our clock, ns.
            index: Index price; NaN to use each forward.
            fees: Option fees, None if unknown (net is then NaN).
            hedge: None if nothing can be hedged with: hedge cost and net leave it out, the rules refuse.
            positions: int64[m], which of `rows` to evaluate.
        """
        chain, rows, which = self.chain, self.rows[positions], self.expiry_of[positions]
        forward = np.array(forwards)[which]
        tau = np.array([tau_years(e.expiry_ns, now) for e in self.expiries])[which]
        strike, is_call = chain.strike[rows], chain.is_call[rows]
        sigma_low, sigma_high = self._vol_bounds(config, forwards, strike, which)
        unit = forward if self.inverse else np.ones_like(forward)
        fee_base = np.where(np.isnan(index), forward, index)
        # Both bounds in one call: at this size NumPy costs by the call, not by the option.
        values, deltas, vegas = (
            both.reshape(2, -1)
            for both in price_delta_vega(
                np.concatenate((forward, forward)),
                np.concatenate((strike, strike)),
                np.concatenate((tau, tau)),
                np.concatenate((sigma_low, sigma_high)),
                np.concatenate((is_call, is_call)),
            )
        )
        parts = []
        for side, (sign, sigma, quote) in enumerate(
            ((1.0, sigma_low, chain.ask[rows]), (-1.0, sigma_high, chain.bid[rows]))
        ):
            price = quote * unit
            value, delta, vega = values[side], deltas[side], vegas[side]
            gross = sign * (value - price)
            hedge_delta = delta - quote if self.inverse else delta
            rate, cap = (NAN, NAN) if fees is None else (fees.taker_rate, fees.cap_fraction)
            fee = np.minimum(rate * fee_base, cap * price)
            hedge_cost = np.abs(hedge_delta) * (0.0 if hedge is None else hedge.unit_cost_usd)
            parts.append(
                SideEdges(
                    price_usd=price,
                    value_usd=value,
                    sigma=sigma,
                    gross=gross,
                    fee=fee,
                    hedge_cost=hedge_cost,
                    net=gross - fee - hedge_cost,
                    delta=delta,
                    hedge_delta=hedge_delta,
                    vega=vega,
                )
            )
        return EdgeFigures(positions=positions, forward=forward, tau=tau, buy=parts[0], sell=parts[1])

    def _vol_bounds(
        self, config: EngineConfig, forwards: list[float], strike: Floats, which: NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Return the lowest and highest volatility of each option over the scenarios, NaN without a smile."""
        count = len(self.expiries)
        stick, down, up, log_forward = (
            np.full(count, NAN),
            np.full(count, NAN),
            np.full(count, NAN),
            np.full(count, NAN),
        )
        for at, armed in enumerate(self.expiries):
            if armed.before is not None and forwards[at] > 0:
                move = math.log(forwards[at] / armed.before.forward)
                stick[at] = 2.0 * armed.before.slope * move
                down[at], up[at] = shifts(move, **self._shock(config))
                log_forward[at] = math.log(forwards[at])
        base = self._smiles.iv(np.log(strike) - log_forward[which], which)
        return vol_ends(base, stick[which], down[which], up[which])

    @staticmethod
    def _shock(config: EngineConfig) -> dict[str, float]:
        return {
            "up_points": config.vol_up_points,
            "up_per_move": config.vol_up_per_move,
            "down_points": config.vol_down_points,
            "down_per_move": config.vol_down_per_move,
        }

    def candidates(self, figures: EdgeFigures) -> list[tuple[int, bool]]:
        """Return (index, buying) of what has a gross edge now, or had one before, by index."""
        for side, buying in ((figures.buy, True), (figures.sell, False)):
            for at in np.flatnonzero(side.gross > 0).tolist():
                self.known[int(figures.positions[at]), buying] = True
        if not self.known:
            return []
        if len(figures.positions) == len(self.rows):  # all of them: position is index
            return sorted(self.known, key=lambda each: (each[0], not each[1]))
        index_of = {position: at for at, position in enumerate(figures.positions.tolist())}
        found = [(index_of[position], buying) for position, buying in self.known if position in index_of]
        return sorted(found, key=lambda each: (each[0], not each[1]))

    def scenario(self, config: EngineConfig, position: int, forward: float, *, buying: bool) -> str:
        """Name the scenario that set a value: skew-stickiness ratio and shift in vol points."""
        before = self.expiries[int(self.expiry_of[position])].before
        if before is None:
            return ""
        move = math.log(forward / before.forward)
        down, up = shifts(move, **self._shock(config))
        return scenario_name(before.slope, move, -100.0 * down if buying else 100.0 * up, lowest=buying)
