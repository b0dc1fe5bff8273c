"""The chain at a moment."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from aftershock.app.chain_build import Chains, chains_at
from aftershock.app.chain_view import ChainView, view_chain
from aftershock.app.inputs import Given, open_inputs
from aftershock.errors import UsageError
from aftershock.model.units import utc_ns
from aftershock.venues.tardis import merge
from tests.app.market import EXPIRY_US, LEVEL, MOVE_AT_S, MOVED, STALLED, START_US, STRIKES

BEFORE = (START_US + 30 * 1_000_000) * 1_000
AFTER = (START_US + (MOVE_AT_S + 5) * 1_000_000) * 1_000


def chains(market: list[Path], until: int | None, feed: str = "poll") -> tuple[Chains, int]:
    inputs = open_inputs([Given(market[0])])
    return chains_at(merge(inputs.sources), inputs.table, until, feed)


def view(market: list[Path], until: int | None, price: float | None = None) -> ChainView:
    built, now = chains(market, until)
    return view_chain(built, now, price=price)


def test_the_chain_is_shown_as_it_stood_at_the_moment(market: list[Path]) -> None:
    before, after = view(market, BEFORE), view(market, AFTER)

    assert before.underlying_price == pytest.approx(LEVEL)
    assert after.underlying_price == pytest.approx(MOVED, abs=0.01)
    assert [line.strike for line in before.strikes] == [float(strike) for strike in STRIKES]
    assert (before.expiry, before.expiry_ns) == ("9OCT26", EXPIRY_US * 1_000)


def test_volatilities_come_from_the_quotes_and_bracket_what_the_maker_meant(market: list[Path]) -> None:
    at_the_money = next(line.call for line in view(market, BEFORE).strikes if line.strike == 90_000)

    assert at_the_money is not None
    assert 0.49 < at_the_money.bid_iv <= 0.496
    assert 0.504 <= at_the_money.ask_iv < 0.51
    assert 0.4 < at_the_money.delta < 0.6


def test_a_quote_that_stands_still_shows_by_its_volatility(market: list[Path]) -> None:
    after = {line.strike: line.call for line in view(market, AFTER).strikes}
    stalled, moved = after[90_000.0], after[92_500.0]

    assert stalled is not None
    assert moved is not None
    assert stalled.symbol == STALLED
    assert stalled.ask_iv < 0.48 < moved.ask_iv


def test_ages_count_from_the_confirmation_of_the_row_in_a_poll_and_of_the_stream_in_a_stream(
    market: list[Path],
) -> None:
    polled, now = chains(market, BEFORE, "poll")
    streamed, _ = chains(market, BEFORE, "stream")

    def ages(built: Chains) -> list[float]:
        return [line.call.age_ms for line in view_chain(built, now).strikes if line.call is not None]

    assert max(ages(polled)) > max(ages(streamed))
    assert len(set(ages(streamed))) == 1


def test_strikes_are_aligned_to_the_price_that_is_asked_for(market: list[Path]) -> None:
    shown = view(market, BEFORE, price=92_400.0)

    assert shown.price_source == "given"
    assert shown.alignment["call"]["atm_strike"] == 92_500.0
    assert shown.alignment["put"]["itm_strike"] == 92_500.0


def test_only_strikes_around_the_price_are_kept_on_demand(market: list[Path]) -> None:
    near = view(market, BEFORE).around(2)

    assert [line.strike for line in near.strikes] == [85_000.0, 87_500.0, 90_000.0, 92_500.0]


def test_an_expired_chain_is_gone(market: list[Path]) -> None:
    with pytest.raises(UsageError, match="no option was quoted and live"):
        view(market, EXPIRY_US * 1_000 + 1)


def test_before_the_first_row_there_is_no_chain(market: list[Path]) -> None:
    with pytest.raises(UsageError, match="no option was quoted and live"):
        view(market, START_US * 1_000)


def test_an_unknown_asset_or_expiry_is_refused_with_those_that_there_are(market: list[Path]) -> None:
    built, now = chains(market, BEFORE)

    with pytest.raises(UsageError, match="BTC on deribit"):
        view_chain(built, now, asset="ETH")
    with pytest.raises(UsageError, match="9OCT26"):
        view_chain(built, now, expiry_ns=utc_ns(2026, 10, 16, 8))


def test_the_document_has_null_where_a_figure_is_missing(market: list[Path]) -> None:
    shown = view(market, BEFORE)

    document = shown.document()

    assert document["ts_ns"] == str(BEFORE)
    calls = [line["call"] for line in document["strikes"]]
    assert all(
        value is None or not (isinstance(value, float) and math.isnan(value)) for c in calls for value in c.values()
    )
