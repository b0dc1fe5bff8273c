"""What the program and its gateway process say to each other: frames of a length and a tagged msgpack struct."""

from __future__ import annotations

import asyncio

import msgspec

from aftershock.model.signals import ReviewRequest
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Outcome
from aftershock.review.lane import LaneReport
from aftershock.review.providers import Provider

__all__ = ["Ask", "Ended", "FromGateway", "Paid", "Ready", "Said", "Start", "Stop", "ToGateway", "encode", "read_frame"]

_HEAD = 4
_LONGEST = 1 << 24
_ENCODER = msgspec.msgpack.Encoder()


class Start(msgspec.Struct, frozen=True, tag=True):
    """The first frame: providers with their keys, which so are in no command line and no file."""

    config: GatewayConfig
    providers: tuple[tuple[Provider, str], ...]

    def __repr__(self) -> str:
        """Return nothing of the keys."""
        return f"Start({[provider.name for provider, _ in self.providers]})"


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A question, and the moment by which it is to be answered, on the monotonic clock that all processes share."""

    request: ReviewRequest
    deadline_ns: int


class Stop(msgspec.Struct, frozen=True, tag=True):
    """End; requests that are out may come back for so long."""

    patience_s: float


class Ready(msgspec.Struct, frozen=True, tag=True):
    """How the providers answered the first, known question."""

    lanes: tuple[LaneReport, ...]


class Said(msgspec.Struct, frozen=True, tag=True):
    """The one outcome of a question."""

    outcome: Outcome


class Paid(msgspec.Struct, frozen=True, tag=True):
    """What one request cost, once it is known; NaN if there is no price for it."""

    cost_usd: float
    is_estimate: bool


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The last frame.

    Attributes:
        lanes: How each provider did.
        late: Answers that came after their deadline.
        failure: What ended it early, one sentence; empty if nothing did.
    """

    lanes: tuple[LaneReport, ...]
    late: int
    failure: str = ""


ToGateway = Start | Ask | Stop
FromGateway = Ready | Said | Paid | Ended


def encode(message: ToGateway | FromGateway) -> bytes:
    """Return a frame."""
    body = _ENCODER.encode(message)
    return len(body).to_bytes(_HEAD, "big") + body


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """Return the body of the next frame; None at the end, a torn last frame included."""
    try:
        length = int.from_bytes(await reader.readexactly(_HEAD), "big")
        return await reader.readexactly(length) if length <= _LONGEST else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
