"""Settings of the gateway: the `[gateway]` table. What an answer may do is the engine's `[review]` table."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from aftershock.review.providers import Provider

__all__ = ["GatewayConfig"]

_Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=40)]
_Model = Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._:/@-]*)?$", max_length=120)]
_Seconds = Annotated[float, Meta(ge=0, le=86_400)]
_Usd = Annotated[float, Meta(ge=0, le=1e6)]


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to ask, how much of it, and where to keep it.

    Attributes:
        providers: Names, the first that can be asked is; empty for every bundled one that has a key. The key comes from
            the environment or a file, never from here.
        model: Instead of the first provider's own.
        custom: Further providers, or others in place of bundled ones.
        queue: Most questions that wait; what exceeds them pushes out the oldest.
        late_s: An answer that is late is still recorded, and paid for, up to so long after its deadline.
        attempts: Most requests for one question, over all providers.
        cache_s: The same question is not asked again for so long; 0 asks every time.
        usd_per_minute, usd_per_day, usd_per_trigger: Most money; what has no price is refused unless `unpriced`.
        usd_per_strategy: Most money in a day by type of edge (`A`, `B1`, ...); a type that is not named has no cap.
        unpriced: Ask models that have no price in the table; their cost is then unknown.
        prices: A file of prices in place of the bundled one.
        recording: File to which every request and answer is appended; empty for none.
        ledger: File that remembers what was spent; empty remembers until the end of the run.
        stream: Ask for the answer in pieces.
        probe: At the start, ask each provider a question with a known answer, to learn what it can be held to.
    """

    providers: tuple[_Name, ...] = ()
    model: _Model = ""
    custom: tuple[Provider, ...] = ()
    queue: Annotated[int, Meta(ge=1, le=100_000)] = 64
    late_s: _Seconds = 10.0
    attempts: Annotated[int, Meta(ge=1, le=10)] = 3
    cache_s: _Seconds = 2.0
    usd_per_minute: _Usd = 0.05
    usd_per_day: _Usd = 2.0
    usd_per_trigger: _Usd = 0.02
    usd_per_strategy: dict[str, _Usd] = {}
    unpriced: bool = False
    prices: str = ""
    recording: str = ""
    ledger: str = ""
    stream: bool = False
    probe: bool = True
