"""Deadlines and bounds of connections, and of the streams that are made of them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["ConnectionSettings", "LiveSettings"]

_Seconds = Annotated[float, Meta(gt=0, le=86_400)]


class ConnectionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to wait, how often to ask, how much to hold.

    Attributes:
        connect_s: Deadline of the transport: name, TCP, TLS.
        handshake_s: Deadline of the WebSocket handshake on it.
        first_byte_s: After the handshake something must come in this time: data, a ping, or the answer to ours.
        ping_every_s: Between two pings of ours. The venue's own pings are always answered.
        pong_within_s: After a ping something must come in this time; at most `ping_every_s`.
        data_within_s: Data must come so often, whatever else does; 0 for streams that may be quiet.
        backoff_s: Longest wait before the second attempt; it doubles up to `backoff_cap_s`.
        backoff_cap_s: Longest wait at all.
        proved_s: A connection that held so long is taken for good: the next wait is short again.
        first_attempts: Attempts until the first success; after it there is no end of attempts.
        close_s: How long a polite close may take.
        max_frame_bytes: Longer messages end the connection. Compression is never offered, so this is their true size.
    """

    connect_s: _Seconds = 10.0
    handshake_s: _Seconds = 10.0
    first_byte_s: _Seconds = 10.0
    ping_every_s: _Seconds = 15.0
    pong_within_s: _Seconds = 10.0
    data_within_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    backoff_s: _Seconds = 0.5
    backoff_cap_s: _Seconds = 30.0
    proved_s: _Seconds = 60.0
    first_attempts: Annotated[int, Meta(ge=1, le=1000)] = 3
    close_s: _Seconds = 1.0
    max_frame_bytes: Annotated[int, Meta(ge=1024, le=1 << 30)] = 4 << 20


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of a live stream.

    Attributes:
        connection: Of each connection; `data_within_s` holds for those that may not be quiet.
        stale_after_s: An exchange that must not be quiet is stale after so much silence.
        inbox_frames: Most messages that wait to be used.
        inbox_chars: Most characters that wait.
    """

    connection: ConnectionSettings = ConnectionSettings(data_within_s=60.0)
    stale_after_s: Annotated[float, Meta(gt=0, le=86_400)] = 15.0
    inbox_frames: Annotated[int, Meta(ge=2, le=10_000_000)] = 65_536
    inbox_chars: Annotated[int, Meta(ge=1024, le=1 << 32)] = 64 << 20
