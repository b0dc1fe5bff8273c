"""Edge E, statistical: one perpetual venue away from all others, by more than it costs to trade both.

The others' median and the venue's usual basis say where it should stand; nothing forces it back there. Every quote of
every perpetual is tested, so a comparison of two numbers comes first, and it never loses what the full test would find.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from aftershock.core.forward import MAD_TO_SD, Consolidated, ForwardBook, Perpetual, TopOfBook, dispersion_bps, median
from aftershock.model.units import BPS, NAN, NS_PER_DAY, NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.config import EngineConfig
    from aftershock.core.fees import FeeBook

__all__ = ["Dislocation", "DislocationWatch", "OtherLeg"]

_OTHERS = 2
_ROUNDING = 0.9


class OtherLeg(msgspec.Struct, frozen=True):
    """The venue that takes the opposite side, per coin: what it is quoted at, its fee, and what its price costs."""

    top: TopOfBook
    price: float
    fee_usd: float
    slippage_usd: float

    @property
    def cost_usd(self) -> float:
        """Return fee and slippage."""
        return self.fee_usd + self.slippage_usd


class Dislocation(msgspec.Struct, frozen=True, kw_only=True):
    """A perpetual against the others, USD per coin; a test finds those with a positive net edge.

    Attributes:
        venue: Which one; `buying` lifts its ask, else its bid is hit.
        top: Its quote; `price` the side that is taken.
        away_bps: Its microprice less its basis, against the others' median.
        fair: The others' median and its basis: where it should stand.
        gross: Fair value less price (selling: the reverse).
        fee_usd: Of the venue itself.
        other: The opposite leg.
        net: Gross less both fees and the other leg's slippage.
        lag_ns: How far its quote's venue time lies behind the newest of the others; not negative.
    """

    venue: str
    buying: bool
    top: TopOfBook
    price: float
    away_bps: float
    fair: float
    gross: float
    fee_usd: float
    other: OtherLeg
    net: float
    lag_ns: int

    @property
    def net_bps(self) -> float:
        """Return the net edge in bps of the fair value."""
        return BPS * self.net / self.fair

    @property
    def span_ns(self) -> int:
        """Return how far apart the two legs are, by either clock."""
        return max(self.lag_ns, abs(self.top.confirmed - self.other.top.confirmed))


class DislocationWatch:
    """The test of one coin, and its memory: who stands away since when, and what was already said."""

    def __init__(self, config: EngineConfig, fees: FeeBook, book: ForwardBook) -> None:
        self._config = config
        self._fees = fees
        self._book = book
        self._hold_ns = int(config.dislocation_hold_ms * NS_PER_MS)
        self._refractory_ns = int(config.trigger.refractory_s * NS_PER_S)
        self._screened_for = (-1, -1)
        self._screen = math.inf
        self._away: dict[str, tuple[bool | None, int]] = {}
        self._said: dict[tuple[str, bool], tuple[int, bool]] = {}

    def on_quote(self, venue: str, held: Consolidated, now: int) -> list[Dislocation]:
        """Test the venue that quoted, and again those that stood away; return who has done so for long enough.

        A venue begins to stand away with a quote of its own, and goes on only if it still does after every quote of
        every venue: in a trend the newest quote is always ahead of the others, until they quote too.

        Args:
            venue: Whose quote came.
            held: The consolidated series with it.
            now: Our clock, ns.
        """
        level = held.levels.get(venue)
        today = (now // NS_PER_DAY, self._book.listed)
        if today != self._screened_for:
            self._screened_for, self._screen = today, self._least_distance(now)
        if level is not None and abs(level - held.log_price) > self._screen:
            self._away.setdefault(venue, (None, now))
        elif not self._away:
            return []
        found = [each for each in [self._follow(name, held, now) for name in list(self._away)] if each is not None]
        return [each for each in found if now - self._away[each.venue][1] >= self._hold_ns]

    def _follow(self, venue: str, held: Consolidated, now: int) -> Dislocation | None:
        """Test a venue that stood away, or begins to; what came back or changed sides starts anew."""
        known = venue in held.levels and held.log_price == held.log_price
        found = self.test(venue, held, now) if known else None
        side, since = self._away.pop(venue)
        if found is None:
            return None
        self._away[venue] = (found.buying, since if side in (None, found.buying) else now)
        return found

    def is_news(self, found: Dislocation, now: int, *, strong: bool) -> bool:
        """Tell whether to speak of it, and note that it is done.

        A venue and side is spoken of once in `refractory_s`, and once more when it becomes strong: an edge that grows
        from nothing would else be cut off by its own beginning.
        """
        key = (found.venue, found.buying)
        until, was_strong = self._said.get(key, (0, False))
        if now < until and (was_strong or not strong):
            return False
        self._said[key] = (now + self._refractory_ns, strong)
        return True

    def forget(self) -> None:
        """Start anew, as after a clock step."""
        self._away.clear()

    def _least_distance(self, now: int) -> float:
        """Return the log distance from the consolidated series below which no net edge can be.

        A net edge needs a distance d from the others' median above two fees. With x the median of all and D the most
        deviation of the others, d <= max(2 |y - x|, |y - x| + D): with an even number of venues the median of the
        others is a neighbour of x, with an odd number it lies within their own deviation of it.
        """
        schedules = [self._fees.of(state.top.instrument, now) for state in self._book.perpetuals.values()]
        rates = [schedule.taker_rate for schedule in schedules if schedule is not None]
        if not rates:
            return math.inf
        least = min(rates)
        return _ROUNDING * min(least, 2.0 * least - self._config.max_dispersion_bps / MAD_TO_SD / BPS)

    def test(self, venue: str, held: Consolidated, now: int) -> Dislocation | None:
        """Hold a venue against the others; None without a positive net edge, or if they do not agree."""
        levels = {other: level for other, level in held.levels.items() if other != venue}
        centre = self._centre(levels)
        if centre is None:
            return None
        buying = held.levels[venue] < centre
        schedule = self._fees.of(self._book.perpetuals[venue].top.instrument, now)
        opposite = self._cheapest(levels, centre, now, selling=buying)
        if schedule is None or opposite is None:
            return None
        found = self._held_against(venue, held, centre, schedule.taker_rate, opposite, buying=buying)
        return found if found.net > 0 else None

    def again(self, was: Dislocation, held: Consolidated, now: int) -> Dislocation:
        """Return the same two legs and side at the quotes of now, whatever they leave: NaN where nothing can be said.

        Args:
            was: As it was found.
            held: The consolidated series now.
            now: Our clock, ns.
        """
        venue, other = was.venue, was.other.top.instrument.venue
        states = [self._book.perpetuals.get(each) for each in (venue, other)]
        levels = {name: level for name, level in held.levels.items() if name != venue}
        centre = self._centre(levels)
        schedules = [self._fees.of(top.instrument, now) for top in (was.top, was.other.top)]
        (state, opposite), (own_fees, other_fees) = states, schedules
        known = venue in held.levels and other in levels and held.log_price == held.log_price
        if state is None or opposite is None or own_fees is None or other_fees is None or centre is None or not known:
            return _unknown(was, state, opposite)
        if not (_is_same(state, was.top) and _is_same(opposite, was.other.top)):
            return _unknown(was, None, None)
        leg = self._leg(opposite, levels[other], centre, other_fees.taker_rate, selling=was.buying)
        return self._held_against(venue, held, centre, own_fees.taker_rate, leg, buying=was.buying)

    def stands(self, found: Dislocation, now: int) -> bool:
        """Tell whether a venue has stood away on this side for long enough, by the newest quotes."""
        side, since = self._away.get(found.venue, (None, now))
        return side is found.buying and now - since >= self._hold_ns

    def _centre(self, levels: dict[str, float]) -> float | None:
        """Return the median of the others; None if they are too few or do not agree."""
        others = list(levels.values())
        if len(others) < _OTHERS:
            return None
        centre = median(others)
        return centre if dispersion_bps(others, centre) <= self._config.max_dispersion_bps else None

    def _held_against(
        self, venue: str, held: Consolidated, centre: float, rate: float, opposite: OtherLeg, *, buying: bool
    ) -> Dislocation:
        """Return one side of a venue with its figures, positive or not."""
        state, level = self._book.perpetuals[venue], held.levels[venue]
        top, fair = state.top, _fair(state, level, centre)
        price = top.ask if buying else top.bid
        gross = fair - price if buying else price - fair
        fee = rate * price
        newest = max(self._book.perpetuals[other].top.ts_event for other in held.levels if other != venue)
        return Dislocation(
            venue=venue,
            buying=buying,
            top=msgspec.structs.replace(top),
            price=price,
            away_bps=BPS * (level - centre),
            fair=fair,
            gross=gross,
            fee_usd=fee,
            other=opposite,
            net=gross - fee - opposite.cost_usd,
            lag_ns=max(0, newest - top.ts_event),
        )

    def _cheapest(self, levels: dict[str, float], centre: float, now: int, *, selling: bool) -> OtherLeg | None:
        """Return the other venue where the opposite side costs least, the first by name of equals."""
        best: OtherLeg | None = None
        for venue, level in levels.items():
            state = self._book.perpetuals[venue]
            schedule = self._fees.of(state.top.instrument, now)
            if schedule is None:
                continue
            leg = self._leg(state, level, centre, schedule.taker_rate, selling=selling)
            if best is None or leg.cost_usd < best.cost_usd:
                best = leg
        return best

    def _leg(self, state: Perpetual, level: float, centre: float, rate: float, *, selling: bool) -> OtherLeg:
        """Return what the opposite side costs on one venue.

        What its price costs is its half-spread, or how far the price lies on the wrong side of its own fair value if
        that is more; standing on the right side is not counted as a gain. Impact comes on top, as for any hedge.
        """
        top = state.top
        fair, price = _fair(state, level, centre), top.bid if selling else top.ask
        short = fair - price if selling else price - fair
        slippage = max(0.5 * (top.ask - top.bid), short) + self._config.hedge_impact_bps / BPS * top.microprice
        return OtherLeg(msgspec.structs.replace(top), price, rate * price, slippage)


def _is_same(state: Perpetual, top: TopOfBook) -> bool:
    return state.top.instrument.symbol == top.instrument.symbol


def _unknown(was: Dislocation, state: Perpetual | None, opposite: Perpetual | None) -> Dislocation:
    """Return two legs of which nothing can be said, with their newest quotes where they still are listed."""
    top = was.top if state is None else msgspec.structs.replace(state.top)
    other = was.other.top if opposite is None else msgspec.structs.replace(opposite.top)
    price, against = (top.ask, other.bid) if was.buying else (top.bid, other.ask)
    leg = OtherLeg(other, against, NAN, NAN)
    return msgspec.structs.replace(
        was, top=top, price=price, away_bps=NAN, fair=NAN, gross=NAN, fee_usd=NAN, other=leg, net=NAN
    )


def _fair(state: Perpetual, level: float, centre: float) -> float:
    """Return where a venue would stand at its usual basis to the others: exp(centre + b), b = ln M - level."""
    return math.exp(centre + state.log_price - level)
