"""A whole option chain of Deribit as requests answered it, and the channels that say what changes of it."""

from __future__ import annotations

import msgspec

from aftershock.errors import UnreachableError, UsageError
from aftershock.model.events import OptionQuotes
from aftershock.model.instruments import FeeSchedule, Instrument, Kind
from aftershock.model.symbols import parse_symbol, write_symbol
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.packed import OptionRow, option_quotes
from aftershock.venues.connection.text import printable
from aftershock.venues.deribit.instruments import Listed
from aftershock.venues.deribit.rows import VENUE
from aftershock.venues.deribit.rpc import Rpc
from aftershock.venues.deribit.summary import read_summaries

__all__ = ["Chain", "ask_chain", "channels_of"]


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


async def ask_chain(rpc: Rpc, clock: Clock, asset: str, listed: Listed, asked_ns: int) -> Chain:
    """Return the whole chain of a coin.

    Args:
        rpc: What is asked.
        clock: Ours.
        asset: Coin.
        listed: What is listed of it.
        asked_ns: When that was asked for.

    Raises:
        UsageError: No options of it are listed.
        UnreachableError: The venue does not answer, or with something else.
    """
    options = {each.symbol: each for each in listed.terms.instruments if each.kind is Kind.OPTION}
    if not options:
        raise UsageError(f"Deribit lists no options of {printable(asset)}: name a coin like BTC or ETH")
    rows: list[OptionRow] = []
    left_out = dict(listed.left_out)
    for currency in dict.fromkeys(each.settles_in for each in options.values()):
        found = await rpc.public("get_book_summary_by_currency", currency=currency, kind="option")
        read, unread = read_summaries(found, clock.wall_ns())
        rows += [row for row in read if row.symbol in options]
        for why, count in unread.items():
            left_out[why] = left_out.get(why, 0) + count
    if not rows:
        raise UnreachableError(f"Deribit's summary has none of the {len(options)} options of {asset}: try again")
    return Chain(
        asset=asset,
        asked_ns=asked_ns,
        answered_ns=clock.wall_ns(),
        rows=tuple(rows),
        instruments=tuple(options.values()),
        fees=listed.terms.fees,
        left_out=left_out,
    )


def channels_of(chain: Chain, listed: Listed) -> list[str]:
    """Return the channels of a chain: quotes of each option, marks of all, one ticker an expiry for its underlying."""
    one_of: dict[tuple[str, int], Instrument] = {}
    for each in chain.instruments:
        one_of.setdefault((each.family, each.expiry_ns or 0), each)
    indices = dict.fromkeys(listed.indices[each.symbol] for each in chain.instruments)
    return [
        *(f"ticker.{_spelt(each.symbol)}.agg2" for each in one_of.values()),
        *(f"markprice.options.{index}" for index in indices if index),
        *(f"quote.{_spelt(each.symbol)}" for each in chain.instruments),
    ]


def _spelt(symbol: str) -> str:
    """Return a name as the venue spells it: a strike with decimals has a small `d`."""
    parsed = parse_symbol(VENUE, symbol)
    return symbol if parsed is None else write_symbol(parsed)
