"""Strikes next to a price, and what an option's price says there."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from aftershock.pricing import greeks, implied_vol

__all__ = ["OptionsChainAligner"]

_DAYS_PER_YEAR = 365.0
_KINDS = ("call", "put")
_LARGEST_GROWTH = 10.0


class OptionsChainAligner:
    """Align a liquidation price, taken as a forward, with the strikes of an option chain.

    Strikes farther from the price than the tolerance are not matched: the result holds None and says why.
    """

    def __init__(self, tolerance_pct: float = 2.0) -> None:
        """Take the tolerance.

        Args:
            tolerance_pct: Largest distance of a strike from the price, in percent of the price.

        Raises:
            ValueError: The tolerance is not a positive, finite number.
        """
        if not 0 < tolerance_pct < math.inf:
            message = f"tolerance_pct must be positive and finite, got {tolerance_pct}"
            raise ValueError(message)
        self.tolerance_pct = tolerance_pct

    def find_nearest_strikes(
        self, liquidation_price: float, available_strikes: Sequence[float], *, kind: str = "call"
    ) -> dict[str, Any]:
        """Find the at, in and out of the money strikes next to a price.

        Args:
            liquidation_price: Price of the underlying, as a forward.
            available_strikes: In any order; what is not a positive number is left out and counted.
            kind: `call` or `put`: in the money is below the price for a call, above it for a put.

        Returns:
            `liquidation_price`, `kind`, `tolerance_pct`; `atm_strike` (a tie goes to the lower), `itm_strike`,
            `otm_strike`, each None beyond the tolerance, with `reason` saying so; their `..._distance_pct` (None
            likewise); `ignored_strikes`. With nothing to align, only `error`.
        """
        if kind not in _KINDS:
            return {"error": f"kind must be call or put, got {kind!r}"}
        price = _finite(liquidation_price)
        if not price > 0:
            return {"error": f"the price must be positive and finite, got {liquidation_price!r}"}
        strikes = sorted(k for k in available_strikes if _finite(k) > 0)
        if not strikes:
            return {"error": "no strikes to align with"}
        at = bisect_left(strikes, liquidation_price)
        below = strikes[at - 1] if at > 0 else None
        after = bisect_right(strikes, liquidation_price)
        above = strikes[after] if after < len(strikes) else None
        nearest = min(strikes[max(at - 1, 0) : at + 1], key=lambda k: (abs(k - liquidation_price), k))
        found = {
            "atm": nearest,
            "itm": below if kind == "call" else above,
            "otm": above if kind == "call" else below,
        }
        return self._within_tolerance(liquidation_price, found) | {
            "liquidation_price": liquidation_price,
            "kind": kind,
            "tolerance_pct": self.tolerance_pct,
            "ignored_strikes": len(available_strikes) - len(strikes),
        }

    def _within_tolerance(self, price: float, found: dict[str, float | None]) -> dict[str, Any]:
        info: dict[str, Any] = {}
        reasons = []
        for name, strike in found.items():
            distance = None if strike is None else abs(strike - price) / price * 100.0
            near = distance is not None and distance <= self.tolerance_pct
            info[f"{name}_strike"] = strike if near else None
            info[f"{name}_distance_pct"] = distance if near else None
            if strike is None:
                reasons.append(f"{name}: no strike on that side")
            elif not near:
                reasons.append(f"{name}: nearest strike {strike:g} is {distance:.2f} % away")
        info["reason"] = "; ".join(reasons) or None
        return info

    def calculate_arbitrage_metrics(  # noqa: PLR0913  the article's signature, and what makes it true
        self,
        liquidation_price: float,
        strike_info: dict[str, Any],
        option_price: float,
        time_to_expiry_days: float,
        risk_free_rate: float = 0.0,
        *,
        premium: str = "USD",
        bid: float | None = None,
        ask: float | None = None,
        fair_iv: float | None = None,
        entry_cost: float = 0.0,
    ) -> dict[str, Any]:
        """Say what an option's price at the at-the-money strike means.

        Args:
            liquidation_price: Forward; with a rate, the spot whose forward is price * exp(r * T).
            strike_info: From `find_nearest_strikes`; its `kind` says call or put.
            option_price: Premium in USD per coin, or in coin per coin with `premium="coin"`.
            time_to_expiry_days: Days of 24 hours.
            risk_free_rate: Continuously compounded, per year.
            premium: `USD` or `coin`.
            bid: The option's bid in the same unit.
            ask: The option's ask in the same unit.
            fair_iv: Volatility to value it at, a fraction.
            entry_cost: Cost of getting in, USD per coin.

        Returns:
            The eight metrics `moneyness`, `intrinsic_value`, `time_value`, `estimated_iv`, `theta_per_day`,
            `spread_to_strike_pct`, `theoretical_spread` (the observed bid-ask in USD, or None),
            `arbitrage_score` (None without a `fair_iv` to compare with); `iv_status`; USD per coin throughout. With
            what can't be priced, only `error`.
        """
        if premium not in ("USD", "coin"):
            return {"error": f"premium must be USD or coin, got {premium!r}"}
        strike = strike_info.get("atm_strike")
        if strike is None:
            return {"error": strike_info.get("error") or "no at-the-money strike within the tolerance"}
        terms = (liquidation_price, strike, time_to_expiry_days)
        if not (all(_finite(term) > 0 for term in terms) and _finite(option_price) >= 0):
            return {"error": "price and time to expiry must be positive, the option price not negative, all finite"}
        is_call = strike_info.get("kind", "call") == "call"
        tau = time_to_expiry_days / _DAYS_PER_YEAR
        growth = _finite(risk_free_rate) * tau
        if not abs(growth) < _LARGEST_GROWTH:
            return {"error": f"the risk-free rate must be finite and plausible, got {risk_free_rate!r}"}
        discount = math.exp(-growth)
        forward = liquidation_price / discount
        unit = liquidation_price if premium == "coin" else 1.0
        price_usd = option_price * unit
        found_iv, found_status = implied_vol(price_usd, forward, strike, tau, is_call, discount)
        iv, status = float(found_iv), int(found_status)
        at_iv = greeks(forward, strike, tau, iv, is_call, discount)
        intrinsic = discount * max(forward - strike if is_call else strike - forward, 0.0)
        # At a fixed spot the forward grows with the rate: Black-76 theta is at a fixed forward.
        theta = float(at_iv.theta) - risk_free_rate * forward * float(at_iv.delta) / _DAYS_PER_YEAR
        spread = (_finite(ask) - _finite(bid)) * unit
        return {
            "moneyness": liquidation_price / strike,
            "intrinsic_value": intrinsic,
            "time_value": price_usd - intrinsic,
            "estimated_iv": _number(iv),
            "theta_per_day": _number(theta),
            "spread_to_strike_pct": abs(liquidation_price - strike) / liquidation_price * 100.0,
            "theoretical_spread": _number(spread),
            "arbitrage_score": _score(price_usd, forward, strike, tau, is_call, discount, fair_iv, entry_cost),
            "iv_status": status,
        }


def _score(
    price: float,
    forward: float,
    strike: float,
    tau: float,
    is_call: bool,
    discount: float,
    fair_iv: float | None,
    entry_cost: float,
) -> float | None:
    """Score expected value over the risk of a one-point error in volatility: 100 * (1 - exp(-(EV/sd)/0.25))."""
    if fair_iv is None or not _finite(entry_cost) >= 0:
        return None
    fair = greeks(forward, strike, tau, fair_iv, is_call, discount)
    edge = abs(float(fair.price) - price) - entry_cost
    sd = float(fair.vega) / 100.0
    if not sd > 0:
        return None
    return 100.0 * (1.0 - math.exp(-max(edge / sd, 0.0) / 0.25))


def _finite(value: object) -> float:
    """Return a finite number as it is, and NaN for everything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf:
        return float(value)
    return math.nan


def _number(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124  NaN
