"""From rows to files as Tardis has them: two clocks, numbers in shortest form, the same bytes each time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aftershock.model.units import NS_PER_S
from aftershock.sim.sample.story import DATE, START_NS
from aftershock.sim.tardis import HEADERS, PackedFile, data_set_name

__all__ = ["Table", "clocks_us", "text"]

_US_PER_S = 1_000_000
_START_US = START_NS * _US_PER_S // NS_PER_S
_LATENCY_SPREAD = 0.25


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One file: `columns` are the kind's columns after venue and symbol, `symbols` one name per row."""

    venue: str
    kind: str
    group: str
    symbols: list[str]
    timestamps_us: NDArray[np.int64]
    local_timestamps_us: NDArray[np.int64]
    columns: tuple[list[str], ...]

    def write(self, folder: Path) -> Path:
        """Write the rows by local time and return the path; equal rows give equal bytes."""
        year, month, day = DATE
        path = folder / data_set_name(self.venue, self.kind, f"{year}-{month:02}-{day:02}", self.group)
        order = np.argsort(self.local_timestamps_us, kind="stable").tolist()
        event, local = self.timestamps_us.tolist(), self.local_timestamps_us.tolist()
        with PackedFile(path, HEADERS[self.kind]) as file:
            for i in order:
                stamps = (self.venue, self.symbols[i], str(event[i]), str(local[i]))
                file.add(",".join((*stamps, *(column[i] for column in self.columns))))
        return path


def clocks_us(
    rng: Generator, seconds: NDArray[np.float64], latency_ms: float, *, whole_ms: bool = True
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the venue's and our clock of messages sent at ascending moments; ours never goes back.

    Args:
        rng: Source of the jitter.
        seconds: Moments since the start of the sample, ascending.
        latency_ms: Median time on the way; the jitter is lognormal.
        whole_ms: True where the venue stamps milliseconds, as most do.
    """
    sent = np.round(seconds * _US_PER_S).astype(np.int64)
    if whole_ms:
        sent -= sent % 1_000
    way = latency_ms * 1_000 * np.exp(_LATENCY_SPREAD * rng.standard_normal(len(seconds)))
    arrived = np.maximum.accumulate(np.round(seconds * _US_PER_S + way).astype(np.int64))
    return _START_US + sent, _START_US + arrived


def text(values: Iterable[float], decimals: int) -> list[str]:
    """Write numbers as the files do: shortest form, an empty cell for NaN."""
    return ["" if math.isnan(value) else _shortest(value, decimals) for value in values]


def _shortest(value: float, decimals: int) -> str:
    written = f"{value:.{decimals}f}"
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return "0" if written in {"-0", ""} else written
