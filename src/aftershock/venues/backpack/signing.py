"""ED25519 signatures of Backpack's API, as its documentation defines the text to sign.

`instruction=<type>&<params sorted by name>&timestamp=<ms>&window=<ms>`; a batch repeats instruction and parameters for
each order, in the order of the batch. Values are signed as they are, not percent-encoded; booleans in small letters;
what is absent is left out.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from aftershock.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["DEFAULT_WINDOW_MS", "MAX_WINDOW_MS", "Signer", "batch_text", "signed_text"]

DEFAULT_WINDOW_MS, MAX_WINDOW_MS = 5_000, 60_000
_SEED_BYTES = 32

Value = str | int | bool | None


def signed_text(instruction: str, params: Mapping[str, Value], timestamp_ms: int, window_ms: int) -> str:
    """Return the text that a request's signature is of.

    Args:
        instruction: Type of the request, `orderExecute`.
        params: Its body or query; None is left out.
        timestamp_ms: When it was signed.
        window_ms: For how long it holds.
    """
    return f"{_one(instruction, params)}&timestamp={timestamp_ms}&window={window_ms}"


def batch_text(instruction: str, orders: Iterable[Mapping[str, Value]], timestamp_ms: int, window_ms: int) -> str:
    """Return the text for several orders at once, in their order."""
    parts = "&".join(_one(instruction, order) for order in orders)
    return f"{parts}&timestamp={timestamp_ms}&window={window_ms}"


def _one(instruction: str, params: Mapping[str, Value]) -> str:
    present = sorted((name, _text(value)) for name, value in params.items() if value is not None)
    return "&".join([f"instruction={instruction}", *(f"{name}={value}" for name, value in present)])


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Signer:
    """Signs with one key, which it never shows.

    Attributes:
        public_key: Base64, the `X-API-Key` of its requests.
    """

    def __init__(self, secret: str, window_ms: int = DEFAULT_WINDOW_MS) -> None:
        """Take the key.

        Args:
            secret: Seed of 32 bytes, base64 (`BACKPACK_SECRET_KEY`).
            window_ms: How long a signed request holds.

        Raises:
            ConfigError: It is no such key, the window is out of bounds, or the library is not installed.
        """
        if not 0 < window_ms <= MAX_WINDOW_MS:
            raise ConfigError(f"a signature holds from 1 to {MAX_WINDOW_MS:,} ms, not {window_ms}")
        self._key = _key(secret)
        self._window_ms = window_ms
        public = self._key.public_key().public_bytes_raw()
        self.public_key = base64.b64encode(public).decode("ascii")

    def __repr__(self) -> str:
        return f"Signer({self.public_key})"

    def sign(self, text: str) -> str:
        """Return the signature of a text, base64."""
        return base64.b64encode(self._key.sign(text.encode("utf-8"))).decode("ascii")

    def headers(self, instruction: str, params: Mapping[str, Value], timestamp_ms: int) -> dict[str, str]:
        """Return the headers of one request."""
        return self._headers(signed_text(instruction, params, timestamp_ms, self._window_ms), timestamp_ms)

    def batch_headers(
        self, instruction: str, orders: Iterable[Mapping[str, Value]], timestamp_ms: int
    ) -> dict[str, str]:
        """Return the headers of a batch."""
        return self._headers(batch_text(instruction, orders, timestamp_ms, self._window_ms), timestamp_ms)

    def subscription(self, timestamp_ms: int) -> list[str]:
        """Return `signature` of a subscription to private streams: key, signature, timestamp, window."""
        text = signed_text("subscribe", {}, timestamp_ms, self._window_ms)
        return [self.public_key, self.sign(text), str(timestamp_ms), str(self._window_ms)]

    def _headers(self, text: str, timestamp_ms: int) -> dict[str, str]:
        return {
            "X-API-Key": self.public_key,
            "X-Timestamp": str(timestamp_ms),
            "X-Window": str(self._window_ms),
            "X-Signature": self.sign(text),
        }


def _key(secret: str) -> Ed25519PrivateKey:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise ConfigError("Backpack's signatures need cryptography: pip install 'aftershock[live]'") from None
    try:
        seed = base64.b64decode(secret.strip(), validate=True)
    except (binascii.Error, ValueError):
        seed = b""
    if len(seed) != _SEED_BYTES:
        raise ConfigError("the Backpack secret key is no base64 of 32 bytes: copy it whole, as it was shown once")
    return Ed25519PrivateKey.from_private_bytes(seed)
