"""Deribit's summary of a whole chain, as rows of option quotes."""

from __future__ import annotations

from typing import Any

import msgspec

from aftershock.errors import UnreachableError
from aftershock.model.order import option_stream
from aftershock.model.units import NAN, NS_PER_MS
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.deribit.rows import VENUE

__all__ = ["Summary", "read_summaries"]

_PERCENT = 100.0


class Summary(msgspec.Struct, frozen=True):
    """One option of a chain: prices and marks, percent volatility, no sizes."""

    instrument_name: str
    creation_timestamp: int
    bid_price: float | None = None
    ask_price: float | None = None
    mark_price: float | None = None
    mark_iv: float | None = None
    last: float | None = None
    open_interest: float | None = None
    underlying_price: float | None = None
    underlying_index: str = ""

    @property
    def name(self) -> str:
        """Return its name in capitals, as Tardis has it."""
        return self.instrument_name.upper()

    def row(self, ts_init: int) -> OptionRow:
        """Return it as a row: sizes are not known."""
        values = [NAN] * 16
        cells = {0: self.bid_price, 3: self.ask_price, 6: self.last, 7: self.open_interest, 8: self.mark_price,
                 10: self.underlying_price}  # fmt: skip
        for column, value in cells.items():
            values[column] = NAN if value is None else value
        values[9] = NAN if self.mark_iv is None else self.mark_iv / _PERCENT
        return OptionRow(
            ts_event=self.creation_timestamp * NS_PER_MS,
            ts_init=ts_init,
            stream=option_stream(VENUE, self.name),
            symbol=self.name,
            values=tuple(values),
            underlying_index=self.underlying_index,
        )


def read_summaries(document: Any) -> list[Summary]:  # noqa: ANN401 - a document
    """Return the rows of an answer.

    Raises:
        UnreachableError: It is no list of summaries.
    """
    try:
        return msgspec.convert(document, list[Summary])
    except msgspec.ValidationError as error:
        raise UnreachableError(f"Deribit answers with what is no summary of a chain ({error}): try again") from error
