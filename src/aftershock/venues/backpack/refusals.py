"""What Backpack's refusals say, and which of them settle what became of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from aftershock.errors import AftershockError, UnreachableError
from aftershock.venues.connection.http import RefusedError
from aftershock.venues.connection.text import printable

if TYPE_CHECKING:
    from aftershock.venues.backpack.orders import BatchRefusal, OrderState

__all__ = ["UNSETTLED_CODES", "BackpackError", "UnknownFateError", "refusal", "words"]

UNSETTLED_CODES = frozenset({"TIMEOUT", "SERVER_ERROR"})
"""Codes that leave open whether the request was carried out."""
_REQUEST_TIMEOUT = 408


class BackpackError(RefusedError):
    """The venue said no.

    Attributes:
        code: Its own word for why, `INVALID_ORDER`; empty where it had none.
    """

    def __init__(self, message: str, status: int, code: str, retry_after_s: float = 0.0) -> None:
        """Take the sentence, the HTTP status, the venue's code and its Retry-After."""
        super().__init__(message, status, retry_after_s)
        self.code = code

    @property
    def settles(self) -> bool:
        """Tell whether the request was surely not carried out: a fault of the server does not say so."""
        return 400 <= self.status < 500 and self.status != _REQUEST_TIMEOUT and self.code not in UNSETTLED_CODES


class UnknownFateError(AftershockError):
    """A request that changes something was sent, and nobody can tell what became of it: it may have been carried out.

    It is no `UnreachableError`: whoever sends again what could not be sent must not send this again.

    Attributes:
        known: Of a batch, what became of each order, in its order; None for those of which nothing is known.
    """

    exit_code = UnreachableError.exit_code

    def __init__(self, message: str, known: tuple[OrderState | BatchRefusal | None, ...] = ()) -> None:
        """Take the sentence, and what is known of a batch."""
        super().__init__(message)
        self.known = known


class _Refusal(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""


def refusal(where: str, status: int, body: bytes, retry_after_s: float, sent: Mapping[str, str]) -> BackpackError:
    """Return what an answer that says no says.

    Args:
        where: Who answers, for people.
        status: Of HTTP.
        body: Of the answer.
        retry_after_s: What it asks to wait; 0 if it does not say.
        sent: Headers of the request: the key and the signature are taken out of the message.
    """
    code, message = "", _text(body[:300])
    try:
        said = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass
    else:
        code, message = _readable(said.code), said.message
    for name in ("X-API-Key", "X-Signature"):
        message = message.replace(sent.get(name) or "\0", "***")
    text = f"{where} says no with HTTP {status} ({f'{code}: ' if code else ''}{_readable(message)})"
    return BackpackError(text, status, code, retry_after_s)


def words(body: bytes) -> str:
    """Return how an answer begins, fit for a message."""
    return _readable(_text(body[:60]))


def _text(body: bytes) -> str:
    return body.decode("utf-8-sig", errors="replace")


def _readable(text: str) -> str:
    """Return what others wrote, fit for a message: a page of the network in front of the venue is only named."""
    return "a web page" if text.lstrip().startswith("<") else printable(text)
