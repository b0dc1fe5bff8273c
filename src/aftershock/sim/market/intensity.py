"""How many liquidations are to be expected now, and at most until the end of a block of one second."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import BPS
from aftershock.sim.market.impact import SquareRootLaw
from aftershock.sim.market.liquidations import LiquidationParams, Regime

__all__ = ["Intensity", "Path"]

_LOOK_BACK_S = 10.0
_LOOK_BACK_BLOCKS = 10


class Path:
    """The exogenous path, and per block of one second a bound on each side's adverse ten-second move."""

    def __init__(
        self,
        seconds: NDArray[np.float64],
        log_price: NDArray[np.float64],
        depth: NDArray[np.float64],
        regime: NDArray[np.int8],
    ) -> None:
        """Take the path on its grid, whose first point is second 0."""
        self.end_s = float(seconds[-1])
        self._seconds, self._log_price, self._depth, self._regime = seconds, log_price, depth, regime
        edges = np.arange(math.ceil(self.end_s) + 1, dtype=np.float64)
        at_edge = np.interp(edges, seconds, log_price)
        # A block without a grid point takes the next one after it: looser, never too low.
        first = np.minimum(np.searchsorted(seconds, edges[:-1]), len(seconds) - 1)
        high = np.maximum(np.maximum.reduceat(log_price, first), np.maximum(at_edge[:-1], at_edge[1:]))
        low = np.minimum(np.minimum.reduceat(log_price, first), np.minimum(at_edge[:-1], at_edge[1:]))
        before = np.full(_LOOK_BACK_BLOCKS, at_edge[0])
        self.most_up: list[float] = (high - np.concatenate((before, low))[: len(low)]).tolist()
        self.most_down: list[float] = (np.concatenate((before, high))[: len(high)] - low).tolist()

    def move(self, at_s: float) -> float:
        """Return the log price less that of ten seconds before."""
        now, then = np.interp((at_s, at_s - _LOOK_BACK_S), self._seconds, self._log_price).tolist()
        return float(now - then)

    def state(self, at_s: float) -> tuple[float, int]:
        """Return depth and regime."""
        index = int(self._seconds.searchsorted(at_s, side="right")) - 1
        return float(self._depth[index]), int(self._regime[index])


class Intensity:
    """Both sides' intensities, as time passes and liquidations happen.

    What liquidations have left in the price is kept in its permanent, fast and slow part, once as of now and once as of
    ten seconds before: the difference is their share of the ten-second move.
    """

    def __init__(self, params: LiquidationParams, path: Path) -> None:
        """Start at second 0 with no history."""
        self._path = path
        self._law = SquareRootLaw(params)
        self._mu, self._kappa, self._d0 = params.mu_hz, params.kappa_hz_per_bp * BPS, params.d0_bps / BPS
        self._beta, self._jump, self._stress_jump = params.beta, params.alpha, params.stress_alpha
        self._kept, self._lost = params.permanent_share, (1 - params.permanent_share) / 2
        self._fast_rate = math.log(2.0) / params.fast_half_life_s
        self._slow_rate = math.log(2.0) / params.slow_half_life_s
        self._permanent = self._fast = self._slow = 0.0
        self._permanent_before = self._fast_before = self._slow_before = 0.0
        self._recent: deque[tuple[float, float]] = deque()
        self._excited_buys = self._excited_sells = 0.0
        self.now_s = 0.0

    def advance(self, to_s: float) -> None:
        """Let time pass without a liquidation."""
        gap_s = to_s - self.now_s
        excited = math.exp(-self._beta * gap_s)
        fast, slow = math.exp(-self._fast_rate * gap_s), math.exp(-self._slow_rate * gap_s)
        self._excited_buys *= excited
        self._excited_sells *= excited
        self._fast *= fast
        self._slow *= slow
        self._fast_before *= fast
        self._slow_before *= slow
        horizon = to_s - _LOOK_BACK_S
        while self._recent and self._recent[0][0] <= horizon:
            moment, move = self._recent.popleft()
            self._permanent_before += self._kept * move
            self._fast_before += self._lost * move * math.exp(-self._fast_rate * (horizon - moment))
            self._slow_before += self._lost * move * math.exp(-self._slow_rate * (horizon - moment))
        self.now_s = to_s

    def add(self, side: int, usd: float) -> int:
        """Let a liquidation happen now, +1 a forced buy, -1 a forced sell; return the regime it happens in."""
        depth, regime = self._path.state(self.now_s)
        move = self._law.hit(self.now_s, side, usd, depth)
        self._permanent += self._kept * move
        self._fast += self._lost * move
        self._slow += self._lost * move
        self._recent.append((self.now_s, move))
        jump = self._stress_jump if regime == Regime.STRESS else self._jump
        if side > 0:
            self._excited_buys += jump
        else:
            self._excited_sells += jump
        return regime

    def rates(self) -> tuple[float, float]:
        """Return the intensity of forced buys and of forced sells now, per second."""
        move = self._path.move(self.now_s) + self._own_move()
        return self._rate(move, self._excited_buys), self._rate(-move, self._excited_sells)

    def bound(self, until_s: float) -> float:
        """Return a bound on the sum of both until then, within the block of now, as long as nothing happens."""
        own = self._own_move()
        fast, slow = abs(self._fast) + abs(self._fast_before), abs(self._slow) + abs(self._slow_before)
        slack = (until_s - self.now_s) * (self._fast_rate * fast + self._slow_rate * slow)
        for moment, move in self._recent:
            if moment > until_s - _LOOK_BACK_S:
                break
            slack += abs(move)  # it leaves the ten seconds before then
        block = int(self.now_s)
        buys = self._rate(self._path.most_up[block] + own + slack, self._excited_buys)
        return buys + self._rate(self._path.most_down[block] - own + slack, self._excited_sells)

    def _own_move(self) -> float:
        permanent = self._permanent - self._permanent_before
        return permanent + self._fast - self._fast_before + self._slow - self._slow_before

    def _rate(self, adverse: float, excited: float) -> float:
        base = self._mu + excited
        return base + self._kappa * (adverse - self._d0) if adverse > self._d0 else base
