"""Contract terms beside a recording: what its venues said about contracts that the bundled table does not know.

Each session adds a file if there is something new; a file is never changed, as journals refer to it by its digest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from aftershock.errors import InputError
from aftershock.model.instruments import FeeSchedule, Instrument
from aftershock.model.table import InstrumentTable
from aftershock.sim.market.instruments_file import instrument_entry, unknown_to_the_table
from aftershock.venues.tardis.instruments_json import LoadedInstruments, load

__all__ = ["keep_terms", "load_all", "terms_beside"]

_PATTERN = "instruments_*.json"


def terms_beside(folder: Path) -> list[Path]:
    """Return the files of terms of a recording, oldest first."""
    return sorted(folder.glob(_PATTERN))


def load_all(paths: Iterable[Path]) -> LoadedInstruments:
    """Read several files as one; of two that name a contract, the later holds.

    Raises:
        InputError: One can't be read.
    """
    loaded = [load(path) for path in paths]
    return LoadedInstruments(
        tuple({(i.venue, i.symbol): i for one in loaded for i in one.instruments}.values()),
        tuple(fee for one in reversed(loaded) for fee in one.fees),
        tuple(note for one in loaded for note in one.notes),
    )


def keep_terms(folder: Path, instruments: Iterable[Instrument], fees: Iterable[FeeSchedule]) -> Path | None:
    """Write what a recording does not know yet, and return the file; None if there is nothing.

    Args:
        folder: Of the recording, which is ours alone.
        instruments: That its venues list.
        fees: Of its venues; those of the first fitting schedule are written with a contract.

    Raises:
        InputError: It can't be written, or something that is there can't be read.
    """
    present = terms_beside(folder)
    known = {(i.venue, i.symbol): repr(i) for i in load_all(present).instruments}
    schedules = tuple(fees)
    bundled, given = InstrumentTable(), InstrumentTable((), schedules)
    entries = []
    for each in unknown_to_the_table(instruments):
        if known.get((each.venue, each.symbol)) == repr(each):
            continue
        entry, fee = instrument_entry(each), given.fee(each, _LATE)
        if fee is not None and fee != bundled.fee(each, _LATE):
            entry |= {"makerFee": fee.maker_rate, "takerFee": fee.taker_rate}
        entries.append(entry)
    if not entries:
        return None
    path = folder / f"instruments_{len(present) + 1:06d}.json"
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise InputError(f"{path} can't be written ({error.strerror or error}): free space") from error
    return path


_LATE = 2**62
