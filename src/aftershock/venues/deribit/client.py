"""`DeribitClient`: Deribit's option chains, perpetuals and prints over its own protocol."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from aftershock.errors import ConfigError, UnreachableError, UsageError
from aftershock.model.events import OptionQuotes, StreamId
from aftershock.model.instruments import FeeSchedule, Instrument, Kind
from aftershock.model.order import option_stream
from aftershock.model.symbols import parse_symbol, write_symbol
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_MS
from aftershock.venues.connection.clock import Clock, SystemClock
from aftershock.venues.connection.http import get_json
from aftershock.venues.connection.packed import OptionRow, option_quotes
from aftershock.venues.connection.rate_limit import TokenBucket
from aftershock.venues.connection.settings import LiveSettings
from aftershock.venues.connection.text import place_of, printable
from aftershock.venues.connection.venue_plan import VenueLink, VenuePlan
from aftershock.venues.connection.venue_stream import VenueStream
from aftershock.venues.deribit.adapter import DeribitAdapter
from aftershock.venues.deribit.instruments import Listed, read_instruments
from aftershock.venues.deribit.rows import VENUE
from aftershock.venues.deribit.subscriptions import Subscriptions, request
from aftershock.venues.deribit.summary import read_summaries
from aftershock.venues.tardis.live_report import LiveReport

__all__ = ["HTTP_URL", "WS_URL", "Chain", "DeribitClient"]

HTTP_URL, WS_URL = "https://www.deribit.com/api/v2", "wss://www.deribit.com/ws/api/v2"
_CREDITS, _REFILL_PER_S, _COST = 50_000.0, 10_000.0, 500.0
_SUBSCRIBES_PER_S, _SUBSCRIBES_AT_ONCE = 3.3, 10.0
_HEARTBEAT_S = 30


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


class DeribitClient:
    """Deribit over its own protocol: market data, which needs no key.

    Cancel on disconnect is a switch of a session or an account at the venue, and there is nothing to cancel: this
    client sends no orders.

    Attributes:
        http_url: `AFTERSHOCK_DERIBIT_HTTP_URL`.
        ws_url: `AFTERSHOCK_DERIBIT_WS_URL`.
    """

    def __init__(
        self,
        *,
        http_url: str | None = None,
        ws_url: str | None = None,
        settings: LiveSettings | None = None,
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take where to go; nothing is opened yet.

        Args:
            http_url: Address of JSON-RPC over HTTP.
            ws_url: Address of the WebSocket.
            settings: Deadlines and bounds of live streams.
            clock: Clocks; else the machine's.
            environment: Variables; else those of the process.

        Raises:
            ConfigError: An address can't be one.
        """
        environment = os.environ if environment is None else environment
        self.http_url = _address("HTTP", http_url, HTTP_URL, environment)
        self.ws_url = _address("WS", ws_url, WS_URL, environment)
        self._clock, self._settings = clock or SystemClock(), settings or LiveSettings()
        self._credits = TokenBucket(_REFILL_PER_S, _CREDITS, self._clock)
        self._streams: list[VenueStream] = []

    def __repr__(self) -> str:
        return f"DeribitClient(http {place_of(self.http_url)}, ws {place_of(self.ws_url)})"

    async def close(self) -> None:
        """Close all streams; may be called again."""
        for stream in self._streams:
            await stream.close()

    # --- requests ---------------------------------------------------------------------------------------------------

    async def clock_offset_s(self) -> float:
        """Return how far the venue's clock is ahead of ours, seconds.

        Raises:
            UnreachableError: It does not answer.
        """
        before = self._clock.wall_ns()
        theirs = await self._ask("get_time")
        middle_ms = (before + self._clock.wall_ns()) / 2 / NS_PER_MS
        if not isinstance(theirs, int):
            raise UnreachableError(f"Deribit at {place_of(self.http_url)} tells no time: check the address")
        return (theirs - middle_ms) / 1_000

    async def listed(self, asset: str) -> Listed:
        """Return what is listed of a coin, settled in it or in USDC.

        Raises:
            UnreachableError: The venue does not answer, or with something else.
        """
        rows: list[Any] = []
        for currency in dict.fromkeys((asset, "USDC")):
            found = await self._ask("get_instruments", currency=currency) if currency in _CURRENCIES else []
            if not isinstance(found, list):
                raise UnreachableError("Deribit answers with what is no list of instruments: try again")
            rows += found
        return read_instruments(rows, asset)

    async def chain(self, asset: str) -> Chain:
        """Return the whole option chain of a coin.

        Raises:
            UsageError: No options of it are listed.
            UnreachableError: The venue does not answer, or with something else.
        """
        asked_ns = self._clock.wall_ns()
        return await self._chain(asset, await self.listed(asset), asked_ns)

    async def _chain(self, asset: str, listed: Listed, asked_ns: int) -> Chain:
        options = {each.symbol: each for each in listed.terms.instruments if each.kind is Kind.OPTION}
        if not options:
            raise UsageError(f"Deribit lists no options of {printable(asset)}: name a coin like BTC or ETH")
        rows: list[OptionRow] = []
        left_out = dict(listed.left_out)
        for currency in dict.fromkeys(each.settles_in for each in options.values()):
            found = await self._ask("get_book_summary_by_currency", currency=currency, kind="option")
            read, unread = read_summaries(found, self._clock.wall_ns())
            rows += [row for row in read if row.symbol in options]
            for why, count in unread.items():
                left_out[why] = left_out.get(why, 0) + count
        if not rows:
            raise UnreachableError(f"Deribit's summary has none of the {len(options)} options of {asset}: try again")
        return Chain(
            asset=asset,
            asked_ns=asked_ns,
            answered_ns=self._clock.wall_ns(),
            rows=tuple(rows),
            instruments=tuple(options.values()),
            fees=listed.terms.fees,
            left_out=left_out,
        )

    async def _ask(self, method: str, **params: str) -> Any:  # noqa: ANN401 - a document
        await self._credits.take(_COST)
        query = f"?{urlencode(params)}" if params else ""
        answer = await get_json(f"{self.http_url}/public/{method}{query}", who="Deribit", clock=self._clock)
        if not isinstance(answer, dict) or "result" not in answer:
            raise UnreachableError(f"what answers at {place_of(self.http_url)} is not Deribit: check the address")
        return answer["result"]

    # --- live -------------------------------------------------------------------------------------------------------

    def stream(
        self,
        assets: Sequence[str] = ("BTC",),
        *,
        perpetuals: bool = True,
        options: bool = True,
        books: Sequence[str] = (),
    ) -> VenueStream:
        """Listen to the perpetuals and option chains of some coins; the whole chain is told first.

        Args:
            assets: Coins.
            perpetuals: Their quotes, tickers, trades and liquidations.
            options: Their option chains.
            books: Instruments whose whole books are to be kept.

        Returns:
            A source of events. Its iterator raises `UsageError` if nothing of that is listed, and `UnreachableError` if
            the venue does not answer.
        """
        report = LiveReport(path="Deribit", kind="native", format="live")

        async def resolve() -> VenuePlan:
            table, subscriptions = InstrumentTable(), Subscriptions()
            adapter = DeribitAdapter(table, report, subscriptions)
            channels: list[str] = []
            streams: list[StreamId] = []
            first: list[OptionQuotes] = []
            for asset in assets:
                asked_ns = self._clock.wall_ns()
                listed = await self.listed(asset)
                table.add(listed.terms.instruments, listed.terms.fees)
                names = [each.symbol for each in listed.terms.instruments if each.kind is Kind.PERPETUAL]
                for symbol in names if perpetuals else ():
                    channels += [f"quote.{symbol}", f"ticker.{symbol}.agg2", f"trades.{symbol}.100ms"]
                    streams += [StreamId(VENUE, kind, symbol) for kind in _OF_A_PERPETUAL]
                left_out = listed.left_out
                if options:
                    chain = await self._chain(asset, listed, asked_ns)
                    left_out = chain.left_out
                    adapter.know(chain.rows)
                    first.append(chain.quotes())
                    channels += _channels(chain, listed)
                    streams += dict.fromkeys(option_stream(VENUE, each.symbol) for each in chain.instruments)
                for why, count in left_out.items():
                    report.note(f"{count:,} of {asset} were left out: {why}")
            channels += [f"book.{symbol}.100ms" for symbol in books]
            if not channels:
                raise UsageError(f"Deribit lists nothing of {', '.join(assets)} that was asked for: name other coins")
            subscriptions.add(channels)
            link = self._link(subscriptions, streams, books)
            return VenuePlan(venue=VENUE, adapter=adapter, links=(link,), first=tuple(first))

        stream = VenueStream(
            f"Deribit ({', '.join(assets)})",
            resolve,
            settings=self._settings,
            clock=self._clock,
            random=Random(),  # noqa: S311 - jitter is no secret
            report=report,
        )
        self._streams.append(stream)
        return stream

    def _link(self, subscriptions: Subscriptions, streams: Sequence[StreamId], books: Sequence[str]) -> VenueLink:
        heartbeat = request("public/set_heartbeat", 1, interval=_HEARTBEAT_S)
        return VenueLink(
            url=self.ws_url,
            who="Deribit",
            streams=tuple(streams),
            quiet=frozenset(each for each in streams if each.kind in _QUIET),
            hello=lambda: [heartbeat, *subscriptions.requests()],
            books=tuple(books),
            confirms=True,
            limiter=TokenBucket(_SUBSCRIBES_PER_S, _SUBSCRIBES_AT_ONCE, self._clock),
            advice="check AFTERSHOCK_DERIBIT_WS_URL and the network",
        )


_CURRENCIES = frozenset({"BTC", "ETH", "USDC"})
_OF_A_PERPETUAL = ("quotes", "derivative_ticker", "trades", "liquidations")
_QUIET = frozenset({"trades", "liquidations"})


def _channels(chain: Chain, listed: Listed) -> list[str]:
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


def _address(name: str, given: str | None, default: str, environment: Mapping[str, str]) -> str:
    variable = f"AFTERSHOCK_DERIBIT_{name}_URL"
    url = given or environment.get(variable) or default
    schemes = {"ws", "wss"} if name == "WS" else {"http", "https"}
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0 and url.isprintable()
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"{'an address' if given else variable} is no address: write one like {default}")
    return url.rstrip("/")
