"""When a recording is written, and what was written of it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["Limits", "Written"]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When things happen.

    Attributes:
        batch_rows: A batch is written once it has so many rows,
        batch_s: and so many seconds after its first one.
        rotate_minutes: A segment holds rows of one such period of `ts_init`, counted from 1970 in UTC.
        segment_bytes: A segment that has so many bytes is followed by another.
        sync_s: What was written is synced to the disk this often.
    """

    batch_rows: Annotated[int, Meta(ge=1, le=1_000_000)] = 4096
    batch_s: Annotated[float, Meta(gt=0, le=3_600)] = 1.0
    rotate_minutes: Annotated[float, Meta(gt=0, le=527_040)] = 60.0
    segment_bytes: Annotated[int, Meta(ge=1, le=1 << 40)] = 1 << 28
    sync_s: Annotated[float, Meta(gt=0, le=3_600)] = 5.0


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What was written of one venue and kind by this writer."""

    venue: str
    kind: str
    rows: int
    bytes: int
    files: int
