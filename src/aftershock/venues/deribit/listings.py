"""Options that are listed while a stream goes on: daily ones appear at 08:00 UTC."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aftershock.model.symbols import parse_symbol
from aftershock.venues.connection.text import printable
from aftershock.venues.deribit.chain import Chain
from aftershock.venues.deribit.instruments import Listed
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

    def know(self, chain: Chain, listed: Listed) -> None:
        """Take over what is listed."""
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
            option = parse_symbol(VENUE, symbol)
            if option is None or option.kind != "option" or option.base not in self._assets or symbol in self._known:
                continue
            self._known[symbol] = None
            family = option.base if option.inverse else f"{option.base}_{option.quote}"
            expiry = family, option.expiry_ns or 0
            if expiry not in self.indices:
                self.indices[expiry] = next((index for (name, _), index in self.indices.items() if name == family), "")
                found.append(f"ticker.{each.instrument_name}.agg2")
            found.append(f"quote.{each.instrument_name}")
        return found
