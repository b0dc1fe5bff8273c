"""A source that needs no socket, and clocks that a test turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.journal import Terms
from aftershock.app.live.report import LiveResult
from aftershock.app.live.run import LiveWatch, run_live
from aftershock.app.settings import Settings, config_keys
from aftershock.core.config import EngineConfig
from aftershock.model.events import Event


class Clock:
    """A clock that stands still until a test moves it, ns."""

    def __init__(self, now: int = 0) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class FakeSource:
    """Delivers events at the moments that they carry; the wall clock of the run follows them.

    Args:
        events: In the order of arrival.
        clock: Is set to each event's `ts_init` before it is delivered.
        together: So many events are delivered before anybody else has a turn.
        then: What to do once everything is delivered; None ends the stream.
    """

    def __init__(
        self,
        events: Iterable[Event],
        clock: Clock | None = None,
        *,
        name: str = "fake",
        together: int = 1,
        then: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.reconnects = 0
        self.closed = 0
        self._over = asyncio.Event()
        self._events, self._clock, self._together, self._then = events, clock, together, then

    async def __aiter__(self) -> AsyncIterator[Event]:
        for count, event in enumerate(self._events, start=1):
            if self._clock is not None:
                self._clock.now = event.ts_init
            yield event
            if count % self._together == 0:
                await asyncio.sleep(0)
        if self._then is not None:
            self._then()
            await self._over.wait()

    async def close(self) -> None:
        self.closed += 1
        self._over.set()


def settings_of(config: EngineConfig) -> Settings:
    return Settings(config, dict.fromkeys(config_keys(), "test"))


def live(
    sources: Sequence[FakeSource],
    config: EngineConfig,
    *,
    journal: Path | None = None,
    watch: LiveWatch | None = None,
    terms: Terms | None = None,
    **settings: float,
) -> LiveResult:
    """Run the shell over fake sources to its end."""
    where = {} if journal is None else {"journal": str(journal)}
    wanted = LiveConfig(**where, **settings)  # type: ignore[arg-type]  # each is checked by the name it has
    return asyncio.run(run_live(sources, settings_of(config), wanted, terms=terms, watch=watch))
