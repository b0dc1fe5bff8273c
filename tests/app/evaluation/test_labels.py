"""Labels are arithmetic on the truth: by hand, for one inverse call that is bought, and for half a package."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aftershock.app.evaluation.labels import LegFill, edge_bps, partial_loss_usd, realised_bps
from aftershock.model.orders import Leg, OrderIntent, Side, leg_limit
from tests.sim.market.worlds import END_NS, FINE_NS, SECOND_NS, seen_episode

MOMENT = FINE_NS + 200 * SECOND_NS
EPISODE = seen_episode("S1", 2)
LISTING = EPISODE.surface.listing
CALL = next(i for i in range(len(LISTING)) if LISTING.inverse[i] and LISTING.is_call[i] and LISTING.expiry[i] == 2)


def leg(option: int, side: Side = Side.BUY, price: float = 0.02) -> Leg:
    return Leg(
        venue=LISTING.venues[option], symbol=LISTING.symbols[option], side=side, ratio=1.0, price=price,
        price_usd=price * 90_000.0,
    )  # fmt: skip


def order(*legs: Leg) -> OrderIntent:
    return OrderIntent(intent_id="i", trigger_id="", edge="A", legs=legs, quantity=1.0, limit_usd=0.0)


def true(moment: int, option: int = CALL) -> tuple[float, float, float]:
    """Return value in coins, forward and delta."""
    found = EPISODE.surface.values(np.array([moment]), np.array([option]))
    return float(found.value[0]), float(found.forward[0]), float(found.delta[0])


def spot(moment: int) -> float:
    return math.exp(float(EPISODE.surface.log_at(moment)))


def by_hand(paid: float) -> float:
    """Return (value - price) less 3 bps of the index, at most an eighth of the premium, less the hedge; per forward."""
    value, forward, delta = true(MOMENT)
    hedge = float(EPISODE.perps.cost_at(MOMENT)) / 1e4 * spot(MOMENT)
    fee = min(0.0003 * spot(MOMENT), 0.125 * paid * forward)
    return 1e4 * ((value - paid) * forward - fee - abs(delta - paid) * hedge) / forward


def test_the_edge_label_of_a_call_bought_is_the_arithmetic_by_hand() -> None:
    paid = round(true(MOMENT)[0] - 0.002, 4)
    fills = [[LegFill(MOMENT, paid, 1.0, busted=False)]]
    assert edge_bps(EPISODE, order(leg(CALL)), fills) == pytest.approx(by_hand(paid), abs=1e-9)
    assert by_hand(paid) > 0 > by_hand(paid + 0.004)


def test_several_fills_count_at_their_sizes() -> None:
    fills = [[LegFill(MOMENT, 0.02, 3.0, busted=False), LegFill(MOMENT, 0.021, 1.0, busted=False)]]
    expected = (3 * by_hand(0.02) + by_hand(0.021)) / 4
    assert edge_bps(EPISODE, order(leg(CALL)), fills) == pytest.approx(expected, abs=1e-9)


def test_the_realised_label_adds_what_the_hedged_position_made() -> None:
    delay = 30 * 10**6
    fills = [[LegFill(MOMENT, 0.02, 1.0, busted=False)]]
    found = realised_bps(EPISODE, order(leg(CALL)), fills, hedge_delay_ns=delay, hedged=True)
    bare = realised_bps(EPISODE, order(leg(CALL)), fills, hedge_delay_ns=delay, hedged=False)
    value, forward, delta = true(MOMENT)
    for key, seconds in (("1s", 1), ("10s", 10), ("60s", 60)):
        later, forward_later, _ = true(MOMENT + seconds * SECOND_NS)
        gained = later * forward_later - value * forward
        hedge = (delta - 0.02) * (spot(MOMENT + seconds * SECOND_NS) - spot(MOMENT + delay))
        assert found[key] == pytest.approx(by_hand(0.02) + 1e4 * (gained - hedge) / forward, abs=1e-6)
        assert bare[key] == pytest.approx(by_hand(0.02) + 1e4 * gained / forward, abs=1e-6)
    assert MOMENT + 600 * SECOND_NS > END_NS
    assert math.isnan(found["10m"])


def test_a_trade_that_the_venue_takes_back_is_a_loss() -> None:
    fills = [[LegFill(MOMENT, 0.001, 1.0, busted=True)]]
    assert edge_bps(EPISODE, order(leg(CALL)), fills) == -5.0
    assert set(realised_bps(EPISODE, order(leg(CALL)), fills, hedge_delay_ns=0, hedged=True).values()) == {-5.0}


def test_half_a_package_is_sold_at_the_bid_and_pays_both_fees() -> None:
    other = CALL + 1
    package = order(leg(CALL), leg(other, Side.SELL))
    delay = 50 * 10**6
    levels = [x for x in EPISODE.books.ladder(CALL, MOMENT + delay, asks=False) if x.fillable]
    assert levels[0].coins >= 0.1
    paid = round(levels[0].price + 0.001, 4)
    fills: list[list[LegFill]] = [[LegFill(MOMENT, paid, 0.1, busted=False)], []]
    forward = float(EPISODE.surface.forward(MOMENT + delay, int(LISTING.expiry[CALL])))
    fee = min(0.0003 * forward, 0.125 * paid * forward)
    expected = 0.1 * (-0.001 * forward - 2 * fee)
    assert expected < 0
    assert partial_loss_usd(EPISODE, package, fills, delay) == pytest.approx(expected, rel=1e-9)


def test_a_whole_package_leaves_nothing_to_unwind() -> None:
    package = order(leg(CALL), leg(CALL + 1, Side.SELL))
    fills = [[LegFill(MOMENT, 0.05, 0.1, busted=False)], [LegFill(MOMENT, 0.04, 0.1, busted=False)]]
    assert partial_loss_usd(EPISODE, package, fills, 0) == 0.0


@pytest.mark.parametrize("price", [0.028, 0.029, 0.03, 0.0105, 0.0395])
@pytest.mark.parametrize("forward", [89_971.37, 90_003.1, 91_234.567])
def test_a_limit_at_a_quote_s_own_price_is_that_price(price: float, forward: float) -> None:
    own = Leg(venue="deribit", symbol="x", side=Side.BUY, ratio=1.0, price=price, price_usd=price * forward)
    intent = OrderIntent(intent_id="i", trigger_id="", edge="A", legs=(own,), quantity=1.0, limit_usd=price * forward)
    assert leg_limit(intent, 0) == price


def test_a_package_that_fills_at_the_limits_of_its_legs_costs_what_the_order_allows() -> None:
    legs = (
        Leg(venue="deribit", symbol="x", side=Side.BUY, ratio=2.0, price=0.03, price_usd=2_700.0),
        Leg(venue="deribit", symbol="y", side=Side.SELL, ratio=1.0, price=0.05, price_usd=4_500.0),
    )
    intent = OrderIntent(intent_id="i", trigger_id="", edge="B3", legs=legs, quantity=1.0, limit_usd=980.0)
    limits = [leg_limit(intent, number) for number in range(2)]
    assert limits[0] > 0.03
    assert limits[1] < 0.05
    assert 2.0 * limits[0] * 90_000.0 - limits[1] * 90_000.0 == pytest.approx(980.0, abs=1e-3)
