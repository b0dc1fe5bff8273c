"""No package that cannot lose at any settlement price is missed, and none is found that can."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aftershock.core.packages import ExecutableForward, Package
from aftershock.model.orders import Side
from tests.core.package_quotes import STRIKES, Tops, chain_with, found_by_any_row, future, legs, tops

BUY, SELL = Side.BUY, Side.SELL
FUTURES = st.builds(lambda bid, width: future(bid, bid + width), st.floats(55_000, 65_000), st.floats(0, 300))
Floats = NDArray[np.float64]
Leg = tuple[Side, float, str]

# Bounds are attained at a strike, or as the price goes to zero or to infinity.
SETTLEMENTS: Floats = np.unique(np.concatenate([np.geomspace(1.0, 1e10, 2001), np.array(STRIKES)]))
SMALLEST_EDGE = 1e-6


def packages(*, inverse: bool) -> Iterator[tuple[tuple[Leg, ...], float]]:
    """Yield the legs of every package in both directions, and its future: bought above 0, USD or (linear) coins."""
    for k in STRIKES:
        straight = k if inverse else 1.0
        yield ((SELL, k, "C"), (BUY, k, "P")), straight
        yield ((BUY, k, "C"), (SELL, k, "P")), -straight
    for k1, k2 in combinations(STRIKES, 2):
        width = k2 - k1 if inverse else 0.0
        yield ((BUY, k1, "C"), (SELL, k2, "C")), 0.0
        yield ((SELL, k1, "C"), (BUY, k2, "C")), 0.0
        yield ((SELL, k1, "P"), (BUY, k2, "P")), 0.0
        yield ((BUY, k1, "P"), (SELL, k2, "P")), -width
        yield ((BUY, k1, "C"), (SELL, k2, "C"), (BUY, k2, "P"), (SELL, k1, "P")), width
        yield ((SELL, k1, "C"), (BUY, k2, "C"), (SELL, k2, "P"), (BUY, k1, "P")), -width


def butterflies() -> Iterator[tuple[Leg, ...]]:
    """Yield every body sold against two wings."""
    for kind in "CP":
        for k1, k2, k3 in combinations(STRIKES, 3):
            yield (BUY, k1, kind), (SELL, k2, kind), (BUY, k3, kind)


def weights(wanted: tuple[Leg, ...]) -> tuple[Fraction, ...]:
    """Return coins of each leg: one, but for a butterfly, whose wings are as far from the body as it says."""
    if len(wanted) != 3:
        return (Fraction(1),) * len(wanted)
    k1, k2, k3 = (Fraction(strike) for _, strike, _ in wanted)
    return (k3 - k2) / (k3 - k1), Fraction(1), (k2 - k1) / (k3 - k1)


def payoff(wanted: tuple[Leg, ...], quotes: Tops, *, inverse: bool) -> Floats:
    """Return what the option legs pay at each settlement, less what they cost, in coin or in currency."""
    total = np.zeros_like(SETTLEMENTS)
    for (side, strike, kind), weight in zip(wanted, weights(wanted), strict=True):
        gain = np.maximum((SETTLEMENTS - strike) * (1 if kind == "C" else -1), 0.0)
        bid, ask = quotes[strike, kind]
        pays = gain / SETTLEMENTS if inverse else gain
        total += float(weight) * (pays - ask if side is BUY else bid - pays)
    return total


def future_payoff(amount: float, forward: ExecutableForward, *, inverse: bool) -> Floats:
    """Return what a future pays: an amount in USD in coin, or an amount in coins in currency."""
    price = forward.ask if amount > 0 else forward.bid
    return amount * (1 / price - 1 / SETTLEMENTS) if inverse else amount * (SETTLEMENTS - price)


def check(found: dict[frozenset[str], Package], quotes: Tops, forward: ExecutableForward, *, inverse: bool) -> None:
    unit = 1.0 if inverse else 0.5 * (forward.bid + forward.ask)
    for wanted, amount in (*packages(inverse=inverse), *((each, 0.0) for each in butterflies())):
        ahead = future_payoff(amount, forward, inverse=inverse)
        locked_in = float((payoff(wanted, quotes, inverse=inverse) + ahead).min())
        package = found.get(legs(*wanted, inverse=inverse))
        if locked_in > SMALLEST_EDGE * unit:
            assert package is not None, f"missed {wanted}: pays at least {locked_in}"
        if package is not None:
            ratios = [float(each) for each in weights(wanted)]
            assert sorted(leg.ratio for leg in package.legs) == pytest.approx(sorted(ratios), rel=1e-12)
            edge = package.gross_bps / 1e4 * unit
            assert abs(locked_in - edge) <= SMALLEST_EDGE * unit, f"{wanted} pays at least {locked_in}, not {edge}"


@given(quotes=tops(), forward=FUTURES)
def test_in_coin_the_edge_is_what_the_worst_settlement_leaves(quotes: Tops, forward: ExecutableForward) -> None:
    check(found_by_any_row(chain_with(quotes), forward), quotes, forward, inverse=True)


@given(quotes=tops(unit=60_000.0), forward=FUTURES)
def test_in_currency_the_edge_is_what_the_worst_settlement_leaves(quotes: Tops, forward: ExecutableForward) -> None:
    check(found_by_any_row(chain_with(quotes, inverse=False), forward), quotes, forward, inverse=False)
