"""Symbols are read as their venues write them, and written back the same; anything else is not guessed."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.symbols import parse_symbol, write_symbol
from aftershock.model.units import utc_ns

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
COINS = st.sampled_from(["BTC", "ETH", "SOL", "1INCH", "MATIC"])
DATES = st.dates(datetime(2000, 1, 1, tzinfo=UTC).date(), datetime(2099, 12, 31, tzinfo=UTC).date())
WHOLE = st.integers(1, 10**7).map(str)
DECIMAL = st.tuples(st.integers(0, 999), st.integers(1, 9999)).map(
    lambda parts: f"{parts[0]}.{parts[1]:04d}".rstrip("0")
)
STRIKES = st.one_of(WHOLE, DECIMAL)


@given(coin=COINS, quote=st.sampled_from(["", "_USDC", "_USDT"]), day=DATES, strike=STRIKES, side=st.sampled_from("CP"))
def test_deribit_options_are_read_and_written_back(
    coin: str, quote: str, day: datetime, strike: str, side: str
) -> None:
    symbol = f"{coin}{quote}-{day.day}{MONTHS[day.month - 1]}{day:%y}-{strike.replace('.', 'd')}-{side}"
    parsed = parse_symbol("deribit", symbol)
    assert parsed is not None
    assert write_symbol(parsed) == symbol
    assert (parsed.kind, parsed.base, parsed.inverse) == ("option", coin, not quote)
    assert (parsed.strike, parsed.is_call) == (Decimal(strike), side == "C")
    assert parsed.expiry_ns == utc_ns(day.year, day.month, day.day, 8)


@given(coin=COINS, quote=st.sampled_from(["", "_USDC"]), day=DATES)
def test_deribit_futures_and_perpetuals_are_read_and_written_back(coin: str, quote: str, day: datetime) -> None:
    for tail in (f"{day.day}{MONTHS[day.month - 1]}{day:%y}", "PERPETUAL"):
        symbol = f"{coin}{quote}-{tail}"
        parsed = parse_symbol("deribit", symbol)
        assert parsed is not None
        assert write_symbol(parsed) == symbol
        assert parsed.kind == ("perpetual" if tail == "PERPETUAL" else "future")


@given(
    coin=COINS,
    quote=st.sampled_from(["USD", "USDT", "USDC", "USD_UM"]),
    day=DATES,
    strike=STRIKES,
    side=st.sampled_from("CP"),
)
def test_okx_ids_are_read_and_written_back(coin: str, quote: str, day: datetime, strike: str, side: str) -> None:
    stem = f"{coin}-{quote}"
    for symbol, kind in [
        (f"{stem}-{day:%y%m%d}-{strike}-{side}", "option"),
        (f"{stem}-{day:%y%m%d}", "future"),
        (f"{stem}-SWAP", "perpetual"),
    ]:
        parsed = parse_symbol("okex-options", symbol)
        assert parsed is not None
        assert write_symbol(parsed) == symbol
        assert (parsed.kind, parsed.inverse) == (kind, quote == "USD")


@given(coin=COINS, day=DATES)
def test_ftx_names_that_say_their_year_are_read_and_written_back(coin: str, day: datetime) -> None:
    for symbol in (f"{coin}-PERP", f"{coin}/USD", f"{coin}/USDT", f"{coin}-{day:%Y%m%d}"):
        parsed = parse_symbol("ftx", symbol)
        assert parsed is not None
        assert write_symbol(parsed) == symbol
        assert not parsed.inverse


@given(coin=st.sampled_from(["BTC", "ETH", "DOGE"]), quote=st.sampled_from(["USDT", "USDC"]))
def test_linear_perpetuals_of_binance_and_bybit_are_read_and_written_back(coin: str, quote: str) -> None:
    parsed = parse_symbol("binance-futures", coin + quote)
    assert parsed is not None
    assert (parsed.base, parsed.quote, write_symbol(parsed)) == (coin, quote, coin + quote)
    assert parse_symbol("bybit", coin + quote) == parsed


def test_a_decimal_strike_has_a_d_for_its_point_in_either_case() -> None:
    small = parse_symbol("deribit", "MATIC_USDC-6APR24-0d98-P")
    tardis = parse_symbol("deribit", "MATIC_USDC-6APR24-0D98-P")
    assert small is not None
    assert small == tardis
    assert small.strike == Decimal("0.98")
    assert write_symbol(small) == "MATIC_USDC-6APR24-0d98-P"


@given(
    year=st.integers(0, 99), month=st.integers(1, 12), day=st.integers(1, 99), strike=st.sampled_from(["-100-C", ""])
)
def test_a_date_is_read_if_and_only_if_the_calendar_has_it(year: int, month: int, day: int, strike: str) -> None:
    exists = day <= calendar.monthrange(2000 + year, month)[1]
    assert (parse_symbol("deribit", f"BTC-{day}{MONTHS[month - 1]}{year:02d}{strike}") is not None) == exists
    assert (parse_symbol("okex-options", f"BTC-USD-{year:02d}{month:02d}{day:02d}{strike}") is not None) == exists
    assert (parse_symbol("ftx", f"BTC-20{year:02d}{month:02d}{day:02d}") is not None) == exists


@pytest.mark.parametrize(
    ("venue", "symbol"),
    [
        ("deribit", "BTC-08APR23-30000-C"),
        ("deribit", "BTC-8APR2023-30000-C"),
        ("deribit", "BTC-8apr23-30000-C"),
        ("deribit", "BTC-8APX23-30000-C"),
        ("deribit", "BTC-8APR23-030000-C"),
        ("deribit", "BTC-8APR23-0-C"),
        ("deribit", "BTC-8APR23-0d0-C"),
        ("deribit", "BTC-8APR23-00d5-C"),
        ("deribit", "BTC-8APR23-3.5-C"),
        ("deribit", "BTC-8APR23-30000-X"),
        ("deribit", "BTC-8APR23-30000-C "),
        ("deribit", "BTC-FS-30SEP22_PERP"),
        ("deribit", "BTC-0APR23"),
        ("okex-options", "BTC-USD-230431-30000-C"),
        ("okex-options", "BTC-USD-23041-30000-C"),
        ("okex-options", "BTC-USD-230413-030000-C"),
        ("okex-options", "BTC-EUR-230413-30000-C"),
        ("okex-options", "BTC-USD_UM"),
        ("ftx", "BTC-PERPETUAL"),
        ("ftx", "BTC-1227"),
        ("ftx", "BTC/EUR"),
        ("binance-futures", "BTCUSD_200925"),
        ("bybit", "BTCUSD"),
        ("nowhere", "BTC-8APR23-30000-C"),
        ("deribit", ""),
    ],
)
def test_what_a_venue_would_not_write_is_not_guessed(venue: str, symbol: str) -> None:
    assert parse_symbol(venue, symbol) is None


@given(venue=st.sampled_from(["deribit", "okex-swap", "ftx", "bybit"]), text=st.text(max_size=30))
def test_no_text_raises_and_what_is_read_is_written_back(venue: str, text: str) -> None:
    parsed = parse_symbol(venue, text)
    if parsed is not None:
        assert write_symbol(parsed) == text


def test_a_name_in_digits_of_another_script_is_no_instrument() -> None:
    assert parse_symbol("deribit", "BTC-6OCT26-90000-C") is not None
    assert parse_symbol("deribit", "BTC-6OCT26-\uff19\uff10\uff10\uff10\uff10-C") is None
    assert parse_symbol("okex-options", "BTC-USD-26100\u0666-90000-C") is None
