"""Edge A: quotes on the wrong side of their robust value, for all options of a trigger at once.

Everything per option is an array over the concatenated expiries; only the smile is evaluated expiry by expiry.
The nine scenarios need two pricings, because Black-76 rises with volatility: the lowest and the highest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.core.quote_edges import DELTA_MARGIN, EdgeFigures, Floats, Frame
from aftershock.model.units import BPS, NAN, tau_years
from aftershock.pricing.hot import price_delta_vega
from aftershock.pricing.smile_set import SmileSet
from aftershock.pricing.vol_band import scenario_name, shifts, vol_ends

if TYPE_CHECKING:
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.hedge import HedgeQuote
    from aftershock.core.smiles import PreShockSmile
    from aftershock.model.instruments import FeeSchedule

__all__ = ["ArmedChain", "EdgeFigures"]

_NEVER = 2**63 - 1
_SOUND_SHARE = 0.1
_PLAUSIBLE = 2.0
_SOON = 0.3
Known = dict[tuple[int, bool], bool]


class ArmedExpiry(msgspec.Struct):
    """One expiry in the scope of a trigger."""

    expiry_ns: int
    before: PreShockSmile | None


class Before(NamedTuple):
    """Of each option before the shock, USD: value by the fitted smile, how much of it is time value, and its quotes."""

    value: Floats
    time_value: Floats
    bid: Floats
    ask: Floats


class ArmedChain:
    """The options of one chain that a trigger watches.

    Attributes:
        rows: Their rows in the chain, by expiry.
        expiry_of: For each, its position in `expiries`.
        dirty: Whose quote or forward changed since the last evaluation.
        evaluated: When each was last evaluated, ns.
        known: Positions and sides (True for buying) that were candidates of edge A before, in order of appearance.
        overshot: Likewise of edge D.
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
        self._before = self._fit_before()
        forwards = (each.before.forward for each in self.expiries if each.before is not None)
        self._unit = next(forwards, NAN) if self.inverse else 1.0
        self._contradicted: list[bool | None] = [None] * len(self.expiries)
        self._shift = np.full(len(self.rows), NAN)
        self._heard = chain.ts_changed[self.rows].copy()
        self._peer_shift = np.full(len(self.expiries), NAN)
        self._log_price = NAN
        self._evaluated_at = np.full(len(self.rows), NAN)
        self._reach_bps = np.zeros(len(self.rows))
        self.known: Known = {}
        self.overshot: Known = {}

    def forward_moved(self, log_price: float, now: int, least_bps: float, calm_ns: int) -> bool:
        """Note a new forward, and tell whether it makes anything due again.

        With `least_bps` an option waits until the forward has moved by that much since its last evaluation, and far
        enough to reach its nearer quote, or until that was `calm_ns` ago. Without, every change counts.
        """
        self._log_price = log_price
        if not least_bps > 0:
            self.dirty[:] = True
            return True
        due = self._waited(now, least_bps, calm_ns, 1.0)
        self.dirty |= due
        return bool(due.any())

    def _waited(self, now: int, least_bps: float, calm_ns: int, share: float) -> NDArray[np.bool_]:
        """Tell which options have waited for a share of the move or of the time that makes them due."""
        moved = np.abs(self._log_price - self._evaluated_at) * BPS
        return ~(moved < share * np.maximum(self._reach_bps, least_bps)) | (self.evaluated <= now - share * calm_ns)

    def _note_reach(self, figures: EdgeFigures) -> None:
        """Keep how far the forward must move before an option's value can reach its nearer quote, bps."""
        nearest = np.fmax(figures.buy.gross, figures.sell.gross) / figures.forward * BPS
        # Delta changes on the way; it is taken a little larger, so that nothing is missed.
        delta = np.fmax(np.abs(figures.buy.delta), np.abs(figures.sell.delta)) + DELTA_MARGIN
        reach = -nearest / delta
        self._reach_bps[figures.positions] = np.where(reach > 0, reach, 0.0)

    def ready(self, now: int, pause_ns: int, least_bps: float, calm_ns: int) -> NDArray[np.int64]:
        """Return the positions to evaluate now, and note that they are; arguments as of `forward_moved`.

        What will soon be due goes along: at this size an evaluation costs by the call, not by the option.
        """
        rested = self.evaluated <= now - pause_ns
        chosen = self.dirty & rested
        if least_bps > 0 and chosen.any():
            chosen |= self._waited(now, least_bps, calm_ns, _SOON) & rested
        positions = np.flatnonzero(chosen)
        self.dirty[positions] = False
        self.evaluated[positions] = now
        self._evaluated_at[positions] = self._log_price
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
        *,
        in_passing: bool = False,
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
            in_passing: A look between evaluations: when the next ones are due, and what they see, stays as it is.
        """
        at = self.frame(forwards, now, index, positions)
        sigma_low, sigma_high = self._vol_bounds(config, forwards, at)
        # Both bounds in one call: at this size NumPy costs by the call, not by the option.
        values, deltas, vegas = (
            both.reshape(2, -1)
            for both in price_delta_vega(
                np.concatenate((at.forward, at.forward)),
                np.concatenate((at.strike, at.strike)),
                np.concatenate((at.tau, at.tau)),
                np.concatenate((sigma_low, sigma_high)),
                np.concatenate((at.is_call, at.is_call)),
            )
        )
        self._widen(config, at, values, vegas, positions, hear=not in_passing)
        buy, sell = (
            at.side(sigma, values[side], deltas[side], vegas[side], fees, hedge, buying=side == 0)
            for side, sigma in enumerate((sigma_low, sigma_high))
        )
        figures = EdgeFigures(positions=positions, forward=at.forward, tau=at.tau, buy=buy, sell=sell)
        if not in_passing:
            self._note_reach(figures)
        return figures

    def _fit_before(self) -> Before:
        """Return what the smile said of each option before the shock, and what its quotes were, in USD."""
        nothing = np.full(len(self.rows), NAN)
        before = Before(value=nothing.copy(), time_value=nothing.copy(), bid=nothing.copy(), ask=nothing)
        start = 0
        for armed in self.expiries:
            stop = start + len(self.chain.expiries[armed.expiry_ns].rows)
            held = armed.before
            if held is not None and held.quotes is not None:
                # Listed since: an option without a snapshot has no quotes from before.
                place = {row: at for at, row in enumerate(held.quotes.rows.tolist())}
                known = [at for at in range(start, stop) if int(self.rows[at]) in place]
                source = [place[int(self.rows[at])] for at in known]
                forward = held.quotes.forward[source]
                unit = forward if self.inverse else 1.0
                rows = self.rows[known]
                before.bid[known], before.ask[known] = held.quotes.bid[source] * unit, held.quotes.ask[source] * unit
                strike = self.chain.strike[rows]
                with np.errstate(all="ignore"):
                    sigma = held.smile.iv(np.log(strike / forward))
                tau = np.full(len(rows), tau_years(armed.expiry_ns, held.ts))
                is_call = self.chain.is_call[rows]
                value = price_delta_vega(forward, strike, tau, sigma, is_call)[0]
                gain = np.where(is_call, forward - strike, strike - forward)
                before.value[known], before.time_value[known] = value, value - np.maximum(gain, 0.0)
            start = stop
        return before

    def _widen(
        self,
        config: EngineConfig,
        at: Frame,
        values: NDArray[np.float64],
        vegas: NDArray[np.float64],
        positions: NDArray[np.int64],
        *,
        hear: bool,
    ) -> None:
        """Widen the bounds, in place, by what the smile missed before the shock and by what fresh quotes say now."""
        before = self._before
        value, bid, ask = before.value[positions], before.bid[positions], before.ask[positions]
        values[0] -= np.fmax(value - ask, 0.0)
        values[1] += np.fmax(bid - value, 0.0)
        if config.min_peers:
            middle, vega = 0.5 * (values[0] + values[1]), 0.5 * (vegas[0] + vegas[1])
            changed = self.chain.ts_changed[self.rows[positions]]
            fresh = np.flatnonzero(changed > self._heard[positions])
            if len(fresh) and hear:
                self._heard[positions] = changed
                quoted = 0.5 * (at.bid + at.ask) * at.unit
                with np.errstate(all="ignore"):
                    self._shift[positions[fresh]] = ((quoted - middle) / vega)[fresh]
                self._hear_peers(config.min_peers, at.expiry[fresh])
            said = middle + self._peer_shift[at.expiry] * vega
            values[0] = np.fmin(values[0], said)
            values[1] = np.fmax(values[1], said)

    def _hear_peers(self, least: int, expiries: NDArray[np.int64]) -> None:
        """Take the median shift of volatility that the quotes of an expiry show that came since the shock."""
        for expiry in dict.fromkeys(expiries.tolist()):
            shifts = self._shift[self.expiry_of == expiry]
            known = np.sort(shifts[np.isfinite(shifts)])
            n = len(known)
            self._peer_shift[expiry] = 0.5 * float(known[(n - 1) // 2] + known[n // 2]) if n >= least else NAN

    def is_sound(self, config: EngineConfig, position: int, forward: float) -> bool:
        """Tell whether an option's quotes made sense before the shock: not crossed, and in agreement with the smile.

        True where nothing is known.
        """
        before = self._before
        value, bid, ask = (float(each[position]) for each in (before.value, before.bid, before.ask))
        if bid > ask:
            return False
        room = config.unexplained_bps / BPS * forward + _SOUND_SHARE * float(before.time_value[position])
        return not (value - ask > room or bid - value > room)

    def is_contradicted(self, config: EngineConfig, position: int) -> bool:
        """Tell whether any option of an expiry disagreed with its smile before the shock.

        A smile of few strikes bends to a wrong quote until it agrees with it; the other option of that strike does not.
        """
        expiry = int(self.expiry_of[position])
        held = self.expiries[expiry].before
        if self._contradicted[expiry] is None and held is not None:
            members = np.flatnonzero(self.expiry_of == expiry).tolist()
            self._contradicted[expiry] = not all(self.is_sound(config, each, held.forward) for each in members)
        return bool(self._contradicted[expiry])

    def is_plausible(self, position: int) -> bool:
        """Tell whether quotes are within a factor of two of what the option was; NaN says nothing."""
        before, row = self._before, int(self.rows[position])
        unit = self._unit
        known = [float(each[position]) for each in (before.value, before.bid, before.ask)]
        known = [each for each in known if each > 0]
        if not known:
            return True
        bid, ask = float(self.chain.bid[row]) * unit, float(self.chain.ask[row]) * unit
        return not (bid > _PLAUSIBLE * max(known) or ask < min(known) / _PLAUSIBLE)

    def explains(self, config: EngineConfig, position: int, price_usd: float, forward: float, *, buying: bool) -> bool:
        """Tell whether a price may be what is left from before the shock, and not a mistake.

        A stale ask is not far below both what it was and what the option was worth; a stale bid not far above.
        """
        before = self._before
        was, value = float((before.ask if buying else before.bid)[position]), float(before.value[position])
        room = config.unexplained_bps / BPS * forward
        known = [each for each in (was, value) if each == each]  # noqa: PLR0124  not NaN
        if not known:
            return True
        if buying:
            return price_usd >= min(known) * (1.0 - config.unexplained_fraction) - room
        return price_usd <= max(known) * (1.0 + config.unexplained_fraction) + room

    def frame(self, forwards: list[float], now: int, index: float, positions: NDArray[np.int64]) -> Frame:
        """Return what is needed of some options whatever they are held against; arguments as of `evaluate`."""
        chain, rows, which = self.chain, self.rows[positions], self.expiry_of[positions]
        forward = np.array(forwards)[which]
        return Frame(
            expiry=which,
            forward=forward,
            tau=np.array([tau_years(e.expiry_ns, now) for e in self.expiries])[which],
            strike=chain.strike[rows],
            is_call=chain.is_call[rows],
            bid=chain.bid[rows],
            ask=chain.ask[rows],
            unit=forward if self.inverse else np.ones_like(forward),
            fee_base=np.where(np.isnan(index), forward, index),
            inverse=self.inverse,
        )

    def moves(self, forwards: list[float]) -> tuple[list[tuple[float, float]], Floats]:
        """Return (slope, log move) of each expiry since its smile, NaN without one, and the logs of the forwards."""
        moved, logs = [], np.full(len(self.expiries), NAN)
        for at, armed in enumerate(self.expiries):
            if armed.before is not None and forwards[at] > 0:
                moved.append((armed.before.slope, math.log(forwards[at] / armed.before.forward)))
                logs[at] = math.log(forwards[at])
            else:
                moved.append((NAN, NAN))
        return moved, logs

    def base_vols(self, at: Frame, log_forward: Floats) -> Floats:
        """Return s0(ln(K/F)) of each option: the old smile at the new moneyness."""
        return self._smiles.iv(np.log(at.strike) - log_forward[at.expiry], at.expiry)

    def _vol_bounds(self, config: EngineConfig, forwards: list[float], at: Frame) -> tuple[Floats, Floats]:
        """Return the lowest and highest volatility of each option over the scenarios, NaN without a smile."""
        moved, log_forward = self.moves(forwards)
        least, most = config.stickiness_low, config.stickiness_high
        ends = np.array([(least * g * r, most * g * r, *shifts(r, **self._shock(config))) for g, r in moved]).reshape(
            -1, 4
        )
        stick_low, stick_high, down, up = ends[at.expiry].T
        return vol_ends(self.base_vols(at, log_forward), stick_low, stick_high, down, up)

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
        return self._candidates(figures, (figures.buy.gross, figures.sell.gross), self.known)

    def overshot_candidates(self, figures: EdgeFigures) -> list[tuple[int, bool]]:
        """Return the same for edge D, by net: after a cascade a whole chain is a little off its expected volatility."""
        return self._candidates(figures, (figures.buy.net, figures.sell.net), self.overshot)

    def _candidates(self, figures: EdgeFigures, edges: tuple[Floats, Floats], known: Known) -> list[tuple[int, bool]]:
        for edge, buying in zip(edges, (True, False), strict=True):
            for at in np.flatnonzero(edge > 0).tolist():
                known[int(figures.positions[at]), buying] = True
        if not known:
            return []
        if len(figures.positions) == len(self.rows):  # all of them: position is index
            return sorted(known, key=lambda each: (each[0], not each[1]))
        index_of = {position: at for at, position in enumerate(figures.positions.tolist())}
        found = [(index_of[position], buying) for position, buying in known if position in index_of]
        return sorted(found, key=lambda each: (each[0], not each[1]))

    def scenario(self, config: EngineConfig, position: int, forward: float, *, buying: bool) -> str:
        """Name the scenario that set a value: skew-stickiness ratio and shift in vol points."""
        before = self.expiries[int(self.expiry_of[position])].before
        if before is None:
            return ""
        move = math.log(forward / before.forward)
        down, up = shifts(move, **self._shock(config))
        shift = -100.0 * down if buying else 100.0 * up
        ratios = (config.stickiness_low, config.stickiness_high)
        return scenario_name(before.slope, move, shift, lowest=buying, ratios=ratios)
