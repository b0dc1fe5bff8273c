"""Terms in the form of Tardis' `/instruments` answer, for contracts that the bundled table does not know."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from aftershock.model.instruments import AmountUnit, Instrument, Kind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import iso_utc
from aftershock.model.venues_table import AMOUNT_UNITS

__all__ = ["instrument_entry", "unknown_to_the_table", "write_instruments"]


def unknown_to_the_table(instruments: Iterable[Instrument]) -> list[Instrument]:
    """Return the instruments, by venue and symbol, that the bundled table lacks or has other terms of."""
    bundled = InstrumentTable()
    # As text, in which every float is exact and NaN equals NaN.
    unknown = {(i.venue, i.symbol): i for i in instruments if repr(bundled.resolve(i.venue, i.symbol)) != repr(i)}
    return [unknown[key] for key in sorted(unknown)]


def write_instruments(path: Path, instruments: Iterable[Instrument]) -> None:
    """Write instruments as an array; fees are left out, so that those of the bundled table hold.

    Raises:
        ValueError: An instrument has something that the format can't say.
        OSError: The file can't be written.
    """
    entries = [instrument_entry(instrument) for instrument in instruments]
    path.write_bytes(msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n")


def instrument_entry(instrument: Instrument) -> dict[str, Any]:
    """Return one entry of the array.

    Raises:
        ValueError: The instrument has something that the format can't say.
    """
    _refuse_what_cannot_be_said(instrument)
    entry: dict[str, Any] = {
        "id": instrument.symbol,
        "exchange": instrument.venue,
        "baseCurrency": instrument.underlying,
        "quoteCurrency": instrument.quote,
        "type": instrument.kind.value,
        "inverse": instrument.inverse,
    }
    for key, value in (
        ("contractMultiplier", instrument.contract_size),
        ("priceIncrement", instrument.tick_size),
        ("amountIncrement", instrument.lot_size),
        ("strikePrice", instrument.strike),
    ):
        if value == value:  # noqa: PLR0124  not NaN
            entry[key] = float(value)
    if instrument.is_call is not None:
        entry["optionType"] = "call" if instrument.is_call else "put"
    if instrument.expiry_ns is not None:
        entry["expiry"] = iso_utc(instrument.expiry_ns)
    return entry


def _refuse_what_cannot_be_said(instrument: Instrument) -> None:
    """Refuse an amount in a unit that a reader would not conclude, and terms of another kind of contract."""
    default = AmountUnit.COIN if instrument.kind is Kind.SPOT else AmountUnit.CONTRACTS
    unit = AMOUNT_UNITS.get((instrument.venue, instrument.kind.value, instrument.inverse), default)
    if instrument.amount_unit is not unit:
        raise ValueError(
            f"amounts of {instrument.instrument_id} count {instrument.amount_unit.value}, but are read as {unit.value}"
        )
    is_option = instrument.kind is Kind.OPTION
    expires = instrument.kind in {Kind.OPTION, Kind.FUTURE}
    whole = (
        (instrument.strike > 0) is is_option
        and (instrument.is_call is not None) is is_option
        and (instrument.expiry_ns is not None) is expires
    )
    if not whole:
        raise ValueError(
            f"strike, type or expiry of {instrument.instrument_id} don't fit its kind, {instrument.kind.value}"
        )
    if instrument.contract_size <= 0 or instrument.tick_size <= 0 or instrument.lot_size <= 0:
        raise ValueError(f"a size or step of {instrument.instrument_id} is not positive")
