"""From figures to a verdict: the checks in their order, each with its reason."""

from __future__ import annotations

import math

import msgspec

from aftershock.model.signals import Action, EdgeType, Reason
from aftershock.model.units import NAN

__all__ = ["Assessment", "Limits", "UnitLimits", "confidence", "executable_size", "judge", "unit_faults"]


class Assessment(msgspec.Struct, kw_only=True):
    """Everything the checks look at, for one opportunity; NaN fails every limit.

    Attributes:
        action: Side if every check passes.
        age_ms, span_ms: Oldest confirmation, and between legs.
        latency_ms: Since the cause; 0 where it does not apply.
        net_bps, gross_bps, threshold_bps: Of the forward.
        quantity: Executable size in coins; `lot_coins` the venue's smallest.
        quoted: False if the feed gives no size.
        has_chain, has_forward, executable_forward, evaluable, venue_up, in_gap: Facts.
        dispersion_bps, max_dispersion_bps: Of the consolidated forward; 0 and infinity where it does not apply.
        seconds_to_expiry: Of the legs.
        faults: Unit tripwires that fired.
        stub: A quote at a stub level.
        edge: Kind of opportunity; None for none.
        confidence, needed_confidence: Calibrated; as they stand where nothing is calibrated, they refuse nothing.
    """

    action: Action
    has_chain: bool = True
    venue_up: bool = True
    in_gap: bool = False
    age_ms: float = 0.0
    span_ms: float = 0.0
    latency_ms: float = 0.0
    has_forward: bool = True
    dispersion_bps: float = 0.0
    max_dispersion_bps: float = math.inf
    seconds_to_expiry: float = math.inf
    faults: tuple[str, ...] = ()
    stub: bool = False
    executable_forward: bool = True
    quoted: bool = True
    quantity: float = NAN
    lot_coins: float = NAN
    evaluable: bool = True
    gross_bps: float = NAN
    net_bps: float = NAN
    threshold_bps: float = 0.0
    edge: EdgeType | None = None
    confidence: float = 1.0
    needed_confidence: float = 0.0


class Limits(msgspec.Struct, frozen=True):
    """What the checks compare with."""

    max_age_ms: float
    max_span_ms: float
    max_latency_ms: float
    expiry_window_s: float


def judge(a: Assessment, limits: Limits) -> list[Reason]:  # noqa: C901, PLR0912  one check after the other
    """Return the reasons against an order, in the documented order; empty if there is none."""
    against = []
    if not a.venue_up:
        against.append(Reason.VENUE_DOWN)
    if a.in_gap:
        against.append(Reason.GAP)
    if not a.has_chain:
        against.append(Reason.NO_CHAIN)
    if not a.age_ms <= limits.max_age_ms:
        against.append(Reason.STALE_DATA)
    if not a.span_ms <= limits.max_span_ms:
        against.append(Reason.DESYNC)
    if not a.has_forward:
        against.append(Reason.NO_FORWARD)
    if not a.dispersion_bps <= a.max_dispersion_bps:
        against.append(Reason.DISPERSION)
    if not a.seconds_to_expiry > limits.expiry_window_s:
        against.append(Reason.EXPIRY_WINDOW)
    if a.faults:
        against.append(Reason.UNIT_CHECK)
    if a.stub:
        against.append(Reason.STUB_QUOTE)
    if not a.executable_forward:
        against.append(Reason.NO_EXECUTABLE_FORWARD)
    if not a.quoted:
        against.append(Reason.NO_SIZE)
    elif not a.quantity >= a.lot_coins:
        against.append(Reason.THIN)
    if not a.evaluable:
        against.append(Reason.NOT_EVALUABLE)
    if against and a.gross_bps != a.gross_bps:
        return against
    money = _money_reason(a)
    if money is not None:
        against.append(money)
    elif not a.latency_ms <= limits.max_latency_ms and Reason.STALE_DATA not in against:
        against.append(Reason.STALE_DATA)  # an edge that is there, but whose cause is long past
    return against


def _money_reason(a: Assessment) -> Reason | None:
    if not a.gross_bps > 0:
        return Reason.NO_EDGE
    if not a.net_bps > 0:
        return Reason.FEES
    # Calibrated confidence is a function of the net edge: too little of it means too small an edge.
    if not (a.net_bps >= a.threshold_bps and a.confidence >= a.needed_confidence):
        return Reason.BELOW_MIN_SPREAD
    return None


def executable_size(wanted: float, sizes: tuple[float, ...], haircut: float, lot: float) -> float:
    """Return the size to trade, floored to the lot.

    Args:
        wanted: Size wanted; NaN makes the result NaN.
        sizes: Quoted sizes, same unit; NaN makes the result NaN.
        haircut: Share of a quoted size that is counted on.
        lot: Order step; NaN makes the result NaN.
    """
    if not (wanted >= 0 and lot > 0):
        return NAN
    size = wanted
    for quoted in sizes:
        if not quoted >= 0:
            return NAN
        size = min(size, haircut * quoted)
    # A size that is a whole number of lots must not lose one to rounding, nor print as 0.30000000000000004.
    lots = math.floor(size / lot + 1e-9)
    per_unit = round(1.0 / lot)
    return lots / per_unit if per_unit > 0 and abs(per_unit * lot - 1.0) < 1e-12 else lots * lot


class UnitLimits(msgspec.Struct, frozen=True):
    """Beyond these, figures are more likely mistakes than edges."""

    max_spread_bps: float
    min_ratio: float
    max_ratio: float
    min_iv: float
    max_iv: float


def unit_faults(  # noqa: PLR0913  one quote, unpacked
    *,
    bid: float,
    ask: float,
    price: float,
    value: float,
    delta: float,
    plausible_iv: bool,
    spread_bps: float,
    inverse_call_price: float,
    limits: UnitLimits,
) -> tuple[str, ...]:
    """Name the figures that only a mistake of unit or data would explain.

    Args:
        bid: Of the quote; NaN where empty.
        ask: Of the quote; NaN where empty.
        price: What is paid, USD.
        value: What it is worth, USD.
        delta: At that value.
        plausible_iv: Whether the volatility that the price implies lies within its limits.
        spread_bps: Net edge.
        inverse_call_price: Coin per coin; NaN unless an inverse call.
        limits: The others.
    """
    faults = []
    if bid >= ask:
        faults.append("crossed quote")
    if abs(spread_bps) > limits.max_spread_bps:
        faults.append(f"edge of {spread_bps:.1f} bps")
    if 0.1 <= abs(delta) <= 0.9 and not limits.min_ratio * value <= price <= limits.max_ratio * value:
        faults.append(f"price {price:g} against value {value:g}")
    if not plausible_iv:
        faults.append("implied volatility out of bounds")
    if inverse_call_price > 1.0:
        faults.append("inverse call above one coin")
    return tuple(faults)


def confidence(net_usd: float, *, vega_sd: float, basis_sd: float) -> float:
    """Return Phi(net / sd), uncalibrated; NaN without a finite net edge or any risk.

    Args:
        net_usd: Net edge per coin.
        vega_sd: Standard deviation from an error of volatility, USD per coin.
        basis_sd: Standard deviation from the basis of the hedge, USD per coin.
    """
    sd = math.hypot(vega_sd, basis_sd)
    if not sd > 0 or not abs(net_usd) < math.inf:
        return NAN
    return 0.5 * math.erfc(-net_usd / sd / math.sqrt(2.0))
