"""Deribit's JSON-RPC over HTTP: paced as the venue wants it, its own errors, and a token for what is private."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec

from aftershock.errors import ConfigError, UnreachableError
from aftershock.venues.connection.clock import Clock
from aftershock.venues.connection.http import RefusedError, get_json
from aftershock.venues.connection.rate_limit import TokenBucket
from aftershock.venues.connection.text import place_of, printable
from aftershock.venues.deribit.keys import Keys

__all__ = ["DeribitError", "Rpc"]

_WHO = "Deribit"
_CREDITS, _REFILL_PER_S, _COST = 50_000.0, 10_000.0, 500.0
_LISTS_PER_S, _LISTS_AT_ONCE = 1.0, 50.0
_WRONG_KEY, _NO_TOKEN = 13_004, 13_009
_EARLY_S = 60.0
"""A token is renewed so long before it ends."""


class DeribitError(UnreachableError):
    """The venue answered with an error of its own.

    Attributes:
        code: The venue's number for it.
    """

    def __init__(self, message: str, code: int) -> None:
        """Take the sentence and the number."""
        super().__init__(message)
        self.code = code


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class _Answer(msgspec.Struct, frozen=True):
    result: Any = msgspec.UNSET
    error: _Error | None = None


class _Token(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float


class Rpc:
    """Asks for documents; credits are shared by all that is asked here."""

    def __init__(self, url: str, clock: Clock, keys: Keys) -> None:
        """Take where to ask, what time it runs on, and who asks for what is private."""
        self._url, self._clock, self._keys = url, clock, keys
        self._credits = TokenBucket(_REFILL_PER_S, _CREDITS, clock)
        self._lists = TokenBucket(_LISTS_PER_S, _LISTS_AT_ONCE, clock)
        self._token, self._token_ends = "", 0.0

    async def public(self, method: str, **params: str) -> Any:  # noqa: ANN401 - a document
        """Return the result of a public method.

        Raises:
            DeribitError: The venue says no; tells its own code and message.
            UnreachableError: It does not answer, or with something else.
        """
        if method == "get_instruments":
            await self._lists.take()
        return await self._ask(f"public/{method}", params)

    async def private(self, method: str, **params: str) -> Any:  # noqa: ANN401 - a document
        """Return the result of a private method.

        Raises:
            ConfigError: There are no keys, or the venue does not take them.
            DeribitError: The venue says no; tells its own code and message.
            UnreachableError: It does not answer, or with something else.
        """
        for is_last in (False, True):
            if self._clock.monotonic() >= self._token_ends:
                await self._authenticate()
            try:
                return await self._ask(f"private/{method}", params, {"Authorization": f"bearer {self._token}"})
            except DeribitError as error:
                if is_last or error.code != _NO_TOKEN:
                    raise
                self._token_ends = 0.0  # it was taken back early
        raise AssertionError  # the last attempt returns or raises

    async def _authenticate(self) -> None:
        """Get a token; the secret travels in a body, as addresses are written into logs."""
        client_id, secret = self._keys.pair()
        params = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        try:
            result = await self._ask("public/auth", params, post=True, secrets=(secret, client_id))
        except DeribitError as error:
            if error.code == _WRONG_KEY:
                where = place_of(self._url)
                raise ConfigError(
                    f"Deribit at {where} does not take the key of DERIBIT_CLIENT_ID: check it and its secret, and that"
                    " it is a key of that address"
                ) from error
            raise
        try:
            token = msgspec.convert(result, _Token)
        except msgspec.ValidationError as error:
            raise UnreachableError(f"{self._where} answers with what is no token: check the address") from error
        self._token = token.access_token
        self._token_ends = self._clock.monotonic() + max(1.0, token.expires_in - _EARLY_S)

    @property
    def _where(self) -> str:
        return f"{_WHO} at {place_of(self._url)}"

    async def _ask(
        self,
        method: str,
        params: dict[str, str],
        headers: dict[str, str] | None = None,
        *,
        post: bool = False,
        secrets: tuple[str, ...] = (),
    ) -> Any:  # noqa: ANN401 - a document
        await self._credits.take(_COST)
        query = f"?{urlencode(params)}" if params and not post else ""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params} if post else None
        try:
            document = await get_json(
                f"{self._url}/{method}{query}", who=_WHO, clock=self._clock, headers=headers, post=body, secrets=secrets
            )
        except RefusedError as error:
            if error.rpc_code:
                raise DeribitError(str(error), error.rpc_code) from error
            raise
        try:
            answer = msgspec.convert(document, _Answer)
        except msgspec.ValidationError:
            answer = _Answer()
        if answer.error is not None:
            said = answer.error.message
            for secret in (*secrets, *([self._token] if self._token else ())):
                said = said.replace(secret, "***")
            raise DeribitError(f"{self._where} says no ({answer.error.code} {printable(said)})", answer.error.code)
        if answer.result is msgspec.UNSET:
            raise UnreachableError(f"what answers at {place_of(self._url)} is not Deribit: check the address")
        return answer.result
