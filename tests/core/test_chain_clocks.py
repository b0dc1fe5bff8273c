"""When a quote changed, and when it was last confirmed."""

from __future__ import annotations

import pytest

from aftershock.core.chain import Chain
from aftershock.model.units import NAN
from tests.core.market import EXPIRY, EXPIRY_NS, LATER, LATER_NS, T0, chain_of, instrument, quote_values

SYMBOLS = [f"BTC-{EXPIRY}-60000-C", f"BTC-{EXPIRY}-60000-P", f"BTC-{LATER}-60000-C"]


def quoted(*, confirms_stream: bool) -> Chain:
    """Return a chain whose first two options were quoted at T0 and T0 + 1."""
    chain = chain_of(SYMBOLS, confirms_stream=confirms_stream)
    chain.update(0, T0, quote_values(0.01, 0.02))
    chain.update(1, T0 + 1, quote_values(0.01, 0.02))
    return chain


def test_a_row_of_a_stream_confirms_every_instrument_that_was_seen() -> None:
    chain = quoted(confirms_stream=True)
    assert [chain.confirmed(row) for row in range(3)] == [T0 + 1, T0 + 1, 0]


def test_a_row_of_a_poll_confirms_only_itself() -> None:
    chain = quoted(confirms_stream=False)
    assert [chain.confirmed(row) for row in range(3)] == [T0, T0 + 1, 0]


@pytest.mark.parametrize("confirms_stream", [True, False])
def test_many_confirmations_at_once_equal_those_one_by_one(*, confirms_stream: bool) -> None:
    chain = quoted(confirms_stream=confirms_stream)
    rows = next(iter(chain.expiries.values())).rows
    assert chain.confirmed_rows(rows).tolist() == [chain.confirmed(int(row)) for row in rows]


def test_a_repeated_quote_confirms_but_does_not_change() -> None:
    chain = quoted(confirms_stream=False)
    chain.update(0, T0 + 9, quote_values(0.01, 0.02))
    assert (chain.ts_changed[0], chain.confirmed(0)) == (T0, T0 + 9)


@pytest.mark.parametrize("values", [(0.011, 10.0, 0.02, 10.0), (0.01, 9.0, 0.02, 10.0), (0.01, 10.0, NAN, 10.0)])
def test_a_price_or_a_size_that_differs_is_a_change(values: tuple[float, ...]) -> None:
    chain = quoted(confirms_stream=False)
    chain.update(0, T0 + 9, (*values, NAN, NAN, NAN))
    assert chain.ts_changed[0] == T0 + 9


def test_a_side_that_stays_empty_is_no_change() -> None:
    chain = chain_of(SYMBOLS)
    chain.update(0, T0, quote_values(bid=NAN, ask=0.02))
    chain.update(0, T0 + 1, quote_values(bid=NAN, ask=0.02))
    assert chain.ts_changed[0] == T0


def test_a_new_mark_or_underlying_is_no_change_of_the_quote() -> None:
    chain = quoted(confirms_stream=False)
    chain.update(0, T0 + 9, (0.01, 10.0, 0.02, 10.0, 0.015, 0.5, 61_000.0))
    assert chain.ts_changed[0] == T0
    assert (chain.mark_price[0], chain.mark_iv[0], chain.underlying_price[0]) == (0.015, 0.5, 61_000.0)


def test_an_expiry_keeps_the_last_underlying_price_that_a_row_gave() -> None:
    chain = chain_of(SYMBOLS)
    chain.update(0, T0, quote_values(underlying=60_000.0))
    chain.update(1, T0 + 1, quote_values(underlying=NAN))
    chain.update(2, T0 + 2, quote_values(underlying=61_000.0))
    near, far = chain.expiries[EXPIRY_NS], chain.expiries[LATER_NS]
    assert (near.underlying_price, near.underlying_ts) == (60_000.0, T0)
    assert (far.underlying_price, far.underlying_ts) == (61_000.0, T0 + 2)


@pytest.mark.parametrize("confirms_stream", [True, False])
def test_after_lost_messages_only_an_options_own_next_row_confirms_it(*, confirms_stream: bool) -> None:
    chain = quoted(confirms_stream=confirms_stream)
    chain.forget_confirmations()
    chain.update(1, T0 + 5, quote_values(0.01, 0.02))
    assert (chain.confirmed(0), chain.confirmed(1)) == (0, T0 + 5)


def test_an_expiry_is_over_at_its_own_moment_and_not_before() -> None:
    chain = quoted(confirms_stream=True)
    assert chain.roll(EXPIRY_NS - 1) == ()
    assert [expiry.expiry_ns for expiry in chain.roll(EXPIRY_NS)] == [EXPIRY_NS]
    assert list(chain.expiries) == [LATER_NS]


def test_all_expiries_that_are_over_roll_at_once() -> None:
    chain = quoted(confirms_stream=True)
    assert [expiry.expiry_ns for expiry in chain.roll(LATER_NS)] == [EXPIRY_NS, LATER_NS]
    assert chain.expiries == {}


def test_a_late_row_of_an_expired_option_is_written_without_reviving_its_expiry() -> None:
    chain = quoted(confirms_stream=True)
    chain.roll(EXPIRY_NS)
    chain.update(0, EXPIRY_NS + 1, quote_values(0.03, 0.04, underlying=60_000.0))
    assert EXPIRY_NS not in chain.expiries


def test_only_options_are_listed() -> None:
    chain = chain_of([])
    with pytest.raises(ValueError, match="is not an option"):
        chain.list_instrument(instrument("deribit", "BTC-PERPETUAL"))
