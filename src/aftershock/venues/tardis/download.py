"""Downloads that can be interrupted at any moment and run again: each file is whole and verified, or not there.

A file comes as `NAME.part`, is `NAME.received` once all of it came, and gets its name once it was read to its end. What
is there is kept: a line in the folder's `downloads.jsonl` says what it was when it was verified.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from aftershock.errors import AftershockError, InputError, UnreachableError
from aftershock.venues.connection.fetch import Fetcher, QuotaError
from aftershock.venues.connection.http import RefusedError
from aftershock.venues.tardis.columnar import to_parquet
from aftershock.venues.tardis.datasets import DataSet, Verified, verify
from aftershock.venues.tardis.raw_feed import Slice, check_slice, slice_minutes

__all__ = ["Downloader", "Outcome", "Tally"]

Status = Literal["fetched", "kept", "empty", "failed"]
_MANIFEST = "downloads.jsonl"
_CHUNK = 1 << 22
_FETCHED: Status = "fetched"
_KEPT: Status = "kept"
_EMPTY: Status = "empty"
_FOR_GOOD = frozenset({401, 403})
"""Statuses that every further request would get as well."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file.

    Attributes:
        file: Its name.
        status: `empty` is a whole file without a row: there was no data that day.
        rows, bytes: Of the file; 0 if it failed.
        columnar: Name of the file made of it; empty for none.
        reason: Why it failed, or why no columnar file could be made of it.
    """

    file: str
    status: Status
    rows: int = 0
    bytes: int = 0
    columnar: str = ""
    reason: str = ""


class Tally(msgspec.Struct):
    """How far a download has come.

    Attributes:
        files: Wanted; `done` of them are.
        bytes: Received in this run.
    """

    files: int = 0
    done: int = 0
    bytes: int = 0


class _Known(msgspec.Struct, frozen=True, omit_defaults=True):
    file: str
    path: str
    rows: int
    bytes: int
    sha256: str = ""


class Downloader:
    """Fetches into one folder.

    Attributes:
        tally: How far it has come.
        outcomes: Of the files that are done; they stay true when the rest is stopped.
    """

    def __init__(self, folder: Path, base_url: str, fetcher: Fetcher, *, jobs: int, columnar: bool = False) -> None:
        """Take where from, where to, and how many files at once.

        Raises:
            InputError: The folder can't be made, or another download is at work in it.
        """
        self.tally = Tally()
        self.outcomes: list[Outcome] = []
        self._folder, self._base, self._fetcher = folder, base_url.rstrip("/"), fetcher
        self._jobs, self._columnar = asyncio.Semaphore(jobs), columnar
        self._stopped = threading.Event()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / _MANIFEST)
            self._known = _read_manifest(folder / _MANIFEST)
            self._known_paths = {known.path: known for known in self._known.values()}
        except OSError as error:
            raise InputError(
                f"{folder} can't be used ({error.strerror or error}): name a folder of your own"
            ) from error

    def late(self, wanted: Sequence[Slice], ready: str) -> None:
        """Note slices that can't be had yet, for whoever reads the outcomes."""
        for each in wanted:
            self.outcomes.append(Outcome(file=each.file_name, status="failed", reason=ready))

    async def data_sets(self, wanted: Sequence[DataSet]) -> None:
        """Fetch data sets; one that fails does not keep the others from coming.

        Raises:
            QuotaError: The quota is used up.
            RefusedError: The key is refused.
            InputError: The folder takes no more.
        """
        self.tally.files = len(wanted)
        await self._all([self._data_set(each) for each in wanted])

    async def slices(self, wanted: Sequence[Slice]) -> None:
        """Fetch slices of raw feeds; the server may answer with fewer minutes, the rest is asked for after them.

        Raises:
            QuotaError, RefusedError, InputError: As of `data_sets`.
        """
        self.tally.files = len(wanted)
        await self._all([self._slice(each) for each in wanted])

    async def _all(self, work: Sequence[Coroutine[Any, Any, None]]) -> None:
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            await asyncio.gather(*tasks)
        finally:
            self._stopped.set()  # a thread that reads a large file can't be cancelled, but it looks at this
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.outcomes.sort(key=lambda each: each.file)
            self._lock.close()

    # --- one file ---------------------------------------------------------------------------------------------------

    async def _data_set(self, wanted: DataSet) -> None:
        async with self._jobs:
            try:
                outcome = await self._have(wanted)
            except (UnreachableError, _DamagedError) as error:
                outcome = _failed(wanted.file_name, error)
            self.outcomes.append(outcome)
            self.tally.done += 1

    async def _have(self, wanted: DataSet) -> Outcome:
        path, status = self._folder / wanted.file_name, _KEPT
        known = self._known.get(wanted.file_name)
        if known is None or not await asyncio.to_thread(_is_as_known, path, known, self._going_on):
            verified = None if _bytes(path) is None else await self._verified(path, wanted.kind)
            if verified is None:
                verified, status = await self._fetch(wanted, path), _FETCHED
                _forget(_parquet_of(path))  # made of what was here before
            known = self._note(wanted.file_name, wanted.path, verified)
        outcome = Outcome(
            file=wanted.file_name, status=status if known.rows else _EMPTY, rows=known.rows, bytes=known.bytes
        )
        return await self._with_columns(outcome, path, wanted.kind) if self._columnar and known.rows else outcome

    async def _fetch(self, wanted: DataSet, path: Path) -> Verified:
        partial, received = path.with_name(path.name + ".part"), path.with_name(path.name + ".received")
        why = ""
        for resume in (True, False):  # what an earlier run left may be of another file
            if _bytes(received) is None:
                await self._fetcher.get(f"{self._base}/{wanted.path}", partial, resume=resume, on_bytes=self._received)
                os.replace(partial, received)  # noqa: PTH105 - one step
            try:
                verified = await asyncio.to_thread(verify, received, wanted.kind, self._going_on)
            except InputError as error:
                why = str(error)
                _forget(received)
                continue
            os.replace(received, path)  # noqa: PTH105 - one step
            return verified
        raise _DamagedError(why)

    async def _verified(self, path: Path, kind: str) -> Verified | None:
        try:
            return await asyncio.to_thread(verify, path, kind, self._going_on)
        except InputError:
            return None

    async def _with_columns(self, outcome: Outcome, path: Path, kind: str) -> Outcome:
        target = _parquet_of(path)
        if _bytes(target) is None:
            try:
                await asyncio.to_thread(to_parquet, path, kind, self._going_on)
            except InputError as error:
                return msgspec.structs.replace(outcome, reason=str(error))
        return msgspec.structs.replace(outcome, columnar=target.name)

    async def _slice(self, wanted: Slice) -> None:
        rest: Slice | None = wanted
        async with self._jobs:
            while rest is not None:
                known = self._known_paths.get(rest.path())
                if known is not None and await asyncio.to_thread(
                    _is_as_known, self._folder / known.file, known, self._going_on
                ):
                    minutes = int(known.file.rsplit("_", 1)[1].removesuffix("m.ndjson.gz"))
                    outcome = Outcome(file=known.file, status="kept", rows=known.rows, bytes=known.bytes)
                else:
                    minutes, outcome = await self._fetch_slice(rest)
                self.outcomes.append(outcome)
                rest = None if outcome.status == "failed" else rest.rest(minutes)
            self.tally.done += 1

    async def _fetch_slice(self, wanted: Slice) -> tuple[int, Outcome]:
        partial = self._folder / f"{wanted.file_name}.part"
        url = f"{self._base}/{wanted.path()}"
        try:
            fetched = await self._fetcher.get(url, partial, resume=False, on_bytes=self._received)
            minutes = slice_minutes(fetched.headers, wanted.minutes)
            rows = await asyncio.to_thread(check_slice, partial, self._going_on)
            sha256 = await asyncio.to_thread(_digest, partial, self._going_on)
        except (InputError, UnreachableError) as error:
            _forget(partial)
            return 0, _failed(wanted.file_name, error)
        name = wanted.cut(minutes).file_name
        os.replace(partial, self._folder / name)  # noqa: PTH105 - one step
        self._note(name, wanted.path(), Verified(rows, fetched.bytes, sha256, ""))
        return minutes, Outcome(file=name, status="fetched" if rows else "empty", rows=rows, bytes=fetched.bytes)

    # --- how -------------------------------------------------------------------------------------------------------

    def _going_on(self) -> None:
        """Let a thread go on reading.

        Raises:
            _StoppedError: Nobody waits for it.
        """
        if self._stopped.is_set():
            raise _StoppedError

    # --- the folder -------------------------------------------------------------------------------------------------

    def _received(self, count: int) -> None:
        self.tally.bytes += count

    def _note(self, name: str, path: str, verified: Verified) -> _Known:
        known = _Known(name, path, verified.rows, verified.bytes, verified.sha256)
        self._known[name] = self._known_paths[path] = known
        try:
            self._lock.write(msgspec.json.encode(known) + b"\n")
            self._lock.flush()
        except OSError as error:
            raise InputError(f"{self._folder} takes no more ({error.strerror or error}): free space") from error
        return known


class _DamagedError(InputError):
    """What came is no whole file, twice."""


class _StoppedError(Exception):
    """Nobody waits for the rest."""


def _failed(file: str, error: AftershockError) -> Outcome:
    """Return the outcome of a file that can't be had.

    Raises:
        QuotaError, RefusedError: No other file can be had either.
    """
    if isinstance(error, QuotaError) or (isinstance(error, RefusedError) and error.status in _FOR_GOOD):
        raise error
    return Outcome(file=file, status="failed", reason=str(error))


def _is_as_known(path: Path, known: _Known, going_on: Callable[[], object]) -> bool:
    """Tell whether a file is still, byte for byte, what it was when it was verified."""
    return _bytes(path) == known.bytes and _digest(path, going_on) == known.sha256


def _digest(path: Path, going_on: Callable[[], object]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_CHUNK):
            going_on()
            digest.update(part)
    return digest.hexdigest()


def _parquet_of(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".csv.gz") + ".parquet")


def _locked(path: Path) -> BinaryIO:
    """Open the folder's list for this process alone; the lock ends with the process, however that ends.

    Raises:
        InputError: Another download holds it.
    """
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise InputError(f"another download is at work in {path.parent}: wait for it, or name another folder") from None
    return file


def _bytes(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)


def _read_manifest(path: Path) -> dict[str, _Known]:
    """Return what is known of the folder's files; a torn last line is as if it had not been written."""
    known: dict[str, _Known] = {}
    if path.is_file():
        for line in path.read_bytes().splitlines():
            try:
                each = msgspec.json.decode(line, type=_Known)
            except msgspec.MsgspecError:
                continue
            known[each.file] = each
    return known
