"""What the shell asks of whoever delivers events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from aftershock.model.events import Event

__all__ = ["LiveSource"]


class LiveSource(Protocol):
    """A connection that delivers market data until it is closed.

    Its `ts_init` is the moment at which its socket delivered the message, on this machine's wall clock, or 0 where it
    does not know; the shell measures with it and then gives its own. Lost messages come as `Gap`, silence as `Stale`.
    An `AftershockError` out of the iterator means that nothing more will come: the run ends and says so.
    """

    @property
    def name(self) -> str:
        """Return what it is called in the report."""
        ...

    @property
    def reconnects(self) -> int:
        """Return how often the connection was made again."""
        ...

    def __aiter__(self) -> AsyncIterator[Event]:
        """Iterate over what arrives; called once."""
        ...

    async def close(self) -> None:
        """Let go of the connection; may be called at any time, and again."""
        ...
