"""One body over HTTP into a file, with refusals told apart, within bounds of time; what is there already is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import msgspec

from aftershock.errors import InputError, UnreachableError
from aftershock.venues.connection.backoff import Backoff
from aftershock.venues.connection.clock import Clock, within
from aftershock.venues.connection.http import RefusedError, is_passing, said
from aftershock.venues.connection.text import place_of, printable

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Fetched", "Fetcher", "QuotaError"]

_LONGEST_RETRY_AFTER_S = 300
"""Longer than this is no busy server, but a quota that is used up."""
_CHUNK_S = 60.0


class QuotaError(RefusedError):
    """The server asks to come back so late that nothing more can be had for now."""


class _Broken(Exception):  # noqa: N818 - an attempt that may be made again
    pass


class Fetched(msgspec.Struct, frozen=True):
    """What came.

    Attributes:
        headers: Of the answer, lower case.
        bytes: Of the body in this file, those from an earlier attempt included.
        resumed: Bytes that were there already.
    """

    headers: dict[str, str]
    bytes: int
    resumed: int


class Fetcher:
    """Gets bodies from one server; attempts and waits are shared by all its users."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        who: str,
        clock: Clock,
        headers: dict[str, str],
        attempts: int = 6,
        answer_s: float = 60.0,
    ) -> None:
        """Take how to ask.

        Args:
            session: Without a deadline of its own.
            who: Name of the server in messages.
            clock: What deadlines and waits run on.
            headers: To send; never shown.
            attempts: For one body.
            answer_s: For the head of an answer; later each part has a minute.
        """
        self._session, self._who, self._clock, self._headers = session, who, clock, headers
        self._attempts, self._answer_s = attempts, answer_s
        self.retries = 0

    async def get(self, url: str, into: Path, *, resume: bool, on_bytes: Callable[[int], None]) -> Fetched:
        """Write a body into a file, raw as it came over the wire.

        Args:
            url: Where.
            into: The file; what an earlier attempt left in it is continued if the server can, else written anew.
            resume: Whether that may be.
            on_bytes: Gets the number of bytes of each part.

        Raises:
            QuotaError: The quota is used up.
            RefusedError: The server says no.
            UnreachableError: It does not answer, or breaks off time and again.
            InputError: The file can't be written.
        """
        backoff = Backoff(1.0, 60.0, Random())  # noqa: S311 - jitter is no secret
        for attempt in range(1, self._attempts + 1):
            wait = 0.0
            try:
                return await self._once(url, into, resume=resume or attempt > 1, on_bytes=on_bytes)
            except RefusedError as error:
                final = isinstance(error, QuotaError) or not is_passing(error.status, str(error))
                if final or attempt == self._attempts:
                    raise
                wait = error.retry_after_s
            except _Broken as error:
                if attempt == self._attempts:
                    raise UnreachableError(
                        f"{self._who} at {place_of(url)} {error}, {attempt} times: check the network, then run it again"
                    ) from error
            self.retries += 1
            await self._clock.sleep(max(backoff.next_s(), wait))
        raise AssertionError  # the last attempt returns or raises

    async def _once(self, url: str, into: Path, *, resume: bool, on_bytes: Callable[[int], None]) -> Fetched:
        import aiohttp
        from yarl import URL

        have = _size(into) if resume else 0
        headers = {**self._headers, "Accept-Encoding": "gzip"}
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            asked = self._session.get(URL(url, encoded=True), headers=headers, allow_redirects=False)
            async with await within(self._clock, self._answer_s, _opened(asked)) as response:
                changed = response.status == 416 or (response.status == 206 and not _continues(response, have))
                if have and changed:  # what is here is no part of what is there
                    _forget(into)
                    raise _Broken("changed the file meanwhile")
                if response.status not in (200, 206) or changed:
                    raise await self._refusal(response, url)
                if response.status == 200:
                    have = 0
                return await self._write(response, into, have, on_bytes)
        except TimeoutError as error:
            raise _Broken("does not answer in time") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise _Broken(f"broke off ({printable(str(error) or type(error).__name__)})") from error

    async def _write(
        self, response: aiohttp.ClientResponse, into: Path, have: int, on_bytes: Callable[[int], None]
    ) -> Fetched:
        size = have
        try:
            with into.open("ab" if have else "wb") as file:
                while chunk := await within(self._clock, _CHUNK_S, response.content.read(1 << 18)):
                    file.write(chunk)
                    size += len(chunk)
                    on_bytes(len(chunk))
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            raise InputError(
                f"{into} can't be written ({error.strerror or error}): free space or name another folder"
            ) from error
        length = response.headers.get("Content-Length", "")
        if length.isdigit() and size - have != int(length):
            raise _Broken(f"broke off after {size - have:,} of {int(length):,} bytes")
        return Fetched({key.lower(): value for key, value in response.headers.items()}, size, have)

    async def _refusal(self, response: aiohttp.ClientResponse, url: str) -> RefusedError:
        body = await within(self._clock, self._answer_s, response.content.read(4_096))
        words, text = said(body, self._headers), response.headers.get("Retry-After", "")
        wait = float(text) if text.isascii() and text.isdigit() else 0.0
        where = f"{self._who} at {place_of(url)}"
        if wait > _LONGEST_RETRY_AFTER_S:
            return QuotaError(
                f"{where} says that the quota is used up ({words}): try again in {wait / 60:.0f} minutes", 429
            )
        return RefusedError(f"{where} says no with HTTP {response.status} ({words})", response.status, wait)


async def _opened(asked: aiohttp.client._RequestContextManager) -> aiohttp.ClientResponse:
    return await asked


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)


def _continues(response: aiohttp.ClientResponse, have: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
