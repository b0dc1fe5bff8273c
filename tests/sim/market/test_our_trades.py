"""Our own orders on the simulated perpetuals and dated futures."""

from __future__ import annotations

import pytest

from aftershock.sim.market.listing import PERPS
from tests.sim.market.worlds import ONSET_NS, seen_episode

EPISODE = seen_episode()


@pytest.mark.parametrize("venue", range(len(PERPS)))
@pytest.mark.parametrize("buying", [True, False])
def test_an_order_on_a_perpetual_pays_the_touch_and_walks_on_from_there(*, venue: int, buying: bool) -> None:
    touch, coins = EPISODE.perps.touch(venue, ONSET_NS, buying=buying)
    far = 1e9 if buying else 0.0
    (small,) = EPISODE.trade_perp(venue, 0.5 * coins, far, ONSET_NS, buying=buying)
    assert small.price == touch
    assert small.coins == pytest.approx(0.5 * coins)
    large = EPISODE.trade_perp(venue, 1.5 * coins, far, ONSET_NS, buying=buying)
    assert sum(fill.coins for fill in large) == pytest.approx(1.5 * coins)
    assert (large[1].price > touch) if buying else (large[1].price < touch)
    worse = touch - PERPS[venue].tick if buying else touch + PERPS[venue].tick
    assert EPISODE.trade_perp(venue, coins, worse, ONSET_NS, buying=buying) == []


def test_a_dated_future_trades_around_its_own_forward() -> None:
    listing = EPISODE.surface.listing
    for future in listing.futures:
        expiry = listing.expiries_ns.tolist().index(future.expiry_ns)
        forward = float(EPISODE.surface.forward(ONSET_NS, expiry))
        (bought,) = EPISODE.trade_future(future.symbol, 1.0, 1e9, ONSET_NS, buying=True)
        (sold,) = EPISODE.trade_future(future.symbol, 1.0, 0.0, ONSET_NS, buying=False)
        assert sold.price < forward < bought.price
        assert bought.price - sold.price < 50e-4 * forward
        assert EPISODE.trade_future(future.symbol, 1.0, sold.price, ONSET_NS, buying=True) == []
    assert EPISODE.trade_future("BTC-NEVER", 1.0, 1e9, ONSET_NS, buying=True) == []
