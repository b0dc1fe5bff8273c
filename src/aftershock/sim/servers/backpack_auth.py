"""Who signed a request, checked exactly as Backpack's documentation defines it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aftershock.sim.servers.backpack_errors import ApiError

__all__ = ["KeyPair", "Verifier"]

_DEFAULT_WINDOW_MS, _MAX_WINDOW_MS = 5_000, 60_000
_AHEAD_MS = 1_000


class KeyPair:
    """A key as the venue hands it out.

    Attributes:
        public, secret: Base64 of the public key, and of the seed.
    """

    def __init__(self, seed: bytes) -> None:
        """Take 32 bytes."""
        key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        self.secret = base64.b64encode(seed).decode()


class Verifier:
    """Checks signatures of one key."""

    def __init__(self, public: str) -> None:
        """Take it, base64."""
        self._public = public
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))

    def check_request(
        self, instruction: str, params: Mapping[str, Any] | Sequence[Mapping[str, Any]], headers: Mapping[str, str],
        clocks_ms: Sequence[int],
    ) -> None:  # fmt: skip
        """Check a request: of a batch each order is signed, in its order.

        Args:
            instruction: What it must be signed as.
            params: Its query or body.
            headers: Of the request.
            clocks_ms: What time it is: while the market is played fast, the market's clock and this machine's differ.

        Raises:
            ApiError: It is not signed by the key, or not now.
        """
        window = headers.get("X-Window", str(_DEFAULT_WINDOW_MS))
        many = [params] if isinstance(params, Mapping) else list(params)
        text = "&".join(_signed(instruction, each) for each in many)
        self._check(
            headers.get("X-API-Key", ""), headers.get("X-Signature", ""), headers.get("X-Timestamp", ""), window, text,
            clocks_ms,
        )  # fmt: skip

    def check_subscription(self, given: object, clocks_ms: Sequence[int]) -> None:
        """Check the `signature` of a subscription to private streams.

        Raises:
            ApiError: As of a request.
        """
        if not isinstance(given, list) or len(given) != 4 or not all(isinstance(each, str) for each in given):
            raise ApiError("INVALID_CLIENT_REQUEST", "Invalid signature")
        key, signature, timestamp, window = given
        self._check(key, signature, timestamp, window, "instruction=subscribe", clocks_ms)

    def _check(
        self, key: str, signature: str, timestamp: str, window: str, text: str, clocks_ms: Sequence[int]
    ) -> None:
        if not _is_number(timestamp) or not _is_number(window) or int(window) > _MAX_WINDOW_MS:
            raise ApiError("INVALID_CLIENT_REQUEST", "Invalid timestamp or window")
        if key != self._public:
            raise ApiError("UNAUTHORIZED", "Unknown API key", 401)
        at = int(timestamp)
        if not any(now - int(window) <= at <= now + _AHEAD_MS for now in clocks_ms):
            late = at < min(clocks_ms)
            raise ApiError("INVALID_CLIENT_REQUEST", "Request has expired" if late else "Timestamp is in the future")
        try:
            signed = base64.b64decode(signature, validate=True)
            self._key.verify(signed, f"{text}&timestamp={timestamp}&window={window}".encode("utf-8", "surrogateescape"))
        except (InvalidSignature, binascii.Error, ValueError):
            raise ApiError("INVALID_CLIENT_REQUEST", "Invalid signature") from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _signed(instruction: str, params: Mapping[str, Any]) -> str:
    return "&".join([f"instruction={instruction}", *(f"{key}={_text(params[key])}" for key in sorted(params))])


def _text(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
