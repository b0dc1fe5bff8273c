"""Does a journal reproduce: its recorded outputs against those that a second run produces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import msgspec

from aftershock.errors import JournalError
from aftershock.journal.codec import decode_any
from aftershock.journal.reader import JournalReader
from aftershock.journal.values import Difference, first_difference

__all__ = ["NUMERIC_TOLERANCE", "Comparison", "compare_outputs"]

NUMERIC_TOLERANCE = 1e-9
"""Relative to max(1, |recorded|), between two numerics ids."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found.

    Attributes:
        mode: What was asked for: `exact` within one numerics id, `numeric` across two.
        records: Recorded outputs that agree, up to the first that does not.
        tolerated: How many of them agree within the tolerance only.
        sequence: Sequence number of the first output that differs; None if all agree.
        difference: Where in it, and both values.
        incomplete: Whether the journal has no seal.
        unrecorded: Outputs produced beyond the end of an incomplete journal, which can't be judged.
    """

    mode: Literal["exact", "numeric"]
    records: int
    tolerated: int = 0
    sequence: int | None = None
    difference: Difference | None = None
    incomplete: bool = False
    unrecorded: int = 0

    @property
    def held(self) -> Literal["identical", "numeric", "different"]:
        """What holds: every byte, every decision with numbers within the tolerance, or neither."""
        if self.difference is not None:
            return "different"
        return "numeric" if self.tolerated else "identical"

    def raise_if_different(self, reader: JournalReader) -> None:
        """Raise the one sentence on the first difference, if there is one.

        Raises:
            JournalError: An output differs.
        """
        found = self.difference
        if found is None:
            return
        hint = "; the journal is incomplete, so inputs may be missing" if self.incomplete else ""
        raise JournalError(
            f"journal {reader.folder} does not reproduce: outputs, record {self.sequence}, {found.path}: "
            f"recorded {found.recorded}, produced {found.produced}{hint}"
        )


def compare_outputs(
    reader: JournalReader,
    produced: Iterator[tuple[int, bytes]],
    *,
    decode: Callable[[int, bytes], object] | None = None,
    numerics: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare recorded outputs with produced ones, one by one, and stop at the first difference.

    Bytes must be equal if the numerics ids are; otherwise equal structure with floats within
    `NUMERIC_TOLERANCE` is enough. Outputs recorded but not produced are a difference, and so are outputs
    produced beyond the end of a sealed journal.

    Args:
        reader: Journal.
        produced: (kind, payload) of each output of the second run.
        decode: Value of a (kind, payload), to name the place that differs; MessagePack by default.
        numerics: Numerics id of the second run; None for the journal's own.

    Raises:
        JournalError: The journal is damaged.
    """
    decode = decode or _decode_untyped
    exact = numerics is None or dict(numerics) == reader.head.numerics
    mode: Literal["exact", "numeric"] = "exact" if exact else "numeric"
    records = tolerated = 0
    for sequence, kind, payload in reader.outputs():
        other = next(produced, None)
        if other is None:
            found = _against_nothing(decode, kind, payload)
        elif other == (kind, payload):
            found = None
        else:
            found = _find(decode, (kind, payload), other, None if exact else NUMERIC_TOLERANCE)
            tolerated += found is None
        if found is not None:
            return Comparison(
                mode=mode,
                records=records,
                tolerated=tolerated,
                sequence=sequence,
                difference=found,
                incomplete=reader.incomplete,
            )
        records += 1
    return _judge_the_rest(reader, produced, decode, Comparison(mode=mode, records=records, tolerated=tolerated))


def _judge_the_rest(
    reader: JournalReader,
    produced: Iterator[tuple[int, bytes]],
    decode: Callable[[int, bytes], object],
    so_far: Comparison,
) -> Comparison:
    if reader.incomplete:
        return msgspec.structs.replace(so_far, incomplete=True, unrecorded=sum(1 for _ in produced))
    extra = next(produced, None)
    if extra is None:
        return so_far
    found = Difference(path="$", recorded="nothing", produced=_describe(decode, *extra))
    return msgspec.structs.replace(so_far, sequence=so_far.records, difference=found)


def _find(
    decode: Callable[[int, bytes], object],
    recorded: tuple[int, bytes],
    produced: tuple[int, bytes],
    within: float | None,
) -> Difference | None:
    if recorded[0] != produced[0]:
        return Difference(path="kind", recorded=str(recorded[0]), produced=str(produced[0]))
    try:
        values = decode(*recorded), decode(*produced)
    except JournalError:
        return _first_byte(recorded[1], produced[1])
    found = first_difference(*values, within=within)
    if found is None and within is None:
        return _first_byte(recorded[1], produced[1])
    return found


def _first_byte(recorded: bytes, produced: bytes) -> Difference:
    """Return the first byte that differs, for payloads that are no values or equal ones in other words."""
    shorter = min(len(recorded), len(produced))
    place = next((i for i in range(shorter) if recorded[i] != produced[i]), shorter)
    return Difference(
        path=f"byte {place}",
        recorded=recorded[place : place + 8].hex() or "the end",
        produced=produced[place : place + 8].hex() or "the end",
    )


def _against_nothing(decode: Callable[[int, bytes], object], kind: int, payload: bytes) -> Difference:
    return Difference(path="$", recorded=_describe(decode, kind, payload), produced="nothing")


def _describe(decode: Callable[[int, bytes], object], kind: int, payload: bytes) -> str:
    try:
        text = repr(decode(kind, payload))
    except JournalError:
        text = payload[:40].hex()
    return f"kind {kind}, {text[:160]}"


def _decode_untyped(_kind: int, payload: bytes) -> object:
    return decode_any(payload)
