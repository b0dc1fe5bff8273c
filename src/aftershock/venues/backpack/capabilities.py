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
from aftershock.venues.connection.text import printable

__all__ = ["Capabilities", "all_markets", "probe"]

_OPTION_TYPES = ("OPTION", "OPTIONS")
_LISTS = ("openInterest", "tickers", "markPrices")
_REFUSED = 400


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        checked_ns: When, ns UTC.
        markets: Number of markets by type, as the venue names the types.
        tradable: Those of them whose book takes orders.
        option_type: The type under which options are asked for; empty if the venue refuses both that could be.
        options: Options whose terms are all in typed fields; `untyped` are listed without.
        unlisted: Symbols that some list names and no market does.
        unreadable: Rows that are no market.
    """

    checked_ns: int
    markets: dict[str, int]
    tradable: dict[str, int]
    option_type: str
    options: int
    untyped: int
    unlisted: tuple[str, ...]
    unreadable: int

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
            options = "no options: marketType=OPTION and OPTIONS are refused"
        more = f"; {len(self.unlisted)} symbols of no market" if self.unlisted else ""
        broken = f"; {self.unreadable} rows unreadable" if self.unreadable else ""
        return f"lists {listed}; {options}{more}{broken} (checked {iso_utc(self.checked_ns)[:19]}Z)"


async def all_markets(rest: Rest) -> tuple[list[Market], int, str]:
    """Return the markets of every type, the number of unreadable rows, and the type of options if there is one.

    Each type is asked for by name: without one the venue lists spot and perpetuals only. A type that is refused, as all
    are by a venue that knows only others, has no markets.

    Raises:
        UnreachableError: The venue does not answer, or with something else.
    """
    found: dict[str, Market] = {}
    unreadable, option_type = 0, ""
    for kind in (*KNOWN_TYPES, *_OPTION_TYPES):
        try:
            document = await rest.get("/api/v1/markets", (("marketType", str(kind)),))
        except BackpackError as error:
            if error.status != _REFUSED:
                raise
            continue
        if kind in _OPTION_TYPES:
            option_type = option_type or str(kind)
        try:
            markets, broken = read_markets(document)
        except msgspec.ValidationError as error:
            raise UnreachableError(f"Backpack answers with what is no list of markets ({error}): try again") from error
        unreadable += broken
        found |= {each.symbol: each for each in markets}
    return list(found.values()), unreadable, option_type


async def probe(rest: Rest) -> Capabilities:
    """Find out what there is.

    Raises:
        UnreachableError: The venue does not answer, or with something else.
    """
    markets, unreadable, option_type = await all_markets(rest)
    known = {each.symbol for each in markets}
    elsewhere: set[str] = set()
    for name in _LISTS:
        rows = await rest.get(f"/api/v1/{name}")
        if isinstance(rows, list):
            elsewhere |= {str(row.get("symbol")) for row in rows if isinstance(row, dict)}
    options = [each for each in markets if each.type is MarketType.OPTION or each.market_type in _OPTION_TYPES]
    typed = sum(typed_option(each) is not None for each in options)
    return Capabilities(
        checked_ns=rest.clock.wall_ns(),
        markets=dict(Counter(printable(each.market_type) for each in markets)),
        tradable=dict(Counter(printable(each.market_type) for each in markets if each.tradable)),
        option_type=option_type,
        options=typed,
        untyped=len(options) - typed,
        unlisted=tuple(sorted(map(printable, elsewhere - known))),
        unreadable=unreadable,
    )
