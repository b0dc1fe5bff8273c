"""How often Backpack may be asked: 2,000 requests in any minute, with a share for orders that nothing else can use up.

A bucket of tokens lets through what it holds and what comes back meanwhile, so that is what the shares add up to.
"""

from __future__ import annotations

from aftershock.errors import UnreachableError
from aftershock.venues.connection.clock import Clock, within
from aftershock.venues.connection.rate_limit import TokenBucket

__all__ = ["ORDERS_PER_MINUTE", "READS_PER_MINUTE", "NotSentError", "Pacing", "Share"]

READS_PER_MINUTE, ORDERS_PER_MINUTE, HISTORIC_PER_MINUTE = 1_350, 600, 30
"""Together a little less than the 2,000 that are allowed: the venue counts when requests arrive. Those of historical
data are counted among the reads, too."""
_READS_AT_ONCE, _ORDERS_AT_ONCE, _HISTORIC_AT_ONCE = 100, 60, 10
_HISTORIC = frozenset({"/api/v1/klines", "/api/v1/trades/history"})
_HELD_S = 2.0
_LONGEST_HELD_S = 60.0
PATIENCE_S = 1.0
"""An order that would wait longer is of an older market than its sender thinks."""


class NotSentError(UnreachableError):
    """A request was not sent, since the venue's limit would have made it wait."""


class Share:
    """So many requests in any minute, some of them at once."""

    def __init__(self, per_minute: int, at_once: int, clock: Clock) -> None:
        """Take how many, and what time it runs on."""
        self._per_s, self._clock = (per_minute - at_once) / 60, clock
        self._bucket = TokenBucket(self._per_s, at_once, clock)
        self._waiting = 0

    @property
    def wait_s(self) -> float:
        """Return how long a request that comes now has to wait."""
        return max(0.0, self._waiting + 1 - self._bucket.tokens) / self._per_s

    def try_take(self) -> bool:
        """Tell whether a request may be sent at once, and count it if so; nobody who waits is overtaken."""
        return self._bucket.try_take()

    async def take(self) -> None:
        """Return when a request may be sent."""
        self._waiting += 1
        try:
            await self._bucket.take()
        finally:
            self._waiting -= 1

    def hold(self, seconds: float) -> None:
        """Let nothing through for so long, and then as from the start of a minute that is full."""
        held_s = max(0.0, -self._bucket.tokens / self._per_s)
        if seconds > held_s:
            self._bucket.empty(seconds - held_s)


class Pacing:
    """The shares of one account; whoever asks for it on several connections shares one.

    Attributes:
        reads, orders, historic: Shares.
        held: How often the venue said that it was too much.
    """

    def __init__(self, clock: Clock) -> None:
        """Take what time it runs on."""
        self._clock = clock
        self.reads = Share(READS_PER_MINUTE, _READS_AT_ONCE, clock)
        self.orders = Share(ORDERS_PER_MINUTE, _ORDERS_AT_ONCE, clock)
        self.historic = Share(HISTORIC_PER_MINUTE, _HISTORIC_AT_ONCE, clock)
        self.held = 0

    async def read(self, path: str) -> None:
        """Return when a request that asks may be sent."""
        if path in _HISTORIC:
            await self.historic.take()
        await self.reads.take()

    async def order(self, *, patient: bool = False) -> None:
        """Return when a request on an order may be sent.

        Args:
            patient: It looks an order up, and so may wait.

        Raises:
            NotSentError: It would wait for more than a second.
        """
        if self.orders.try_take():
            return
        if patient:
            await self.orders.take()
            return
        wait_s = self.orders.wait_s
        if wait_s <= PATIENCE_S:
            try:
                await within(self._clock, PATIENCE_S, self.orders.take())
            except TimeoutError:  # the venue refused another request meanwhile
                wait_s = self.orders.wait_s
            else:
                return
        raise NotSentError(
            f"not sent: the limit of Backpack's requests would make it wait {wait_s:.1f} s, and an order waits no "
            f"longer than {PATIENCE_S:g} s; send fewer, or decide again on newer prices"
        )

    def refused(self, retry_after_s: float) -> None:
        """Note that the venue said that it was too much: everybody waits, as long as it asks or two seconds."""
        self.held += 1
        for share in (self.reads, self.orders, self.historic):
            share.hold(min(max(retry_after_s, _HELD_S), _LONGEST_HELD_S))
