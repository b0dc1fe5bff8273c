"""How often one may ask: a bucket of tokens that refills, on an injectable clock; first come, first served."""

from __future__ import annotations

import asyncio

from aftershock.venues.connection.clock import Clock

__all__ = ["TokenBucket"]


class TokenBucket:
    """Tokens up to a capacity, refilled evenly; it starts full.

    Attributes:
        waited_s: Time spent waiting so far, over all takers.
    """

    def __init__(self, per_s: float, capacity: float, clock: Clock) -> None:
        """Take how many tokens come back in a second, how many it holds, and what time it runs on."""
        self._per_s, self._capacity, self._clock = per_s, capacity, clock
        self._tokens, self._at = capacity, clock.monotonic()
        self._turn = asyncio.Lock()
        self.waited_s = 0.0

    @property
    def tokens(self) -> float:
        """Return the tokens that are there; negative while a debt is open."""
        now = self._clock.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        return self._tokens

    def try_take(self, cost: float = 1.0) -> bool:
        """Take tokens if they are there; nobody who waits already is overtaken."""
        if self._turn.locked() or self.tokens < min(cost, self._capacity):
            return False
        self._tokens -= cost
        return True

    async def take(self, cost: float = 1.0) -> None:
        """Return once the tokens are taken; more than the capacity waits for a full bucket and leaves a debt."""
        async with self._turn:
            needed = min(cost, self._capacity)
            while (lacking := needed - self.tokens) > 1e-9:
                wait_s = lacking / self._per_s
                self.waited_s += wait_s
                await self._clock.sleep(wait_s)
            self._tokens -= cost

    def empty(self, seconds: float = 0.0) -> None:
        """Note that the venue said no: nothing is there for so long, then it refills from nothing."""
        self._tokens = min(self.tokens, 0.0) - seconds * self._per_s
