"""Ctrl-C and SIGTERM as a question that a loop asks between two events, so that nothing is left half done."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["StopRequest"]


class StopRequest:
    """Within the context the first signal only asks the run to finish; a second one ends it at once."""

    def __init__(self) -> None:
        self._signal = 0
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def __bool__(self) -> bool:
        return self._signal != 0

    @property
    def number(self) -> int:
        """Return the signal that asked; 0 while none did."""
        return int(self._signal)

    @property
    def exit_code(self) -> int:
        """Return 130 for an interrupt, 143 for a termination, 0 while nobody asked."""
        return 128 + self._signal if self._signal else 0

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        if self._signal:
            raise KeyboardInterrupt
        self._signal = number
