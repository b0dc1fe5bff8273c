"""Whatever a venue says, in whatever order: positions are the sum of fills, no hedge outgrows what was filled."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.model.instruments import Kind
from aftershock.model.orders import ApprovedOrder, Hedge, OrderIntent, PackageResult, Side
from aftershock.model.units import nano
from tests.core.market import instrument
from tests.core.venue import BUY, CALL, HIGHER, SELL, Desk, entry, leg

HEDGED = 0.5
"""Coins of hedge per coin."""
UNITS, LOT = 10_000, 1_000
"""The test's own books are kept in whole parts of a coin; an option's lot is a tenth of a coin."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.integers(0, 30), st.integers(1, 12)),
        st.tuples(st.just("again"), st.integers(0, 30), st.just(0)),
        st.tuples(st.just("expire"), st.integers(0, 30), st.just(0)),
        st.tuples(st.just("wait"), st.sampled_from([1, 40, 400, 1_100, 6_000]), st.just(0)),
        st.tuples(st.just("quote"), st.integers(0, 3), st.just(0)),
    ),
    max_size=40,
)


class OneFill(NamedTuple):
    """Arguments of a fill, so that it can be told again."""

    order: OrderIntent
    coins: float
    number: int
    trade: str


class Play:
    """Drives a desk, and keeps its own books of what was ordered and filled, in whole parts of a coin."""

    def __init__(self, order: ApprovedOrder) -> None:
        self.desk = Desk(order)
        self.orders: list[tuple[OrderIntent, int]] = [(order.intent, n + 1) for n in range(len(order.intent.legs))]
        self.filled: dict[tuple[str, int], int] = defaultdict(int)
        self.positions: dict[tuple[str, str], int] = defaultdict(int)
        self.told: list[OneFill] = []
        self._seen = 0

    def look(self) -> None:
        """Take the orders that came since, and check them against what was filled when they came."""
        approved = self.desk.orders
        for intent in approved[self._seen :]:
            assert intent.purpose != "entry"
            assert intent.reduce_only
            assert any(self.filled[order.intent_id, n] for order, n in self.orders), "nothing was filled"
            if intent.purpose == "hedge":
                self._check_hedge(intent)
            self.orders.append((intent, 1))
        self._seen = len(approved)

    def _check_hedge(self, intent: OrderIntent) -> None:
        parent = self.orders[0][0]
        package = min(self.filled[parent.intent_id, n + 1] for n in range(len(parent.legs)))
        covered = sum(self.filled[o.intent_id, 1] for o, _ in self.orders if o.purpose == "hedge")
        allowed = (HEDGED * package - covered) / UNITS
        assert intent.quantity <= allowed + 1e-9

    def fill(self, which: int, twelfths: int) -> None:
        """Fill so many twelfths of an order, options in whole lots, or all that is left of it."""
        order, number = self.orders[which % len(self.orders)]
        wanted = round(order.quantity * UNITS)
        left = wanted - self.filled[order.intent_id, number]
        lot = LOT if self._is_option(order, number) else 1
        size = min(max(wanted * twelfths // (12 * lot), 1) * lot, left)
        if size <= 0:
            return
        one = OneFill(order, size / UNITS, number, f"{order.intent_id}-{number}-{len(self.told)}")
        self.told.append(one)
        self.filled[order.intent_id, number] += size
        place = order.legs[number - 1]
        self.positions[place.venue, place.symbol] += size if place.side is Side.BUY else -size
        self.desk.fill(one.order, one.coins, number=one.number, trade=one.trade)
        self.look()

    @staticmethod
    def _is_option(order: OrderIntent, number: int) -> bool:
        place = order.legs[number - 1]
        return instrument(place.venue, place.symbol).kind is Kind.OPTION

    def again(self, which: int) -> None:
        if self.told:
            one = self.told[which % len(self.told)]
            before = self.desk.engine.account.repeated
            self.desk.fill(one.order, one.coins, number=one.number, trade=one.trade)
            assert self.desk.engine.account.repeated == before + 1
            self.look()  # a deadline may have passed meanwhile

    def expire(self, which: int) -> None:
        order, number = self.orders[which % len(self.orders)]
        self.desk.update(order, number=number)
        self.look()

    def quote(self) -> None:
        self.desk.quote_perpetuals(venues=["okex-swap", "binance-futures", "bybit"])
        self.desk.quote_options()
        self.look()

    def step(self, what: str, which: int, size: int) -> None:
        if what == "fill":
            self.fill(which, size)
        elif what == "again":
            self.again(which)
        elif what == "expire":
            self.expire(which)
        elif what == "wait":
            self.desk.wait(which)
        else:
            self.quote()
        self.check()

    def check(self) -> None:
        """Hold the account against the sum of the fills."""
        held = {place: position.size for place, position in self.desk.engine.account.positions.items()}
        assert held == {place: nano(size / UNITS) for place, size in self.positions.items()}

    def finish(self) -> None:
        """Let the venue fill whatever is asked for until nothing is."""
        for at in range(len(self.orders[0][0].legs)):
            self.expire(at)
        for _ in range(12):
            self.desk.wait(10)
            self.quote()
            for at in range(len(self.orders)):
                if self.orders[at][0].purpose != "entry":
                    self.fill(at, 12)
            self.check()


def played(order: ApprovedOrder, steps: list[tuple[str, int, int]]) -> Play:
    play = Play(order)
    for what, which, size in steps:
        play.step(what, which, size)
    play.finish()
    return play


def last_result(play: Play) -> PackageResult:
    assert play.desk.engine._execution.active == {}
    return play.desk.results[-1]


@settings(max_examples=60)
@given(STEPS)
def test_one_call_and_its_hedge(steps: list[tuple[str, int, int]]) -> None:
    play = played(entry(leg(CALL, BUY), hedge=Hedge(side=SELL, coins=HEDGED, cost_usd=1.0)), steps)
    result = last_result(play)
    option = play.desk.position(CALL)
    hedges = sum(size for (_, symbol), size in play.positions.items() if symbol != CALL) / UNITS
    if result.left:
        return  # a person was called
    assert -1e-9 <= option <= 1.0 + 1e-9
    # Sold no more than the option needs, give or take the share that may stay uncovered and a lot of the option.
    assert -hedges <= HEDGED * option * 1.002 + HEDGED * 0.1 + 1e-9
    assert hedges <= 1e-9
    if result.status in ("filled", "partial"):
        assert option == result.filled
        assert -hedges >= HEDGED * option * 0.998 - 0.01
    elif result.status == "unfilled":
        assert (option, hedges) == (0.0, 0.0)


@settings(max_examples=60)
@given(STEPS)
def test_a_spread_keeps_equal_legs(steps: list[tuple[str, int, int]]) -> None:
    play = played(entry(leg(CALL, BUY), leg(HIGHER, SELL), edge="B3"), steps)
    result = last_result(play)
    assert not [order for order in play.desk.orders if order.purpose == "hedge"]
    if not result.left:
        assert play.desk.position(CALL) == -play.desk.position(HIGHER) == result.filled
