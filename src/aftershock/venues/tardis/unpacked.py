"""What a gzip file of any number of members holds, read to its end, and never more of it at once than fits."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from aftershock.errors import InputError

__all__ = ["unpacked"]

_CHUNK = 1 << 20
_MOST_TIMES_SMALLER = 200
"""What unpacks to more than so many times its size is no market data, whose rows differ."""
_SMALL = 1 << 16


def unpacked(path: Path, on_raw: Callable[[bytes], object] = lambda _: None) -> Iterator[bytes]:
    """Yield it in parts of bounded size.

    Args:
        path: The file.
        on_raw: Gets its bytes as they are, part by part; what it raises ends the reading.

    Raises:
        InputError: It is cut short or damaged, has something behind its end, or is a bomb.
    """
    unpacker, fresh, size = zlib.decompressobj(31), True, 0
    most = _MOST_TIMES_SMALLER * max(path.stat().st_size, _SMALL)
    with path.open("rb") as file:
        try:
            while raw := file.read(_CHUNK):
                on_raw(raw)
                while raw:
                    part = unpacker.decompress(raw, _CHUNK)
                    fresh = False
                    raw = unpacker.unconsumed_tail
                    size += len(part)
                    if size > most:
                        raise InputError(
                            f"{path.name} unpacks to more than {_MOST_TIMES_SMALLER} times its size: it is no data set"
                        )
                    if part:
                        yield part
                    if unpacker.eof:
                        raw = raw or unpacker.unused_data
                        unpacker, fresh = zlib.decompressobj(31), True
        except zlib.error as error:
            raise InputError(f"{path.name} is damaged ({error}): it is fetched again on the next run") from error
    if not fresh:
        raise InputError(f"{path.name} is cut short: it is fetched again on the next run")
