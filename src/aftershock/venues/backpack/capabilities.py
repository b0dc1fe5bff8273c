"""What Backpack offers today, as its interface says when it is asked: which types of markets, and whether options."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from aftershock.errors import UnreachableError
from aftershock.model.units import iso_utc
from aftershock.venues.backpack.markets import KNOWN_TYPES, Market, MarketType, read_markets, typed_option
from aftershock.venues.backpack.refusals import BackpackError
from aftershock.venues.backpack.rest import Rest
from aftershock.venues.connection.http import is_passing
from aftershock.venues.connection.text import printable

__all__ = ["OPTION_TYPES", "Capabilities", "Listing", "all_markets", "probe"]

OPTION_TYPES = ("OPTION", "OPTIONS")
_LISTS = ("openInterest", "tickers", "markPrices")
_REFUSED = 400


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The markets of every type that was answered.

    Attributes:
        markets: Unknown and odd ones included.
        unreadable: Rows that could not be read whole.
        option_type: The type under which options are asked for; empty if the venue refuses both that could be.
        refused: Types that were refused otherwise than as unknown, each with the refusal.
    """

    markets: list[Market]
    unreadable: int
    option_type: str
    refused: dict[str, BackpackError]

    def need(self, *types: str) -> None:
        """Make sure that the lists of some types are none that the venue could not give just now or for this key.

        Raises:
            BackpackError: One is.
        """
        for kind in types:
            if kind in self.refused:
                raise self.refused[kind]

    def need_options(self) -> None:
        """Make sure that a venue that lists no options does so for good, and not for the moment.

        Raises:
            BackpackError: It could not say.
        """
        for kind in OPTION_TYPES:
            if not self.option_type and kind in self.refused and is_passing(self.refused[kind].status, ""):
                raise self.refused[kind]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        checked_ns: When, ns UTC.
        markets: Number of markets by type, as the venue names the types.
        tradable: Those of them whose book takes orders.
        option_type: The type under which options are asked for; empty if the venue refuses both that could be.
        options: Options whose terms are all in typed fields; `untyped` are listed without.
        unlisted: Symbols that some list names and no market does.
        unreadable: Rows that could not be read whole; those with a name are among the markets, and not tradable.
        unanswered: HTTP status of each list that was refused otherwise than as unknown.
    """

    checked_ns: int
    markets: dict[str, int]
    tradable: dict[str, int]
    option_type: str
    options: int
    untyped: int
    unlisted: tuple[str, ...]
    unreadable: int
    unanswered: dict[str, int] = {}

    @property
    def has_options(self) -> bool:
        """Tell whether an option chain can be had."""
        return self.options > 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**msgspec.to_builtins(self), "checked_ns": str(self.checked_ns), "checked": iso_utc(self.checked_ns)}

    def text(self) -> str:
        """Return it in one sentence or two."""
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(self.markets.items())) or "no market"
        if self.options:
            options = f"{self.options} options by marketType={self.option_type}"
        elif self.untyped:
            options = f"{self.untyped} options without typed terms, which are not traded"
        elif self.option_type:
            options = f"marketType={self.option_type} is known, and nothing is listed"
        else:
            refused = [each for each in OPTION_TYPES if f"marketType={each}" not in self.unanswered]
            options = f"no options: marketType={' and '.join(refused)} {'are' if refused[1:] else 'is'} refused"
            options = options if refused else "no options that could be asked for"
        more = f"; {len(self.unlisted)} symbols of no market" if self.unlisted else ""
        silent = "".join(f"; {name} answered with HTTP {status}" for name, status in self.unanswered.items())
        broken = f"; {self.unreadable} rows unreadable" if self.unreadable else ""
        return f"lists {listed}; {options}{more}{broken}{silent} (checked {iso_utc(self.checked_ns)[:19]}Z)"


async def all_markets(rest: Rest) -> Listing:
    """Return the markets of every type.

    Each type is asked for by name: without one the venue lists spot and perpetuals only. A type that is refused as
    unknown has no markets; any other refusal of a type is noted, and stops the listing of no other type.

    Raises:
        BackpackError: Every type is refused otherwise than as unknown.
        UnreachableError: The venue does not answer, or with something else.
    """
    found: dict[str, Market] = {}
    unreadable, option_type = 0, ""
    refused: dict[str, BackpackError] = {}
    kinds = (*map(str, KNOWN_TYPES), *OPTION_TYPES)
    for kind in kinds:
        try:
            document = await rest.get("/api/v1/markets", (("marketType", kind),))
        except BackpackError as error:
            if error.status != _REFUSED:
                refused[kind] = error
            continue
        if kind in OPTION_TYPES:
            option_type = option_type or kind
        try:
            markets, broken = read_markets(document)
        except msgspec.ValidationError as error:
            raise UnreachableError("Backpack answers with what is no list of markets: try again") from error
        unreadable += broken
        found |= {each.symbol: each for each in markets}
    if len(refused) == len(kinds):
        raise refused[kinds[0]]
    return Listing(markets=list(found.values()), unreadable=unreadable, option_type=option_type, refused=refused)


async def probe(rest: Rest) -> Capabilities:
    """Find out what there is.

    Raises:
        UnreachableError: The venue does not answer, or with something else.
    """
    listing = await all_markets(rest)
    markets, unanswered = listing.markets, {f"marketType={kind}": no.status for kind, no in listing.refused.items()}
    known = {each.symbol for each in markets}
    elsewhere: set[str] = set()
    for name in _LISTS:
        try:
            rows = await rest.get(f"/api/v1/{name}")
        except BackpackError as error:
            unanswered[name] = error.status
            continue
        if isinstance(rows, list):
            elsewhere |= {str(row.get("symbol")) for row in rows if isinstance(row, dict)}
    options = [each for each in markets if each.type is MarketType.OPTION or each.market_type in OPTION_TYPES]
    typed = sum(typed_option(each) is not None for each in options)
    return Capabilities(
        checked_ns=rest.clock.wall_ns(),
        markets=dict(Counter(printable(each.market_type) for each in markets)),
        tradable=dict(Counter(printable(each.market_type) for each in markets if each.tradable)),
        option_type=listing.option_type,
        options=typed,
        untyped=len(options) - typed,
        unlisted=tuple(sorted(map(printable, elsewhere - known))),
        unreadable=listing.unreadable,
        unanswered=unanswered,
    )
