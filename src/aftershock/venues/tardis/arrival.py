"""Receive times that never go back: a row that is behind is delivered at the latest time seen so far, and counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aftershock.model.events import ClockStep
from aftershock.venues.tardis.piece import Piece, piece_of
from aftershock.venues.tardis.report import FileReport

__all__ = ["Arrival"]


class Arrival:
    """High-water mark of one file's receive times.

    A step back is a row whose time is before that of the row before it. Each gives one `ClockStep`; the rows that
    follow in order but are still behind only count as `out_of_order`.
    """

    def __init__(self, source: str, report: FileReport) -> None:
        """Start before any row of the file called `source`."""
        self._source = source
        self._report = report
        self._latest = -(2**63)
        self._previous = -(2**63)

    @property
    def latest(self) -> int:
        """Return the latest receive time so far."""
        return self._latest

    def block(self, ts: NDArray[np.int64], row_numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[Piece]]:
        """Return the times to deliver a block at, and its steps back."""
        if not len(ts):
            return ts, []
        before = np.concatenate([[self._previous], ts[:-1]])
        settled = np.maximum(np.maximum.accumulate(ts), self._latest)
        self._report.out_of_order += int((ts < settled).sum())
        steps = [
            self._step(int(settled[i]), int(before[i] - ts[i]), int(row_numbers[i]))
            for i in np.flatnonzero(ts < before)
        ]
        self._latest, self._previous = int(settled[-1]), int(ts[-1])
        return settled, steps

    def advance(self, ts: int, row_number: int) -> Piece | None:
        """Move to one row, to be delivered at `latest`; return the step back that it makes, if any."""
        step = None
        if ts < self._latest:
            self._report.out_of_order += 1
            if ts < self._previous:
                step = self._step(self._latest, self._previous - ts, row_number)
        self._latest, self._previous = max(self._latest, ts), ts
        return step

    def _step(self, ts_init: int, step_ns: int, row_number: int) -> Piece:
        event = ClockStep(ts_event=ts_init, ts_init=ts_init, step_ns=step_ns, source=self._source)
        return piece_of(event, row_number)
