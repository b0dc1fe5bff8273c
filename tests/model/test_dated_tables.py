"""Fees and the meaning of liquidation feeds change on their dates, to the nanosecond."""

from __future__ import annotations

import pytest

from aftershock.model.instruments import FeeSchedule, Instrument, Kind
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind, liquidated_side
from aftershock.model.table import InstrumentTable
from aftershock.model.units import utc_ns
from aftershock.model.venues_table import COVERAGE, FEES

TABLE = InstrumentTable()


def _option(venue: str, symbol: str) -> Instrument:
    instrument = TABLE.resolve(venue, symbol)
    assert instrument is not None
    return instrument


def test_the_option_fee_cap_of_okx_changes_on_its_date() -> None:
    option = _option("okex-options", "BTC-USD-251226-100000-C")
    switch = utc_ns(2025, 5, 15)
    before, after = TABLE.fee(option, switch - 1), TABLE.fee(option, switch)
    assert before is not None
    assert after is not None
    assert (before.cap_fraction, after.cap_fraction) == (0.125, 0.07)
    assert before.taker_bps == pytest.approx(3)


def test_a_fee_that_is_not_yet_in_force_is_unknown_rather_than_zero() -> None:
    linear = _option("okex-options", "BTC-USD_UM-251226-100000-C")
    assert TABLE.fee(linear, utc_ns(2025, 5, 15) - 1) is None
    assert TABLE.fee(linear, utc_ns(2025, 5, 15)) is not None


def test_a_fee_of_an_unknown_venue_is_unknown_rather_than_zero() -> None:
    assert TABLE.fee(_option("okex-futures", "BTC-USD-251226"), utc_ns(2026, 1, 1)) is None


def test_fees_of_the_account_go_before_the_bundled_ones_from_the_same_date() -> None:
    option = _option("deribit", "BTC-25DEC26-100000-C")
    mine = FeeSchedule(
        venue="deribit", kind=Kind.OPTION, inverse=True, valid_from_ns=0, taker_rate=1e-4, maker_rate=0.0
    )
    assert InstrumentTable(fees=(mine,)).fee(option, utc_ns(2026, 1, 1)) is mine


def test_every_fee_is_found_from_its_first_moment_on_and_not_before() -> None:
    for row in FEES:
        instrument = Instrument(
            venue=row.venue,
            symbol="any",
            kind=row.kind,
            underlying="BTC",
            quote="USD",
            inverse=row.inverse,
            amount_unit="coin",  # type: ignore[arg-type]
        )
        assert TABLE.fee(instrument, row.valid_from_ns) == row
        assert TABLE.fee(instrument, row.valid_from_ns - 1) != row


@pytest.mark.parametrize(
    ("venue", "switch", "before", "after"),
    [
        ("binance-futures", utc_ns(2021, 4, 27), Completeness.ALL, Completeness.THROTTLED),
        ("bybit", utc_ns(2021, 9, 1), Completeness.ALL, Completeness.THROTTLED),
        ("bybit", utc_ns(2025, 2, 26), Completeness.THROTTLED, Completeness.ALL),
    ],
)
def test_what_a_liquidation_feed_shows_changes_on_its_date(
    venue: str, switch: int, before: Completeness, after: Completeness
) -> None:
    assert TABLE.coverage(venue, switch - 1).completeness is before
    assert TABLE.coverage(venue, switch).completeness is after


def test_every_coverage_row_is_found_unless_a_later_one_holds_from_the_same_moment() -> None:
    for row in COVERAGE:
        assert TABLE.coverage(row.venue, row.valid_from_ns) == row


def test_an_unknown_venue_has_unknown_prices() -> None:
    coverage = TABLE.coverage("hyperliquid", utc_ns(2026, 1, 1))
    assert (coverage.price_kind, coverage.completeness) == (PriceKind.UNKNOWN, Completeness.UNKNOWN)


def test_only_a_fill_is_a_market_price() -> None:
    assert [kind for kind in PriceKind if kind.is_market_price] == [PriceKind.FILL]


@pytest.mark.parametrize(
    ("side", "liquidated"),
    [("buy", Liquidated.SHORT), ("sell", Liquidated.LONG), ("unknown", Liquidated.UNKNOWN), ("", Liquidated.UNKNOWN)],
)
def test_a_forced_buy_closes_a_short(side: str, liquidated: Liquidated) -> None:
    assert liquidated_side(side) is liquidated
