"""What a model is told beside a decision's own figures: the shock, the option, its quote. NaN is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from aftershock.model.orders import Side
from aftershock.model.units import BPS, NAN, NS_PER_DAY, tau_years
from aftershock.pricing import implied_vol
from aftershock.pricing.hot import price_delta_vega

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.config import EngineConfig
    from aftershock.core.triggers import OpenTrigger
    from aftershock.model.instruments import Instrument
    from aftershock.model.orders import Leg
    from aftershock.model.signals import ArbitrageSignal

__all__ = ["FEATURES", "review_features"]

FEATURES = (
    "move_bps",
    "intensity_ratio",
    "imbalance",
    "venues",
    "liquidated_usd",
    "away_bps",
    "candidates",
    "moneyness_pct",
    "days_to_expiry",
    "delta",
    "vega_per_vol_point",
    "theta_per_day_usd",
    "iv_price",
    "iv_value",
    "quote_spread_bps",
    "top_size_coins",
)
"""Names, in this order; always all of them. `docs/decision.md`, section 10, says what each is."""

_DAYS_PER_YEAR = 365.0


class _Quoted(NamedTuple):
    """A leg where it is quoted: its quote as the venue has it, and the size in coins that the leg would meet."""

    leg: Leg
    instrument: Instrument
    bid: float
    ask: float
    coins: float


def review_features(
    signal: ArbitrageSignal, trigger: OpenTrigger, asset: AssetState, config: EngineConfig
) -> dict[str, float]:
    """Return figures by name, `FEATURES`.

    Args:
        signal: The decision as it stands.
        trigger: Where it belongs.
        asset: Its coin, as of the signal's moment.
        config: Says whether there are feeds of liquidations at all.
    """
    quoted = [_find(leg, signal, asset) for leg in signal.legs]
    known = [each for each in quoted if each is not None] if None not in quoted else []
    figures = dict.fromkeys(FEATURES, NAN)
    figures |= _shock(signal, trigger, asset, config)
    if known:
        figures |= _quote(signal, known)
        if known[0].instrument.expiry_ns is not None:
            figures |= _option(signal, known)
    return figures


def _shock(signal: ArbitrageSignal, trigger: OpenTrigger, asset: AssetState, config: EngineConfig) -> dict[str, float]:
    """Return how far the trigger's series moved since its reference, and what was liquidated in the window."""
    series = asset.consolidated
    if trigger.expiry_scope is not None:
        series = asset.expiry_series.get(trigger.expiry_scope, series)
    watched = sum(len(armed.known) + len(armed.overshot) for armed in trigger.armed.values())
    figures = {"move_bps": trigger.move_bps(series.last), "candidates": float(max(watched, 1))}
    if trigger.away_bps == trigger.away_bps:
        figures["away_bps"] = trigger.away_bps
    if config.liquidation_venues > 0:
        window = asset.window.figures(signal.ts_init)
        figures["intensity_ratio"] = window.intensity_ratio
        figures["venues"] = float(len(window.venues))
        if window.sized == window.count:  # else a contract of unknown size printed
            figures["imbalance"] = window.imbalance if window.count else NAN
            figures["liquidated_usd"] = window.long_usd + window.short_usd
    return figures


def _find(leg: Leg, signal: ArbitrageSignal, asset: AssetState) -> _Quoted | None:
    """Return a leg with its quote: an option of a chain, or a perpetual."""
    buying = leg.side is Side.BUY
    for chain in asset.chains.values():
        row = chain.row(leg.symbol) if chain.venue == leg.venue else None
        if row is not None:
            bid, bid_amount, ask, ask_amount = (float(cell[row]) for cell in chain.cells[:4])
            instrument = chain.instruments[row]
            coins = instrument.coins(ask_amount if buying else bid_amount, signal.forward)
            return _Quoted(leg, instrument, bid, ask, coins)
    state = asset.book.perpetuals.get(leg.venue)
    if state is None or state.top.instrument.symbol != leg.symbol:
        return None
    return _Quoted(leg, state.top.instrument, state.top.bid, state.top.ask, state.top.coins(to_sell=not buying))


def _quote(signal: ArbitrageSignal, legs: list[_Quoted]) -> dict[str, float]:
    """Return the width of the first leg's quote, and the size that all legs have at their prices."""
    first, sizes = legs[0], [each.coins / each.leg.ratio for each in legs]
    inverse_option = first.instrument.inverse and first.instrument.expiry_ns is not None
    unit = signal.forward if inverse_option else 1.0
    return {
        "quote_spread_bps": BPS * (first.ask - first.bid) * unit / signal.forward,
        "top_size_coins": min(sizes) if all(size >= 0 for size in sizes) else NAN,
    }


def _option(signal: ArbitrageSignal, legs: list[_Quoted]) -> dict[str, float]:
    """Return where the first option stands, and what is held: of one option as such, of several legs together."""
    now, forward, expiry_ns = signal.ts_init, signal.forward, legs[0].instrument.expiry_ns or 0
    alone = len(legs) == 1
    strike, tau = np.array([each.instrument.strike for each in legs]), tau_years(expiry_ns, now)
    is_call = np.array([each.instrument.is_call is True for each in legs])
    prices = np.array([each.leg.price_usd for each in legs] + [signal.value_usd if alone else NAN])
    # What all legs cost, and what the first is worth, in one call: at this size NumPy costs by the call.
    vols = implied_vol(prices, forward, np.append(strike, strike[0]), tau, np.append(is_call, is_call[0]))[0]
    sigma = vols[1:] if alone and vols[1] > 0 else vols[:-1]
    _, delta, vega = price_delta_vega(np.full(len(legs), forward), strike, np.full(len(legs), tau), sigma, is_call)
    theta = -0.5 * vega * sigma / tau / _DAYS_PER_YEAR
    signs = [-1.0 if each.leg.side is Side.SELL and not alone else 1.0 for each in legs]
    held = np.array([sign * each.leg.ratio for sign, each in zip(signs, legs, strict=True)])
    return {
        "moneyness_pct": 100.0 * (float(strike[0]) / forward - 1.0),
        "days_to_expiry": (expiry_ns - now) / NS_PER_DAY,
        "delta": float(np.sum(held * delta)),
        "vega_per_vol_point": float(np.sum(held * vega)) / 100.0,
        "theta_per_day_usd": float(np.sum(held * theta)),
        "iv_price": float(vols[0]),
        "iv_value": float(vols[-1]),
    }
