"""What is left of an edge is what a fresh test of the same options would find."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.app.revalue import EdgeThen
from aftershock.core.asset import AssetState
from aftershock.core.chain import Chain, Expiry
from aftershock.core.config import EngineConfig
from aftershock.core.package import ExecutableForward
from aftershock.core.packages import PackageScanner
from aftershock.core.static_observer import GrossEdge
from tests.core.market import T0, quote_values
from tests.core.package_quotes import STRIKES, chain_with, future, scanned

KINDS = [(strike, kind) for strike in STRIKES for kind in "CP"]
Tops = dict[tuple[float, str], tuple[float, float]]


class Forward:
    """Stands for an asset of which only the forward of packages is asked."""

    def __init__(self, forward: ExecutableForward) -> None:
        self._forward = forward

    def package_forward(self, _chain: Chain, _expiry: Expiry, _now: int) -> ExecutableForward:
        return self._forward


def asset(forward: ExecutableForward) -> AssetState:
    return cast("AssetState", Forward(forward))


def edges(chain: Chain, forward: ExecutableForward) -> dict[object, GrossEdge]:
    """Return the gross edges that any row finds, by their legs."""
    seen: list[GrossEdge] = []
    scanner = PackageScanner(EngineConfig())
    scanner.on_gross = seen.append
    for row in range(len(chain)):
        scanned(scanner, chain, row, T0, forward)
    return {(edge.edge_type, tuple((leg.row, leg.side) for leg in edge.legs)): edge for edge in seen}


@st.composite
def tops(draw: st.DrawFn, scale: float) -> Tops:
    middles = [draw(st.floats(0.001, 0.3)) for _ in KINDS]
    return {name: (scale * 0.98 * middle, scale * 1.02 * middle) for name, middle in zip(KINDS, middles, strict=True)}


def check(before: Tops, after: Tops, forwards: tuple[float, float], *, inverse: bool) -> int:
    first, second = (future(at, at + 10.0) for at in forwards)
    chain = chain_with(before, inverse=inverse)
    held = {name: EdgeThen(edge, asset(first), T0) for name, edge in edges(chain, first).items()}
    for row, quote in enumerate(after.values()):
        chain.update(row, T0 + 1, quote_values(*quote))
    fresh = edges(chain, second)
    for name, then in held.items():
        gross_bps, _ = then.again(asset(second), T0 + 1)
        unit = 1.0 if inverse else forwards[1] + 5.0
        if name in fresh:
            assert gross_bps == pytest.approx(1e4 * fresh[name].gross / unit, abs=1e-6)
        else:
            assert gross_bps <= 1e-6
    return len(held)


@given(tops(1.0), tops(1.0), st.tuples(st.floats(40_000, 80_000), st.floats(40_000, 80_000)))
def test_of_inverse_options(before: Tops, after: Tops, forwards: tuple[float, float]) -> None:
    check(before, after, forwards, inverse=True)


@given(tops(6e4), tops(6e4), st.tuples(st.floats(40_000, 80_000), st.floats(40_000, 80_000)))
def test_of_linear_options(before: Tops, after: Tops, forwards: tuple[float, float]) -> None:
    check(before, after, forwards, inverse=False)


@pytest.mark.parametrize(("inverse", "scale"), [(True, 1.0), (False, 6e4)])
def test_prices_in_disorder_give_edges_of_every_kind_to_look_at(inverse: bool, scale: float) -> None:
    prices = (0.1, 0.2, 0.3, 0.1, 0.2, 0.3, 0.1, 0.2)
    quotes = {name: (scale * at, scale * at) for name, at in zip(KINDS, prices, strict=True)}
    found = edges(chain_with(quotes, inverse=inverse), future())

    assert {edge.edge_type.value for edge in found.values()} == {"B1" if inverse else "B2", "B3", "B4", "B5"}
    assert check(quotes, dict.fromkeys(KINDS, (scale * 0.1, scale * 0.1)), (6e4, 6.1e4), inverse=inverse) > 10
