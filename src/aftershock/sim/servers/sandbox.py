"""The sandbox put together: a market, its servers on loopback, and the addresses to point a client at."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Annotated, Any, Self

import msgspec
from aiohttp import web
from msgspec import Meta

from aftershock.model.units import NS_PER_MS, NS_PER_S
from aftershock.sim.market.endless import KINDS, ONSET_AFTER_NS, EndlessMarket
from aftershock.sim.market.params import MakerName
from aftershock.sim.servers.api import TardisApi
from aftershock.sim.servers.archive import Archive
from aftershock.sim.servers.backpack import Backpack
from aftershock.sim.servers.catalogue import Catalogue
from aftershock.sim.servers.deribit import Deribit
from aftershock.sim.servers.faults import Faults, UnknownFaultError
from aftershock.sim.servers.flow import flow
from aftershock.sim.servers.gateway import Gateway
from aftershock.sim.servers.guard import guarded, with_token
from aftershock.sim.servers.hub import Hub
from aftershock.sim.servers.library import Library
from aftershock.sim.servers.machine import Machine
from aftershock.sim.servers.pace import Pace
from aftershock.sim.servers.terms import Terms, terms_of
from aftershock.sim.servers.venue_feeds import VenueFeeds

__all__ = ["Sandbox"]

_HOST = "127.0.0.1"
_CLOSE_S = 0.5
_MOST_BYTES = 1 << 16
_SHOCK_AFTER_S = 4.0
_BACKLOG = 8_192
"""Thousands may connect at once; the system may allow fewer."""


class _Switch(msgspec.Struct, frozen=True):
    on: list[str]
    times: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class Sandbox:
    """Local servers for clients and tests; as an asynchronous context manager it starts and stops them.

    The market is SIMULATED. It runs in real time from the start on; with `warm_up_s` so much of it is played before, in
    `warm_up_takes_s`, by a clock that runs faster until then (`pace`).

    Attributes:
        seed: Of the market.
        key: The Tardis key that is known here, made anew each time.
        token: Allows to switch faults over HTTP.
        faults: What goes wrong.
        hub: The market as it goes on.
        deribit, backpack: The venues of those names.
        gateway: To the stand-in for a model.
        pace: Its clock.
    """

    def __init__(  # noqa: PLR0913 - each is a part of the market that a test wants
        self,
        seed: int = 1,
        *,
        faults: Iterable[str] = (),
        makers: MakerName = "slow",
        kinds: tuple[str, ...] = KINDS,
        shock_after_s: float = _SHOCK_AFTER_S,
        warm_up_s: float = 0.0,
        warm_up_takes_s: float = 5.0,
        begins_in_s: float = 0.0,
        backpack_options: bool = True,
        gateway_latency_ms: float | None = None,
    ) -> None:
        """Plan a sandbox.

        Args:
            seed: Not negative.
            faults: Names out of `FAULTS`.
            makers: `fast` or `slow`.
            kinds: What each shock goes with, in turn.
            shock_after_s: The first shock begins so long after the market runs in real time, or up to 5 s later.
            warm_up_s: Market time that is played fast before; none needs no clock but the wall's.
            warm_up_takes_s: How long that takes.
            begins_in_s: The warm-up begins so long from now.
            backpack_options: Whether Backpack lists options, as the overlay has them; the real one lists none.
            gateway_latency_ms: Every answer of the model takes so long; None draws (`gateway_latency`).

        Raises:
            UnknownFaultError: A fault is none.
        """
        fast = time.time_ns() + round(begins_in_s * NS_PER_S)
        speed = max(round(warm_up_s / warm_up_takes_s), 1)
        live = fast + round(warm_up_s / speed * NS_PER_S)
        self.seed, self.pace = seed, Pace(live_from_ns=live, fast_from_ns=fast, speed=speed)
        begin = self.pace.live_from_ns + round(shock_after_s * NS_PER_S) - ONSET_AFTER_NS
        self.market = EndlessMarket(seed, begin - begin % NS_PER_MS, makers=makers, kinds=kinds)
        self.faults = Faults(faults)
        self.key, self.token = f"TD.{secrets.token_hex(12)}", secrets.token_urlsafe(24)
        terms: dict[tuple[str, str], Terms] = terms_of(self.market.listing)
        first = self.pace.live_from_ns - round(warm_up_s * NS_PER_S)
        self.hub = Hub(flow(self.market, terms), terms, self.pace, first)
        archive = Archive(seed)
        library = Library(self.hub, archive)
        catalogue = Catalogue(lambda: self.market.listing, self.market.begin_ns, archive)
        machine = Machine(self.hub, library, self.faults, seed)
        self.deribit = Deribit(self.hub, lambda: self.market.listing, self.faults)
        self.backpack = Backpack(self.hub, lambda: self.market.listing, self.faults, options=backpack_options)
        self.gateway = Gateway(self.faults, seed, latency_ms=gateway_latency_ms)
        api = TardisApi(library, catalogue, archive, self.faults, self.key)
        self._apps = {
            "machine_ws": machine.websocket_app(guarded),
            "machine_http": machine.http_app(guarded),
            "tardis_api": self._with_control(api.app(guarded)),
            "venues": VenueFeeds(self.hub).app(guarded),
            "deribit": self.deribit.app(guarded),
            "backpack_rest": self.backpack.rest.app(guarded),
            "backpack_ws": self.backpack.ws.app(guarded),
            "gateway": self.gateway.app(guarded),
        }
        self._tls = False
        self._runners: list[web.AppRunner] = []
        self._ports: dict[str, int] = {}
        self._player: asyncio.Task[None] | None = None

    # --- addresses ------------------------------------------------------------------------------------------------

    @property
    def urls(self) -> dict[str, str]:
        """Return addresses by the names of the command's JSON line."""
        at = {name: f"{_HOST}:{port}" for name, port in self._ports.items()}
        scheme = "https" if self._tls else "http"
        return {
            "tardis_api": f"{scheme}://{at['tardis_api']}/v1",
            "tardis_datasets": f"{scheme}://{at['tardis_api']}/v1",
            "tardis_machine_http": f"http://{at['machine_http']}",
            "tardis_machine_ws": f"ws://{at['machine_ws']}",
            "ftx_ws": f"ws://{at['venues']}/ftx",
            "deribit_http": f"http://{at['deribit']}/api/v2",
            "deribit_ws": f"ws://{at['deribit']}/ws/api/v2",
            "deribit_recorder_ws": f"ws://{at['deribit']}/deribit",
            "backpack_rest": f"http://{at['backpack_rest']}",
            "backpack_ws": f"ws://{at['backpack_ws']}",
            "gateway": f"http://{at['gateway']}/v1",
            "control": f"{scheme}://{at['tardis_api']}/sandbox/faults",
        }

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that point every client of ours here."""
        urls = self.urls
        return {
            "AFTERSHOCK_TARDIS_API_URL": urls["tardis_api"],
            "AFTERSHOCK_TARDIS_DATASETS_URL": urls["tardis_datasets"],
            "AFTERSHOCK_TARDIS_MACHINE_HTTP_URL": urls["tardis_machine_http"],
            "AFTERSHOCK_TARDIS_MACHINE_WS_URL": urls["tardis_machine_ws"],
            "AFTERSHOCK_DERIBIT_HTTP_URL": urls["deribit_http"],
            "AFTERSHOCK_DERIBIT_WS_URL": urls["deribit_ws"],
            "AFTERSHOCK_BACKPACK_REST_URL": urls["backpack_rest"],
            "AFTERSHOCK_BACKPACK_WS_URL": urls["backpack_ws"],
            "AFTERSHOCK_HOLYSHEEP_URL": urls["gateway"],
            "TARDIS_API_KEY": self.key,
            "DERIBIT_CLIENT_ID": self.deribit.client_id,
            "DERIBIT_CLIENT_SECRET": self.deribit.client_secret,
            "BACKPACK_API_KEY": self.backpack.keys.public,
            "BACKPACK_SECRET_KEY": self.backpack.keys.secret,
            "HOLYSHEEP_API_KEY": self.gateway.key,
        }

    def describe(self) -> dict[str, Any]:
        """Return the JSON line of the command."""
        return {
            **self.urls,
            "keys": {
                "tardis": self.key,
                "deribit_id": self.deribit.client_id,
                "deribit_secret": self.deribit.client_secret,
                "backpack_api": self.backpack.keys.public,
                "backpack_secret": self.backpack.keys.secret,
                "gateway": self.gateway.key,
            },
            "token": self.token,
            "simulated": True,
            "seed": self.seed,
            "begin_ns": str(self.market.begin_ns),
            "pace": msgspec.to_builtins(self.pace),
        }

    # --- life -----------------------------------------------------------------------------------------------------

    async def start(self, ports: dict[str, int] | None = None, tls: ssl.SSLContext | None = None) -> None:
        """Bind the ports and begin to play.

        Args:
            ports: By `machine_ws`, `machine_http`, `tardis_api`; what is missing or 0 is any free one.
            tls: The HTTP API is served over TLS with it, for clients that speak nothing else.

        Raises:
            OSError: A port is taken.
        """
        self._tls = tls is not None
        try:
            for name, app in self._apps.items():
                # A handler that a fault keeps waiting ends with its client.
                runner = web.AppRunner(app, shutdown_timeout=_CLOSE_S, access_log=None, handler_cancellation=True)
                self._runners.append(runner)
                await runner.setup()
                port, secure = (ports or {}).get(name, 0), tls if name == "tardis_api" else None
                await web.TCPSite(runner, _HOST, port, ssl_context=secure, backlog=_BACKLOG).start()
                self._ports[name] = int(runner.addresses[0][1])
        except OSError:
            await self.stop()
            raise
        self._player = asyncio.ensure_future(self.hub.play(time.time_ns))

    async def stop(self) -> None:
        """Close everything; may be called again."""
        player, self._player = self._player, None
        if player is not None:
            player.cancel()
            await asyncio.gather(player, return_exceptions=True)
        runners, self._runners = self._runners, []
        for runner in runners:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def wait(self) -> None:
        """Return when the market stops to play, which is a fault, and raise it."""
        if self._player is not None:
            await asyncio.shield(self._player)

    # --- control --------------------------------------------------------------------------------------------------

    def _with_control(self, app: web.Application) -> web.Application:
        app.router.add_get("/sandbox/faults", self._show_faults)
        app.router.add_post("/sandbox/faults", self._set_faults)
        return app

    async def _show_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"hits": self.faults.hits})

    async def _set_faults(self, request: web.Request) -> web.Response:
        """Switch faults: `{"on": ["gap"], "times": 1}`; an empty list ends all."""
        if not with_token(request, self.token):
            return web.json_response({"message": "faults are switched with the sandbox's token"}, status=401)
        if (request.content_length or _MOST_BYTES + 1) > _MOST_BYTES:
            return web.json_response({"message": "the request is too large"}, status=413)
        try:
            asked = msgspec.json.decode(await request.read(), type=_Switch)
            Faults(asked.on)  # all names, before any is switched
        except UnknownFaultError as error:
            return web.json_response({"message": str(error)}, status=400)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return web.json_response({"message": 'write {"on": [names], "times": number}'}, status=400)
        self.faults.switch_off()
        for name in asked.on:
            self.faults.switch_on(name, asked.times)
        return web.json_response({"on": asked.on})
