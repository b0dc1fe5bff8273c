"""Whole tickers out of `incremental_ticker`: one of everything, then what changed."""

from __future__ import annotations

from typing import Any

import msgspec

from aftershock.venues.deribit.messages import TickerData

__all__ = ["Tickers"]


class Tickers:
    """What is known of each instrument: a field that a change does not name stands as it was."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def whole(self, raw: msgspec.Raw) -> TickerData | None:
        """Return a ticker with a change in it; None if nothing is known that it could be a change of.

        Raises:
            msgspec.MsgspecError: It is no ticker; what was known is kept.
        """
        said = msgspec.json.decode(raw, type=dict[str, Any])
        name = msgspec.convert(said.get("instrument_name"), str)
        known = self._known.get(name)
        if said.get("type") == "snapshot":
            known = {}
        elif known is None:
            if said.get("type") == "change":
                return None
            known = {}
        merged = {field: _merged(known.get(field), value) for field, value in (known | said).items()}
        data = msgspec.convert(merged, TickerData)
        self._known[name] = merged
        return data

    def forget(self) -> None:
        """Forget all: a change may have been missed."""
        self._known.clear()


def _merged(known: Any, value: Any) -> Any:  # noqa: ANN401 - of a document
    """Return a value, and of an object (`greeks`) also the fields that it does not name."""
    return known | value if isinstance(known, dict) and isinstance(value, dict) else value
