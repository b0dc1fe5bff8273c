"""The scanner and `aftershock.pricing.static` hold the same bounds."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.config import EngineConfig
from aftershock.core.packages import ExecutableForward, PackageScanner
from aftershock.model.orders import Side
from aftershock.pricing import static
from tests.core.package_quotes import (
    STRIKES,
    Tops,
    chain_with,
    found_by_any_row,
    future,
    legs,
    mark,
    scanned,
    tops,
)

BUY, SELL = Side.BUY, Side.SELL
FUTURES = st.builds(lambda bid, width: future(bid, bid + width), st.floats(55_000, 65_000), st.floats(0, 300))
FORWARD = 60_000.0


def butterfly_edges(quotes: Tops, *, inverse: bool) -> dict[frozenset[str], float]:
    """Return the gross edge of every body sold against two wings."""
    edges = {}
    for kind in "CP":
        for k1, k2, k3 in combinations(STRIKES, 3):
            wanted = legs((BUY, k1, kind), (SELL, k2, kind), (BUY, k3, kind), inverse=inverse)
            (_, low), (body, _), (_, high) = (quotes[k, kind] for k in (k1, k2, k3))
            edges[wanted] = static.butterfly(low, body, high, k1, k2, k3)
    return edges


def inverse_edges(quotes: Tops, forward: ExecutableForward) -> dict[frozenset[str], float]:
    """Return the gross edge in coin of every package, by its legs."""
    edges = butterfly_edges(quotes, inverse=True)
    ahead = (forward.bid, forward.ask)
    for k in STRIKES:
        conversion, reversal = static.parity_inverse(*quotes[k, "C"], *quotes[k, "P"], k, *ahead)
        edges[legs((SELL, k, "C"), (BUY, k, "P"))] = conversion
        edges[legs((BUY, k, "C"), (SELL, k, "P"))] = reversal
    for k1, k2 in combinations(STRIKES, 2):
        calls, puts = (*quotes[k1, "C"], *quotes[k2, "C"]), (*quotes[k1, "P"], *quotes[k2, "P"])
        lower, upper = static.vertical_call_inverse(*calls, k1, k2)
        edges[legs((BUY, k1, "C"), (SELL, k2, "C"))] = lower
        edges[legs((SELL, k1, "C"), (BUY, k2, "C"))] = upper
        lower, upper = static.vertical_put_inverse(*puts, k1, k2, forward.bid)
        edges[legs((SELL, k1, "P"), (BUY, k2, "P"))] = lower
        edges[legs((BUY, k1, "P"), (SELL, k2, "P"))] = upper
        long, short = static.box_inverse(*calls, *puts, k1, k2, *ahead)
        edges[legs((BUY, k1, "C"), (SELL, k2, "C"), (BUY, k2, "P"), (SELL, k1, "P"))] = long
        edges[legs((SELL, k1, "C"), (BUY, k2, "C"), (SELL, k2, "P"), (BUY, k1, "P"))] = short
    return edges


def linear_edges(quotes: Tops, forward: ExecutableForward) -> dict[frozenset[str], float]:
    """Return the gross edge in currency of every package, by its legs."""
    edges = butterfly_edges(quotes, inverse=False)
    for k in STRIKES:
        conversion, reversal = static.parity_linear(*quotes[k, "C"], *quotes[k, "P"], k, forward.bid, forward.ask)
        edges[legs((SELL, k, "C"), (BUY, k, "P"), inverse=False)] = conversion
        edges[legs((BUY, k, "C"), (SELL, k, "P"), inverse=False)] = reversal
    for k1, k2 in combinations(STRIKES, 2):
        calls, puts = (*quotes[k1, "C"], *quotes[k2, "C"]), (*quotes[k1, "P"], *quotes[k2, "P"])
        lower, upper = static.vertical_call_linear(*calls, k1, k2)
        edges[legs((BUY, k1, "C"), (SELL, k2, "C"), inverse=False)] = lower
        edges[legs((SELL, k1, "C"), (BUY, k2, "C"), inverse=False)] = upper
        lower, upper = static.vertical_put_linear(*puts, k1, k2)
        edges[legs((SELL, k1, "P"), (BUY, k2, "P"), inverse=False)] = lower
        edges[legs((BUY, k1, "P"), (SELL, k2, "P"), inverse=False)] = upper
        long, short = static.box_linear(*calls, *puts, k1, k2)
        edges[legs((BUY, k1, "C"), (SELL, k2, "C"), (BUY, k2, "P"), (SELL, k1, "P"), inverse=False)] = long
        edges[legs((SELL, k1, "C"), (BUY, k2, "C"), (SELL, k2, "P"), (BUY, k1, "P"), inverse=False)] = short
    return edges


def same(found: dict[frozenset[str], float], expected: dict[frozenset[str], float]) -> None:
    positive = {key: edge for key, edge in expected.items() if edge > 1e-9}
    assert positive.keys() <= found.keys()
    for key, edge in found.items():
        assert edge == pytest.approx(expected[key], rel=1e-9, abs=1e-9)


@given(quotes=tops(), forward=FUTURES)
def test_every_violated_bound_in_coin_is_found_with_its_edge(quotes: Tops, forward: ExecutableForward) -> None:
    packages = found_by_any_row(chain_with(quotes), forward)
    same({key: each.gross_bps / 1e4 for key, each in packages.items()}, inverse_edges(quotes, forward))


@given(quotes=tops(unit=FORWARD), forward=FUTURES)
def test_every_violated_bound_in_currency_is_found_with_its_edge(quotes: Tops, forward: ExecutableForward) -> None:
    packages = found_by_any_row(chain_with(quotes, inverse=False), forward)
    middle = 0.5 * (forward.bid + forward.ask)
    same({key: each.gross_bps / 1e4 * middle for key, each in packages.items()}, linear_edges(quotes, forward))


@given(quotes=tops(), price=st.floats(55_000, 65_000))
def test_against_a_mark_only_what_needs_no_future_is_ever_net(quotes: Tops, price: float) -> None:
    scanner = PackageScanner(EngineConfig())
    packages = found_by_any_row(chain_with(quotes), mark(price), scanner=scanner)
    expected = {key: edge for key, edge in inverse_edges(quotes, mark(price)).items() if edge > 0}
    assert all(package.future_side is None for package in packages.values())
    assert packages.keys() <= expected.keys()
    refused = sum(counts.no_executable_forward for counts in scanner.counts.values())
    assert (refused > 0) == (len(packages) < len(expected))


@given(quotes=tops(), forward=FUTURES)
def test_a_package_is_found_from_each_of_its_legs_alike(quotes: Tops, forward: ExecutableForward) -> None:
    chain, scanner = chain_with(quotes), PackageScanner(EngineConfig())
    by_row = [scanned(scanner, chain, row, forward=forward) for row in range(len(chain))]
    for row, packages in enumerate(by_row):
        for package in packages:
            assert row in [leg for leg, *_ in package.legs]
            assert all(package in by_row[leg] for leg, *_ in package.legs)
