"""Columns to Arrow messages and back. All that touches Arrow's streams is here."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftershock.errors import InputError
from aftershock.model.units import NAN
from aftershock.venues.recording.frame import BLANK_SEAL, END, SEAL, seal
from aftershock.venues.recording.library import need_pyarrow
from aftershock.venues.recording.schema import Cell, columns_of, needed

__all__ = ["Cells", "Encoder", "ParquetRows", "Texts", "check_columns", "decode_batch", "decode_schema"]

_ROWS_AT_ONCE = 16_384


class Texts(NamedTuple):
    """A column of texts: each row's position among the different ones."""

    codes: NDArray[np.int64]
    values: list[str]

    def rows(self) -> list[str]:
        """Return the text of each row, one object for equal ones."""
        values = self.values
        return [values[code] for code in self.codes.tolist()]


class Cells:
    """The columns of some rows, of a stream or of Parquet alike; a missing column is absent in every row."""

    def __init__(self, batch: Any) -> None:  # noqa: ANN401 - pyarrow ships no types
        """Take a record batch that was validated."""
        self._batch = batch
        self._names = set(batch.schema.names)

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self._batch.num_rows)

    def part(self, start: int, stop: int) -> Cells:
        """Return rows start to stop."""
        return Cells(self._batch.slice(start, stop - start))

    def has(self, name: str) -> bool:
        """Tell whether there is such a column."""
        return name in self._names

    def texts(self, name: str) -> Texts:
        """Return a column of texts; a null is an empty text."""
        import pyarrow as pa

        if name not in self._names:
            return Texts(np.zeros(len(self), dtype=np.int64), [""])
        column = self._batch.column(name)
        if pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column):
            column = column.dictionary_decode()
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        values = [value or "" for value in column.dictionary.to_pylist()]
        codes = column.indices
        if codes.null_count:
            codes = codes.fill_null(len(values))
            values.append("")
        return Texts(codes.to_numpy(zero_copy_only=False).astype(np.int64), values)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers that may be written to, NaN where absent."""
        if name not in self._names:
            return np.full(len(self), NAN)
        return np.array(self._batch.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)

    def times(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return a column of times, 0 where absent, and where it is absent."""
        if name not in self._names:
            return np.zeros(len(self), dtype=np.int64), np.ones(len(self), dtype=np.bool_)
        column = self._batch.column(name)
        if not column.null_count:
            return column.to_numpy(zero_copy_only=False), np.zeros(len(self), dtype=np.bool_)
        absent = column.is_null().to_numpy(zero_copy_only=False)
        return column.fill_null(0).to_numpy(zero_copy_only=False), absent


class Encoder:
    """One stream on its way: its head before the first rows, then a message for each portion of rows."""

    def __init__(self, kind: str, metadata: Mapping[bytes, bytes]) -> None:
        """Begin a stream.

        Args:
            kind: Says which columns there are.
            metadata: Of the head.

        Raises:
            ConfigError: pyarrow is not installed.
        """
        need_pyarrow()
        import pyarrow as pa

        self._columns = columns_of(kind)
        types = {
            Cell.TEXT: pa.string(),
            Cell.NUMBER: pa.float64(),
            Cell.TIME: pa.int64(),
            Cell.TIME_OR_NONE: pa.int64(),
        }
        fields = [
            pa.field(column.name, types[column.cell], nullable=column.cell in {Cell.NUMBER, Cell.TIME_OR_NONE})
            for column in self._columns
        ]
        self._schema = pa.schema(fields, metadata={**metadata, SEAL: BLANK_SEAL})
        self._sink = io.BytesIO()
        options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
        self._stream = pa.ipc.new_stream(self._sink, self._schema, options=options)
        self._begun = False

    def encode(self, columns: Sequence[Sequence[Any] | NDArray[Any]]) -> bytes:
        """Return the sealed message of some rows, the head before the first of them.

        Args:
            columns: In the order of the kind; an absent number is NaN, an absent time None.
        """
        import pyarrow as pa

        arrays = [
            pa.array(np.asarray(values, dtype=np.float64), from_pandas=True)
            if column.cell is Cell.NUMBER
            else pa.array(values, pa.string() if column.cell is Cell.TEXT else pa.int64())
            for column, values in zip(self._columns, columns, strict=True)
        ]
        batch = pa.RecordBatch.from_arrays(arrays, schema=self._schema)
        self._stream.write_batch(batch, custom_metadata={SEAL: BLANK_SEAL})
        said = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        if self._begun:
            return seal(said)
        self._begun = True
        head = 8 + int.from_bytes(said[4:8], "little")
        return seal(said[:head]) + seal(said[head:])

    def end(self) -> bytes:
        """Return the mark of a clean end."""
        return END


def decode_schema(message: bytes) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the schema of a stream's first message; None if it is none."""
    import pyarrow as pa

    try:
        return pa.ipc.read_schema(pa.py_buffer(message))
    except (pa.ArrowException, OSError, ValueError):
        return None


def decode_batch(message: bytes, schema: Any) -> Cells | None:  # noqa: ANN401 - pyarrow ships no types
    """Return the rows of a message; None if it holds none of that schema."""
    import pyarrow as pa

    try:
        batch = pa.ipc.read_record_batch(pa.py_buffer(message), schema)
        batch.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, MemoryError):
        return None
    return Cells(batch)


def check_columns(path: Path, kind: str, schema: Any) -> None:  # noqa: ANN401 - pyarrow ships no types
    """Refuse a file whose columns are not those of its kind.

    Raises:
        InputError: One is missing, or of another type.
    """
    import pyarrow as pa

    missing = [column.name for column in needed(kind) if column.name not in schema.names]
    if missing:
        raise InputError(f"{path} is said to hold {kind} but has no column {', '.join(missing)}: write it again")
    if len(set(schema.names)) != len(schema.names):
        raise InputError(f"{path} has two columns of one name: write it again")
    for column in columns_of(kind):
        if column.name not in schema.names:
            continue
        found = schema.field(column.name).type
        plain = found.value_type if pa.types.is_dictionary(found) else found
        if column.cell is Cell.TEXT:
            fits = pa.types.is_string(plain) or pa.types.is_large_string(plain)
        elif column.cell is Cell.NUMBER:
            fits = found == pa.float64()
        else:
            fits = found == pa.int64()
        if not fits:
            raise InputError(f"{path} has a column {column.name} of type {found}: write it again as {column.cell}")


class ParquetRows:
    """The rows of a Parquet file, in portions.

    Attributes:
        schema: Its columns and metadata.
        incomplete: Why the end could not be read.
    """

    def __init__(self, path: Path) -> None:
        """Read the foot of the file.

        Raises:
            InputError: It is damaged or unfinished.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path, self.incomplete = path, ""
        try:
            with pq.ParquetFile(path) as file:
                self.schema = file.schema_arrow
        except (pa.ArrowException, OSError, ValueError) as error:
            raise InputError(
                f"{path} is no whole Parquet file ({_first_line(error)}): it was cut short or damaged, make it again"
            ) from error

    def portions(self) -> Iterator[Cells]:
        """Iterate over the rows from the first on, as far as they can be read."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.incomplete = ""
        try:
            with pq.ParquetFile(self.path, page_checksum_verification=True) as file:
                for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False):
                    batch.validate(full=True)
                    yield Cells(batch)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            self.incomplete = f"the rest can't be read ({_first_line(error)}): it is damaged"


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__
