"""The option chain of one expiry at a moment: quotes, volatilities, greeks, ages, strikes next to a price."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.app.chain_build import Chains
from aftershock.app.moment import expiry_name
from aftershock.app.plain import plain
from aftershock.core.aligner import OptionsChainAligner
from aftershock.core.chain import NO_ROW, Chain, Expiry
from aftershock.errors import UsageError
from aftershock.model.units import NS_PER_MS, NS_PER_YEAR, iso_utc
from aftershock.pricing import greeks, implied_vol

__all__ = ["ChainView", "OptionView", "StrikeView", "view_chain"]


class OptionView(msgspec.Struct, frozen=True, kw_only=True):
    """One option; NaN where absent. Greeks are those of the middle of the quotes' volatilities.

    Attributes:
        bid, ask: As quoted: coin per coin if inverse, quote currency if linear.
        bid_amount, ask_amount: Native amounts.
        bid_iv, ask_iv: Fractions, at the row's own underlying price and time.
        bid_iv_status, ask_iv_status: Why a volatility is missing; 0 if it is not.
        age_ms: Since the quote was confirmed.
        unchanged_ms: Since bid, ask or a size differed.
    """

    symbol: str
    bid: float
    ask: float
    bid_amount: float
    ask_amount: float
    bid_iv: float
    ask_iv: float
    bid_iv_status: int
    ask_iv_status: int
    delta: float
    gamma: float
    vega: float
    theta: float
    age_ms: float
    unchanged_ms: float


class StrikeView(msgspec.Struct, frozen=True, kw_only=True):
    """Call and put of one strike; None where not listed or never quoted."""

    strike: float
    call: OptionView | None
    put: OptionView | None


class ChainView(msgspec.Struct, frozen=True, kw_only=True):
    """One expiry of a chain at a moment.

    Attributes:
        ts_ns: The moment.
        tau_years: To expiry, from the moment.
        underlying_price: The venue's, last seen for this expiry; NaN if never.
        price: What the strikes were aligned to: the price asked for, or the underlying's.
        alignment: `OptionsChainAligner.find_nearest_strikes` for calls and for puts.
        expiries: Names of all live expiries.
    """

    venue: str
    asset: str
    expiry: str
    expiry_ns: int
    ts_ns: int
    tau_years: float
    inverse: bool
    underlying_price: float
    price: float
    price_source: str
    alignment: dict[str, Any]
    strikes: tuple[StrikeView, ...]
    expiries: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        body = plain(self)
        body["ts_ns"] = str(self.ts_ns)
        return {"schema_version": 1, "time": iso_utc(self.ts_ns), **body}

    def around(self, count: int) -> ChainView:
        """Return the same view with at most `count` strikes on either side of the price."""
        at = bisect_left([line.strike for line in self.strikes], self.price)
        return msgspec.structs.replace(self, strikes=self.strikes[max(at - count, 0) : at + count])


def view_chain(
    chains: Chains,
    now_ns: int,
    *,
    asset: str | None = None,
    expiry_ns: int | None = None,
    price: float | None = None,
    tolerance_pct: float = 2.0,
) -> ChainView:
    """Show one expiry.

    Args:
        chains: From `chains_at`.
        now_ns: Moment that ages and times to expiry count from.
        asset: Underlying; None if there is only one chain.
        expiry_ns: None for the nearest one that is live.
        price: To align strikes with; None for the venue's underlying price of that expiry.
        tolerance_pct: Of the alignment.

    Raises:
        UsageError: There is no such chain or expiry; names those that there are.
    """
    chain = _choose_chain(chains, asset, now_ns)
    expiry = _choose_expiry(chain, expiry_ns, now_ns)
    options = _options(chain, expiry, now_ns)
    aligned_to = expiry.underlying_price if price is None else price
    aligner = OptionsChainAligner(tolerance_pct=tolerance_pct)
    return ChainView(
        venue=chain.venue,
        asset=chain.underlying,
        expiry=expiry_name(expiry.expiry_ns),
        expiry_ns=expiry.expiry_ns,
        ts_ns=now_ns,
        tau_years=(expiry.expiry_ns - now_ns) / NS_PER_YEAR,
        inverse=chain.instruments[int(expiry.rows[0])].inverse,
        underlying_price=expiry.underlying_price,
        price=aligned_to,
        price_source="the venue's underlying price" if price is None else "given",
        alignment={
            kind: aligner.find_nearest_strikes(aligned_to, expiry.strikes, kind=kind) for kind in ("call", "put")
        },
        strikes=tuple(
            StrikeView(strike=strike, call=options.get(call), put=options.get(put))
            for strike, call, put in zip(expiry.strikes, expiry.calls, expiry.puts, strict=True)
        ),
        expiries=tuple(expiry_name(ns) for ns in chain.expiries),
    )


def _choose_chain(chains: Chains, asset: str | None, now_ns: int) -> Chain:
    live = {key: chain for key, chain in chains.items() if chain.expiries}
    if not live:
        raise UsageError(f"no option was quoted and live at {iso_utc(now_ns)}: give another --at or another file")
    fitting = [chain for (_, underlying), chain in live.items() if asset in {None, underlying}]
    there = ", ".join(f"{underlying} on {venue}" for venue, underlying in live)
    if not fitting:
        raise UsageError(f"no chain of {asset}: there is {there}; choose with --asset")
    if len(fitting) > 1:
        raise UsageError(f"several chains: {there}; choose with --asset, or give one venue's file")
    return fitting[0]


def _choose_expiry(chain: Chain, expiry_ns: int | None, now_ns: int) -> Expiry:
    if expiry_ns is None:
        return next(iter(chain.expiries.values()))
    if expiry_ns not in chain.expiries:
        there = " ".join(expiry_name(ns) for ns in chain.expiries)
        raise UsageError(
            f"{chain.underlying} has no live expiry {expiry_name(expiry_ns)} at {iso_utc(now_ns)}: {there}"
        )
    return chain.expiries[expiry_ns]


def _options(chain: Chain, expiry: Expiry, now_ns: int) -> dict[int, OptionView]:
    """Price all options of an expiry at once; by row, those never quoted left out."""
    rows = expiry.rows
    confirmed = chain.confirmed_rows(rows)
    own = chain.own_confirmed[rows]
    strikes, calls = chain.strike[rows], chain.is_call[rows]
    forward = chain.underlying_price[rows]
    tau = (expiry.expiry_ns - own) / NS_PER_YEAR
    unit = np.array([1.0 if not chain.instruments[row].inverse else math.nan for row in rows.tolist()])
    unit = np.where(np.isnan(unit), forward, unit)
    bid_iv, bid_status = implied_vol(chain.bid[rows] * unit, forward, strikes, tau, calls)
    ask_iv, ask_status = implied_vol(chain.ask[rows] * unit, forward, strikes, tau, calls)
    middle = _middle(bid_iv, ask_iv)
    at_middle = greeks(forward, strikes, tau, middle, calls)
    age_ms = (now_ns - confirmed) / NS_PER_MS
    unchanged_ms = (now_ns - chain.ts_changed[rows]) / NS_PER_MS
    return {
        row: OptionView(
            symbol=chain.instruments[row].symbol,
            bid=float(chain.bid[row]),
            ask=float(chain.ask[row]),
            bid_amount=float(chain.bid_amount[row]),
            ask_amount=float(chain.ask_amount[row]),
            bid_iv=float(bid_iv[i]),
            ask_iv=float(ask_iv[i]),
            bid_iv_status=int(bid_status[i]),
            ask_iv_status=int(ask_status[i]),
            delta=float(at_middle.delta[i]),
            gamma=float(at_middle.gamma[i]),
            vega=float(at_middle.vega[i]),
            theta=float(at_middle.theta[i]),
            age_ms=float(age_ms[i]),
            unchanged_ms=float(unchanged_ms[i]) if chain.ts_changed[row] else math.nan,
        )
        for i, row in enumerate(rows.tolist())
        if row != NO_ROW
    }


def _middle(bid_iv: NDArray[np.float64], ask_iv: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean where both sides have a volatility, the one there is where only one has."""
    both = 0.5 * (bid_iv + ask_iv)
    return np.where(np.isnan(both), np.where(np.isnan(bid_iv), ask_iv, bid_iv), both)
