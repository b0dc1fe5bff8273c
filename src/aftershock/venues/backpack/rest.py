"""Backpack's REST interface: signed or not, paced, with its refusals told apart.

A request that asks may be sent again; one that orders never is: whoever sent it must find out what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import msgspec

from aftershock.errors import UnreachableError
from aftershock.model.units import NS_PER_MS
from aftershock.venues.backpack.bodies import Params, decoded, read, stripped, text
from aftershock.venues.backpack.pacing import Pacing
from aftershock.venues.backpack.refusals import BackpackError, UnknownFateError, refusal, words
from aftershock.venues.backpack.signing import Signer
from aftershock.venues.connection.backoff import Backoff
from aftershock.venues.connection.clock import Clock, within
from aftershock.venues.connection.http import is_passing
from aftershock.venues.connection.library import need_aiohttp
from aftershock.venues.connection.text import place_of, printable

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Rest"]

_ATTEMPTS = 3
_DEADLINE_S, _ADVICE_S = 15.0, 3.0
_LONGEST_RETRY_AFTER_S = 60.0
_EXPIRED = ("has expired", "in the future")
_WHO = "Backpack"
_FIND_OUT = "find out what became of it"
_ACCEPTED, _TOO_MANY = 202, 429


class Rest:
    """Requests to one account; use it as a context manager, or close it."""

    def __init__(
        self, url: str, signer: Callable[[], Signer], clock: Clock, *, deadline_s: float = _DEADLINE_S
    ) -> None:
        """Take where to, how to get who signs, and what deadlines and stamps run on."""
        self.url, self.clock = url.rstrip("/"), clock
        self._signer, self._deadline_s = signer, deadline_s
        self._session: aiohttp.ClientSession | None = None
        self.pacing = Pacing(clock)
        self.retries = 0

    def twin(self) -> Rest:
        """Return another with connections of its own, under the same limits."""
        other = Rest(self.url, self._signer, self.clock, deadline_s=self._deadline_s)
        other.pacing = self.pacing
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections; a later request opens others."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def get(
        self,
        path: str,
        params: Params | Sequence[tuple[str, str]] = (),
        instruction: str = "",
        *,
        attempts: int = _ATTEMPTS,
        urgent: bool = False,
    ) -> Any:  # noqa: ANN401 - a document
        """Ask, up to three times where that may help.

        Args:
            path: `/api/v1/markets`.
            params: Query; a sequence of pairs where a name repeats.
            instruction: What to sign it as; empty for what is public.
            attempts: At most so many.
            urgent: It is of an order's fate, and goes out of the share of orders.

        Raises:
            ConfigError: It must be signed, and there is no key.
            BackpackError: The venue says no.
            UnreachableError: It does not answer, or with something else.
        """
        backoff = Backoff(0.5, 10.0, Random())  # noqa: S311 - jitter is no secret
        for attempt in range(1, attempts + 1):
            wait_s = 0.0
            try:
                await (self.pacing.order(patient=True) if urgent else self.pacing.read(path))
                _, document = await self._send("GET", path, params, None, instruction)
            except BackpackError as error:
                if not is_passing(error.status, str(error)) or attempt == attempts:
                    raise await self._advised(error) from None
                wait_s = min(error.retry_after_s, _LONGEST_RETRY_AFTER_S)
            except UnreachableError:
                if attempt == attempts:
                    raise
            else:
                return document
            self.retries += 1
            await self.clock.sleep(max(backoff.next_s(), wait_s))
        raise AssertionError  # the last attempt returns or raises

    async def change(
        self, method: str, path: str, body: Params | Sequence[Params], instruction: str
    ) -> tuple[int, Any]:
        """Ask for a change, once; return the HTTP status and the document, None for an empty body.

        Raises:
            ConfigError: There is no key.
            BackpackError: The venue says no, and so nothing was changed.
            UnknownFateError: It was sent, and no answer says what became of it.
            UnreachableError: It could not be sent; `NotSentError` if it would have had to wait for the limit.
        """
        await self.pacing.order()
        try:
            return await self._send(method, path, (), body, instruction)
        except BackpackError as error:
            if error.settles:
                raise await self._advised(error) from None
            raise UnknownFateError(f"{error}, which does not tell whether it was done: {_FIND_OUT}") from error

    # --- how --------------------------------------------------------------------------------------------------------

    def _headers(self, instruction: str, params: Params | Sequence[Params]) -> dict[str, str]:
        if not instruction:
            return {}
        signer = self._signer()
        now_ms = self.clock.wall_ns() // NS_PER_MS
        if isinstance(params, Mapping):
            return signer.headers(instruction, params, now_ms)
        return signer.batch_headers(instruction, params, now_ms)

    async def _send(
        self,
        method: str,
        path: str,
        params: Params | Sequence[tuple[str, str]],
        body: Params | Sequence[Params] | None,
        instruction: str,
    ) -> tuple[int, Any]:
        present: list[tuple[str, str]] = []
        if isinstance(params, Mapping):
            present = [(name, text(value)) for name, value in params.items() if value is not None]
        else:
            present = list(params)
        content = None if body is None else stripped(body)
        headers = self._headers(instruction, dict(present) if content is None else content)
        url = f"{self.url}{path}" + (f"?{urlencode(present)}" if present else "")
        status, answered, retry_after_s = await self._answer(method, url, headers, content)
        where = f"{_WHO} at {place_of(self.url)}"
        if status == _TOO_MANY:
            self.pacing.refused(retry_after_s)
        if not 200 <= status < 300:
            raise refusal(where, status, answered, retry_after_s, headers)
        try:
            return status, decoded(answered)
        except ValueError as error:
            what = f"{where} answers with what is no JSON ({words(answered)})"
            if method == "GET":
                raise UnreachableError(f"{what}: check the address") from error
            if status == _ACCEPTED:  # that says all; who needs the body finds none
                return status, None
            raise UnknownFateError(f"{what}: {_FIND_OUT}") from error

    async def _answer(
        self, method: str, url: str, headers: dict[str, str], content: object
    ) -> tuple[int, bytes, float]:
        """Return status, body and Retry-After of what comes back."""
        need_aiohttp()
        import aiohttp
        from yarl import URL

        where, session = f"{_WHO} at {place_of(self.url)}", self._opened()
        data = None if content is None else msgspec.json.encode(content)
        if data is not None:
            headers["Content-Type"] = "application/json"
        try:
            asked = session.request(method, URL(url, encoded=True), headers=headers, data=data, allow_redirects=False)
            return await within(self.clock, self._deadline_s, read(asked))
        except aiohttp.ClientConnectorError as error:
            why = printable(str(error.os_error.strerror or error.os_error))
            raise UnreachableError(f"{where} does not answer ({why}): check the address and the network") from error
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            why = printable(str(error) or type(error).__name__)
            if method == "GET":
                raise UnreachableError(f"{where} does not answer ({why}): try again later") from error
            raise UnknownFateError(
                f"{where} did not answer a request that changes something ({why}): {_FIND_OUT}"
            ) from error

    def _opened(self) -> aiohttp.ClientSession:
        """Return the session; it never sends a request again on its own.

        The library would do so with a DELETE whose connection broke, and a cancellation is a request that changes
        something.
        """
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
            self._session._retry_connection = False  # noqa: SLF001 - no public switch; a test watches it
        return self._session

    async def _advised(self, error: BackpackError) -> BackpackError:
        """Return a refusal, with what to do about the clocks if it is of those."""
        if not any(word in str(error) for word in _EXPIRED):
            return error
        return BackpackError(f"{error}: {await self._clock_advice()}", error.status, error.code, error.retry_after_s)

    async def _clock_advice(self) -> str:
        try:
            offset_s = await within(self.clock, _ADVICE_S, self.clock_offset_s())
        except (TimeoutError, UnreachableError):
            return "set this machine's clock"
        return f"its clock is {offset_s:+.1f} s off this machine's: set this one's, or wait if it is the venue's"

    async def clock_offset_s(self) -> float:
        """Return how far the venue's clock is ahead of ours, in seconds; half of the way there and back is not known.

        Raises:
            UnreachableError: It does not answer.
        """
        await self.pacing.read("/api/v1/time")
        before = self.clock.wall_ns()
        _, theirs = await self._send("GET", "/api/v1/time", (), None, "")
        middle_ms = (before + self.clock.wall_ns()) / 2 / NS_PER_MS
        if not isinstance(theirs, int):
            raise UnreachableError(f"{_WHO} at {place_of(self.url)} tells no time: check the address")
        return (theirs - middle_ms) / 1_000
