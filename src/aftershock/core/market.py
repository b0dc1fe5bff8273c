"""What is known of the markets: assets by coin, instruments by symbol, streams that went silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aftershock.core.asset import AssetState
from aftershock.core.chain import Chain
from aftershock.core.fees import FeeBook
from aftershock.core.stats import EngineStats, LiquidationTotals
from aftershock.core.streams import StreamStatus, carries_options, carries_quotes
from aftershock.model.instruments import Instrument, Kind
from aftershock.model.liquidations import Liquidated
from aftershock.model.units import LARGEST_USD

if TYPE_CHECKING:
    from aftershock.core.config import EngineConfig
    from aftershock.model.events import StreamId
    from aftershock.model.table import InstrumentTable

__all__ = ["Listed", "Market"]

Listed = tuple[AssetState, Chain, int]
"""An option: its asset, its chain and its row there."""


class Market:
    """State of all assets; what an event says is written here before anybody judges it.

    Attributes:
        assets: By coin.
        fees: Fee schedules.
        streams: Which streams are silent.
    """

    def __init__(self, config: EngineConfig, table: InstrumentTable, stats: EngineStats) -> None:
        self._config = config
        self._table = table
        self._stats = stats
        self._options: dict[tuple[str, str], Listed | None] = {}
        self.assets: dict[str, AssetState] = {}
        self.fees = FeeBook(table)
        self.streams = StreamStatus()

    def asset(self, name: str) -> AssetState:
        """Return the state of a coin, new if need be."""
        if name not in self.assets:
            self.assets[name] = AssetState(name, self._config, self.fees, self.streams)
        return self.assets[name]

    def resolve(self, venue: str, symbol: str) -> Instrument | None:
        """Return an instrument; one that nobody knows is counted."""
        instrument = self._table.resolve(venue, symbol)
        if instrument is None:
            self._stats.unknown(venue, symbol)
        return instrument

    def option(self, venue: str, symbol: str) -> Listed | None:
        """Return where an option is kept, listing it at first sight; what is none is counted."""
        key = (venue, symbol)
        if key not in self._options:
            self._options[key] = self._list(venue, symbol)
        found = self._options[key]
        if found is None:
            self._stats.unknown(venue, symbol)
        return found

    def _list(self, venue: str, symbol: str) -> Listed | None:
        instrument = self._table.resolve(venue, symbol)
        if instrument is None or instrument.kind is not Kind.OPTION:
            return None
        asset = self.asset(instrument.underlying)
        chain = asset.chains.get((venue, instrument.family))
        if chain is None:
            chain = Chain(venue, instrument.family, confirms_stream=self._config.options_feed == "stream")
            asset.chains[chain.key] = chain
        return asset, chain, chain.list_instrument(instrument)

    def count_liquidation(self, asset: str, usd: float, liquidated: Liquidated) -> None:
        """Add a liquidation to the totals; one without a plausible notional adds nothing and is counted apart."""
        totals = self._stats.liquidations.setdefault(asset, LiquidationTotals())
        totals.count += 1
        if not 0 <= usd < LARGEST_USD:
            totals.unconvertible += 1
            return
        totals.usd += usd
        if liquidated is Liquidated.LONG:
            totals.long_usd += usd
        elif liquidated is Liquidated.SHORT:
            totals.short_usd += usd

    def lose(self, stream: StreamId) -> None:
        """Trust no quote of a stream until its next message, as after a gap."""
        for asset in self.assets.values():
            for (venue, _), chain in asset.chains.items():
                if venue == stream.venue and carries_options(stream, asset.name):
                    chain.forget_confirmations()
                elif venue == stream.venue and stream.symbol and carries_quotes(stream, stream.symbol):
                    chain.forget_confirmation(stream.symbol)
            tops = [(venue, state.top) for venue, state in asset.book.perpetuals.items()]
            tops += [(key[0], top) for key, top in asset.book.futures.items()]
            for venue, top in tops:
                if venue == stream.venue and carries_quotes(stream, top.instrument.symbol):
                    top.confirmed = 0
            if asset.book.index_venue == stream.venue and stream.kind in ("", "derivative_ticker"):
                asset.book.lose_index()

    def forget(self) -> None:
        """Trust nothing that was collected, as after a clock step."""
        for asset in self.assets.values():
            asset.forget()
