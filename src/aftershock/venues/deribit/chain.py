"""A whole option chain of Deribit as requests answered it, and the channels that say what changes of it."""

from __future__ import annotations

import msgspec

from aftershock.model.events import OptionQuotes
from aftershock.model.instruments import FeeSchedule, Instrument
from aftershock.model.symbols import parse_symbol, write_symbol
from aftershock.venues.connection.packed import OptionRow, option_quotes
from aftershock.venues.deribit.instruments import Listed
from aftershock.venues.deribit.rows import VENUE

__all__ = ["Chain", "channels_of", "spelt"]


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """A whole option chain as one request answered it.

    Attributes:
        asset: Coin.
        asked_ns, answered_ns: Our clock before the first request and after the last, ns UTC.
        rows: One for each option: prices, marks, volatilities as fractions, no sizes.
        instruments: Contract terms of the options.
        fees: As the venue lists them with its instruments.
        left_out: Instruments, and rows of the summary, that were left out, by why.
    """

    asset: str
    asked_ns: int
    answered_ns: int
    rows: tuple[OptionRow, ...]
    instruments: tuple[Instrument, ...]
    fees: tuple[FeeSchedule, ...]
    left_out: dict[str, int]

    def __len__(self) -> int:
        """Return the number of options."""
        return len(self.rows)

    def quotes(self) -> OptionQuotes:
        """Return the rows as the engine takes them."""
        return option_quotes(self.rows)


def channels_of(chain: Chain, listed: Listed) -> list[str]:
    """Return the channels of a chain: quotes of each option, marks of all, one ticker an expiry for its underlying."""
    one_of: dict[tuple[str, int], Instrument] = {}
    for each in chain.instruments:
        one_of.setdefault((each.family, each.expiry_ns or 0), each)
    indices = dict.fromkeys(listed.indices[each.symbol] for each in chain.instruments)
    return [
        *(f"ticker.{spelt(each.symbol)}.agg2" for each in one_of.values()),
        *(f"markprice.options.{index}" for index in indices if index),
        *(f"quote.{spelt(each.symbol)}" for each in chain.instruments),
    ]


def spelt(symbol: str) -> str:
    """Return a name as the venue spells it: a strike with decimals has a small `d`."""
    parsed = parse_symbol(VENUE, symbol)
    return symbol if parsed is None else write_symbol(parsed)
