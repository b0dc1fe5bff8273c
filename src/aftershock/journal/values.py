"""Where two decoded values first differ, as a path such as `$.legs[0].price`."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["Difference", "first_difference"]

_LONGEST_TEXT = 120
_ABSENT = "absent"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first place where two values differ, and what each has there."""

    path: str
    recorded: str
    produced: str


def first_difference(recorded: object, produced: object, *, within: float | None = None) -> Difference | None:
    """Return where two values first differ, or None.

    Args:
        recorded: Structs, mappings, sequences, arrays, numbers, texts, nested at will.
        produced: What it is compared with.
        within: Floats agree if they differ by at most this times max(1, |recorded|), and NaN agrees with NaN;
            None compares their bits. Everything else must be equal, type included.
    """
    return _differ("$", recorded, produced, within)


def _differ(path: str, a: object, b: object, within: float | None) -> Difference | None:
    if type(a) is not type(b):
        return _difference(path, f"{type(a).__name__} {_text(a)}", f"{type(b).__name__} {_text(b)}")
    if isinstance(a, float) and isinstance(b, float):
        return None if _agree(a, b, within) else _difference(path, _text(a), _text(b))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return _differ_in_arrays(path, a, b, within)
    parts = _parts(a), _parts(b)
    if parts[0] is None or parts[1] is None:
        return None if a == b else _difference(path, _text(a), _text(b))
    return _differ_in_parts(path, parts[0], parts[1], within)


def _parts(value: object) -> dict[str, object] | None:
    """Return the parts of a container by their piece of path, or None for a value without parts."""
    if isinstance(value, msgspec.Struct):
        return {f".{name}": getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {_key(key): part for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return {f"[{index}]": part for index, part in enumerate(value)}
    return None


def _differ_in_parts(path: str, a: dict[str, object], b: dict[str, object], within: float | None) -> Difference | None:
    for name in _in_order(a, b):
        if name not in a:
            return _difference(path + name, _ABSENT, _text(b[name]))
        if name not in b:
            return _difference(path + name, _text(a[name]), _ABSENT)
        found = _differ(path + name, a[name], b[name], within)
        if found is not None:
            return found
    return None


def _in_order(a: dict[str, object], b: dict[str, object]) -> Iterator[str]:
    yield from a
    yield from (name for name in b if name not in a)


def _differ_in_arrays(path: str, a: NDArray[Any], b: NDArray[Any], within: float | None) -> Difference | None:
    if a.dtype != b.dtype or a.shape != b.shape:
        return _difference(path, f"{a.dtype}{list(a.shape)}", f"{b.dtype}{list(b.shape)}")
    if within is None or a.dtype.kind != "f":
        bits = f"u{a.dtype.itemsize}"
        unequal = np.asarray(a.view(bits) != b.view(bits))
    else:
        with np.errstate(invalid="ignore", over="ignore"):
            near = np.abs(a - b) <= within * np.maximum(1.0, np.abs(a))
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        unequal = ~(same | (near & np.isfinite(a) & np.isfinite(b)))
    if not unequal.any():
        return None
    index = tuple(int(number) for number in np.argwhere(unequal)[0])
    place = f"[{', '.join(map(str, index))}]"
    return _difference(path + place, _text(a[index].item()), _text(b[index].item()))


def _agree(a: float, b: float, within: float | None) -> bool:
    if within is None:
        return struct.pack("<d", a) == struct.pack("<d", b)
    if math.isfinite(a) and math.isfinite(b):
        return abs(a - b) <= within * max(1.0, abs(a))
    return a == b or (math.isnan(a) and math.isnan(b))


def _key(key: object) -> str:
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"


def _text(value: object) -> str:
    if isinstance(value, float) and math.isnan(value):
        return f"nan (bits {struct.pack('>d', value).hex()})"
    text = repr(value)
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."


def _difference(path: str, recorded: str, produced: str) -> Difference:
    return Difference(path=path, recorded=recorded, produced=produced)
