"""Smiles from before a shock: quotes are kept as they stood, and fitted only when a trigger needs them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import NS_PER_S, tau_years
from aftershock.pricing import fit_smile, implied_vol

if TYPE_CHECKING:
    from aftershock.core.chain import Chain, Expiry
    from aftershock.pricing import Smile

__all__ = ["KeptQuotes", "PreShockSmile", "SmileBook"]

_KEPT = 16


class _Snapshot(msgspec.Struct, frozen=True):
    ts: int
    forward: float
    rows: NDArray[np.int64]
    bid: NDArray[np.float64]
    ask: NDArray[np.float64]
    confirmed: NDArray[np.int64]
    row_forward: NDArray[np.float64]


class KeptQuotes(msgspec.Struct, frozen=True):
    """Quotes of an expiry's options before the shock, n of them: rows in the chain, prices as quoted, forwards."""

    rows: NDArray[np.int64]
    bid: NDArray[np.float64]
    ask: NDArray[np.float64]
    forward: NDArray[np.float64]


class PreShockSmile(msgspec.Struct, frozen=True):
    """A fitted smile, the forward that it belongs to, and the quotes of then."""

    smile: Smile
    forward: float
    slope: float
    ts: int
    quotes: KeptQuotes | None = None


class SmileBook:
    """Snapshots of one expiry's quotes, at most one a second."""

    def __init__(self) -> None:
        self._snapshots: deque[_Snapshot] = deque(maxlen=_KEPT)

    def due(self, now: int, as_of: int) -> bool:
        """Tell whether the last snapshot is at least a second old, and older than a new one as of a moment."""
        if not self._snapshots:
            return True
        last = self._snapshots[-1].ts
        return now - last >= NS_PER_S and as_of > last

    def record(self, chain: Chain, expiry: Expiry, now: int, forward: float) -> None:
        """Keep the quotes of an expiry as they stand.

        Args:
            chain: The chain.
            expiry: One of its expiries.
            now: The moment that they stand for, ns.
            forward: Of the expiry, then; NaN if unknown.
        """
        rows = expiry.rows
        row_forward = np.full(len(rows), forward) if chain.confirms_stream else chain.underlying_price[rows].copy()
        self._snapshots.append(
            _Snapshot(
                ts=now,
                forward=forward,
                rows=rows,
                bid=chain.bid[rows].copy(),
                ask=chain.ask[rows].copy(),
                confirmed=chain.confirmed_rows(rows).copy(),
                row_forward=row_forward,
            )
        )

    def fit(self, chain: Chain, expiry_ns: int, as_of: int, max_age_ns: int) -> PreShockSmile | None:
        """Fit the newest snapshot at or before a moment; None if there is none, or nothing to fit in it."""
        held = next((s for s in reversed(self._snapshots) if s.ts <= as_of), None)
        if held is None or not held.forward > 0:
            return None
        k, iv, weight = _mid_vols(chain, held, expiry_ns, as_of - max_age_ns)
        if len(k) == 0:
            return None
        smile = fit_smile(k, iv, weight, tau_years(expiry_ns, held.ts))
        slope = float(smile.slope_atm())
        if slope != slope:  # noqa: PLR0124  NaN
            return None
        quotes = KeptQuotes(held.rows, held.bid, held.ask, held.row_forward)
        return PreShockSmile(smile, held.forward, slope, held.ts, quotes)


def _mid_vols(
    chain: Chain, held: _Snapshot, expiry_ns: int, oldest: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return log-moneyness, mid IV and weight of the usable out-of-the-money quotes."""
    strike, is_call = chain.strike[held.rows], chain.is_call[held.rows]
    forward = held.row_forward
    usable = (
        (held.bid > 0)
        & (held.ask > held.bid)
        & (forward > 0)
        & (is_call == (strike >= forward))
        & (held.confirmed > 0)
        & (held.confirmed >= oldest)
    )
    strike, is_call, forward = strike[usable], is_call[usable], forward[usable]
    inverse = bool(chain.instruments) and chain.instruments[0].inverse
    unit = forward if inverse else np.ones_like(forward)
    tau = np.full(len(strike), tau_years(expiry_ns, held.ts))
    bid_iv, bid_status = implied_vol(held.bid[usable] * unit, forward, strike, tau, is_call)
    ask_iv, ask_status = implied_vol(held.ask[usable] * unit, forward, strike, tau, is_call)
    good = (np.asarray(bid_status) == 0) & (np.asarray(ask_status) == 0) & (ask_iv > bid_iv)
    bid_iv, ask_iv = np.asarray(bid_iv)[good], np.asarray(ask_iv)[good]
    weight = 1.0 / (ask_iv - bid_iv) ** 2
    return np.log(strike[good] / forward[good]), 0.5 * (bid_iv + ask_iv), weight
