"""A liquidation written as a dict, by hand or by Tardis' normalizers, as an event."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aftershock.errors import InputError
from aftershock.model.events import Liquidation
from aftershock.model.liquidations import liquidated_side
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_S
from aftershock.venues.tardis.iso_time import parse_iso_ns

__all__ = ["DEFAULT_MARKET", "liquidation_of"]

DEFAULT_MARKET = "ftx-restart"
"""Where a liquidation is from that does not say."""

_LONGEST = 64
_SIDES = ("buy", "sell", "unknown")


def liquidation_of(event: Mapping[str, Any], now: int, table: InstrumentTable) -> Liquidation:
    """Return the event of a dict.

    `symbol`, `price`, `side`, and `size` or `amount` (the venue's own unit) must be there. `exchange` or `market` names
    the venue, `id` the liquidation, `timestamp` the venue's time (ISO 8601 in UTC, or seconds since 1970). As in
    Tardis' normalized messages `side` is that of the forced order: `buy` closes a short, `sell` a long.

    Args:
        event: The dict; further keys are ignored.
        now: Our clock, ns UTC: the time of receipt, and the venue's time if the dict has none.
        table: Says what the venue's liquidation feed means.

    Raises:
        InputError: It is none; names the key, what it holds and what it should hold.
    """
    if not isinstance(event, Mapping):
        raise InputError(f"a liquidation is a dict with symbol, price, size and side, not {_shown(event)}")
    kind = event.get("type", "liquidation")
    if kind != "liquidation":
        raise InputError(f"the dict is of type {_shown(kind)}, not a liquidation: give only those")
    venue = _name(event, "exchange" if "exchange" in event else "market", DEFAULT_MARKET).lower()
    coverage = table.coverage(venue, now)
    side = event.get("side")
    if not isinstance(side, str) or side.lower() not in _SIDES:
        raise InputError(f"a liquidation's side is buy, sell or unknown, not {_shown(side)}")
    return Liquidation(
        ts_event=_time(event.get("timestamp"), now),
        ts_init=0,
        venue=venue,
        symbol=_name(event, "symbol", None),
        price=_number(event, "price"),
        amount=_number(event, "amount" if "amount" in event else "size"),
        liquidated=liquidated_side(side.lower()),
        price_kind=coverage.price_kind,
        completeness=coverage.completeness,
        liquidation_id=_name(event, "id", ""),
    )


def _name(event: Mapping[str, Any], key: str, default: str | None) -> str:
    value = event.get(key, default)
    if value == default and default is not None:
        return default
    if not (isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()):
        raise InputError(f"a liquidation's {key} is a short printable text, not {_shown(value)}")
    return value


def _number(event: Mapping[str, Any], key: str) -> float:
    value = event.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InputError(f"a liquidation's {key} is a number above zero, not {_shown(value)}")
    return float(value)


def _time(value: object, now: int) -> int:
    if value is None:
        return now
    try:
        if isinstance(value, str):
            return parse_iso_ns(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**33:
            return int(value * NS_PER_S)
    except ValueError:
        pass
    allowed = "ISO 8601 in UTC (2022-11-01T00:00:05Z) or seconds since 1970"
    raise InputError(f"a liquidation's timestamp is {allowed}, not {_shown(value)}")


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = ascii(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
