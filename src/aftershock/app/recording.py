"""Writing the journal of a replay: inputs by reference, every effect as an output, sealed at the end."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from aftershock.app.inputs import INSTRUMENTS, RECORDED_TERMS, Inputs
from aftershock.app.numerics import code_version, numerics
from aftershock.app.outcome import Effect
from aftershock.app.records import END, End, encode_effect, encode_end, encode_stats
from aftershock.core.config import EngineConfig
from aftershock.core.stats import EngineStats
from aftershock.journal import Head, JournalWriter, describe_file, write_sources

__all__ = ["Recording"]


class Recording:
    """The journal of one replay; as a context manager it is left without a seal by an exception."""

    def __init__(self, folder: Path, config: EngineConfig, inputs: Inputs) -> None:
        """Start the journal; each input file is read once for its digest.

        Raises:
            InputError: The folder holds something or can't be written.
        """
        paths = [given.path for given in inputs.given]
        files = [
            describe_file(given.path, given.expect or source.kind)
            for given, source in zip(inputs.given, inputs.sources, strict=True)
        ]
        extensions = [(path, RECORDED_TERMS) for path in inputs.recorded_terms]
        if inputs.instruments is not None:
            extensions.append((inputs.instruments, INSTRUMENTS))
        paths += [path for path, _ in extensions]
        files += [describe_file(path, kind) for path, kind in extensions]
        head = Head(
            code_version=code_version(),
            config=msgspec.to_builtins(config),
            instruments_digest=inputs.table_digest,
            numerics=numerics(),
            files=tuple(files),
        )
        self.folder = folder
        self._inputs = inputs
        self._writer = JournalWriter.create(folder, head)
        write_sources(folder, paths)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, traceback)

    def add(self, effect: Effect) -> None:
        """Record one effect."""
        self._writer.append_output(*encode_effect(effect))

    def finish(self, stats: EngineStats, end: End) -> int:
        """Record how much of each file was taken, the counts, and the end; return the number of outputs."""
        for index, source in enumerate(self._inputs.sources):
            self._writer.append_reference(index, 0, source.rows_read)
        self._writer.append_input(END, encode_end(end))
        self._writer.append_output(*encode_stats(stats))
        return self._writer.output_count
