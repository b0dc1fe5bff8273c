"""One price from several perpetuals, each corrected by a basis that a shock can't reach."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.core.engine import Engine
from aftershock.core.forward import Consolidated, ForwardBook, TopOfBook, median
from aftershock.model.events import Restored, Stale, StreamId
from aftershock.model.units import NAN
from tests.core.market import (
    PERPETUALS,
    T0,
    engine_of,
    index_price,
    instrument,
    millis,
    perp_quote,
    raw_quote,
    run,
    seconds,
)

THREE = ("binance-futures", "bybit", "okex-swap")
LEVEL = math.log(60_000.0)
BASIS_BPS = {"binance-futures": 4.0, "bybit": -2.0, "deribit": 10.0, "okex-swap": 0.0}


class Perpetuals:
    """An engine that is fed quotes of perpetuals, each at its usual basis to a level, and an index if there is one."""

    def __init__(
        self, venues: tuple[str, ...] = THREE, config: EngineConfig | None = None, index: float = 60_000.0
    ) -> None:
        self.engine: Engine = engine_of(config)
        self.venues = venues
        self.now = T0
        self.print_index(index)

    def print_index(self, price: float) -> None:
        self.index = price
        if price > 0:
            self.engine.process(index_price(self.now, price))

    def quote(self, venue: str, moved_bps: float = 0.0) -> None:
        mid = 60_000.0 * math.exp(1e-4 * (BASIS_BPS[venue] + moved_bps))
        self.engine.process(perp_quote(self.now, venue, mid))

    def go_on(self, span_s: float, moved_bps: float = 0.0) -> Perpetuals:
        """Quote every venue every 100 ms, and print the index as often."""
        for _ in range(round(10 * span_s)):
            self.now += millis(100)
            self.print_index(self.index)
            for venue in self.venues:
                self.quote(venue, moved_bps)
        return self

    @property
    def book(self) -> ForwardBook:
        return self.engine.assets["BTC"].book

    def consolidated(self, after_s: float = 0.0) -> Consolidated:
        return self.book.consolidated(self.now + seconds(after_s))


def test_bases_are_taken_off_so_that_venues_at_different_levels_agree() -> None:
    found = Perpetuals().go_on(40).consolidated()
    assert found.log_price == pytest.approx(LEVEL, abs=1e-12)
    assert found.dispersion_bps == pytest.approx(0.0, abs=1e-7)
    assert found.venues == 3


def test_a_jump_of_all_perpetuals_does_not_move_a_basis_within_the_lag() -> None:
    market = Perpetuals().go_on(40)
    before = market.book.bases(market.now).basis
    for _ in range(49):
        market.go_on(0.1, moved_bps=-100.0)
        assert market.book.bases(market.now).basis == before
        assert market.consolidated().log_price == pytest.approx(LEVEL - 0.01, abs=1e-12)


def test_inside_a_trigger_a_basis_never_moves() -> None:
    market = Perpetuals().go_on(40)
    held = market.book.bases(market.now)
    market.go_on(120, moved_bps=-100.0)
    assert market.book.consolidated(market.now, held).log_price == pytest.approx(LEVEL - 0.01, abs=1e-12)
    # Without the trigger the bases have long begun to follow: the index still stands at 60,000.
    assert market.consolidated().log_price > LEVEL - 0.006


def test_a_venue_counts_only_after_its_basis_has_a_history() -> None:
    market = Perpetuals()
    market.go_on(35.0)
    assert market.consolidated().venues == 0
    market.go_on(0.1)
    assert market.consolidated().venues == 3  # 30 s of history, read as it stood 5 s ago


def test_a_venue_that_comes_during_a_trigger_does_not_count_in_it() -> None:
    market = Perpetuals().go_on(40)
    held = market.book.bases(market.now)
    market.venues = (*THREE, "deribit")
    market.go_on(40)
    assert market.book.consolidated(market.now, held).venues == 3
    assert market.consolidated().venues == 4


def test_two_venues_make_no_forward() -> None:
    found = Perpetuals(THREE[:2]).go_on(40).consolidated()
    assert math.isnan(found.log_price)
    assert math.isnan(found.dispersion_bps)
    assert found.venues == 2


def test_a_venue_leaves_500_ms_after_its_last_quote() -> None:
    market = Perpetuals().go_on(40)
    assert market.consolidated(after_s=0.5).venues == 3
    assert market.consolidated(after_s=0.5 + 1e-9).venues == 0


@pytest.mark.parametrize(
    ("bid", "ask"), [(NAN, 60_000.0), (60_000.0, NAN), (60_001.0, 60_000.0), (60_000.0, 60_000.0), (0.0, 60_000.0)]
)
def test_an_empty_or_crossed_book_does_not_count(bid: float, ask: float) -> None:
    market = Perpetuals().go_on(40)
    market.engine.process(raw_quote(market.now, "bybit", "BTCUSDT", bid, ask))
    assert [venue for venue, _ in market.book.fresh(market.now)] == ["binance-futures", "okex-swap"]


def test_a_silent_venue_does_not_count_until_it_is_restored() -> None:
    market = Perpetuals().go_on(40)
    stream = StreamId("bybit", "quotes", "BTCUSDT")
    market.engine.process(Stale(ts_event=market.now, ts_init=market.now, stream=stream))
    assert market.consolidated().venues == 2
    market.engine.process(Restored(ts_event=market.now, ts_init=market.now, stream=stream))
    assert market.consolidated().venues == 3


def test_a_venue_that_was_silent_before_its_first_quote_does_not_count_either() -> None:
    market = Perpetuals(index=NAN)
    market.engine.process(Stale(ts_event=T0, ts_init=T0, stream=StreamId("bybit", "", "")))
    assert market.go_on(40).consolidated().venues == 2


def test_one_venue_alone_does_not_move_the_price() -> None:
    market = Perpetuals().go_on(40)
    market.quote("bybit", moved_bps=-40.0)
    assert market.consolidated().log_price == pytest.approx(LEVEL, abs=1e-12)


def test_dispersion_is_the_median_absolute_deviation_as_a_standard_deviation() -> None:
    market = Perpetuals().go_on(40)
    for venue, moved_bps in (("binance-futures", -10.0), ("bybit", 0.0), ("okex-swap", 6.0)):
        market.quote(venue, moved_bps)
    assert market.consolidated().dispersion_bps == pytest.approx(1.4826 * 6.0, rel=1e-9)


def test_with_four_venues_the_price_is_the_middle_of_the_two_in_between() -> None:
    market = Perpetuals(tuple(PERPETUALS)).go_on(40)
    for venue, moved_bps in (("binance-futures", -50.0), ("bybit", 1.0), ("deribit", 3.0), ("okex-swap", 70.0)):
        market.quote(venue, moved_bps)
    assert market.consolidated().log_price == pytest.approx(LEVEL + 2e-4, abs=1e-12)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9))
def test_half_of_the_values_lie_on_each_side_of_the_median(values: list[float]) -> None:
    middle = median(values)
    assert sum(value <= middle for value in values) * 2 >= len(values)
    assert sum(value >= middle for value in values) * 2 >= len(values)


def test_only_the_chosen_venues_make_the_forward() -> None:
    market = Perpetuals(tuple(PERPETUALS), EngineConfig(forward_venues=THREE)).go_on(40)
    assert list(market.book.perpetuals) == list(THREE)


def test_without_an_index_bases_are_against_the_median_of_the_perpetuals() -> None:
    market = Perpetuals(index=NAN).go_on(40)
    # The middle one of the three, okex-swap, quotes 60,000.
    assert market.consolidated().log_price == pytest.approx(LEVEL, abs=1e-4)
    assert not market.book.index_price > 0


def test_the_first_index_price_starts_all_bases_anew() -> None:
    market = Perpetuals(index=NAN).go_on(40)
    market.print_index(59_900.0)
    assert market.consolidated().venues == 0
    market.print_index(59_910.0)
    assert market.go_on(40).consolidated().venues == 3


def test_the_first_index_price_is_no_move_of_the_market() -> None:
    config = EngineConfig(trigger=TriggerConfig(window_s=120.0))
    market = Perpetuals(config=config, index=NAN).go_on(60)
    effects = []
    for _ in range(900):
        market.now += millis(100)
        quotes = [perp_quote(market.now, venue, 60_000.0) for venue in THREE]
        effects += run(market.engine, [index_price(market.now, 59_800.0), *quotes], end=False)
    assert effects == []


def test_an_index_that_goes_silent_is_an_alarm_and_the_perpetuals_stand_in_for_it() -> None:
    market = Perpetuals(config=EngineConfig(index_max_age_ms=10_000.0)).go_on(40)
    market.index = NAN
    alarms = []
    for _ in range(500):
        market.now += millis(100)
        alarms += run(market.engine, [perp_quote(market.now, venue, 60_000.0) for venue in THREE], end=False)
    assert [alarm.code for alarm in alarms] == ["index_silent"]
    assert alarms[0].ts_init == pytest.approx(T0 + seconds(50), abs=millis(200))
    assert market.consolidated().log_price == pytest.approx(LEVEL, abs=1e-12)


def test_a_microprice_leans_to_the_side_with_less_size() -> None:
    top = TopOfBook(instrument("bybit", "BTCUSDT"), bid=100.0, bid_amount=3.0, ask=101.0, ask_amount=1.0)
    assert top.microprice == pytest.approx((100.0 * 1 + 101.0 * 3) / 4)


def test_sizes_of_a_book_are_in_coins_whatever_the_venue_counts() -> None:
    for venue, symbol in PERPETUALS.items():
        top = TopOfBook(instrument(venue, symbol))
        top.take(perp_quote(T0, venue, 60_000.0, coins=20.0))
        assert top.coins(to_sell=True) == pytest.approx(20.0, rel=1e-4)
        assert top.coins(to_sell=False) == pytest.approx(20.0, rel=1e-4)


def test_a_linear_perpetual_takes_the_place_of_an_inverse_one_with_a_basis_of_its_own() -> None:
    market = Perpetuals(("deribit",)).go_on(40)
    market.engine.process(raw_quote(market.now, "deribit", "BTC_USDC-PERPETUAL", 60_299.5, 60_300.5))
    assert market.book.perpetuals["deribit"].top.instrument.symbol == "BTC_USDC-PERPETUAL"
    assert math.isnan(market.book.bases(market.now + seconds(10)).basis["deribit"])
    market.quote("deribit")
    assert market.book.perpetuals["deribit"].top.instrument.symbol == "BTC_USDC-PERPETUAL"
