"""A CSV data set as Parquet, streamed: the same columns, times in integer nanoseconds, empty cells as nulls."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from aftershock.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["to_parquet"]

_SOURCE = b"dataset"
_TEXTS = frozenset({"id", "side", "type", "underlying_index"})
_TIMES = frozenset({"timestamp", "local_timestamp", "expiration", "funding_timestamp"})
_NAMES = {"timestamp": "ts_event", "local_timestamp": "ts_init"}
_BLOCK = 8 << 20
_FIRST_US, _END_US = 10**15, 2**63 // 1_000
"""Microseconds since 1970 have sixteen digits; smaller and larger stamps are of another unit."""


def to_parquet(source: Path, kind: str, going_on: Callable[[], object] = lambda: None) -> Path:
    """Write a whole data set beside itself as `.parquet`, zstd; it appears under that name once it is whole.

    Args:
        source: A verified `.csv.gz` that is not empty.
        kind: Its data type.
        going_on: Called now and then; what it raises ends the writing.

    Returns:
        The new file.

    Raises:
        InputError: A cell is none of its column, or the file can't be written.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pv
    import pyarrow.parquet as pq

    target = source.with_name(source.name.removesuffix(".csv.gz") + ".parquet")
    partial = target.with_name(target.name + ".part")
    texts = pa.dictionary(pa.int32(), pa.string())

    def type_of(name: str) -> pa.DataType:
        if name in ("exchange", "symbol"):
            return texts
        if name in _TIMES:
            return pa.int64()
        if name == "is_snapshot":
            return pa.bool_()
        return pa.string() if name in _TEXTS else pa.float64()

    with pa.input_stream(str(source), compression="gzip") as head:
        names = head.read(1 << 16).split(b"\n", 1)[0].decode().split(",")
    options = pv.ConvertOptions(
        column_types={name: type_of(name) for name in names}, null_values=[""], strings_can_be_null=False
    )
    metadata = {b"aftershock.format": b"1", b"aftershock.kind": kind.encode(), b"aftershock.source": _SOURCE}
    schema = pa.schema([(_NAMES.get(name, name), type_of(name)) for name in names], metadata=metadata)
    try:
        with (
            pa.input_stream(str(source), compression="gzip") as stream,
            pv.open_csv(stream, pv.ReadOptions(block_size=_BLOCK), convert_options=options) as reader,
            pq.ParquetWriter(str(partial), schema, compression="zstd") as writer,
        ):
            for batch in reader:
                going_on()
                _refuse_what_is_no_market_data(batch, names)
                columns = [
                    pc.multiply_checked(column, 1_000) if name in _TIMES else column
                    for name, column in zip(names, batch.columns, strict=True)
                ]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{source.name} can't be made columnar ({str(error)[:120]}): keep the CSV file") from error
    else:
        os.replace(partial, target)  # noqa: PTH105 - one step, whatever was there
    finally:
        partial.unlink(missing_ok=True)
    return target


def _refuse_what_is_no_market_data(batch: pa.RecordBatch, names: list[str]) -> None:
    """Refuse times that are no microseconds and numbers that are none, as the reader of the CSV file does.

    Raises:
        InputError: There is one.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, column in zip(names, batch.columns, strict=True):
        if name in _TIMES:
            least, most = pc.min(column).as_py(), pc.max(column).as_py()
            good = least is None or (least >= _FIRST_US and most < _END_US)
        else:
            good = not pa.types.is_floating(column.type) or pc.all(pc.is_finite(column)).as_py() is not False
        if not good:
            raise InputError(
                f"column {name} holds what is no market data: keep the CSV file, whose reader counts such rows"
            )
