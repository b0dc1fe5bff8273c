"""The forward that an expiry's own calls and puts imply."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from aftershock.core.chain import NO_ROW
from aftershock.model.units import NAN

if TYPE_CHECKING:
    from aftershock.core.chain import Chain, Expiry

__all__ = ["parity_forward"]

_STRIKES_EACH_SIDE = 3


def parity_forward(chain: Chain, expiry: Expiry, now: int, *, max_age_ns: int, span_ns: int) -> float:
    """Return the middle of the band that put-call parity leaves for the forward.

    Each strike near the money whose call and put are two-sided, fresh and in sync bounds it: inverse K/(1 - (c - p)),
    linear K + C - P, at bid and ask. The band is the largest lower to the smallest upper bound.

    Returns:
        Quote currency per coin; NaN without such a strike, or if the band is empty.
    """
    centre = expiry.underlying_price
    strikes = expiry.strikes
    at = bisect_left(strikes, centre) if centre > 0 else len(strikes) // 2
    lower, upper = 0.0, float("inf")
    for i in range(max(at - _STRIKES_EACH_SIDE, 0), min(at + _STRIKES_EACH_SIDE, len(strikes))):
        call, put = expiry.calls[i], expiry.puts[i]
        if NO_ROW in (call, put):
            continue
        times = (chain.confirmed(call), chain.confirmed(put))
        if now - min(times) > max_age_ns or max(times) - min(times) > span_ns:
            continue
        low, high = _bounds(chain, call, put, strikes[i])
        if low == low and high == high:  # noqa: PLR0124  not NaN
            lower, upper = max(lower, low), min(upper, high)
    return 0.5 * (lower + upper) if 0 < lower <= upper < float("inf") else NAN


def _bounds(chain: Chain, call: int, put: int, strike: float) -> tuple[float, float]:
    bids, asks = chain.cells[0], chain.cells[2]
    low, high = bids[call] - asks[put], asks[call] - bids[put]
    if not chain.instruments[call].inverse:
        return strike + low, strike + high
    if not high < 1:
        return NAN, NAN
    return strike / (1.0 - low), strike / (1.0 - high)
