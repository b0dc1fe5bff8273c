"""What the simulated Backpack tells of its market: stamps in the venue's units, strikes that stand, candles."""

from __future__ import annotations

from aftershock.model.units import NS_PER_DAY, NS_PER_MS, utc_ns
from aftershock.sim.servers.backpack_listing import prediction_events
from tests.sandbox.backpack_box import PERP, ByHand

NOON = utc_ns(2026, 11, 27) + 12 * 3_600 * 10**9


def test_the_next_funding_is_told_in_milliseconds_and_other_stamps_in_microseconds() -> None:
    market = ByHand(at_ns=NOON + 5)
    market.quote(60_000.0, 60_010.0)

    said = market.mark(PERP)

    assert said["n"] == NOON // NS_PER_MS + 3_600_000
    assert said["E"] == said["T"] == NOON // 1_000


def test_the_strike_of_a_day_s_digital_is_its_first_price_and_stands_all_day() -> None:
    market = ByHand(at_ns=NOON)

    def strike() -> str | None:
        (event,) = prediction_events(market.now_ns, market.opening())
        found: str | None = event["resolution"]["strikePrice"]
        return found

    assert strike() is None, "nothing has stood yet"
    market.quote(60_000.0, 60_010.0)
    market.quote(61_000.0, 61_010.0)
    assert strike() == "60005.0"
    market.clock_ns += NS_PER_DAY
    market.quote(62_000.0, 62_010.0)
    assert strike() == "62005.0", "a new day has a strike of its own"
