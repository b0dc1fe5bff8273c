"""Black-76 from its definition with 60 digits: what the package's floats are held against."""

from __future__ import annotations

import mpmath as mp

from aftershock.pricing.arrays import FloatArray

DIGITS = 60
EPSILON = 2.0**-52


def black76(forward: float, strike: float, tau: float, sigma: float, is_call: bool, discount: float = 1.0) -> mp.mpf:
    """Return the premium of exactly these floats."""
    with mp.workdps(DIGITS):
        f, k, df, s, d1, d2 = _terms(forward, strike, tau, sigma, discount)
        if is_call:
            return df * (f * mp.ncdf(d1) - k * mp.ncdf(d1 - s))
        return df * (k * mp.ncdf(-d2) - f * mp.ncdf(-d1))


def all_greeks(
    forward: float, strike: float, tau: float, sigma: float, is_call: bool, discount: float = 1.0
) -> dict[str, mp.mpf]:
    """Return what `greeks` returns, by name, and `rho_spot`."""
    with mp.workdps(DIGITS):
        f, k, df, s, d1, d2 = _terms(forward, strike, tau, sigma, discount)
        sign, t = (1 if is_call else -1), mp.mpf(tau)
        premium = black76(forward, strike, tau, sigma, is_call, discount)
        rate = -mp.log(df) / t
        return {
            "price": premium,
            "delta": df * sign * mp.ncdf(sign * d1),
            "gamma": df * mp.npdf(d1) / (f * s),
            "vega": df * f * mp.npdf(d1) * mp.sqrt(t),
            "theta": (rate * premium - df * f * mp.npdf(d1) * mp.mpf(sigma) / (2 * mp.sqrt(t))) / 365,
            "rho_black76": -t * premium,
            "rho_spot": df * t * k * sign * mp.ncdf(sign * d2),
        }


def true_vol(premium: float, forward: float, strike: float, tau: float, is_call: bool, near: float) -> mp.mpf:
    """Return the volatility of exactly this float premium, by Newton's method on ln(time value) from `near`."""
    with mp.workdps(DIGITS):
        gain = mp.mpf(forward) - mp.mpf(strike)
        target = mp.log(mp.mpf(premium) - max(gain if is_call else -gain, mp.mpf(0)))
        out_of_the_money_call = forward <= strike
        sigma, root_tau = mp.mpf(near), mp.sqrt(mp.mpf(tau))
        for _ in range(40):
            value = black76(forward, strike, tau, sigma, out_of_the_money_call)
            d1 = _terms(forward, strike, tau, sigma, 1.0)[4]
            step = (target - mp.log(value)) * value / (mp.mpf(forward) * mp.npdf(d1) * root_tau)
            sigma += step
            if abs(step) < mp.mpf(10) ** -30 * sigma:
                return sigma
        message = f"no volatility near {near} for a premium of {premium}"
        raise ArithmeticError(message)


def condition_number(forward: float, strike: float, tau: float, sigma: float, is_call: bool) -> float:
    """Return how much a relative change of the premium moves the volatility, at least 1."""
    with mp.workdps(DIGITS):
        d1 = _terms(forward, strike, tau, sigma, 1.0)[4]
        vega = mp.mpf(forward) * mp.npdf(d1) * mp.sqrt(mp.mpf(tau))
        return max(1.0, float(black76(forward, strike, tau, sigma, is_call) / (vega * sigma)))


def relative_error(value: float | FloatArray, truth: mp.mpf) -> float:
    """Return |value/truth - 1|, without rounding the truth to a float first."""
    with mp.workdps(DIGITS):
        return float(abs(mp.mpf(float(value)) / truth - 1))


def _terms(
    forward: float, strike: float, tau: float, sigma: mp.mpf, discount: float
) -> tuple[mp.mpf, mp.mpf, mp.mpf, mp.mpf, mp.mpf, mp.mpf]:
    """Return F, K, D, s, d1 and d2."""
    f, k, df = mp.mpf(forward), mp.mpf(strike), mp.mpf(discount)
    s = mp.mpf(sigma) * mp.sqrt(mp.mpf(tau))
    d1 = mp.log(f / k) / s + s / 2
    return f, k, df, s, d1, d1 - s
