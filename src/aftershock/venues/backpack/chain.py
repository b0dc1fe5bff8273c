"""A chain of Backpack's options: contracts from typed fields, quotes and marks of one moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from aftershock.errors import UsageError
from aftershock.model.events import OptionQuotes, StreamId
from aftershock.model.instruments import AmountUnit, Instrument, Kind
from aftershock.model.units import NAN
from aftershock.venues.backpack.codec import VENUE
from aftershock.venues.backpack.markets import Market, MarketType, typed_option
from aftershock.venues.connection.packed import OptionRow, option_quotes
from aftershock.venues.connection.text import printable

__all__ = ["OptionQuote", "OptionsChain", "coin_of", "coins_of_a_unit", "instrument_of", "option_row"]


class OptionQuote(msgspec.Struct, frozen=True, kw_only=True):
    """One option as it was quoted; prices in quote currency per coin, amounts in contracts, NaN where absent.

    Attributes:
        ts_event: When the venue's book stood so, ns UTC; 0 if there was none.
        mark: The venue's own value; `underlying` the price that it is of.
    """

    symbol: str
    strike: float
    expiry_ns: int
    is_call: bool
    bid: float = NAN
    bid_amount: float = NAN
    ask: float = NAN
    ask_amount: float = NAN
    mark: float = NAN
    underlying: float = NAN
    ts_event: int = 0


class OptionsChain(msgspec.Struct, frozen=True, kw_only=True):
    """All options of a coin at a moment.

    Attributes:
        underlying: Coin.
        asked_ns, answered_ns: Our clock before the first request and after the last, ns UTC: the rows lie between.
        options: By expiry, strike and type.
        instruments: Their contract terms.
        untyped: Options that were left out since some of their terms are in no typed field.
    """

    underlying: str
    asked_ns: int
    answered_ns: int
    options: tuple[OptionQuote, ...]
    instruments: tuple[Instrument, ...]
    untyped: int = 0

    def __len__(self) -> int:
        """Return the number of options."""
        return len(self.options)

    @property
    def strikes(self) -> tuple[float, ...]:
        """Return the strikes, ascending, each once."""
        return tuple(sorted({each.strike for each in self.options}))

    @property
    def expiries_ns(self) -> tuple[int, ...]:
        """Return the expiries, ascending, ns UTC."""
        return tuple(sorted({each.expiry_ns for each in self.options}))

    def quotes(self) -> OptionQuotes:
        """Return the rows as the engine takes them, received when the last answer came.

        Raises:
            ValueError: There are none.
        """
        if not self.options:
            raise ValueError("the chain is empty")
        stream = StreamId(VENUE, "option_quotes", self.underlying)
        return option_quotes([option_row(each, stream, self.answered_ns) for each in self.options])


def option_row(quote: OptionQuote, stream: StreamId, ts_init: int) -> OptionRow:
    """Return one row; volatilities and greeks are absent, as the venue gives none."""
    values = (
        *(quote.bid, quote.bid_amount, NAN, quote.ask, quote.ask_amount, NAN, NAN, NAN),
        *(quote.mark, NAN, quote.underlying, NAN, NAN, NAN, NAN, NAN),
    )
    return OptionRow(
        ts_event=quote.ts_event or ts_init,
        ts_init=ts_init,
        stream=stream,
        symbol=quote.symbol,
        values=values,
        underlying_index="",
    )


def instrument_of(market: Market) -> Instrument | None:
    """Return a market's contract terms as the engine knows them; None for what it can't trade.

    An option's amounts are contracts of `contractMultiplier` coins, its premium is in quote currency per coin.
    """
    if market.odd:
        return None
    common = {
        "venue": VENUE,
        "symbol": market.symbol,
        "underlying": market.base_symbol,
        "quote": market.quote_symbol,
        "inverse": False,
        "tick_size": market.tick_size,
        "lot_size": market.lot_size,
    }
    if market.type is MarketType.PERP and not market.base_symbol.startswith("k"):  # kPEPE counts thousands
        return Instrument(kind=Kind.PERPETUAL, amount_unit=AmountUnit.COIN, **common)  # type: ignore[arg-type]
    terms = typed_option(market) if market.type is MarketType.OPTION else None
    if terms is None or terms.settlement_asset != market.quote_symbol:
        return None
    return Instrument(
        kind=Kind.OPTION,
        amount_unit=AmountUnit.CONTRACTS,
        contract_size=terms.multiplier,
        strike=terms.strike,
        is_call=terms.is_call,
        expiry_ns=terms.expiry_ns,
        **common,  # type: ignore[arg-type]
    )


def coin_of(text: str, markets: Iterable[Market]) -> str:
    """Return the coin that a user means: of the market of that name, or whose coin and type it names; else itself.

    Raises:
        UsageError: It names no market, and can't be a coin.
    """
    wanted = text.strip().removesuffix(f".{VENUE}").upper()
    for each in markets:
        names = (each.symbol, each.base_symbol, f"{each.base_symbol}-{each.market_type}")
        if each.base_symbol and wanted in [name.upper() for name in names]:
            return each.base_symbol
    if not wanted.isalnum():
        raise UsageError(f"no coin or market is called {printable(text)!r}: name one like BTC")
    return wanted


def coins_of_a_unit(instrument: Instrument) -> float:
    """Return how many coins one unit of an instrument's amounts is."""
    return 1.0 if instrument.amount_unit is AmountUnit.COIN else instrument.contract_size


def options_of(markets: Iterable[Market], underlying: str) -> list[Market]:
    """Return the markets that are options of a coin, typed or not."""
    return [each for each in markets if each.type is MarketType.OPTION and each.base_symbol == underlying]


def sorted_quotes(quotes: Sequence[OptionQuote]) -> tuple[OptionQuote, ...]:
    """Return quotes by expiry, strike and type, calls first."""
    return tuple(sorted(quotes, key=lambda each: (each.expiry_ns, each.strike, not each.is_call)))
