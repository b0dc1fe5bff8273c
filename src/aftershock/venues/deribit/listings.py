"""Options that are listed while a stream goes on: daily ones appear at 08:00 UTC.

`instrument.state` tells of them, and the marks of the whole chain name those that opened while nobody listened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aftershock.model.symbols import parse_symbol, write_symbol
from aftershock.venues.connection.text import printable
from aftershock.venues.deribit.chain import Chain
from aftershock.venues.deribit.instruments import NOT_OPEN, Listed
from aftershock.venues.deribit.messages import InstrumentState
from aftershock.venues.deribit.rows import VENUE
from aftershock.venues.tardis.report import FileReport

__all__ = ["Listings"]

_OPEN = frozenset({"started", "open"})
_NOT_OPEN = frozenset(
    {
        *("created", "inactive", "halted", "locked", "settlement"),
        *("settled", "delivered", "deactivated", "closed", "terminated"),
    }
)
"""Words that the venue uses, older and newer ones; of others nothing is concluded."""


class Listings:
    """Which options are known, and what to subscribe for one that opens.

    Attributes:
        indices: Price index of each (family, expiry in ns UTC): what settles together, and against what.
    """

    def __init__(self, assets: Sequence[str], report: FileReport) -> None:
        """Take the coins that are listened to."""
        self.indices: dict[tuple[str, int], str] = {}
        self._assets, self._report = frozenset(assets), report
        self._known: dict[str, None] = {}
        self._refused: dict[str, str] = {}

    def know(self, chain: Chain, listed: Listed) -> None:
        """Take over what is listed, and what of it was left out."""
        self._refused |= listed.refused
        for each in chain.instruments:
            self._known[each.symbol] = None
            self.indices[each.family, each.expiry_ns or 0] = listed.indices[each.symbol]

    def channels(self, chain: Chain) -> list[str]:
        """Return the channels that tell of new options."""
        return [f"instrument.state.option.{each}" for each in dict.fromkeys(i.settles_in for i in chain.instruments)]

    def opened(self, states: Iterable[InstrumentState]) -> list[str]:
        """Return the channels of options that are new and open."""
        found: list[str] = []
        for each in states:
            symbol, name = each.instrument_name.upper(), printable(each.instrument_name)
            if each.state not in _OPEN:
                if each.state not in _NOT_OPEN:
                    self._report.note(f"Deribit says of {name} that it is {printable(each.state)}: not taken as open")
                continue
            if self._refused.get(symbol, NOT_OPEN) == NOT_OPEN:
                found += self._new(symbol)
        return found

    def seen(self, symbols: Iterable[str]) -> list[str]:
        """Return the channels of options that have a mark and are new; what was left out once stays so."""
        return [channel for each in symbols if each not in self._refused for channel in self._new(each)]

    def _new(self, symbol: str) -> list[str]:
        if symbol in self._known:
            return []
        option = parse_symbol(VENUE, symbol)
        if option is None or option.kind != "option" or option.base not in self._assets:
            return []
        self._known[symbol] = None
        name = write_symbol(option)
        family = option.base if option.inverse else f"{option.base}_{option.quote}"
        expiry = family, option.expiry_ns or 0
        if expiry in self.indices:
            return [f"quote.{name}"]
        self.indices[expiry] = next((index for (other, _), index in self.indices.items() if other == family), "")
        return [f"ticker.{name}.agg2", f"quote.{name}"]
