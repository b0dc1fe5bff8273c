"""Chains with chosen quotes, and what the scanner finds in them."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from aftershock.core.chain import Chain
from aftershock.core.config import EngineConfig
from aftershock.core.packages import ExecutableForward, Package, PackageScanner
from aftershock.model.instruments import FeeSchedule, Kind
from aftershock.model.orders import Side
from aftershock.model.units import NAN
from tests.core.market import EXPIRY, T0, chain_of, quote_values

STRIKES = (50_000.0, 58_000.0, 60_000.0, 67_000.0)
Tops = Mapping[tuple[float, str], tuple[float, float]]
"""Bid and ask by strike and type (`C`, `P`), in coin or in currency."""

NO_FEES = FeeSchedule(venue="deribit", kind=Kind.OPTION, inverse=True, valid_from_ns=0, taker_rate=0.0, maker_rate=0.0)


def future(bid: float = 60_000.0, ask: float = 60_010.0, *, fee_rate: float = 0.0) -> ExecutableForward:
    return ExecutableForward(
        bid=bid, ask=ask, executable=True, fee_rate=fee_rate, index=0.5 * (bid + ask), confirmed=T0
    )


def mark(price: float = 60_000.0) -> ExecutableForward:
    return ExecutableForward(bid=price, ask=price, executable=False, fee_rate=0.0, index=price, confirmed=T0)


def symbol(strike: float, kind: str, *, inverse: bool = True) -> str:
    return f"BTC{'' if inverse else '_USDC'}-{EXPIRY}-{strike:.0f}-{kind}"


def chain_with(tops: Tops, *, inverse: bool = True, confirms_stream: bool = True) -> Chain:
    """Return a chain whose options carry these quotes, all confirmed at T0."""
    family = "BTC" if inverse else "BTC_USDC"
    names = [symbol(strike, kind, inverse=inverse) for strike, kind in tops]
    chain = chain_of(names, confirms_stream=confirms_stream, family=family)
    for row, (bid, ask) in enumerate(tops.values()):
        chain.update(row, T0, quote_values(bid, ask))
    return chain


def scanned(
    scanner: PackageScanner,
    chain: Chain,
    row: int,
    now: int = T0,
    forward: ExecutableForward | None = None,
    fees: FeeSchedule | None = NO_FEES,
) -> list[Package]:
    """Scan everything that one row, alone at its moment, is a leg of."""
    ahead = future() if forward is None else forward
    return scanner.scan(chain, row, now, ahead, fees) + scanner.scan_butterflies(chain, [row], now, ahead, fees)


def found_by_any_row(
    chain: Chain,
    forward: ExecutableForward,
    fees: FeeSchedule | None = NO_FEES,
    scanner: PackageScanner | None = None,
) -> dict[frozenset[str], Package]:
    """Scan from every row; return packages by their legs, written `buy SYMBOL` or `sell SYMBOL`."""
    scanner = PackageScanner(EngineConfig()) if scanner is None else scanner
    found = {}
    for row in range(len(chain)):
        for package in scanned(scanner, chain, row, T0, forward, fees):
            found[frozenset(f"{side.value} {chain.instruments[leg].symbol}" for leg, side, _ in package.legs)] = package
    return found


def legs(*named: tuple[Side, float, str], inverse: bool = True) -> frozenset[str]:
    return frozenset(f"{side.value} {symbol(strike, kind, inverse=inverse)}" for side, strike, kind in named)


@st.composite
def tops(draw: st.DrawFn, *, unit: float = 1.0) -> Tops:
    """Draw quotes, some sides of them absent, wild enough for any package to be violated.

    Args:
        draw: Given by hypothesis.
        unit: 1 for prices in coin, the forward for prices in currency.
    """
    quotes = {}
    for strike in STRIKES:
        for kind in "CP":
            bid = draw(st.floats(0.0005, 0.3))
            width = draw(st.floats(0.0, 0.05))
            absent = draw(st.sampled_from(["none", "none", "none", "none", "bid", "ask"]))
            quotes[strike, kind] = (
                NAN if absent == "bid" else bid * unit,
                NAN if absent == "ask" else (bid + width) * unit,
            )
    return quotes
