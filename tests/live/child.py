"""A process that runs the command line over a source of its own: `python -m tests.live.child run ...`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import Connected
from aftershock.cli.main import main
from aftershock.cli.record_command import record_command
from aftershock.cli.root import root
from aftershock.cli.run_command import run_command
from aftershock.model.events import Event
from tests.core.market import perp_quote


class Ticking:
    """Quotes without end, in real time."""

    name = "ticking"
    reconnects = 0
    _closed = False

    async def __aiter__(self) -> AsyncIterator[Event]:
        while not self._closed:
            yield perp_quote(time.time_ns(), "bybit", 60_000.0)
            await asyncio.sleep(0.001)

    async def close(self) -> None:
        """End."""
        self._closed = True


async def open_ticking(_live: LiveConfig, _environment: Mapping[str, str]) -> Connected:
    """Return the one source."""
    return Connected(sources=[Ticking()])


if __name__ == "__main__":
    root.add_command(run_command(open_ticking), "run")
    root.add_command(record_command(open_ticking), "record")
    sys.exit(main())
