"""Model structs to MessagePack and back; arrays keep their type, shape and every bit.

An array is an extension of type 1 whose data is the MessagePack list [dtype, shape, raw little-endian bytes].
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from aftershock.errors import JournalError

__all__ = ["ARRAY_EXTENSION", "Codec", "decode_any"]

ARRAY_EXTENSION = 1

# Booleans, integers and floats of at most eight bytes: nothing else means the same on another machine.
_KINDS = "biuf"
_WIDEST = 8

T = TypeVar("T")


class Codec(Generic[T]):
    """Encodes and decodes values of one type, usually a union of tagged structs.

    Maps are written with sorted keys, so equal values have equal bytes whatever the hash seed; their order
    carries no meaning. NumPy scalars are written as numbers. Decoded arrays are read-only.
    """

    def __init__(self, type_: type[T]) -> None:
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_to_plain, order="deterministic")
        self._decoder = msgspec.msgpack.Decoder(type_, ext_hook=_from_extension, dec_hook=_as_annotated)

    def encode(self, value: T) -> bytes:
        """Return the payload of a value."""
        return self._encoder.encode(value)

    def decode(self, payload: bytes) -> T:
        """Return the value of a payload.

        Raises:
            JournalError: The payload is not a value of this type.
        """
        try:
            return self._decoder.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise JournalError(
                f"a record does not hold what it should: {error}; read it with the version that wrote it"
            ) from error


def decode_any(payload: bytes) -> Any:  # noqa: ANN401 - the answer's type is in the bytes
    """Return a payload as dicts, lists, numbers and arrays, without knowing its type.

    Raises:
        JournalError: The payload is not MessagePack.
    """
    return _ANYTHING.decode(payload)


def _to_plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return msgspec.msgpack.Ext(ARRAY_EXTENSION, _array_bytes(value))
    if isinstance(value, np.generic):
        return value.item()
    # msgspec asks a hook to refuse a type with this error.
    raise NotImplementedError(f"a journal can't hold a {type(value).__qualname__}")


def _array_bytes(array: NDArray[Any]) -> bytes:
    if not _is_portable(array.dtype):
        raise TypeError(f"a journal can't hold an array of {array.dtype}")
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return msgspec.msgpack.encode([little.dtype.str, little.shape, little.tobytes()])


def _is_portable(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in _KINDS and dtype.itemsize <= _WIDEST


def _from_extension(code: int, data: memoryview) -> object:
    if code != ARRAY_EXTENSION:
        raise msgspec.ValidationError(f"extension type {code} is unknown")
    name, shape, raw = msgspec.msgpack.decode(data, type=tuple[str, tuple[int, ...], bytes])
    try:
        return _array_of(np.dtype(name), shape, raw)
    except (TypeError, ValueError) as error:
        raise msgspec.ValidationError(f"broken array: {error}") from error


def _array_of(dtype: np.dtype[Any], shape: tuple[int, ...], raw: bytes) -> NDArray[Any]:
    if not _is_portable(dtype):
        raise ValueError(f"{dtype} is not portable")
    if any(length < 0 for length in shape):  # NumPy takes it for "whatever fits"
        raise ValueError(f"the shape {shape} has a negative length")
    return np.frombuffer(raw, dtype).reshape(shape)


def _as_annotated(annotation: Any, value: object) -> object:  # noqa: ANN401 - msgspec passes any annotation
    if not isinstance(value, np.ndarray):
        raise msgspec.ValidationError(f"expected an array, got {type(value).__name__}")
    for argument in get_args(annotation):
        for scalar in get_args(argument):
            if isinstance(scalar, type) and issubclass(scalar, np.generic) and not np.issubdtype(value.dtype, scalar):
                raise msgspec.ValidationError(f"expected an array of {scalar.__name__}, got {value.dtype}")
    return value


_ANYTHING: Codec[Any] = Codec(Any)
