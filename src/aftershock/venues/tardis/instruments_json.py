"""Instruments in the form of Tardis' `/instruments/{exchange}`: what `--instruments` takes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import msgspec

from aftershock.errors import InputError
from aftershock.model.instruments import AmountUnit, FeeSchedule, Instrument, Kind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN
from aftershock.model.venues_table import AMOUNT_UNITS
from aftershock.venues.tardis.iso_time import parse_iso_ns

__all__ = ["LoadedInstruments", "load", "parse"]

_MAX_BYTES = 256 << 20
_Number = float | Annotated[str, msgspec.Meta(max_length=40)]


class LoadedInstruments(msgspec.Struct, frozen=True):
    """What the file says.

    Attributes:
        instruments: Terms, in the order of the file.
        fees: One schedule per venue, kind and settlement.
        notes: What was left out or is not certain, one sentence each.
    """

    instruments: tuple[Instrument, ...]
    fees: tuple[FeeSchedule, ...]
    notes: tuple[str, ...]


class _Change(msgspec.Struct, frozen=True, rename="camel"):
    until: str
    contract_multiplier: _Number | None = None


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    exchange: str
    base_currency: str
    quote_currency: str
    type: str
    price_increment: _Number | None = None
    amount_increment: _Number | None = None
    min_trade_amount: _Number | None = None
    maker_fee: _Number | None = None
    taker_fee: _Number | None = None
    inverse: bool = False
    quanto: bool = False
    contract_multiplier: _Number | None = None
    strike_price: _Number | None = None
    option_type: str | None = None
    expiry: str | None = None
    changes: list[_Change] = []


_DECODER: msgspec.json.Decoder[_Entry | list[_Entry]] = msgspec.json.Decoder(_Entry | list[_Entry])


def load(path: Path, span: tuple[int, int] | None = None) -> LoadedInstruments:
    """Read instruments.

    A contract multiplier that changed (`changes`) holds for the span that is replayed only if no change falls into it.
    If one does, or the span is not known, the contract size is NaN with a note: its amounts are then counted as not
    convertible, rather than converted with a multiplier of another time.

    Args:
        path: An array of instruments, or one.
        span: First and last moment of the data, ns UTC.

    Raises:
        InputError: It can't be read, or an entry lacks a field or has one of the wrong type.
    """
    return parse(_read(path), str(path), span)


def parse(data: bytes, where: str, span: tuple[int, int] | None = None) -> LoadedInstruments:
    """Read instruments out of an answer.

    Args:
        data: As for `load`.
        where: Where it is from, for messages.
        span: As for `load`.

    Raises:
        InputError: It is no list of instruments.
    """
    entries = _decoded(data, where)
    notes: list[str] = []
    found = (_instrument(entry, where, span, notes) for entry in entries)
    instruments = [instrument for instrument in found if instrument is not None]
    kept = {(i.venue, i.symbol): i for i in instruments}
    if len(kept) != len(instruments):
        twice = next(i for i in instruments if kept[i.venue, i.symbol] is not i)
        raise InputError(f"{where} has {twice.instrument_id} twice: remove one of them")
    return LoadedInstruments(tuple(instruments), _fees(entries, kept, where, notes), tuple(notes))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{path} can't be read ({error.strerror or error}): name a JSON file of instruments"
        ) from error
    except ValueError as error:  # a NUL in the name
        raise InputError(f"{str(path)!r} is not a file name: name a JSON file of instruments") from error
    if len(data) > _MAX_BYTES:
        raise InputError(f"{path} has more than {_MAX_BYTES >> 20} MiB: give the instruments that are used")
    return data


def _decoded(data: bytes, where: str) -> list[_Entry]:
    try:
        decoded = _DECODER.decode(data)
    except msgspec.ValidationError as error:
        raise InputError(
            f"{where} is no list of Tardis instruments ({error}): give an answer of /instruments"
        ) from error
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise InputError(f"{where} is not JSON ({str(error)[:80]}): give an answer of /instruments") from error
    return decoded if isinstance(decoded, list) else [decoded]


def _instrument(entry: _Entry, where: str, span: tuple[int, int] | None, notes: list[str]) -> Instrument | None:
    if entry.type not in set(Kind):
        _note(notes, f"{entry.type} instruments are left out, e.g. {entry.id}")
        return None
    kind = Kind(entry.type)
    if kind is Kind.OPTION and (entry.strike_price is None or entry.option_type not in {"call", "put"}):
        raise InputError(f"{where}: option {entry.id} lacks strikePrice or optionType: complete it")
    if kind in {Kind.OPTION, Kind.FUTURE} and entry.expiry is None:
        raise InputError(f"{where}: {entry.id} lacks expiry: complete it")
    unit = AMOUNT_UNITS.get((entry.exchange, kind.value, entry.inverse))
    step = entry.amount_increment if entry.amount_increment is not None else entry.min_trade_amount
    return Instrument(
        venue=entry.exchange,
        symbol=entry.id,
        kind=kind,
        underlying=entry.base_currency,
        quote=entry.quote_currency,
        inverse=entry.inverse,
        amount_unit=_default_unit(kind) if unit is None else unit,
        contract_size=_contract_size(entry, where, span, notes),
        tick_size=_positive(entry.price_increment, "priceIncrement", entry, where),
        lot_size=_positive(step, "amountIncrement", entry, where),
        strike=_positive(entry.strike_price, "strikePrice", entry, where) if kind is Kind.OPTION else NAN,
        is_call=entry.option_type == "call" if kind is Kind.OPTION else None,
        expiry_ns=_time(entry.expiry, "expiry", entry, where) if kind in {Kind.OPTION, Kind.FUTURE} else None,
    )


def _default_unit(kind: Kind) -> AmountUnit:
    """Return the unit where our table has none: contracts, whose size is then the file's or unknown."""
    return AmountUnit.COIN if kind is Kind.SPOT else AmountUnit.CONTRACTS


def _contract_size(entry: _Entry, where: str, span: tuple[int, int] | None, notes: list[str]) -> float:
    if entry.quanto:
        _note(notes, f"quanto contracts are not convertible to coins, e.g. {entry.id}")
        return NAN
    now = _positive(entry.contract_multiplier, "contractMultiplier", entry, where)
    changes = sorted(
        (_time(change.until, "changes.until", entry, where), change.contract_multiplier)
        for change in entry.changes
        if change.contract_multiplier is not None
    )
    if not changes:
        return now
    if span is None or any(span[0] < until <= span[1] for until, _ in changes):
        _note(notes, f"{entry.id} changed its contract multiplier: its amounts are not converted")
        return NAN
    before = next((multiplier for until, multiplier in changes if span[1] < until), entry.contract_multiplier)
    return _positive(before, "changes.contractMultiplier", entry, where)


def _fees(
    entries: list[_Entry], kept: dict[tuple[str, str], Instrument], where: str, notes: list[str]
) -> tuple[FeeSchedule, ...]:
    """Return the worst fees per venue, kind and settlement, with caps and delivery fees of the bundled table."""
    worst: dict[tuple[str, Kind, bool], FeeSchedule] = {}
    for entry in entries:
        instrument = kept.get((entry.exchange, entry.id))
        if instrument is None or entry.taker_fee is None or entry.maker_fee is None:
            continue
        taker, maker = (_number(fee, "fee", entry, where) for fee in (entry.taker_fee, entry.maker_fee))
        key = instrument.venue, instrument.kind, instrument.inverse
        known = worst.get(key)
        if known is None:
            worst[key] = _schedule(instrument, taker, maker)
        elif (taker, maker) != (known.taker_rate, known.maker_rate):
            worst[key] = msgspec.structs.replace(
                known, taker_rate=max(taker, known.taker_rate), maker_rate=max(maker, known.maker_rate)
            )
            _note(notes, f"{instrument.venue} has several {instrument.kind.value} fees: the highest is used")
    return tuple(worst.values())


def _schedule(instrument: Instrument, taker: float, maker: float) -> FeeSchedule:
    bundled = InstrumentTable().fee(instrument, 2**62)
    if bundled is None:
        bundled = FeeSchedule(
            venue=instrument.venue,
            kind=instrument.kind,
            inverse=instrument.inverse,
            valid_from_ns=0,
            taker_rate=taker,
            maker_rate=maker,
        )
    return msgspec.structs.replace(
        bundled, valid_from_ns=0, taker_rate=taker, maker_rate=maker, source="instruments given by the user"
    )


def _note(notes: list[str], text: str) -> None:
    """Add a note unless there is one that differs only in its example."""
    subject = text.split(", e.g. ", maxsplit=1)[0]
    if not any(note.split(", e.g. ")[0] == subject for note in notes):
        notes.append(text)


def _number(value: _Number, name: str, entry: _Entry, where: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = NAN
    if not math.isfinite(number):
        raise InputError(f"{where}: {name} of {entry.id} is no number ({value!r}): correct it")
    return number


def _positive(value: _Number | None, name: str, entry: _Entry, where: str) -> float:
    if value is None:
        return NAN
    number = _number(value, name, entry, where)
    if not number > 0:
        raise InputError(f"{where}: {name} of {entry.id} is {value}, not positive: correct it")
    return number


def _time(text: str | None, name: str, entry: _Entry, where: str) -> int:
    try:
        return parse_iso_ns(text or "")
    except ValueError as error:
        raise InputError(f"{where}: {name} of {entry.id} is no ISO time in UTC ({text!r}): correct it") from error
