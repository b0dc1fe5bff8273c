"""`BackpackOptionsClient`: the way to Backpack's markets, option chains and orders."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from aftershock.errors import ConfigError
from aftershock.model.instruments import Kind
from aftershock.venues.backpack.adapter import BackpackAdapter
from aftershock.venues.backpack.capabilities import all_markets
from aftershock.venues.backpack.chain import coins_of_a_unit, instrument_of
from aftershock.venues.backpack.client_ids import ClientIds
from aftershock.venues.backpack.codec import VENUE
from aftershock.venues.backpack.keys import Keys
from aftershock.venues.backpack.market_data import book_of, instruments_among
from aftershock.venues.backpack.market_requests import MarketRequests
from aftershock.venues.backpack.markets import MarketType
from aftershock.venues.backpack.order_requests import OrderRequests
from aftershock.venues.backpack.rest import Rest
from aftershock.venues.backpack.subscriptions import account_subscription, link_of
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.clock import Clock, SystemClock
from aftershock.venues.connection.settings import LiveSettings
from aftershock.venues.connection.text import place_of
from aftershock.venues.connection.venue_plan import VenuePlan
from aftershock.venues.connection.venue_stream import VenueStream
from aftershock.venues.tardis.live_report import LiveReport
from aftershock.venues.tardis.option_terms import OptionTerms

__all__ = ["REST_URL", "WS_URL", "BackpackOptionsClient"]

REST_URL, WS_URL = "https://api.backpack.exchange", "wss://ws.backpack.exchange"


class BackpackOptionsClient(MarketRequests, OrderRequests):
    """Backpack over its own protocol.

    It lists no options today: `capabilities` says what it offers, and `get_options_chain` says so where one is asked
    for. Market data needs no key; a key that can't be one is refused by the first request that needs it. Each address
    is the argument, else the variable, else the real service. Orders go to a sandbox on this machine only.

    Attributes:
        rest_url: `AFTERSHOCK_BACKPACK_REST_URL`.
        ws_url: `AFTERSHOCK_BACKPACK_WS_URL`.
    """

    def __init__(
        self,
        api_key: str | None = None,
        secret_key: str | None = None,
        *,
        rest_url: str | None = None,
        ws_url: str | None = None,
        client_ids: ClientIds | None = None,
        settings: LiveSettings | None = None,
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take the key and where to go; nothing is opened yet.

        Args:
            api_key: Public key, base64; else `BACKPACK_API_KEY`. Only the account needs one.
            secret_key: Seed of the key, base64; else `BACKPACK_SECRET_KEY`.
            rest_url: Address of the REST interface.
            ws_url: Address of the WebSocket.
            client_ids: Counter of the ids of our orders; without one an order whose answer is lost can't be looked up.
            settings: Deadlines and bounds of live streams.
            clock: Clocks; else the machine's.
            environment: Variables; else those of the process.

        Raises:
            ConfigError: An address can't be one.
        """
        environment = os.environ if environment is None else environment
        self.rest_url = _address("REST", rest_url, REST_URL, environment)
        self.ws_url = _address("WS", ws_url, WS_URL, environment)
        self._clock = clock or SystemClock()
        self._settings = settings or LiveSettings()
        self._client_ids = client_ids
        self._keys = Keys(api_key, secret_key, environment)
        super().__init__(Rest(self.rest_url, self._keys.signer, self._clock))
        self._streams: list[VenueStream] = []

    def __repr__(self) -> str:
        key = "set" if self.has_key else "none"
        return f"BackpackOptionsClient(key {key}, rest {place_of(self.rest_url)}, ws {place_of(self.ws_url)})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all streams and connections; may be called again."""
        for stream in self._streams:
            await stream.close()
        await self.close_requests()

    async def close_requests(self) -> None:
        """Let go of the connections of requests; streams stay, and a later request opens others."""
        await self._rest.close()

    @property
    def has_key(self) -> bool:
        """Tell whether there is a key."""
        return self._keys.are_set

    # --- live -------------------------------------------------------------------------------------------------------

    def stream(
        self,
        assets: Sequence[str] = ("BTC",),
        *,
        perpetuals: bool = True,
        options: bool = True,
        books: Sequence[str] = (),
        account: bool = False,
    ) -> VenueStream:
        """Listen to the perpetuals and option chains of some coins.

        Args:
            assets: Coins.
            perpetuals: Their quotes, trades, marks and liquidations.
            options: Their option chains, where the venue lists any.
            books: Markets whose whole books are to be kept.
            account: The orders and fills of the account, too.

        Returns:
            A source of events. Its iterator raises `UsageError` if nothing of that is listed, `ConfigError` without a
            key that is needed, and `UnreachableError` if the venue does not answer.
        """
        report = LiveReport(path="Backpack", kind="native", format="live")
        terms: dict[tuple[str, str], OptionTerms] = {}

        rest = self._rest.twin()

        async def snapshot(symbol: str) -> BookUpdate:
            return await book_of(rest, symbol)

        async def resolve() -> VenuePlan:
            listing = await all_markets(rest)
            if perpetuals:
                listing.need(MarketType.PERP)
            if options:
                listing.need_options()
            listed = [each for asset in assets for each in instruments_among(listing.markets, asset)]
            chosen = [each for each in listed if (options if each.kind is Kind.OPTION else perpetuals)]
            if not chosen and not books and not account:
                raise await self.no_options(", ".join(assets))
            chains = {each.symbol: each for each in chosen if each.kind is Kind.OPTION}
            for symbol, each in chains.items():
                terms[VENUE, symbol] = OptionTerms(each.strike, bool(each.is_call), each.expiry_ns or 0)
            perps = [each.symbol for each in chosen if each.kind is Kind.PERPETUAL]
            known = filter(None, map(instrument_of, listing.markets))
            contracts = {each.symbol: coins_of_a_unit(each) for each in known}
            adapter = BackpackAdapter(
                report, chains, snapshot, contracts=contracts, name_of=self._name_of, account=account
            )
            link = link_of(
                self.ws_url,
                perps,
                list(chains.values()),
                books,
                self._own_streams if account else None,
                adapter.opening,
            )
            return VenuePlan(venue=VENUE, adapter=adapter, links=(link,))

        stream = VenueStream(
            f"Backpack ({', '.join(assets)})",
            resolve,
            settings=self._settings,
            clock=self._clock,
            random=Random(),  # noqa: S311 - jitter is no secret
            report=report,
            option_terms=terms,
            on_close=rest.close,
        )
        self._streams.append(stream)
        return stream

    def _own_streams(self) -> list[str]:
        """Return the account's subscription, signed now."""
        return [account_subscription(self._keys.signer(), self._clock.wall_ns())]

    def _name_of(self, client_id: int) -> str:
        names = {} if self._client_ids is None else self._client_ids.names
        return names.get(client_id, str(client_id))


def _address(name: str, given: str | None, default: str, environment: Mapping[str, str]) -> str:
    variable = f"AFTERSHOCK_BACKPACK_{name}_URL"
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
