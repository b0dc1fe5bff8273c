"""`DeribitClient`: Deribit's option chains, perpetuals and prints over its own protocol."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from urllib.parse import urlsplit

from aftershock.errors import ConfigError, UnreachableError, UsageError
from aftershock.model.events import OptionQuotes, StreamId
from aftershock.model.instruments import FeeSchedule, Kind
from aftershock.model.order import option_stream
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_MS
from aftershock.venues.connection.clock import Clock, SystemClock
from aftershock.venues.connection.rate_limit import TokenBucket
from aftershock.venues.connection.settings import LiveSettings
from aftershock.venues.connection.text import place_of
from aftershock.venues.connection.venue_plan import VenueLink, VenuePlan
from aftershock.venues.connection.venue_stream import VenueStream
from aftershock.venues.deribit.account import account_fees
from aftershock.venues.deribit.adapter import DeribitAdapter
from aftershock.venues.deribit.chain import Chain, ask_chain, channels_of
from aftershock.venues.deribit.instruments import Listed, read_instruments
from aftershock.venues.deribit.keys import Keys
from aftershock.venues.deribit.listings import Listings
from aftershock.venues.deribit.rows import VENUE
from aftershock.venues.deribit.rpc import Rpc
from aftershock.venues.deribit.settlements import Settlements
from aftershock.venues.deribit.subscriptions import Subscriptions, request
from aftershock.venues.tardis.live_report import LiveReport

__all__ = ["HTTP_URL", "WS_URL", "Chain", "DeribitClient"]

HTTP_URL, WS_URL = "https://www.deribit.com/api/v2", "wss://www.deribit.com/ws/api/v2"
_SUBSCRIBES_PER_S, _SUBSCRIBES_AT_ONCE = 3.3, 10.0
_HEARTBEAT_S = 30


class DeribitClient:
    """Deribit over its own protocol: market data, which needs no key, and the fees of an account, which need one.

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
        client_id: str | None = None,
        client_secret: str | None = None,
        settings: LiveSettings | None = None,
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take where to go; nothing is opened yet.

        Args:
            http_url: Address of JSON-RPC over HTTP.
            ws_url: Address of the WebSocket.
            client_id: Of a key that may read the account, for its fees; else `DERIBIT_CLIENT_ID`, or the file that
                `DERIBIT_CLIENT_ID_FILE` names.
            client_secret: Likewise, `DERIBIT_CLIENT_SECRET`.
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
        self._keys = Keys(client_id, client_secret, environment)
        self._rpc = Rpc(self.http_url, self._clock, self._keys)
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
        theirs = await self._rpc.public("get_time")
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
            found = await self._rpc.public("get_instruments", currency=currency) if currency in _CURRENCIES else []
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
        return await ask_chain(self._rpc, self._clock, asset, await self.listed(asset), asked_ns)

    async def _deliveries(self, index: str) -> Any:  # noqa: ANN401 - a document
        return await self._rpc.public("get_delivery_prices", index_name=index, count="10")

    @property
    def has_key(self) -> bool:
        """Tell whether there is a key, good or not."""
        return self._keys.are_set

    async def fees(self, listed: Listed) -> tuple[tuple[FeeSchedule, ...], tuple[str, ...]]:
        """Return the account's fees for what is listed, and notes on what of them was left out.

        Raises:
            ConfigError: There is no key, or the venue does not take it.
            UnreachableError: The venue does not answer, or says no.
        """
        return account_fees(listed, await self._rpc.private("get_account_summaries", extended="true"))

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
            table, subscriptions, listings = InstrumentTable(), Subscriptions(), Listings(assets, report)
            adapter = DeribitAdapter(table, report, subscriptions, listings)
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
                    chain = await ask_chain(self._rpc, self._clock, asset, listed, asked_ns)
                    left_out = chain.left_out
                    adapter.know(chain.rows)
                    first.append(chain.quotes())
                    listings.know(chain, listed)
                    channels += [*channels_of(chain, listed), *listings.channels(chain)]
                    streams += dict.fromkeys(option_stream(VENUE, each.symbol) for each in chain.instruments)
                for why, count in left_out.items():
                    report.note(f"{count:,} of {asset} were left out: {why}")
            channels += [f"book.{symbol}.100ms" for symbol in books]
            if not channels:
                raise UsageError(f"Deribit lists nothing of {', '.join(assets)} that was asked for: name other coins")
            subscriptions.add(list(dict.fromkeys(channels)))
            link = self._link(subscriptions, streams, books)
            settlements = Settlements(listings.indices, self._deliveries, self._clock, report)
            work = (settlements.run,) if options else ()
            return VenuePlan(venue=VENUE, adapter=adapter, links=(link,), first=tuple(first), background=work)

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
            hello=lambda: [heartbeat, *subscriptions.requests(self._clock.wall_ns())],
            books=tuple(books),
            confirms=True,
            limiter=TokenBucket(_SUBSCRIBES_PER_S, _SUBSCRIBES_AT_ONCE, self._clock),
            advice="check AFTERSHOCK_DERIBIT_WS_URL and the network",
        )


_CURRENCIES = frozenset({"BTC", "ETH", "USDC"})
_OF_A_PERPETUAL = ("quotes", "derivative_ticker", "trades", "liquidations")
_QUIET = frozenset({"trades", "liquidations"})


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
