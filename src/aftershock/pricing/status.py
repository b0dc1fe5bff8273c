"""Why a price, a greek or an implied volatility is missing: one closed set of bits."""

from __future__ import annotations

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

StatusArray = NDArray[np.uint8]


class IVStatus(IntFlag):
    """What is wrong with an option's inputs; every value but OK comes with NaN.

    Each function sets at most one bit per option, the first that applies in the order BAD_INPUT, EXPIRED,
    NO_QUOTE, BELOW_INTRINSIC, AT_INTRINSIC, AT_UPPER_BOUND, OUT_OF_RANGE. Bits of several quotes of one
    option may be or-ed.
    """

    OK = 0
    NO_QUOTE = 1
    """The price is NaN: nobody quotes. A price of zero is a quote, see AT_INTRINSIC."""
    AT_INTRINSIC = 2
    """No time value beyond the rounding of the price, or a price of zero: any tiny volatility explains it."""
    BELOW_INTRINSIC = 4
    """The price is below what exercise is worth, or negative: no volatility explains it."""
    AT_UPPER_BOUND = 8
    """A call at or above the forward, a put at or above its strike: no finite volatility explains it."""
    EXPIRED = 16
    """The time to expiry is zero or negative."""
    OUT_OF_RANGE = 32
    """The numbers are sound, but volatility or moneyness is beyond what the functions promise to compute."""
    BAD_INPUT = 64
    """Not a finite number, or a forward, strike, discount or volatility that is not positive."""
