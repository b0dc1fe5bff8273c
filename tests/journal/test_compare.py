"""A second run is judged record by record, and the first difference is named with both values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import JournalError
from aftershock.journal import (
    Codec,
    Comparison,
    JournalReader,
    JournalWriter,
    compare_outputs,
    first_difference,
)
from tests.journal.journals import HEAD

OTHER_NUMERICS = {"pricing": "kernel", "numpy": "2.0"}


class Leg(msgspec.Struct):
    price: float
    symbol: str = "C"


class Decision(msgspec.Struct):
    action: str
    legs: tuple[Leg, ...] = ()
    features: dict[str, float] = {}


CODEC = Codec(Decision)
FIRST = Decision("BUY", (Leg(0.0125), Leg(2000.5)), {"move": 0.5})
SECOND = Decision("HOLD", (), {"move": math.nan})


def outputs(*decisions: Decision, kind: int = 1) -> Iterator[tuple[int, bytes]]:
    return ((kind, CODEC.encode(decision)) for decision in decisions)


def journal_of(folder: Path, *decisions: Decision, complete: bool = True) -> JournalReader:
    writer = JournalWriter.create(folder, HEAD)
    for kind, payload in outputs(*decisions):
        writer.append_output(kind, payload)
    writer.close(complete=complete)
    return JournalReader(folder)


def with_price(price: float) -> Decision:
    return Decision("BUY", (Leg(0.0125), Leg(price)), {"move": 0.5})


@pytest.mark.parametrize("numerics", [None, HEAD.numerics, OTHER_NUMERICS])
def test_the_same_outputs_are_identical(tmp_path: Path, numerics: dict[str, str] | None) -> None:
    reader = journal_of(tmp_path / "j", FIRST, SECOND)

    found = compare_outputs(reader, outputs(FIRST, SECOND), numerics=numerics)

    assert found.held == "identical"
    assert found.mode == ("numeric" if numerics == OTHER_NUMERICS else "exact")
    assert (found.records, found.tolerated, found.sequence, found.incomplete) == (2, 0, None, False)
    found.raise_if_different(reader)


def test_within_one_numerics_id_the_last_bit_counts(tmp_path: Path) -> None:
    reader = journal_of(tmp_path / "j", SECOND, FIRST)

    found = compare_outputs(reader, outputs(SECOND, with_price(math.nextafter(2000.5, 3000))))

    assert found.held == "different"
    assert (found.sequence, found.records) == (1, 1)
    assert found.difference is not None
    assert found.difference.path == "$.legs[1].price"
    assert found.difference.recorded == "2000.5"
    assert found.difference.produced == "2000.5000000000002"
    with pytest.raises(
        JournalError, match=r"outputs, record 1, \$\.legs\[1\]\.price: recorded 2000\.5, produced"
    ) as error:
        found.raise_if_different(reader)
    assert error.value.exit_code == 1
    assert str(reader.folder) in str(error.value)


def test_across_numerics_ids_numbers_agree_within_the_tolerance(tmp_path: Path) -> None:
    reader = journal_of(tmp_path / "j", FIRST, SECOND)

    found = compare_outputs(reader, outputs(with_price(2000.5 + 1.9e-6), SECOND), numerics=OTHER_NUMERICS)

    assert (found.held, found.mode, found.records, found.tolerated) == ("numeric", "numeric", 2, 1)


def test_across_numerics_ids_a_number_beyond_the_tolerance_differs(tmp_path: Path) -> None:
    reader = journal_of(tmp_path / "j", FIRST, SECOND)

    found = compare_outputs(reader, outputs(with_price(2000.5 + 2.1e-6), SECOND), numerics=OTHER_NUMERICS)

    assert (found.held, found.sequence) == ("different", 0)
    assert found.difference is not None
    assert found.difference.path == "$.legs[1].price"


def test_across_numerics_ids_a_decision_must_be_the_same(tmp_path: Path) -> None:
    reader = journal_of(tmp_path / "j", FIRST)
    changed = msgspec.structs.replace(FIRST, action="SELL")

    found = compare_outputs(reader, outputs(changed), numerics=OTHER_NUMERICS)

    assert found.difference is not None
    assert (found.difference.path, found.difference.recorded, found.difference.produced) == (
        "$.action",
        "'BUY'",
        "'SELL'",
    )


def test_another_kind_of_record_differs(tmp_path: Path) -> None:
    reader = journal_of(tmp_path / "j", FIRST)

    found = compare_outputs(reader, outputs(FIRST, kind=2), numerics=OTHER_NUMERICS)

    assert found.difference is not None
    assert (found.difference.path, found.difference.recorded, found.difference.produced) == ("kind", "1", "2")


@pytest.mark.parametrize("complete", [True, False])
def test_an_output_that_is_not_produced_differs(tmp_path: Path, complete: bool) -> None:
    reader = journal_of(tmp_path / "j", FIRST, SECOND, complete=complete)

    found = compare_outputs(reader, outputs(FIRST))

    assert (found.held, found.sequence, found.incomplete) == ("different", 1, not complete)
    assert found.difference is not None
    assert found.difference.produced == "nothing"
    assert "HOLD" in found.difference.recorded
    with pytest.raises(JournalError, match="$" if complete else "inputs may be missing"):
        found.raise_if_different(reader)


def test_an_output_beyond_the_seal_differs(tmp_path: Path) -> None:
    reader = journal_of(tmp_path / "j", FIRST)

    found = compare_outputs(reader, outputs(FIRST, SECOND))

    assert (found.held, found.sequence) == ("different", 1)
    assert found.difference is not None
    assert found.difference.recorded == "nothing"
    assert "HOLD" in found.difference.produced


def test_outputs_beyond_the_end_of_an_incomplete_journal_are_counted(tmp_path: Path) -> None:
    reader = journal_of(tmp_path / "j", FIRST, complete=False)

    found = compare_outputs(reader, outputs(FIRST, SECOND, SECOND))

    assert found == Comparison(mode="exact", records=1, incomplete=True, unrecorded=2)
    assert found.held == "identical"


def test_payloads_that_are_no_values_are_compared_by_byte(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path / "j", HEAD)
    writer.append_output(1, b"\xc1\x00\x01")
    writer.close()

    for numerics in (None, OTHER_NUMERICS):
        found = compare_outputs(JournalReader(tmp_path / "j"), iter([(1, b"\xc1\x00\x02")]), numerics=numerics)
        assert found.difference is not None
        assert (found.difference.path, found.difference.recorded) == ("byte 2", "01")
    missing = compare_outputs(JournalReader(tmp_path / "j"), iter([]))
    assert missing.difference is not None
    assert "c10001" in missing.difference.recorded


def test_equal_values_in_other_bytes_differ_within_one_numerics_id(tmp_path: Path) -> None:
    writer = JournalWriter.create(tmp_path / "j", HEAD)
    writer.append_output(1, b"\x01")
    writer.close()
    same_in_two_bytes = [(1, b"\xcc\x01")]

    exact = compare_outputs(JournalReader(tmp_path / "j"), iter(same_in_two_bytes))
    numeric = compare_outputs(JournalReader(tmp_path / "j"), iter(same_in_two_bytes), numerics=OTHER_NUMERICS)

    assert exact.held == "different"
    assert exact.difference is not None
    assert exact.difference.path == "byte 0"
    assert numeric.held == "numeric"


def test_the_callers_types_name_the_place(tmp_path: Path) -> None:
    reader = journal_of(tmp_path / "j", FIRST)

    found = compare_outputs(reader, outputs(with_price(1.0)), decode=lambda _kind, payload: CODEC.decode(payload))

    assert found.difference is not None
    assert found.difference.path == "$.legs[1].price"


@pytest.mark.parametrize(
    ("recorded", "produced", "path"),
    [
        ({"a": [1, {"b c": 2}]}, {"a": [1, {"b c": 3}]}, "$.a[1]['b c']"),
        ({"a": 1}, {"a": 1, "b": 2}, "$.b"),
        ({"a": 1, "b": 2}, {"a": 1}, "$.b"),
        ([1, 2], [1], "$[1]"),
        ([1], [1, 2], "$[1]"),
        (1, 1.0, "$"),
        (True, 1, "$"),
        ("BUY", "SELL", "$"),
        (b"a", b"b", "$"),
        (None, 0, "$"),
        (np.array([[1.0, 2.0]]), np.array([[1.0, 2.5]]), "$[0, 1]"),
        (np.array([1.0]), np.array([1.0, 2.0]), "$"),
        (np.array([1]), np.array([1.0]), "$"),
        (np.array([1, 2]), np.array([1, 3]), "$[1]"),
        (np.array(1.0), np.array(2.0), "$[]"),
    ],
)
def test_the_first_difference_has_a_path(recorded: object, produced: object, path: str) -> None:
    for within in (None, 1e-9):
        found = first_difference(recorded, produced, within=within)
        assert found is not None
        assert found.path == path


@pytest.mark.parametrize(
    ("recorded", "produced", "agree"),
    [
        (0.0, 1e-9, True),
        (0.0, 1.1e-9, False),
        (1e12, 1e12 + 999, True),
        (1e12, 1e12 + 1002, False),
        (math.nan, math.nan, True),
        (math.nan, 0.0, False),
        (math.inf, math.inf, True),
        (math.inf, 1e308, False),
        (1e308, math.inf, False),
        (math.inf, -math.inf, False),
        (0.0, -0.0, True),
    ],
)
def test_the_tolerance_is_relative_above_one_and_absolute_below(recorded: float, produced: float, agree: bool) -> None:
    assert (first_difference(recorded, produced, within=1e-9) is None) is agree
    assert (first_difference(np.array([recorded]), np.array([produced]), within=1e-9) is None) is agree


def test_without_a_tolerance_signed_zeros_and_nan_bits_count() -> None:
    nans = np.array([0x7FF8000000000000, 0x7FF8000000000001], dtype=np.uint64).view(np.float64)

    for a, b in ((0.0, -0.0), (float(nans[0]), float(nans[1]))):
        assert first_difference(a, b) is not None
        assert first_difference(np.array([a]), np.array([b])) is not None
        assert first_difference(a, a) is None
        assert first_difference(np.array([b]), np.array([b])) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(value=VALUES)
def test_a_value_does_not_differ_from_itself(value: object) -> None:
    assert first_difference(value, value) is None
    assert first_difference(value, value, within=1e-9) is None


@given(first=VALUES, second=VALUES)
def test_values_differ_exactly_when_their_bytes_do(first: object, second: object) -> None:
    codec: Codec[object] = Codec(object)
    try:
        same = codec.encode(first) == codec.encode(second)
    except OverflowError:  # an integer that MessagePack has no room for
        return

    assert (first_difference(first, second) is None) is same


def test_a_long_value_is_shortened() -> None:
    found = first_difference("x" * 1000, "y")

    assert found is not None
    assert len(found.recorded) == 120
