"""Settings of a live run: the `[live]` table. What the engine decides by is `EngineConfig`, in a table of its own."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["LiveConfig"]

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$", max_length=64)]


class LiveConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to listen to, for how long, and where to keep it.

    Attributes:
        exchanges: Tardis ids whose liquidations and perpetual quotes are subscribed.
        symbols: Perpetuals, as their venues name them; empty for the active ones of `assets`.
        option_venues: Tardis ids whose option chains are subscribed. `backpack` among either is spoken to itself.
        direct: Those of them that are spoken to themselves although Tardis has them.
        assets: Coins.
        journal: New folder for the journal; empty for none.
        seconds: Length of the run; 0 until it is stopped.
        order_latency_ms: From a decision to the paper venue.
        queue_events: Most events that wait for the engine; what exceeds them is a gap.
        trading: Paper; real orders are not delivered yet.
    """

    exchanges: tuple[_Name, ...] = ("binance-futures", "bybit", "deribit", "okex-swap")
    symbols: tuple[_Name, ...] = ()
    option_venues: tuple[_Name, ...] = ("deribit",)
    direct: tuple[Literal["deribit"], ...] = ()
    assets: tuple[_Name, ...] = ("BTC",)
    journal: str = ""
    seconds: Annotated[float, Meta(ge=0, le=1e7)] = 0.0
    order_latency_ms: Annotated[float, Meta(ge=0, le=60_000)] = 100.0
    queue_events: Annotated[int, Meta(ge=1, le=10_000_000)] = 100_000
    trading: Literal["paper", "live"] = "paper"
