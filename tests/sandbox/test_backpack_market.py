"""What the simulated Backpack tells of its market: stamps in the venue's units, strikes that stand, candles."""

from __future__ import annotations

from decimal import Decimal

import pytest

from aftershock.model.units import NS_PER_DAY, NS_PER_MS, NS_PER_S, utc_ns
from aftershock.sim.servers.backpack_candles import bounds
from aftershock.sim.servers.backpack_listing import prediction_events
from aftershock.sim.servers.backpack_stamps import second
from aftershock.sim.servers.backpack_ticker import Summaries, statistics
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


def test_candles_are_what_traded_in_them() -> None:
    market = ByHand(at_ns=NOON)
    market.quote(60_000.0, 60_010.0)
    for after_s, price, amount in ((1, 60_000.0, 1.0), (30, 60_100.0, 2.0), (59, 59_900.0, 0.5), (200, 60_050.0, 1.0)):
        market.clock_ns = NOON + after_s * NS_PER_S
        market.trade(price, amount, "buy")
    start_s = NOON // NS_PER_S

    first, second = (each.document(" ") for each in market.candles.between(PERP, "1m", start_s, start_s + 600))
    (hour,) = market.candles.between(PERP, "1h", start_s - 60, start_s)

    assert (first["start"], first["end"]) == ("2026-11-27 12:00:00", "2026-11-27 12:01:00")
    assert [first[name] for name in ("open", "high", "low", "close")] == ["60000.6", "60100.6", "59900.6", "59900.6"]
    assert (first["volume"], first["trades"]) == ("3.50000", "3")
    assert (second["start"], second["trades"]) == ("2026-11-27 12:03:00", "1"), "none where nothing traded"
    assert (hour.trades, hour.high, hour.close) == (4, Decimal("60100.6"), Decimal("60050.6"))
    assert len(market.candles.between(PERP, "1s", start_s, start_s + 600)) == 4
    assert statistics(market, PERP)["lastPrice"] == "60050.6"


@pytest.mark.parametrize(
    ("interval", "start", "end"),
    [("1w", "2026-11-23", "2026-11-30"), ("1month", "2026-11-01", "2026-12-01"), ("1d", "2026-11-27", "2026-11-28")],
)
def test_long_candles_begin_on_days(interval: str, start: str, end: str) -> None:
    days = [second(at_s * NS_PER_S).partition("T") for at_s in bounds(interval, NOON // NS_PER_S)]

    assert days == [(start, "T", "00:00:00"), (end, "T", "00:00:00")]


def test_streams_of_candles_tell_what_changed_and_the_end_of_each() -> None:
    market, wanted = ByHand(at_ns=NOON), [("kline", PERP, "1m"), ("ticker", PERP, "")]
    market.quote(60_000.0, 60_010.0)
    summaries = Summaries(market)

    def told(after_s: int) -> list[tuple[str, int, bool]]:
        market.clock_ns = NOON + after_s * NS_PER_S
        return [(data["c"], data["n"], data["X"]) for kind, _, data in summaries.due(wanted) if kind == "kline"]

    assert told(1) == [], "nothing traded"
    market.trade(60_000.0, 1.0, "buy")
    assert told(2) == [("60000.6", 1, False)]
    assert told(3) == [], "nothing changed"
    market.trade(60_001.0, 1.0, "buy")
    assert told(61) == [("60001.6", 2, True)]
    assert told(62) == []
    market.trade(60_001.0, 1.0, "buy")
    assert told(121) == [("60001.6", 1, True)], "it ended before it was told"
    (ticker,) = [data for kind, _, data in summaries.due(wanted) if kind == "ticker"]
    assert (ticker["o"], ticker["c"], ticker["v"], ticker["n"]) == ("60000.6", "60001.6", "3.00000", 3)
