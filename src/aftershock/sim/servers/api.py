"""Tardis' HTTP API and its data sets, with the answers, headers and refusals that clients know."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from aftershock.model.units import NS_PER_DAY, NS_PER_S
from aftershock.sim.servers.archive import ARCHIVE_DAY_NS, Archive
from aftershock.sim.servers.catalogue import Catalogue
from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.guard import bears
from aftershock.sim.servers.library import Library
from aftershock.sim.servers.native import CHANNELS, Natives
from aftershock.sim.servers.stamps import iso, parse_minute, recorded
from aftershock.sim.tardis import data_set_name

__all__ = ["TardisApi"]

_MINUTE_NS = 60 * NS_PER_S
_MOST_MINUTES = 60
_MOST_OFFSET = 100_000
_PAGE = "<html><head><title>Please wait</title></head><body><h1>Checking your browser</h1></body></html>"
_DAY = re.compile(r"\d{4}/\d{2}/\d{2}")
_RAW = tuple(name for name in ("ftx", "ftx-restart", "deribit"))
_BOMB_BYTES, _BOMB_PARTS = 1 << 30, 1 << 6


class _Filter(msgspec.Struct, frozen=True):
    channel: str
    symbols: list[str] | None = None


class TardisApi:
    """The routes under `/v1`; data sets are under the same address."""

    def __init__(self, library: Library, catalogue: Catalogue, archive: Archive, faults: Faults, key: str) -> None:
        """Take what to serve; `key` is the only one that is known."""
        self._library, self._catalogue, self._archive = library, catalogue, archive
        self._faults, self._key = faults, key
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = asyncio.Lock()

    def app(self, *middlewares: Any) -> web.Application:  # noqa: ANN401 - aiohttp's own type is private
        """Return the application."""
        app = web.Application(middlewares=[*middlewares, self._faulty])
        add = app.router.add_get
        add("/v1/exchanges", self._exchanges)
        add("/v1/exchanges/{exchange}", self._exchange)
        add("/v1/instruments/{exchange}", self._instruments)
        add("/v1/instruments/{exchange}/{symbol:.+}", self._instrument)
        add("/v1/api-key-info", self._key_info)
        add("/v1/data-feeds/{exchange}", self._feed)
        add(r"/v1/{exchange}/{kind}/{day:\d{4}/\d{2}/\d{2}}/{file}", self._data_set)
        app.on_cleanup.append(self._clean)
        return app

    @web.middleware
    async def _faulty(self, request: web.Request, handler: Any) -> web.StreamResponse:  # noqa: ANN401
        faults = self._faults
        if faults.strikes("api-silence"):
            await asyncio.Event().wait()
        if faults.strikes("api-html"):
            return web.Response(text=_PAGE, content_type="text/html")
        if faults.strikes("api-garbage"):
            return web.Response(text='{"id": "deribit", "na', content_type="application/json")
        if faults.strikes("rate-limit"):
            return _error(429, 12, "Too many requests", {"Retry-After": "1"})
        if faults.strikes("quota"):
            return _error(429, 13, "Monthly quota exhausted", {"Retry-After": "3600"})
        if faults.strikes("server-error"):
            return _error(500, 1, "Internal server error")
        if faults.strikes("powerless-key"):
            return _error(403, 5, "Your plan does not include this")
        found: web.StreamResponse = await handler(request)
        return found

    # --- metadata -------------------------------------------------------------------------------------------------

    async def _exchanges(self, _request: web.Request) -> web.Response:
        return web.json_response(self._catalogue.exchanges())

    async def _exchange(self, request: web.Request) -> web.Response:
        found = self._catalogue.exchange(request.match_info["exchange"])
        return _error(404, 100, "No such exchange") if found is None else web.json_response(found)

    async def _instruments(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return _unauthorized()
        found = self._catalogue.instruments(request.match_info["exchange"])
        if found is None:
            return _error(404, 100, "No such exchange")
        try:
            wanted = msgspec.json.decode(request.query.get("filter", "{}"), type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError):
            return _error(400, 110, "filter is no JSON object")
        return web.json_response([each for each in found if _matches(each, wanted)])

    async def _instrument(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return _unauthorized()
        found = self._catalogue.instruments(request.match_info["exchange"]) or []
        one = next((each for each in found if each["id"] == request.match_info["symbol"]), None)
        return _error(404, 101, "No such instrument") if one is None else web.json_response(one)

    async def _key_info(self, request: web.Request) -> web.Response:
        if self._faults.strikes("expired-key"):
            return web.json_response([])
        if not self._may(request):
            return _unauthorized()
        rights = [
            {
                "exchange": each["id"],
                "accessType": "subscription",
                "from": each["availableSince"],
                "to": each.get("availableTo", "2030-01-01T00:00:00.000Z"),
                "symbols": [],
                "dataPlan": "pro",
            }
            for each in self._catalogue.exchanges()
        ]
        return web.json_response(rights)

    # --- raw feeds ------------------------------------------------------------------------------------------------

    async def _feed(self, request: web.Request) -> web.Response:
        exchange = request.match_info["exchange"]
        if exchange not in _RAW:
            return _error(400, 100, f"Invalid exchange: {exchange[:40]}")
        try:
            offset = min(max(int(request.query.get("offset", "0")), 0), _MOST_OFFSET)
            from_ns = parse_minute(request.query["from"]) + offset * _MINUTE_NS
            minutes = min(max(int(request.query.get("sliceSize", "1")), 1), _MOST_MINUTES)
            filters = msgspec.json.decode(request.query.get("filters", "[]"), type=list[_Filter])
        except (KeyError, ValueError, RecursionError, msgspec.MsgspecError):
            return _error(400, 110, "Invalid from, offset, sliceSize or filters: from is in ISO 8601 format")
        unknown = [
            each for each in filters if each.channel not in CHANNELS["deribit" if exchange == "deribit" else "ftx"]
        ]
        if unknown:
            return _error(400, 111, f"Invalid channel: {unknown[0].channel[:40]}")
        if not self._may(request, from_ns):
            return _unauthorized()
        body = await asyncio.to_thread(self._slice, exchange, from_ns, from_ns + minutes * _MINUTE_NS, filters)
        headers = {"x-slice-size": str(minutes), "x-suggested-slice-size": "10"}
        if self._faults.strikes("no-slice-size"):
            headers.clear()
        return self._packed(body, {**headers, "Content-Type": "text/plain"})

    def _slice(self, exchange: str, from_ns: int, to_ns: int, filters: list[_Filter]) -> bytes:
        return b"".join(self._lines(exchange, from_ns, to_ns, filters))

    def _lines(self, exchange: str, from_ns: int, to_ns: int, filters: list[_Filter]) -> Iterator[bytes]:
        natives = Natives()
        for event in self._library.past([exchange], from_ns, to_ns):
            for native in natives.of(event):
                if not filters or any(_asked(native.channel, native.symbol, each) for each in filters):
                    yield recorded(native.ts_init).encode() + b" " + native.json() + b"\n"

    def _packed(self, body: bytes, headers: dict[str, str]) -> web.Response:
        """Return a compressed answer, or what a fault makes of it."""
        packed = gzip.compress(body, 6, mtime=0)
        if self._faults.strikes("gzip-bomb"):
            packed = _bomb()
        elif self._faults.strikes("cut-body"):
            packed = packed[: len(packed) * 2 // 3]
        return web.Response(body=packed, headers={**headers, "Content-Encoding": "gzip"})

    # --- data sets ------------------------------------------------------------------------------------------------

    async def _data_set(self, request: web.Request) -> web.StreamResponse:
        where = request.match_info
        symbol, _, ending = where["file"].partition(".")
        if ending != "csv.gz":
            return _error(404, 102, "No such file")
        if self._catalogue.exchange(where["exchange"]) is None:
            return _error(400, 100, f"Invalid exchange: {where['exchange'][:40]}")
        try:
            day_ns = int(datetime.strptime(where["day"], "%Y/%m/%d").replace(tzinfo=UTC).timestamp()) * NS_PER_S
        except ValueError:
            return _error(400, 110, "Invalid date")
        if not self._may(request, day_ns):
            return _unauthorized()
        if day_ns >= ARCHIVE_DAY_NS + NS_PER_DAY:
            return _error(404, 103, f"Data is available until {iso(ARCHIVE_DAY_NS + NS_PER_DAY)}")
        packed = await self._file(where["exchange"], where["kind"], day_ns, symbol)
        if packed is None:
            return _error(400, 104, f"Invalid symbol or data type: {symbol[:40]}, {where['kind'][:40]}")
        if self._faults.strikes("gzip-bomb"):
            packed = _bomb()
        elif self._faults.strikes("cut-body"):
            packed = packed[: len(packed) * 2 // 3]
        elif self._faults.strikes("bad-checksum"):
            packed = packed[:-6] + bytes([packed[-6] ^ 0xFF]) + packed[-5:]
        return web.Response(body=packed, content_type="application/gzip")

    async def _file(self, exchange: str, kind: str, day_ns: int, symbol: str) -> bytes | None:
        """Return a day's file, None where there can't be one; a day without data is an empty file."""
        details = self._catalogue.exchange(exchange) or {}
        known = {_file_symbol(each["id"]): each["dataTypes"] for each in details["datasets"]["symbols"]}
        if kind not in known.get(symbol, ()):
            return None
        if day_ns != ARCHIVE_DAY_NS:
            return gzip.compress(b"", mtime=0)
        folder = await self._written()
        groups = [
            each["id"] for each in details["datasets"]["symbols"] if each["id"].isupper() and "-" not in each["id"]
        ]
        date = iso(day_ns)[:10]
        if symbol in groups:
            path = folder / data_set_name(exchange, kind, date, symbol)
            return path.read_bytes() if path.is_file() else gzip.compress(b"", mtime=0)
        return await asyncio.to_thread(
            _one_symbol, folder, [data_set_name(exchange, kind, date, g) for g in groups], symbol
        )

    async def _written(self) -> Path:
        async with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="aftershock-sandbox-")
                await asyncio.to_thread(self._archive.write_data_sets, Path(self._folder.name))
        return Path(self._folder.name)

    async def _clean(self, _app: web.Application) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def _may(self, request: web.Request, from_ns: int | None = None) -> bool:
        """Tell whether a request may read: with the key everything, without one the first days of months."""
        if self._faults.strikes("expired-key"):
            return False
        if bears(request, self._key):
            return True
        given = request.headers.get("Authorization", "")
        free = from_ns is not None and datetime.fromtimestamp(from_ns // NS_PER_S, tz=UTC).day == 1
        return free and not given.removeprefix("Bearer ").strip()


def _error(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    text = json.dumps({"code": code, "message": message}, indent=2)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)


def _unauthorized() -> web.Response:
    return _error(401, 4, "Unauthorized: give a valid API key; without one the first day of each month is free")


def _matches(entry: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(entry.get(key) in (value if isinstance(value, list) else [value]) for key, value in wanted.items())


def _asked(channel: str, symbol: str, each: _Filter) -> bool:
    return each.channel == channel and (not each.symbols or symbol in each.symbols)


def _file_symbol(symbol: str) -> str:
    return symbol.replace("/", "-").replace(":", "-").upper()


def _one_symbol(folder: Path, names: list[str], symbol: str) -> bytes:
    """Return the rows of one symbol out of the files of groups."""
    for name in names:
        if not (folder / name).is_file():
            continue
        head, *rows = gzip.decompress((folder / name).read_bytes()).decode().splitlines()
        found = [row for row in rows if _file_symbol(row.split(",", 2)[1]) == symbol]
        if found:
            return gzip.compress(("\n".join([head, *found]) + "\n").encode(), mtime=0)
    return gzip.compress(b"", mtime=0)


def _bomb() -> bytes:
    """Return a megabyte that unpacks to a thousand: one block's compressed form, again and again."""
    return gzip.compress(bytes(_BOMB_BYTES // _BOMB_PARTS), 9, mtime=0) * _BOMB_PARTS
