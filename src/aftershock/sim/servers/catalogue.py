"""What the sandbox lists: exchanges, their symbols, and contract terms, in the form of Tardis' API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aftershock.model.instruments import Instrument, Kind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_DAY
from aftershock.sim.market.instruments_file import instrument_entry
from aftershock.sim.market.listing import INVERSE, LINEAR, PERPS, Listing
from aftershock.sim.servers.archive import ARCHIVE_DAY_NS, Archive
from aftershock.sim.servers.stamps import iso
from aftershock.sim.servers.tape import RESTART, RESTART_SYMBOL

__all__ = ["ENDED", "LIVE", "Catalogue"]

_PERPETUALS = ("trade", "liquidation", "quote", "book_ticker", "derivative_ticker")
LIVE: dict[str, tuple[str, ...]] = {
    **{perp.venue: _PERPETUALS for perp in PERPS},
    INVERSE: (*_PERPETUALS, "option_summary"),
    LINEAR: ("trade", "quote", "book_ticker", "option_summary"),
    RESTART: _PERPETUALS,
}
"""What the machine can normalize of each exchange that is played live; some of it never has a message here."""
ENDED: dict[str, tuple[str, ...]] = {"ftx": _PERPETUALS}
_NAMES = {
    "binance-futures": "Binance USDT Futures",
    "okex-swap": "OKX Swap",
    "bybit": "Bybit Derivatives",
    "deribit": "Deribit",
    "okex-options": "OKX Options",
    "ftx-restart": "simulated venue: Tardis has no such exchange",
    "ftx": "FTX",
}
_CHANNELS = {"ftx": ["trades", "ticker"], "ftx-restart": ["trades", "ticker"], "deribit": ["trades", "ticker", "quote"]}
_DATA_SETS = {
    "trade": "trades",
    "liquidation": "liquidations",
    "quote": "quotes",
    "derivative_ticker": "derivative_ticker",
    "option_summary": "options_chain",
}


class Catalogue:
    """Documents of the API, made when asked for: the listing changes as options expire."""

    def __init__(self, listing: Callable[[], Listing], began_ns: int, archive: Archive) -> None:
        """Take where to look.

        Args:
            listing: Returns the options that are listed now.
            began_ns: First moment of the market, ns UTC.
            archive: The recorded day.
        """
        self._listing, self._began_ns, self._archive = listing, began_ns, archive
        self._table = InstrumentTable()

    def exchanges(self) -> list[dict[str, Any]]:
        """Return all exchanges, without their symbols."""
        return [self._head(exchange) for exchange in (*LIVE, *ENDED)]

    def exchange(self, exchange: str) -> dict[str, Any] | None:
        """Return one exchange with its symbols; None for one that is not here."""
        if exchange not in LIVE and exchange not in ENDED:
            return None
        symbols = [
            {"id": each.symbol, "type": each.kind.value, "availableSince": self._since(exchange)}
            for each in self._instruments(exchange)
        ]
        types = [_DATA_SETS[each] for each in (LIVE | ENDED)[exchange] if each in _DATA_SETS]
        return self._head(exchange) | {
            "availableSymbols": symbols,
            "availableChannels": _CHANNELS.get(exchange, []),
            "channelDetails": [
                {"name": name, "availableSince": self._since(exchange)} for name in _CHANNELS.get(exchange, [])
            ],
            "incidentReports": [],
            "datasets": {
                "formats": ["csv"],
                "exportedFrom": iso(ARCHIVE_DAY_NS),
                "exportedUntil": iso(ARCHIVE_DAY_NS + NS_PER_DAY),
                "symbols": [
                    {"id": group, "type": group.lower(), "availableSince": self._since(exchange), "dataTypes": types}
                    for group in _groups(exchange)
                ]
                + [each | {"dataTypes": types} for each in symbols],
            },
        }

    def instruments(self, exchange: str) -> list[dict[str, Any]] | None:
        """Return the contract terms of an exchange; None for one that is not here."""
        if exchange not in LIVE and exchange not in ENDED:
            return None
        return [
            instrument_entry(each) | {"active": exchange in LIVE, "availableSince": self._since(exchange)}
            for each in self._instruments(exchange)
        ]

    def _head(self, exchange: str) -> dict[str, Any]:
        head: dict[str, Any] = {
            "id": exchange,
            "name": _NAMES[exchange],
            "enabled": True,
            "availableSince": self._since(exchange),
            "supportsDatasets": exchange in ("deribit", *ENDED),
        }
        if exchange in ENDED:
            head |= {"availableTo": "2022-11-13T00:00:00.000Z", "delisted": True}
        return head

    def _since(self, exchange: str) -> str:
        if exchange == "ftx":
            return "2019-08-01T00:00:00.000Z"
        return iso(ARCHIVE_DAY_NS if exchange == INVERSE else self._began_ns)

    def _instruments(self, exchange: str) -> list[Instrument]:
        if exchange in (RESTART, *ENDED):
            return self._known(exchange, [RESTART_SYMBOL])
        perps = self._known(exchange, [perp.symbol for perp in PERPS if perp.venue == exchange])
        listing = self._listing()
        if exchange == LINEAR:
            return [*perps, *(each for each in listing.instruments if each.venue == exchange)]
        names = [s for s, venue in zip(listing.symbols, listing.venues, strict=True) if venue == exchange]
        if exchange == INVERSE:
            names = [*(future.symbol for future in listing.futures), *names]
        return [*perps, *self._known(exchange, names)]

    def _known(self, exchange: str, symbols: list[str]) -> list[Instrument]:
        found = [self._table.resolve(exchange, symbol) for symbol in symbols]
        return [each for each in found if each is not None]


def _groups(exchange: str) -> list[str]:
    kinds = [Kind.PERPETUAL] if exchange != LINEAR else []
    groups = ["PERPETUALS"] if kinds else []
    if exchange == INVERSE:
        groups += ["FUTURES", "OPTIONS"]
    return groups or ["OPTIONS"]
