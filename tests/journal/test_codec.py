"""Values keep every bit on their way through MessagePack, and equal values have equal bytes."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aftershock.errors import JournalError
from aftershock.journal import Codec
from aftershock.journal.codec import decode_any
from aftershock.model.events import OptionQuotes, StreamId, Timer, Trade

EVENTS: Codec[Any] = Codec(Trade | Timer | OptionQuotes)  # type: ignore[arg-type] # a union is no class
QUIET_NAN_WITH_PAYLOAD = struct.unpack("<d", bytes.fromhex("efbeadde0000f8ff"))[0]


class Holder(msgspec.Struct):
    numbers: NDArray[np.float64]
    label: str = ""


HOLDERS = Codec(Holder)


def test_a_batch_of_option_quotes_comes_back_with_all_its_columns() -> None:
    batch = OptionQuotes(
        ts_event=5,
        ts_init=2**62,
        stream=StreamId("deribit", "options", "BTC"),
        symbols=["BTC-1JAN30-50000-C", "BTC-1JAN30-50000-P"],
        row_ts_event=np.array([1, 2]),
        row_ts_init=np.array([3, 2**62]),
        columns={"bid": np.array([0.1, np.nan]), "ask": np.array([-0.0, np.inf])},
        underlying_index=["SYN", ""],
    )

    back = EVENTS.decode(EVENTS.encode(batch))

    assert isinstance(back, OptionQuotes)
    assert (back.ts_init, back.stream, back.symbols) == (batch.ts_init, batch.stream, batch.symbols)
    assert back.row_ts_init.dtype == np.int64
    assert back.row_ts_init.tolist() == [3, 2**62]
    assert {name: column.tobytes() for name, column in back.columns.items()} == {
        name: column.tobytes() for name, column in batch.columns.items()
    }


@given(
    bits=st.lists(st.integers(0, 2**64 - 1), max_size=12),
    columns=st.sampled_from([1, 2, 3]),
    big_endian=st.booleans(),
    fortran=st.booleans(),
)
def test_every_bit_of_an_array_survives(bits: list[int], columns: int, big_endian: bool, fortran: bool) -> None:
    size = len(bits) // columns * columns
    native = np.array(bits[:size], dtype=np.uint64).view(np.float64).reshape(-1, columns)
    array = native.astype(">f8" if big_endian else "<f8", order="F" if fortran else "C")

    back = HOLDERS.decode(HOLDERS.encode(Holder(array))).numbers

    assert back.dtype == np.dtype("<f8")
    assert back.shape == native.shape
    assert back.tobytes() == native.astype("<f8").tobytes()


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", ">i4", "<u8", "f2", ">f4"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (1, 2, 2)])
def test_arrays_of_any_plain_type_and_shape_survive(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.arange(int(np.prod(shape)), dtype="i8").astype(dtype).reshape(shape)

    back = decode_any(EVENTS.encode(array))

    assert back.dtype == array.dtype.newbyteorder("<")
    assert np.array_equal(back, array)
    assert back.shape == shape


@pytest.mark.parametrize("number", [QUIET_NAN_WITH_PAYLOAD, -0.0, 5e-324, float("-inf"), 0.1])
def test_every_bit_of_a_float_survives(number: float) -> None:
    trade = Trade(ts_event=1, ts_init=2, venue="v", symbol="s", price=number, amount=1.0, side="buy")

    back = EVENTS.decode(EVENTS.encode(trade))

    assert struct.pack("<d", back.price) == struct.pack("<d", number)


def test_equal_maps_have_equal_bytes_whatever_their_order() -> None:
    codec = Codec(dict[str, int])

    assert codec.encode({"b": 1, "a": 2}) == codec.encode({"a": 2, "b": 1})


def test_numpy_scalars_are_written_as_numbers() -> None:
    assert decode_any(EVENTS.encode([np.float64(0.1), np.int64(3), np.bool_(True)])) == [0.1, 3, True]


@pytest.mark.parametrize(
    "array", [np.array(["text"]), np.array([object()]), np.array([1j]), np.array(["2020"], dtype="M8[D]")]
)
def test_arrays_without_portable_bytes_are_refused(array: NDArray[Any]) -> None:
    with pytest.raises(TypeError, match="a journal can't hold an array of"):
        EVENTS.encode(array)


def test_what_is_no_value_of_the_model_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="can't hold a object"):
        EVENTS.encode(object())


def test_an_array_of_another_type_than_annotated_is_refused() -> None:
    for wrong in (np.array([1, 2]), [1.0, 2.0]):
        with pytest.raises(JournalError, match="expected an array"):
            HOLDERS.decode(EVENTS.encode({"numbers": wrong}))


@pytest.mark.parametrize(
    "array",
    [
        ["<f8", [3], bytes(16)],
        ["<f8", [-7], bytes(16)],
        ["<f8", [2], bytes(15)],
        ["|O", [1], bytes(8)],
        ["nonsense", [1], b"x"],
        ["<f8", "no shape", b""],
        ["<f16", [1], bytes(16)],
        "no array",
    ],
)
def test_a_broken_array_is_refused_in_a_sentence(array: object) -> None:
    payload = msgspec.msgpack.encode(msgspec.msgpack.Ext(1, msgspec.msgpack.encode(array)))

    with pytest.raises(JournalError, match="does not hold what it should"):
        decode_any(payload)


def test_an_unknown_extension_is_refused_by_number() -> None:
    with pytest.raises(JournalError, match="extension type 9 is unknown"):
        decode_any(msgspec.msgpack.encode(msgspec.msgpack.Ext(9, b"")))


def test_a_record_of_another_kind_is_refused() -> None:
    with pytest.raises(JournalError, match="read it with the version that wrote it"):
        HOLDERS.decode(EVENTS.encode(Timer(ts_event=1, ts_init=1, key="k")))


@given(payload=st.binary(max_size=200))
def test_random_bytes_are_a_value_or_refused(payload: bytes) -> None:
    try:
        value = decode_any(payload)
    except JournalError:
        return
    assert EVENTS.encode(value)


def test_a_payload_nested_without_end_is_refused() -> None:
    with pytest.raises(JournalError):
        decode_any(b"\x91" * 1_000_000)
