"""Moments and expiries as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.app.moment import expiry_name, parse_expiry, parse_moment
from aftershock.errors import UsageError
from aftershock.model.units import iso_utc, utc_ns

NOON = utc_ns(2023, 4, 13, 12)


@pytest.mark.parametrize(
    "text",
    [
        "2023-04-13T12:00:00Z",
        "2023-04-13 12:00",
        "2023-04-13T14:00:00+02:00",
        "2023-04-13T12:00:00.000000000Z",
        "1681387200",
        "1681387200000",
        "1681387200000000",
        "1681387200000000000",
    ],
)
def test_noon_can_be_written_in_many_ways(text: str) -> None:
    assert parse_moment(text) == NOON


@given(st.integers(0, 4 * 10**18))
def test_a_printed_moment_is_read_back_to_the_nanosecond(ts_ns: int) -> None:
    assert parse_moment(iso_utc(ts_ns)) == ts_ns


@pytest.mark.parametrize("text", ["", "noon", "12:00", "16813872", "2023-13-01", "2023-04-13T12:00:00.1234567891Z"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="is not a moment: write"):
        parse_moment(text)


def test_an_expiry_is_at_eight_in_the_morning_utc() -> None:
    assert parse_expiry("5MAY23") == parse_expiry("2023-05-05") == utc_ns(2023, 5, 5, 8)
    assert expiry_name(utc_ns(2023, 5, 5, 8)) == "5MAY23"


@pytest.mark.parametrize("text", ["", "31FEB23", "5MAI23", "2023-02-31", "28APR2023"])
def test_a_date_that_does_not_exist_is_no_expiry(text: str) -> None:
    with pytest.raises(UsageError, match="is not an expiry"):
        parse_expiry(text)
