"""What others wrote, made fit for a message of ours."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["place_of", "printable"]

_LONGEST = 160


def printable(text: str) -> str:
    """Return the start of a text on one line, with what can't be printed replaced."""
    start = " ".join(text[: 2 * _LONGEST].split())
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in start)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def place_of(url: str) -> str:
    """Return scheme, host and port of an address: never its query nor a password."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
