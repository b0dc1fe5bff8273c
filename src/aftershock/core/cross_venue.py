"""Edge C: one option on two venues, bought where it is cheap and sold where it is dear.

Same coin, expiry, strike and type, so both legs pay the same at expiry but for the venues' settlement indices. An
inverse leg (price in coin) and a linear one (price in currency) may meet: what the coin premium does to the dollars is
hedged on a perpetual, and only that. Costs are those of docs/decision.md, section 5.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from aftershock.core.chain import NO_ROW
from aftershock.core.cross_pair import CrossPair, Forwards, Listing, PairPricer, in_order
from aftershock.core.package import PackageCounts
from aftershock.core.static_observer import GrossEdge, ObservedLeg
from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import NAN, NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.fees import FeeBook
    from aftershock.core.static_observer import OnGross

__all__ = ["CrossPair", "CrossVenueScanner", "Forwards", "Listing"]

_BID, _ASK = 0, 2  # positions in Chain.cells


class _Pair(NamedTuple):
    """An option's counterpart, and both in one order whichever leg's quote arrives."""

    there: Listing
    first: Listing
    second: Listing


class _Pairs(NamedTuple):
    """The pairs of an option of a chain, as they were when so many options of its coin were listed."""

    listed: int
    chain: Chain
    pairs: list[_Pair]


_NOTHING: dict[int, bool] = {}


class CrossVenueScanner:
    """Tests an arriving quote against the same option wherever else it is listed, both ways."""

    def __init__(self, config: EngineConfig, fees: FeeBook) -> None:
        self._pricer = PairPricer(config, fees)
        self._span = int(config.leg_span_ms * NS_PER_MS)
        self._pairs: dict[tuple[tuple[str, str], int], _Pairs] = {}
        self.counts = PackageCounts()
        self.on_gross: OnGross | None = None

    def scan(
        self,
        asset: AssetState,
        chain: Chain,
        row: int,
        now: int,
        done: Mapping[tuple[str, str], Mapping[int, bool]],
        forwards: Forwards | None = None,
    ) -> list[CrossPair]:
        """Return the pairs with a positive net edge.

        Args:
            asset: Coin.
            chain: Chain whose row was just written.
            row: The row.
            now: Our clock, ns.
            done: Rows by chain whose pairs were tested at this moment before.
            forwards: Those looked up at this moment; this one adds to them.
        """
        if len(asset.chains) < 2:
            return []
        found = []
        counts, forwards = self.counts, {} if forwards is None else forwards
        expiry_ns = chain.instruments[row].expiry_ns or 0
        for there, first, second in self._elsewhere(asset, chain, row):
            if expiry_ns not in there.chain.expiries or there.row in done.get(there.chain.key, _NOTHING):
                continue
            confirmed, other = chain.confirmed(row), there.chain.confirmed(there.row)
            if confirmed == 0 or other == 0 or abs(confirmed - other) > self._span:
                counts.desync += 2
                continue
            counts.checked += 2
            forward = self._pricer.forward(asset, first, second, now, forwards)
            first_unit = forward if first.instrument.inverse else 1.0
            second_unit = forward if second.instrument.inverse else 1.0
            first_cells, second_cells = first.chain.cells, second.chain.cells
            for bought, sold, gross in (
                (
                    first,
                    second,
                    second_cells[_BID][second.row] * second_unit - first_cells[_ASK][first.row] * first_unit,
                ),
                (
                    second,
                    first,
                    first_cells[_BID][first.row] * first_unit - second_cells[_ASK][second.row] * second_unit,
                ),
            ):
                if gross > 0:
                    pair = self._test(asset, bought, sold, forward, now)
                    found += [] if pair is None else [pair]
                else:
                    counts.unquoted += gross != gross or forward != forward  # noqa: PLR0124  NaN: no price
        return found

    def _elsewhere(self, asset: AssetState, chain: Chain, row: int) -> list[_Pair]:
        """Return the pairs of an option; they are looked for again when an option of its coin was listed."""
        listed = sum([len(each.instruments) for each in asset.chains.values()])
        known = self._pairs.get((chain.key, row))
        if known is None or known.listed != listed or known.chain is not chain:
            known = self._pairs[chain.key, row] = _Pairs(listed, chain, _find(asset, Listing(chain, row)))
        return known.pairs

    def _test(self, asset: AssetState, bought: Listing, sold: Listing, forward: float, now: int) -> CrossPair | None:
        """Count one direction with a gross edge, and return it if its net edge is positive."""
        pair = self._pricer.price(asset, bought, sold, forward, now)
        gross = -pair.price_usd
        self.counts.gross += 1
        self._tell(bought, sold, gross, NAN)
        if not pair.hedgeable:
            self.counts.no_executable_forward += 1
            return None
        cost = pair.fee_usd + pair.hedge_cost_usd + pair.allowance_usd
        if not gross > cost:
            return None
        self.counts.net += 1
        self._tell(bought, sold, gross, cost)
        return pair

    def _tell(self, bought: Listing, sold: Listing, gross: float, cost: float) -> None:
        if self.on_gross is not None:
            legs = tuple(ObservedLeg(at.chain, at.row, side) for at, side in ((bought, Side.BUY), (sold, Side.SELL)))
            self.on_gross(GrossEdge(EdgeType.CROSS_VENUE, Action.BUY, legs, gross, cost))


def _find(asset: AssetState, here: Listing) -> list[_Pair]:
    """Return the pairs of an option with the same option on every other venue: inverse before linear, then by name."""
    found = []
    instrument = here.instrument
    for chain in asset.chains.values():
        expiry = chain.expiries.get(instrument.expiry_ns or 0)
        if chain.venue == here.chain.venue or expiry is None:
            continue
        at = bisect_left(expiry.strikes, instrument.strike)
        if at == len(expiry.strikes) or expiry.strikes[at] != instrument.strike:
            continue
        row = (expiry.calls if instrument.is_call else expiry.puts)[at]
        if row != NO_ROW:
            there = Listing(chain, row)
            found.append(_Pair(there, *in_order(here, there)))
    return found
