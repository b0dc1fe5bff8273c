"""What a model is told beside a decision's own figures: the shock, the option, its quote. NaN is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aftershock.model.orders import Side
from aftershock.model.units import BPS, NAN, NS_PER_DAY, tau_years
from aftershock.pricing import greeks, implied_vol, vega_per_vol_point

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
    first, now, forward = legs[0], signal.ts_init, signal.forward
    vols = [_implied(each, each.leg.price_usd, forward, now) for each in legs]
    value = _implied(first, signal.value_usd, forward, now) if len(legs) == 1 else NAN
    known = value if value > 0 else vols[0]
    delta = vega = theta = 0.0
    for each, vol in zip(legs, [known] if len(legs) == 1 else vols, strict=True):
        held = each.leg.ratio * (-1.0 if each.leg.side is Side.SELL and len(legs) > 1 else 1.0)
        terms = each.instrument
        at = greeks(forward, terms.strike, tau_years(terms.expiry_ns or 0, now), vol, terms.is_call is True)
        delta += held * float(at.delta)
        vega += held * float(vega_per_vol_point(at.vega))
        theta += held * float(at.theta)
    return {
        "moneyness_pct": 100.0 * (first.instrument.strike / forward - 1.0),
        "days_to_expiry": ((first.instrument.expiry_ns or 0) - now) / NS_PER_DAY,
        "delta": delta,
        "vega_per_vol_point": vega,
        "theta_per_day_usd": theta,
        "iv_price": vols[0],
        "iv_value": value,
    }


def _implied(at: _Quoted, price_usd: float, forward: float, now: int) -> float:
    terms = at.instrument
    tau = tau_years(terms.expiry_ns or 0, now)
    return float(implied_vol(price_usd, forward, terms.strike, tau, terms.is_call is True)[0])
