"""Deribit's summary of a whole chain, as rows of option quotes."""

from __future__ import annotations

from typing import Any

import msgspec

from aftershock.errors import UnreachableError
from aftershock.model.order import option_stream
from aftershock.model.units import NAN, NS_PER_MS
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.deribit.messages import Millis
from aftershock.venues.deribit.rows import PERCENT, VENUE, name_of, number, of_side

__all__ = ["read_summaries"]


class _Summary(msgspec.Struct, frozen=True):
    """One option of a chain: prices and marks, percent volatility, no sizes."""

    instrument_name: str
    creation_timestamp: Millis
    bid_price: float | None = None
    ask_price: float | None = None
    mark_price: float | None = None
    mark_iv: float | None = None
    last: float | None = None
    open_interest: float | None = None
    underlying_price: float | None = None
    underlying_index: str | None = None

    def row(self, ts_init: int) -> OptionRow:
        """Return it as a row: sizes are not known."""
        symbol, values = name_of(self.instrument_name), [NAN] * 16
        values[0], values[3], values[6] = of_side(self.bid_price), of_side(self.ask_price), of_side(self.last)
        values[7], values[8] = number(self.open_interest), number(self.mark_price)
        values[9], values[10] = number(self.mark_iv) / PERCENT, number(self.underlying_price)
        return OptionRow(
            ts_event=self.creation_timestamp * NS_PER_MS,
            ts_init=ts_init,
            stream=option_stream(VENUE, symbol),
            symbol=symbol,
            values=tuple(values),
            underlying_index=self.underlying_index or "",
        )


def read_summaries(document: Any, ts_init: int) -> tuple[list[OptionRow], dict[str, int]]:  # noqa: ANN401 - a document
    """Return the rows of an answer that came at a time (ns UTC), and how many can't be read, by why.

    Raises:
        UnreachableError: It is no list.
    """
    if not isinstance(document, list):
        raise UnreachableError("Deribit answers with what is no summary of a chain: try again")
    rows: list[OptionRow] = []
    left_out: dict[str, int] = {}
    for each in document:
        try:
            rows.append(msgspec.convert(each, _Summary).row(ts_init))
        except msgspec.ValidationError as error:
            why = f"summary unreadable ({error})"
            left_out[why] = left_out.get(why, 0) + 1
    return rows, left_out
