"""Caps of money: per minute, day, trigger and type of edge. Set aside before sending, settled after."""

from __future__ import annotations

from collections import OrderedDict, deque

import msgspec

from aftershock.model.units import NS_PER_DAY, NS_PER_S
from aftershock.review.prices import PICO

__all__ = ["Budget", "BudgetRefusal", "Caps", "Reservation"]

_MINUTE_NS = 60 * NS_PER_S
_MOST_TRIGGERS = 10_000


class Caps(msgspec.Struct, frozen=True, kw_only=True):
    """Most money, USD.

    Attributes:
        minute: Any sixty seconds.
        day: A day of UTC.
        trigger: All requests about one trigger.
        strategy: A day, by type of edge; one that is not named has no cap of its own.
    """

    minute: float
    day: float
    trigger: float
    strategy: dict[str, float] = {}


class BudgetRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Money that may not be spent.

    Attributes:
        cap: Its name.
        value: What would have been spent under it, USD.
        allowed: The cap.
    """

    cap: str
    value: float
    allowed: float

    @property
    def detail(self) -> str:
        """Return it as a sentence."""
        return f"the cap {self.cap} allows ${self.allowed:g}, and this request could make it ${self.value:.6f}"


class Reservation(msgspec.Struct):
    """Money set aside for one request.

    Attributes:
        number: Unique in its budget.
        pico: 1e-12 USD: what is set aside, and once it is settled what was paid.
        at_ns: When, ns UTC; under this minute and day it counts.
    """

    number: int
    pico: int
    at_ns: int
    trigger_id: str
    strategy: str


class Budget:
    """What was spent and set aside under each cap, in whole 1e-12 USD."""

    def __init__(self, caps: Caps) -> None:
        """Take the caps."""
        self._caps = caps
        self._minute: deque[Reservation] = deque()
        self._minute_pico = 0
        self._day, self._day_pico = -1, 0
        self._strategies: dict[str, int] = {}
        self._triggers: OrderedDict[str, int] = OrderedDict()
        self._numbers = 0

    def reserve(self, usd: float, trigger_id: str, strategy: str, now_ns: int) -> Reservation | BudgetRefusal:
        """Set money aside, or say which cap forbids it.

        Args:
            usd: The most that the request may cost; NaN is refused.
            trigger_id: What it is about.
            strategy: Type of edge.
            now_ns: Moment, ns UTC; a clock that goes back stays in the later minute and day.
        """
        self._roll(now_ns)
        if not 0 <= usd < 1e6:
            return BudgetRefusal(cap="of a request", value=usd, allowed=1e6)
        pico = -int(-usd * PICO // 1)
        caps = self._caps
        for cap, spent, allowed in (
            ("per trigger", self._triggers.get(trigger_id, 0), caps.trigger),
            ("per minute", self._minute_pico, caps.minute),
            ("per day", self._day_pico, caps.day),
            (f"of {strategy}", self._strategies.get(strategy, 0), caps.strategy.get(strategy)),
        ):
            if allowed is not None and not (spent + pico) / PICO <= allowed:
                return BudgetRefusal(cap=cap, value=(spent + pico) / PICO, allowed=allowed)
        self._numbers += 1
        reservation = Reservation(self._numbers, 0, max(now_ns, self._day * NS_PER_DAY), trigger_id, strategy)
        self._minute.append(reservation)
        self._add(reservation, pico)
        return reservation

    def settle(self, reservation: Reservation, pico: int) -> None:
        """Put what was paid in place of what was set aside: more of it too, if a provider counted more than allowed."""
        self._add(reservation, pico - reservation.pico)

    def spent(self, pico: int, trigger_id: str, strategy: str, at_ns: int) -> None:
        """Count what an earlier process spent."""
        self._roll(at_ns)
        if at_ns // NS_PER_DAY == self._day:
            self._numbers += 1
            earlier = Reservation(self._numbers, 0, at_ns, trigger_id, strategy)
            self._minute.append(earlier)
            self._add(earlier, pico)

    @property
    def day_usd(self) -> float:
        """Return what was spent and set aside today."""
        return self._day_pico / PICO

    def _add(self, reservation: Reservation, pico: int) -> None:
        reservation.pico += pico
        if reservation.at_ns // NS_PER_DAY == self._day:
            self._day_pico += pico
            self._strategies[reservation.strategy] = self._strategies.get(reservation.strategy, 0) + pico
        if self._minute and self._minute[0].number <= reservation.number:
            self._minute_pico += pico
        # A trigger that was forgotten meanwhile gets no credit from what is put back.
        self._triggers[reservation.trigger_id] = max(0, self._triggers.get(reservation.trigger_id, 0) + pico)
        self._triggers.move_to_end(reservation.trigger_id)
        while len(self._triggers) > _MOST_TRIGGERS:
            self._triggers.popitem(last=False)

    def _roll(self, now_ns: int) -> None:
        """Forget what is older than a minute, and yesterday."""
        while self._minute and self._minute[0].at_ns <= now_ns - _MINUTE_NS:
            self._minute_pico -= self._minute.popleft().pico
        day = now_ns // NS_PER_DAY
        if day > self._day:
            self._day, self._day_pico = day, 0
            self._strategies.clear()
