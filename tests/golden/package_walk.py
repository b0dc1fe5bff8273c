"""Walks section 5 of docs/decision.md: every package that the quotes make, both directions, gross, costs and net."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from tests.golden.arithmetic import Number, exact, floor_to_lot, is_number, mp
from tests.golden.forward_walk import reference
from tests.golden.terms import FUTURE_TAKER, OPTION_TERMS
from tests.golden.timeline import beat_times, level, row_times, setting, standing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.golden.terms import Scenario


class Quote(NamedTuple):
    """Best prices and amounts."""

    bid: Number
    bid_amount: Number
    ask: Number
    ask_amount: Number


class Leg(NamedTuple):
    """One option of a package, at the price that executes, and coins of it per coin of the package."""

    symbol: str
    side: str
    price: Number
    amount: Number
    ratio: Number = mp.mpf(1)


class Future(NamedTuple):
    """The dated future, or the venue's mark on both sides."""

    quoted: bool
    quote: Quote

    @property
    def middle(self) -> Number:
        """Return the forward that money is measured in."""
        return (self.quote.bid + self.quote.ask) / 2


class Package(NamedTuple):
    """One direction of one package; gross, costs and net in the unit of the options' prices."""

    edge_type: str
    action: str
    legs: list[Leg]
    formula: str
    gross: Number
    costs: dict[str, Number]
    future_side: str
    future_coins: Number
    net: Number
    spread_bps: Number
    gross_bps: Number
    quantity: Number
    step: Number
    executable: bool


class _Draft(NamedTuple):
    edge_type: str
    action: str
    legs: list[Leg]
    formula: str
    gross: Number
    future_side: str = ""
    future_coins: Number = mp.mpf(0)
    delivered: int = 1
    lots: int = 1


def future(scenario: Scenario, at_ms: int) -> Future:
    """Return the dated future if it is confirmed within the span of a leg, else the mark."""
    if "future" in scenario:
        arrived = beat_times(scenario["future"], at_ms)
        if arrived and at_ms - arrived[-1] <= setting(scenario, "leg_span_ms"):
            return Future(quoted=True, quote=_quote(scenario["future"], at_ms))
    mark = exact(level(scenario["options"]["underlying"], at_ms))
    return Future(quoted=False, quote=Quote(mark, mp.inf, mark, mp.inf))


def _quote(feed: Scenario, at_ms: int) -> Quote:
    return Quote(*(exact(value) for value in standing(feed["quotes"], at_ms)))


class _Book:
    """The rows of a chain at a moment, by strike and type."""

    def __init__(self, scenario: Scenario, at_ms: int) -> None:
        self._rows = {
            (option["strike"], option["is_call"]): (symbol, _quote(option, at_ms))
            for symbol, option in scenario["options"]["rows"].items()
        }
        self.strikes = sorted({strike for strike, _ in self._rows})

    def has(self, *keys: tuple[float, bool]) -> bool:
        """Tell whether all of these options are listed."""
        return all(key in self._rows for key in keys)

    def buy(self, strike: float, *, is_call: bool) -> Leg:
        """Return the leg that lifts the ask."""
        symbol, quote = self._rows[strike, is_call]
        return Leg(symbol, "buy", quote.ask, quote.ask_amount)

    def sell(self, strike: float, *, is_call: bool) -> Leg:
        """Return the leg that hits the bid."""
        symbol, quote = self._rows[strike, is_call]
        return Leg(symbol, "sell", quote.bid, quote.bid_amount)


def packages(scenario: Scenario, at_ms: int) -> list[Package]:
    """Return every test of a package whose legs are in sync, one per direction."""
    book, forward = _Book(scenario, at_ms), future(scenario, at_ms)
    inverse = OPTION_TERMS[scenario["options"]["family"]]["inverse"]
    most = setting(scenario, "leg_span_ms")
    drafts = list(_parities(book, forward, inverse=inverse))
    for low, high in combinations(book.strikes, 2):
        if book.strikes.index(high) - book.strikes.index(low) <= setting(scenario, "static_neighbours"):
            drafts += _verticals(book, low, high, forward, inverse=inverse)
            drafts += _boxes(book, low, high, forward, inverse=inverse)
    drafts += _butterflies(book, setting(scenario, "static_neighbours"))
    return [_price(scenario, at_ms, draft, forward) for draft in drafts if _span(scenario, draft, at_ms) <= most]


def _span(scenario: Scenario, draft: _Draft, at_ms: int) -> int:
    """Return the time between the first and the last confirmed leg: a stream confirms all of its rows."""
    if setting(scenario, "options_feed") == "stream":
        return 0
    last = [row_times(scenario["options"], leg.symbol, at_ms)[-1] for leg in draft.legs]
    return max(last) - min(last)


def counts(scenario: Scenario, at_ms: int) -> dict[str, dict[str, int]]:
    """Count the tests by kind; each package is tested once, when the last of its legs has arrived."""
    kinds = {"B1": "parity", "B2": "parity", "B3": "vertical", "B4": "butterfly", "B5": "box"}
    counted: dict[str, dict[str, int]] = {}
    for found in packages(scenario, at_ms):
        kind = counted.setdefault(kinds[found.edge_type], {"checked": 0, "gross": 0, "net": 0})
        kind["checked"] += 1
        kind["gross"] += bool(found.gross > 0)
        kind["net"] += bool(found.net > 0 and found.executable)
    return counted


def _parities(book: _Book, forward: Future, *, inverse: bool) -> Iterator[_Draft]:
    for strike in book.strikes:
        if not book.has((strike, True), (strike, False)):
            continue
        k, f_b, f_a = exact(strike), forward.quote.bid, forward.quote.ask
        kind = "B1" if inverse else "B2"
        coins = k / forward.middle if inverse else mp.mpf(1)
        call, put = book.buy(strike, is_call=True), book.sell(strike, is_call=False)
        bound = 1 - k / f_b if inverse else f_b - k
        text = "(1 - K/F_b) - c_a + p_b" if inverse else "(F_b - K) - C_a + P_b"
        yield _Draft(kind, "BUY", [call, put], text, bound - call.price + put.price, "sell", coins)
        call, put = book.sell(strike, is_call=True), book.buy(strike, is_call=False)
        bound = 1 - k / f_a if inverse else f_a - k
        text = "c_b - p_a - (1 - K/F_a)" if inverse else "C_b - P_a - (F_a - K)"
        yield _Draft(kind, "SELL", [call, put], text, call.price - put.price - bound, "buy", coins)


def _verticals(book: _Book, low: float, high: float, forward: Future, *, inverse: bool) -> Iterator[_Draft]:
    k1, k2 = exact(low), exact(high)
    if book.has((low, True), (high, True)):
        bought, sold = book.buy(low, is_call=True), book.sell(high, is_call=True)
        yield _Draft("B3", "BUY", [bought, sold], "c2_b - c1_a", sold.price - bought.price, delivered=2)
        sold, bought = book.sell(low, is_call=True), book.buy(high, is_call=True)
        most = 1 - k1 / k2 if inverse else k2 - k1
        text = "c1_b - c2_a - (1 - K1/K2)" if inverse else "C1_b - C2_a - (K2 - K1)"
        yield _Draft("B3", "SELL", [sold, bought], text, sold.price - bought.price - most, delivered=2)
    if book.has((low, False), (high, False)):
        bought, sold = book.buy(high, is_call=False), book.sell(low, is_call=False)
        yield _Draft("B3", "BUY", [bought, sold], "p1_b - p2_a", sold.price - bought.price, delivered=2)
        sold, bought = book.sell(high, is_call=False), book.buy(low, is_call=False)
        most = (k2 - k1) / forward.quote.bid if inverse else k2 - k1
        text = f"p2_b - p1_a - (K2 - K1){'/F_b' if inverse else ''}"
        side, coins = ("sell", (k2 - k1) / forward.middle) if inverse else ("", mp.mpf(0))
        yield _Draft("B3", "SELL", [sold, bought], text, sold.price - bought.price - most, side, coins, 2)


def _butterflies(book: _Book, neighbours: int) -> Iterator[_Draft]:
    for is_call in (True, False):
        strikes = [strike for strike in book.strikes if book.has((strike, is_call))]
        for (i, low), (j, body), (k, high) in combinations(enumerate(strikes), 3):
            if j - i > neighbours or k - j > neighbours:
                continue
            weight = Fraction(str(high - body)) / Fraction(str(high - low))
            w = mp.mpf(weight.numerator) / weight.denominator
            sold = book.sell(body, is_call=is_call)
            wings = [book.buy(low, is_call=is_call), book.buy(high, is_call=is_call)]
            text = "{0}2_b - w {0}1_a - (1 - w) {0}3_a".format("c" if is_call else "p")
            gross = sold.price - w * wings[0].price - (1 - w) * wings[1].price
            legs = [sold, wings[0]._replace(ratio=w), wings[1]._replace(ratio=1 - w)]
            # Whole lots of the wings too: w is a fraction in lowest terms of so many parts.
            yield _Draft("B4", "SELL", legs, f"{text}, w = {weight}", gross, delivered=2, lots=weight.denominator)


def _boxes(book: _Book, low: float, high: float, forward: Future, *, inverse: bool) -> Iterator[_Draft]:
    if not book.has((low, True), (high, True), (low, False), (high, False)):
        return
    width = exact(high) - exact(low)
    coins = width / forward.middle if inverse else mp.mpf(0)
    c1, c2 = book.buy(low, is_call=True), book.sell(high, is_call=True)
    p2, p1 = book.buy(high, is_call=False), book.sell(low, is_call=False)
    worth = width / forward.quote.ask if inverse else width
    gross = worth - (c1.price - c2.price + p2.price - p1.price)
    text = f"(K2 - K1){'/F_a' if inverse else ''} - (c1_a - c2_b + p2_a - p1_b)"
    yield _Draft("B5", "BUY", [c1, c2, p2, p1], text, gross, "buy" if inverse else "", coins, 2)
    c1, c2 = book.sell(low, is_call=True), book.buy(high, is_call=True)
    p2, p1 = book.sell(high, is_call=False), book.buy(low, is_call=False)
    worth = width / forward.quote.bid if inverse else width
    gross = (c1.price - c2.price + p2.price - p1.price) - worth
    text = f"(c1_b - c2_a + p2_b - p1_a) - (K2 - K1){'/F_b' if inverse else ''}"
    yield _Draft("B5", "SELL", [c1, c2, p2, p1], text, gross, "sell" if inverse else "", coins, 2)


def _price(scenario: Scenario, at_ms: int, draft: _Draft, forward: Future) -> Package:
    terms = OPTION_TERMS[scenario["options"]["family"]]
    notional = mp.mpf(1) if terms["inverse"] else reference(scenario, at_ms)
    costs = {
        f"fee of {leg.symbol}": leg.ratio * min(exact(terms["taker"]) * notional, exact(terms["cap"]) * leg.price)
        for leg in draft.legs
    }
    if draft.future_side:
        coins = draft.future_coins if terms["inverse"] else forward.middle
        costs["fee of the future"] = exact(FUTURE_TAKER) * coins
    costs["delivery"] = draft.delivered * exact(terms["delivery"]) * notional
    net = draft.gross - sum(costs.values(), mp.mpf(0))
    unit = mp.mpf(1) if terms["inverse"] else forward.middle
    return Package(
        edge_type=draft.edge_type,
        action=draft.action,
        legs=draft.legs,
        formula=draft.formula,
        gross=draft.gross,
        costs=costs,
        future_side=draft.future_side,
        future_coins=draft.future_coins,
        net=net,
        spread_bps=10_000 * net / unit,
        gross_bps=10_000 * draft.gross / unit,
        quantity=_quantity(scenario, draft, forward, inverse=terms["inverse"], step=draft.lots * exact(terms["lot"])),
        step=draft.lots * exact(terms["lot"]),
        executable=forward.quoted or not draft.future_side,
    )


def _quantity(scenario: Scenario, draft: _Draft, forward: Future, *, inverse: bool, step: Number) -> Number:
    haircut = exact(setting(scenario, "depth_haircut"))
    sizes = [exact(setting(scenario, "order_coins")), *(haircut * leg.amount / leg.ratio for leg in draft.legs)]
    if draft.future_side and forward.quoted:
        selling = draft.future_side == "sell"
        price, amount = forward.quote[:2] if selling else forward.quote[2:]
        coins = amount / price if inverse else amount  # Deribit counts inverse futures in dollars
        sizes.append(haircut * coins / draft.future_coins)
    return floor_to_lot(min(sizes), step) if all(map(is_number, sizes)) else mp.nan


def threshold(scenario: Scenario) -> Number:
    """Return the net edge that an order needs, bps."""
    return max(exact(setting(scenario, "threshold_static_bps")), exact(setting(scenario, "min_spread_bps")))
