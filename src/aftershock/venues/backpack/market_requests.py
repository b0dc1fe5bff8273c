"""What Backpack can be asked about its markets, without a key: what is listed, books, marks, option chains."""

from __future__ import annotations

from aftershock.errors import InputError, UsageError
from aftershock.model.instruments import Instrument
from aftershock.venues.backpack.account import convert, number
from aftershock.venues.backpack.capabilities import Capabilities, all_markets, probe
from aftershock.venues.backpack.chain import OptionsChain, coin_of, instrument_of, options_of, sorted_quotes
from aftershock.venues.backpack.market_data import MarkPrice, book_of, instruments_of, option_quote
from aftershock.venues.backpack.markets import Market, read_markets
from aftershock.venues.backpack.predictions import Digital, read_digitals
from aftershock.venues.backpack.rest import Rest
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.text import printable

__all__ = ["MarketRequests"]


class MarketRequests:
    """What anybody can be told."""

    _rest: Rest

    async def capabilities(self) -> Capabilities:
        """Return what the venue offers now.

        Raises:
            UnreachableError: It does not answer, or with something else.
        """
        return await probe(self._rest)

    async def markets(self) -> list[Market]:
        """Return the markets of every type that the venue lists to us; `capabilities` tells which it refuses.

        Raises:
            UnreachableError: It does not answer, or with something else.
        """
        return (await all_markets(self._rest)).markets

    async def market(self, symbol: str) -> Market:
        """Return one market.

        Raises:
            BackpackError: There is none of that name.
            UnreachableError: The venue does not answer, or with something else.
        """
        found, _ = read_markets([await self._rest.get("/api/v1/market", {"symbol": symbol})])
        if not found:
            raise InputError(f"Backpack describes {printable(symbol)} in a way that can't be read: report it")
        return found[0]

    async def depth(self, symbol: str) -> BookUpdate:
        """Return the whole book of a market, up to 1,000 levels a side.

        Raises:
            UnreachableError: The venue does not answer, or with something else.
        """
        return await book_of(self._rest, symbol)

    async def clock_offset_s(self) -> float:
        """Return how far the venue's clock is ahead of ours, seconds.

        Raises:
            UnreachableError: It does not answer.
        """
        return await self._rest.clock_offset_s()

    async def instruments(self, asset: str) -> tuple[Instrument, ...]:
        """Return the perpetuals and typed options of a coin that may be traded.

        Raises:
            UnreachableError: The venue does not answer, or with something else.
        """
        return await instruments_of(self._rest, asset)

    # --- options ----------------------------------------------------------------------------------------------------

    async def get_options_chain(self, symbol: str) -> OptionsChain:
        """Return the option chain of a coin.

        Args:
            symbol: `BTC`, `BTC-PERP`, a market like `BTC_USDC_PERP`, or an id of ours like `BTC_USDC_PERP.backpack`.

        Raises:
            UsageError: No options are listed; says what is, when that was checked, and what to use instead.
            UnreachableError: The venue does not answer, or with something else.
        """
        asked_ns = self._rest.clock.wall_ns()
        listing = await all_markets(self._rest)
        underlying = coin_of(symbol, listing.markets)
        options = options_of(listing.markets, underlying)
        typed = {each.symbol: each for each in map(instrument_of, options) if each is not None}
        if not typed:
            listing.need_options()
            raise await self.no_options(underlying)
        marks = await self._marks()
        quotes = []
        for instrument in typed.values():
            book = await self.depth(instrument.symbol)
            quotes.append(option_quote(instrument, book, marks.get(instrument.symbol)))
        return OptionsChain(
            underlying=underlying,
            asked_ns=asked_ns,
            answered_ns=self._rest.clock.wall_ns(),
            options=sorted_quotes(quotes),
            instruments=tuple(typed.values()),
            untyped=len(options) - len(typed),
        )

    async def digitals(self) -> tuple[list[Digital], int]:
        """Return the open prediction markets on prices, and how many others are open; to look at, not to trade.

        Raises:
            UnreachableError: The venue does not answer, or with something else.
        """
        return read_digitals(await self._rest.get("/api/v1/prediction", {"resolved": False}))

    async def mark_price(self, symbol: str) -> float:
        """Return the mark price of a market, NaN if it has none.

        Raises:
            UnreachableError: The venue does not answer, or with something else.
        """
        mark = (await self._marks()).get(symbol)
        return number(None if mark is None else mark.mark_price)

    async def no_options(self, underlying: str) -> UsageError:
        """Return the error that says that there are none of a coin, and what there is instead."""
        found = await self.capabilities()
        return UsageError(
            f"Backpack lists no options of {printable(underlying)}: it {found.text()}; use Deribit's chain "
            "(--option-venue deribit), or the sandbox, which lists simulated ones"
        )

    async def _marks(self) -> dict[str, MarkPrice]:
        rows = await self._rest.get("/api/v1/markPrices")
        found: list[MarkPrice] = convert(rows, list[MarkPrice], "list of mark prices")
        return {each.symbol: each for each in found}
