"""`TardisClient`: the way to Tardis' data."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from random import Random
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

import msgspec

from aftershock.errors import AftershockError, ConfigError, UnreachableError, UsageError
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.clock import Clock, SystemClock
from aftershock.venues.connection.http import get_json
from aftershock.venues.connection.text import place_of, printable
from aftershock.venues.keys import checked_key, read_key
from aftershock.venues.tardis.exchanges import (
    LIQUIDATION_EXCHANGES,
    NO_LIQUIDATIONS,
    Exchange,
    active_perpetuals,
    active_symbols,
    exchange_details,
    exchange_list,
    unknown_exchange,
)
from aftershock.venues.tardis.instruments_json import LoadedInstruments, parse
from aftershock.venues.tardis.live import LiveSettings, LiveStream
from aftershock.venues.tardis.replay import Replay
from aftershock.venues.tardis.replay_plan import Moment, ReplayPlan, plan_replay
from aftershock.venues.tardis.subscription import LinkPlan, Subscription, plan_links

__all__ = ["API_URL", "DATASETS_URL", "MACHINE_HTTP_URL", "MACHINE_WS_URL", "TardisClient"]

API_URL, DATASETS_URL = "https://api.tardis.dev/v1", "https://datasets.tardis.dev/v1"
MACHINE_WS_URL, MACHINE_HTTP_URL = "ws://localhost:8001", "http://localhost:8000"


class TardisClient:
    """Liquidations and other market data of many exchanges.

    Live data comes from tardis-machine, which you run and which needs no key; Tardis hosts no live socket. Each address
    is the argument, else the variable, else the real service.

    Attributes:
        api_url: HTTP API (`AFTERSHOCK_TARDIS_API_URL`).
        machine_ws_url: WebSocket of tardis-machine (`AFTERSHOCK_TARDIS_MACHINE_WS_URL`).
        machine_http_url: Its HTTP side (`AFTERSHOCK_TARDIS_MACHINE_HTTP_URL`).
        datasets_url: CSV data sets (`AFTERSHOCK_TARDIS_DATASETS_URL`).
    """

    def __init__(  # noqa: PLR0913 - each address is an argument
        self,
        api_key: str | None = None,
        *,
        api_url: str | None = None,
        machine_ws_url: str | None = None,
        machine_http_url: str | None = None,
        datasets_url: str | None = None,
        table: InstrumentTable | None = None,
        settings: LiveSettings | None = None,
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take the key and where to go; nothing is opened yet.

        Args:
            api_key: Else `TARDIS_API_KEY`, or the file that `TARDIS_API_KEY_FILE` names; only history needs one.
            api_url: HTTP API.
            machine_ws_url: WebSocket of tardis-machine.
            machine_http_url: Its HTTP side.
            datasets_url: Where the data sets are.
            table: Instruments and what liquidation feeds mean; else the bundled table.
            settings: Deadlines and bounds of live streams.
            clock: Clocks; else the machine's.
            environment: Variables; else those of the process.

        Raises:
            ConfigError: An address or the key can't be one.
        """
        environment = os.environ if environment is None else environment
        self._api_key = checked_key(api_key, "api_key") if api_key else read_key("TARDIS_API_KEY", environment)
        self.api_url = _address("API_URL", api_url, API_URL, environment)
        self.machine_ws_url = _address("MACHINE_WS_URL", machine_ws_url, MACHINE_WS_URL, environment)
        self.datasets_url = _address("DATASETS_URL", datasets_url, DATASETS_URL, environment)
        self.machine_http_url = _address("MACHINE_HTTP_URL", machine_http_url, MACHINE_HTTP_URL, environment)
        self._table = table or InstrumentTable()
        self._settings = settings or LiveSettings()
        self._clock = clock or SystemClock()
        self._streams: list[LiveStream] = []

    def __repr__(self) -> str:
        key = "set" if self._api_key else "none"
        return f"TardisClient(key {key}, api {place_of(self.api_url)}, machine {place_of(self.machine_ws_url)})"

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""
        await self.close()

    async def close(self) -> None:
        """Close all streams; may be called again."""
        streams, self._streams = self._streams, []
        for stream in streams:
            await stream.close()

    def get_liquidation_stream(
        self, exchanges: Sequence[str], symbols: Sequence[str] | Mapping[str, Sequence[str]] | None = None
    ) -> LiveStream:
        """Listen to liquidations.

        Args:
            exchanges: Tardis ids.
            symbols: The venues' own names, or those of each exchange; None for the perpetuals that are listed now.

        Returns:
            An async iterator of `Liquidation`, `Stale`, `Gap` and `Restored`. It raises `UsageError` for an exchange
            that Tardis does not have, and `UnreachableError` where nobody answers.
        """

        async def subscriptions() -> list[Subscription]:
            for exchange in exchanges:
                if exchange in NO_LIQUIDATIONS:
                    raise UsageError(
                        f"{exchange} has no liquidation stream ({NO_LIQUIDATIONS[exchange]}): name one of "
                        f"{', '.join(LIQUIDATION_EXCHANGES)}"
                    )
            return [
                Subscription(
                    exchange=exchange,
                    data_types=("liquidation",),
                    symbols=await self._symbols(exchange, symbols, alone=len(exchanges) == 1),
                )
                for exchange in dict.fromkeys(exchanges)
            ]

        async def resolve() -> list[LinkPlan]:
            return plan_links(self.machine_ws_url, await subscriptions())

        return self._stream(f"liquidations of {', '.join(exchanges)}", exchanges, resolve)

    def stream(self, subscriptions: Iterable[Subscription]) -> LiveStream:
        """Listen to any data that tardis-machine normalizes.

        Args:
            subscriptions: What to listen to; they are spread over as many connections as their symbols need.

        Returns:
            An async iterator of events, as `get_liquidation_stream`.

        Raises:
            UsageError: Nothing is asked for, a data type is unknown, or a name can't be one.
        """
        wanted = list(subscriptions)
        plans = plan_links(self.machine_ws_url, wanted)

        async def resolve() -> list[LinkPlan]:
            return plans

        exchanges = list(dict.fromkeys(each.exchange for each in wanted))
        return self._stream(f"tardis-machine ({', '.join(exchanges)})", exchanges, resolve)

    def replay(
        self,
        subscriptions: Iterable[Subscription],
        from_: Moment,
        to: Moment,
        *,
        over: Literal["ws", "http"] = "ws",
        silence_s: float = 120.0,
    ) -> Replay:
        """Read the past as tardis-machine normalizes it.

        Args:
            subscriptions: What to read; no symbols means all.
            from_: First minute, `2022-11-01` or `2022-11-01T00:05Z`.
            to: Minute after the last.
            over: Side of the machine: its WebSocket delivers all that it has before it says what is wrong.
            silence_s: Longest wait for a message: the machine asks its source for minutes on end without a word.

        Returns:
            An async iterator of events in the total order; `ts_init` is the recorder's time. It raises what
            `get_liquidation_stream` raises, and `UnreachableError` where the machine breaks off, after everything
            that came before.

        Raises:
            UsageError: Nothing is asked for, a name or a moment can't be one, or the span is empty.
        """
        wanted = list(subscriptions)
        base = self.machine_ws_url if over == "ws" else self.machine_http_url
        plan = plan_replay(base, wanted, from_, to, over, self._clock.wall_ns())

        async def resolve() -> ReplayPlan:
            return plan

        async def explain(error: UnreachableError) -> AftershockError:
            return await self._explained(error, [each.exchange for each in wanted])

        return Replay(resolve, over=over, table=self._table, clock=self._clock, silence_s=silence_s, explain=explain)

    async def listed(self, exchange: str, kind: str) -> tuple[str, ...]:
        """Return what an exchange lists now of one kind: `perpetual`, `option`, ...

        Raises:
            UsageError: Tardis does not have it, or has its history only.
            UnreachableError: The API does not answer.
        """
        return active_symbols(await self._live_exchange(exchange), self._clock.wall_ns(), kind)

    async def instruments(self, exchange: str) -> LoadedInstruments:
        """Return the contract terms of an exchange; needs a key.

        Raises:
            UnreachableError: The API does not answer, or refuses the key.
            InputError: It answers with something else.
        """
        url = f"{self.api_url}/instruments/{exchange}"
        document = await get_json(url, who="the Tardis API", clock=self._clock, headers=self.authorization())
        return parse(msgspec.json.encode(document), f"the answer of /instruments/{exchange}")

    async def details(self, exchange: str) -> Exchange:
        """Return what there is of an exchange: symbols, channels, data sets.

        Raises:
            UsageError: Tardis does not have it; says which it has.
            UnreachableError: The API does not answer.
        """
        return await exchange_details(self.api_url, exchange, self._clock)

    @property
    def has_key(self) -> bool:
        """Tell whether there is a key."""
        return bool(self._api_key)

    # --- how ----------------------------------------------------------------------------------------------------

    def authorization(self) -> dict[str, str]:
        """Return the header that carries the key; none without one."""
        return {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def _stream(
        self, name: str, exchanges: Sequence[str], resolve: Callable[[], Awaitable[Sequence[LinkPlan]]]
    ) -> LiveStream:
        async def explain(error: UnreachableError) -> AftershockError:
            return await self._explained(error, exchanges)

        stream = LiveStream(
            name,
            resolve,
            table=self._table,
            settings=self._settings,
            clock=self._clock,
            random=Random(),  # noqa: S311 - jitter is no secret
            explain=explain,
        )
        self._streams.append(stream)
        return stream

    async def _symbols(
        self, exchange: str, symbols: Sequence[str] | Mapping[str, Sequence[str]] | None, *, alone: bool
    ) -> tuple[str, ...]:
        if isinstance(symbols, Mapping) and exchange in symbols:
            return tuple(symbols[exchange])
        if symbols and not isinstance(symbols, Mapping) and alone:
            return tuple(symbols)
        listed = await self._live_exchange(exchange)
        if not symbols or isinstance(symbols, Mapping):
            found = active_perpetuals(listed, self._clock.wall_ns())
        else:  # venues name things differently, and one name that a venue lacks spoils its whole subscription
            known = {symbol.id for symbol in listed.available_symbols}
            found = tuple(symbol for symbol in symbols if symbol in known)
        if not found:
            raise UsageError(
                f"{exchange} lists none of the symbols asked for: take names from {place_of(self.api_url)}/v1/exchanges"
            )
        return found

    async def _live_exchange(self, exchange: str) -> Exchange:
        details = await exchange_details(self.api_url, exchange, self._clock)
        if details.has_ended(self._clock.wall_ns()):
            raise UsageError(f"{exchange} has history only ({details.span}): replay it, or name a live exchange")
        return details

    async def _explained(self, error: UnreachableError, exchanges: Sequence[str]) -> AftershockError:
        """Say which exchanges there are where tardis-machine refused one, and whose key it was where Tardis did."""
        if "status code: 401" in str(error) or "HTTP 401" in str(error):
            return UnreachableError(
                "Tardis refuses that span to tardis-machine: start the machine with a key (TM_API_KEY) whose plan "
                f"covers it; without one first days of months are free ({printable(str(error))})"
            )
        if "not supported" not in str(error):
            return error
        refused = next((each for each in exchanges if f" {each} " in f"{error} "), None)
        if refused is None:
            return error
        try:
            known = await exchange_list(self.api_url, self._clock)
        except UnreachableError:
            known = []
        if any(each.id == refused for each in known):
            return UsageError(f"tardis-machine can't normalize what was asked of {refused} ({printable(str(error))})")
        return unknown_exchange(refused, known)


def _address(name: str, given: str | None, default: str, environment: Mapping[str, str]) -> str:
    variable = f"AFTERSHOCK_TARDIS_{name}"
    url = given or environment.get(variable) or default
    source = name.lower() if given else variable
    schemes = {"ws", "wss"} if "WS" in name else {"http", "https"}
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0 and url.isprintable()
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"{source} is no address: write one like {default}")
    return url.rstrip("/")
