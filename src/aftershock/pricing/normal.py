"""The normal distribution with full relative accuracy in both tails, from one function: scaled erfc.

`erfcx(x) = exp(x^2) erfc(x)` neither underflows nor cancels for x >= 0. There, with the map `t = (x - 3.5)/(x
+ 3.5)` of [0, inf) to [-1, 1) (the idea of Shepherd and Laframboise, Math. Comp. 36, 1981), both

    (1 + 2x) erfcx(x)          and          (1 + 2x)^2 (-d/dx erfcx(x))

are smooth and between 0.9 and 2.7, so one polynomial in t holds for all of [0, inf). The coefficients are our
own: Chebyshev interpolation at 48 nodes with 60 digits (mpmath), cut where the remaining terms are below
3e-17, and rewritten in powers of t, which loses nothing because no coefficient exceeds the function's own
size. The derivative has its own polynomial since `2x erfcx(x) - 2/sqrt(pi)` cancels for large x.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from aftershock.pricing.arrays import FloatArray

SQRT_TWO = math.sqrt(2.0)
SQRT_TWO_PI = math.sqrt(2.0 * math.pi)

_MAP_CENTRE = 3.5

# fmt: off
_ERFCX = (
    1.2423492448711544,
    -0.1400091801376197,
    -0.010555596332221669,
    0.09751909515328706,
    -0.11508959816003075,
    0.08798315382403678,
    -0.04882332583088402,
    0.019099330953271165,
    -0.004215019879774186,
    -0.0003022679534333239,
    0.0005643842668705102,
    -0.00012151212091980101,
    -4.2781739959539994e-05,
    2.4260300984917994e-05,
    2.3273309537791425e-06,
    -3.814012584490695e-06,
    -4.309237398316666e-08,
    6.014823849950426e-07,
    -8.611571571113718e-09,
    -9.64004253144383e-08,
    6.651894382376532e-10,
    1.3624442778701048e-08,
    6.040390099342991e-11,
    -1.1656687889203665e-09,
)

_ERFCX_SLOPE = (
    2.6447089813281597,
    -0.2958939058409168,
    -0.48150201406911014,
    0.7866545554578088,
    -0.6137076571095031,
    0.2418521393844509,
    0.04293223009081489,
    -0.13615674132602204,
    0.09964065523077989,
    -0.03673489739142037,
    0.0019371034301468282,
    0.0047993882468269225,
    -0.0017384043111348141,
    -0.0003386684165538903,
    0.00034977490498932487,
    4.780993278676467e-06,
    -6.119084787610615e-05,
    3.6620208061066988e-06,
    1.1031803107204505e-05,
    -8.245243086407228e-07,
    -2.094184805261398e-06,
    9.888030673906258e-08,
    3.880180214675735e-07,
    -3.3244102250756793e-09,
    -5.8650194467410344e-08,
    -6.120899329696218e-10,
    5.009873655831471e-09,
)
# fmt: on


def erfcx(x: ArrayLike) -> FloatArray:
    """Return `exp(x^2) erfc(x)`, to about 1e-15 relative for x >= 0.

    Below zero it is `2 exp(x^2) - erfcx(-x)`, infinite from about -26.6 down.
    """
    values = np.asarray(x, dtype=np.float64)
    size = np.abs(values)
    with np.errstate(all="ignore"):
        upper = erfcx_of_positive(size)
        if not np.any(values < 0.0):
            return upper
        return np.where(values < 0.0, 2.0 * _exp_of_square(size, 1.0) - upper, upper)


def norm_pdf(x: ArrayLike) -> FloatArray:
    """Return the standard normal density, to about 1e-15 relative."""
    size = np.abs(np.asarray(x, dtype=np.float64))
    with np.errstate(all="ignore"):
        return _exp_of_square(size, -0.5) / SQRT_TWO_PI


def norm_cdf(x: ArrayLike) -> FloatArray:
    """Return the standard normal distribution, to about 1e-15 relative, down to 1e-308 in the lower tail."""
    values = np.asarray(x, dtype=np.float64)
    size = np.abs(values)
    with np.errstate(all="ignore"):
        tail = 0.5 * _exp_of_square(size, -0.5) * erfcx_of_positive(size / SQRT_TWO)
        return np.where(values > 0.0, 1.0 - tail, tail)


def erfcx_of_positive(x: FloatArray) -> FloatArray:
    """Return erfcx where the caller knows that x >= 0 (NaN stays NaN)."""
    return _polynomial(_ERFCX, x) / (1.0 + 2.0 * x)


def erfcx_slope_of_positive(x: FloatArray) -> FloatArray:
    """Return `-d/dx erfcx(x) = 2/sqrt(pi) - 2x erfcx(x)` for x >= 0, without its cancellation."""
    scale = 1.0 + 2.0 * x
    return _polynomial(_ERFCX_SLOPE, x) / (scale * scale)


def _polynomial(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    """Evaluate a polynomial in the mapped variable by Horner's rule, in place."""
    # 1 - 2c/(x + c) rather than (x - c)/(x + c): infinite x maps to 1 instead of NaN.
    t = 1.0 - 2.0 * _MAP_CENTRE / (x + _MAP_CENTRE)
    total = np.full_like(t, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= t
        total += coefficient
    return total


def _exp_of_square(size: FloatArray, factor: float) -> FloatArray:
    """Return `exp(factor * size^2)` without the rounding of size^2, which exp would magnify by size^2.

    W. J. Cody's device (Math. Comp. 23, 1969): the square of a multiple of 1/16 is exact, and what is left
    over is small.
    """
    # Beyond 2^20 everything is 0 or infinite anyway, and infinity minus infinity would make NaN.
    near = np.minimum(size, 1048576.0)
    coarse = np.floor(near * 16.0) / 16.0
    return np.exp(factor * coarse * coarse) * np.exp(factor * ((near - coarse) * (near + coarse)))
