"""`download`: what was asked for, checked against what there is before anything is fetched, then fetched."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec

from aftershock.app.plain import plain
from aftershock.errors import AftershockError, UsageError
from aftershock.model.units import NS_PER_S
from aftershock.venues.connection.clock import Clock, SystemClock
from aftershock.venues.connection.fetch import Fetcher
from aftershock.venues.connection.http import RefusedError
from aftershock.venues.connection.library import need_aiohttp
from aftershock.venues.connection.text import printable
from aftershock.venues.recording.library import need_pyarrow
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.datasets import DATA_TYPES, DataSet, days, file_symbol, is_free
from aftershock.venues.tardis.download import Downloader, Outcome, Tally
from aftershock.venues.tardis.exchanges import Exchange
from aftershock.venues.tardis.raw_feed import Slice

__all__ = ["SCHEMA_VERSION", "DownloadRequest", "Downloaded", "download"]

SCHEMA_VERSION = 1
_PROGRESS_S = 0.25
_SLICE_MINUTES = 60
_SLICE_READY_AFTER = timedelta(minutes=10)
"""Tardis has a minute of a raw feed some six minutes after it is over."""


class DownloadRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to fetch.

    Attributes:
        exchange: Tardis id.
        kinds: Data types of CSV data sets; or `channels` of the API's raw feeds, not both.
        symbols: Names of the venue, or groups; for raw feeds none means all.
        first, last: Days, `2022-11-01`; the last is the day after.
        folder: Where to.
        jobs: Files at once.
        columnar: Make Parquet files too.
    """

    exchange: str
    kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    first: str
    last: str
    folder: Path
    jobs: int = 4
    columnar: bool = False


class Downloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    Attributes:
        outcomes: File by file.
        received: Bytes that came over the network in this run.
        retries: Attempts that had to be made again.
        seconds: How long it took.
        left: Files that were not looked at, since the run ended before.
        interrupted: True if it was told to stop: what is whole stays, the rest comes next time.
        failure: What ended it for good: a key or a quota; None if nothing did.
    """

    outcomes: tuple[Outcome, ...]
    received: int
    retries: int
    seconds: float
    left: int = 0
    interrupted: bool = False
    failure: AftershockError | None = None

    def count(self, status: str) -> int:
        """Return how many files ended so."""
        return sum(each.status == status for each in self.outcomes)

    @property
    def not_columnar(self) -> int:
        """Return how many whole files could not be made columnar; their reasons say why."""
        return sum(each.status != "failed" and bool(each.reason) for each in self.outcomes)

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `download`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "files": {status: self.count(status) for status in ("fetched", "kept", "empty", "failed")},
            "not_columnar": self.not_columnar,
            "rows": sum(each.rows for each in self.outcomes),
            "bytes": sum(each.bytes for each in self.outcomes),
            "received": self.received,
            "retries": self.retries,
            "seconds": self.seconds,
            "left": self.left,
            "interrupted": self.interrupted,
            "failure": None if self.failure is None else str(self.failure),
            "list": plain(list(self.outcomes)),
        }


async def download(
    request: DownloadRequest,
    environment: Mapping[str, str],
    *,
    on_progress: Callable[[Tally], None] = lambda _: None,
    stop: asyncio.Event | None = None,
    clock: Clock | None = None,
) -> Downloaded:
    """Fetch everything that is not there yet.

    Args:
        request: What.
        environment: Addresses and the key.
        on_progress: Gets how far it has come, a few times a second.
        stop: Set to end it: what is whole stays.
        clock: What deadlines and waits run on; else the machine's.

    Raises:
        UsageError: An exchange, a type, a symbol or a day does not exist, or needs a key that is not there.
        ConfigError: A package is missing.
        UnreachableError: Nobody answers, the key is refused, or the quota is used up.
        InputError: The folder can't be used.
    """
    need_aiohttp()
    if request.columnar:
        need_pyarrow()
    import aiohttp

    wanted_days = days(request.first, request.last)
    client = TardisClient(environment=environment, clock=clock)
    paid = [day for day in wanted_days if not is_free(day)]
    if paid and not client.has_key:
        raise UsageError(
            f"{paid[0]:%Y-%m-%d} needs a key: set TARDIS_API_KEY, or ask for first days of months, which are free"
        )
    clock, stop = clock or SystemClock(), stop or asyncio.Event()
    started = clock.monotonic()
    asking = asyncio.ensure_future(client.details(request.exchange))
    if await _watched(asking, Tally(), on_progress, stop):
        return Downloaded(outcomes=(), received=0, retries=0, seconds=clock.monotonic() - started, interrupted=True)
    details = asking.result()
    ready_until = datetime.fromtimestamp(clock.wall_ns() / NS_PER_S, tz=UTC) - _SLICE_READY_AFTER
    all_slices = _slices(request, details) if request.channels else []
    slices = [each for each in all_slices if each.end <= ready_until]
    if all_slices and not slices:
        raise UsageError(f"nothing of {request.first} is over: raw feeds are ready ten minutes after their hour")
    data_sets = [] if request.channels else _data_sets(request, details)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        fetcher = Fetcher(session, who="Tardis", clock=clock, headers=client.authorization())
        base = client.api_url if request.channels else client.datasets_url
        downloader = Downloader(
            request.folder, base, fetcher, jobs=request.jobs, columnar=request.columnar and not request.channels
        )
        downloader.late(all_slices[len(slices) :], "not over yet: run it again ten minutes after its end")
        task = asyncio.ensure_future(downloader.slices(slices) if slices else downloader.data_sets(data_sets))
        interrupted = await _watched(task, downloader.tally, on_progress, stop)
    failure = None if interrupted else task.exception()
    if failure is not None and not isinstance(failure, RefusedError):
        raise failure
    return Downloaded(
        outcomes=tuple(downloader.outcomes),
        received=downloader.tally.bytes,
        retries=fetcher.retries,
        seconds=clock.monotonic() - started,
        left=downloader.tally.files - downloader.tally.done,
        interrupted=interrupted,
        failure=failure,
    )


async def _watched(
    task: asyncio.Future[Any], tally: Tally, on_progress: Callable[[Tally], None], stop: asyncio.Event
) -> bool:
    """Wait for the end of the work, or stop it; tell which it was."""
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not task.done() and not stop.is_set():
            await asyncio.wait((task, stopping), timeout=_PROGRESS_S, return_when=asyncio.FIRST_COMPLETED)
            on_progress(tally)
    finally:
        stopping.cancel()
        if not task.done():
            task.cancel()
        await asyncio.wait((task,))
    return task.cancelled()


def _data_sets(request: DownloadRequest, details: Exchange) -> list[DataSet]:
    until = details.datasets.exported_until[:10]
    late = [day for day in days(request.first, request.last) if until and f"{day}" >= until]
    if late:
        raise UsageError(
            f"{request.exchange} has data sets until {printable(until)}, and {late[0]} is not ready: name earlier days"
        )
    listed = {file_symbol(each.id): each.data_types for each in details.datasets.symbols}
    if not listed:
        raise UsageError(f"{request.exchange} has no data sets: its raw feeds may be had with --raw")
    symbols = [file_symbol(each) for each in request.symbols]
    if not symbols:
        raise UsageError(f"name a symbol or a group of {request.exchange}: {_some(list(listed))}")
    for symbol in symbols:
        if symbol not in listed:
            raise UsageError(f"{request.exchange} has no `{printable(symbol)}`: {_near(symbol, list(listed))}")
        for kind in request.kinds:
            if kind not in listed[symbol]:
                raise UsageError(f"{symbol} of {request.exchange} has no {kind}: it has {_some(listed[symbol])}")
    return [
        DataSet(request.exchange, kind, day, symbol)
        for day in days(request.first, request.last)
        for kind in request.kinds
        for symbol in dict.fromkeys(symbols)
    ]


def _slices(request: DownloadRequest, details: Exchange) -> list[Slice]:
    for channel in request.channels:
        if channel not in details.available_channels:
            known = _some(details.available_channels, 40)
            raise UsageError(f"{request.exchange} has no channel `{printable(channel)}`: it has {known}")
    return [
        Slice(
            request.exchange,
            request.channels,
            request.symbols,
            datetime.combine(day, time(hour), tzinfo=UTC),
            _SLICE_MINUTES,
        )
        for day in days(request.first, request.last)
        for hour in range(24)
    ]


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=4, cutoff=0.5)
    return f"near it are {', '.join(map(printable, near))}" if near else f"it has {_some(names)}"


def _some(names: Sequence[str], most: int = 8) -> str:
    first = list(names)[:most]
    return ", ".join(map(printable, first)) + (
        f" and {len(names) - len(first):,} more" if len(names) > len(first) else ""
    )


KINDS = tuple(DATA_TYPES)
"""Data types that can be asked for."""
