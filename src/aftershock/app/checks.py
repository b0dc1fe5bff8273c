"""One finding of the doctor."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Check"]


class Check(msgspec.Struct, frozen=True):
    """One finding: `ok`, `info`, `warning` or `failed`; only the last makes the examination fail."""

    name: str
    state: Literal["ok", "info", "warning", "failed"]
    detail: str
