"""The table of prices: the article's figures, the published ones, exact sums, and moments between rows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import ConfigError
from aftershock.review.prices import PICO, PriceTable
from aftershock.review.usage import Usage

BUNDLED = PriceTable.bundled()


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


NOW = ns("2026-11-27T00:00:00")


@pytest.mark.parametrize(
    ("table", "provider", "model", "read", "cached", "written"),
    [
        ("article", "holysheep", "deepseek-v3.2", "0.42", "0.42", "0.84"),
        ("article", "openai", "gpt-4.1", "8", "8", "24"),
        ("article", "anthropic", "claude-sonnet-4.5", "15", "15", "15"),
        ("article", "google", "gemini-2.5-flash", "2.5", "2.5", "10"),
        ("published", "openai", "gpt-4.1", "2", "0.5", "8"),
        ("published", "anthropic", "claude-sonnet-4.5", "3", "0.3", "15"),
        ("published", "google", "gemini-2.5-flash", "0.3", "0.03", "2.5"),
        ("published", "deepseek", "deepseek-flash", "0.15", "0.003", "0.6"),
        ("published", "deepseek", "deepseek-v4-pro", "0.66", "0.022", "1.98"),
    ],
)
def test_the_bundled_table_has_the_figures_of_its_sources(
    table: str, provider: str, model: str, read: str, cached: str, written: str
) -> None:
    price = BUNDLED.price(provider, model, NOW, table)

    assert price is not None
    found = (price.rates.input, price.rates.cached, price.rates.output)
    assert [Decimal(each) / 1_000_000 for each in found] == [Decimal(read), Decimal(cached), Decimal(written)]


def test_both_prices_of_a_day_with_peak_hours_are_told_the_ordinary_one_first() -> None:
    ordinary, peak = BUNDLED.prices("deepseek", "deepseek-flash", NOW)

    assert (ordinary.is_peak, peak.is_peak) == (False, True)
    assert peak.rates.output == 2 * ordinary.rates.output
    assert len(BUNDLED.prices("openai", "gpt-4.1", NOW)) == 1
    assert BUNDLED.prices("nobody", "nothing", NOW) == []


@pytest.mark.parametrize(
    ("provider", "model", "at", "last"),
    [
        ("openai", "gpt-4.1", "2026-11-27T00:00:00", "2026-11-27T00:00:00"),
        ("deepseek", "deepseek-v3.2", "2026-07-23T12:00:00", "2026-07-23T12:00:00"),
        ("deepseek", "deepseek-v3.2", "2026-11-27T00:00:00", "2026-07-24T00:00:00"),
    ],
)
def test_the_last_moment_with_a_price_is_known(provider: str, model: str, at: str, last: str) -> None:
    found = BUNDLED.last_ns(provider, model, ns(at))

    assert found in (ns(last), ns(last) - 1)
    assert BUNDLED.price(provider, model, found) is not None


def test_a_model_that_is_not_sold_yet_never_had_a_price() -> None:
    assert BUNDLED.last_ns("deepseek", "deepseek-flash", ns("2026-07-23T00:00:00")) is None
    assert BUNDLED.last_ns("nobody", "nothing", NOW) is None


def test_more_read_before_than_there_was_is_no_credit() -> None:
    price = BUNDLED.price("openai", "gpt-4.1", NOW)
    assert price is not None

    assert price.cost_usd(Usage(input_tokens=10, cached_tokens=1_000, output_tokens=0)) == 10 * 0.5 / 1e6


_MONEY = st.integers(0, 10**8).map(lambda micros: f"{micros // 10**6}.{micros % 10**6:06d}")
_TOKENS = st.integers(0, 10**7)


@given(_MONEY, _MONEY, _MONEY, _TOKENS, _TOKENS, _TOKENS)
def test_a_cost_is_exact_to_the_last_digit_and_never_above_the_worst(
    tmp_path_factory: pytest.TempPathFactory, read: str, cached: str, written: str, fresh: int, known: int, output: int
) -> None:
    file = tmp_path_factory.getbasetemp() / "prices.toml"
    file.write_text(
        f'version = "1"\n[[price]]\nprovider = "me"\nmodel = "mine"\nvalid_from = 2026-01-01\nsource = "mine"\n'
        f'input = "{read}"\ncached = "{cached}"\noutput = "{written}"\n'
    )
    price = PriceTable.from_file(file).price("me", "mine", NOW)
    assert price is not None
    usage = Usage(input_tokens=fresh + known, cached_tokens=known, output_tokens=output)

    exact = (Decimal(read) * fresh + Decimal(cached) * known + Decimal(written) * output) / 1_000_000

    assert Decimal(price.rates.cost(usage)) / PICO == exact
    assert price.cost_usd(usage) == float(exact)
    assert price.cost_usd(usage) <= price.worst_case_usd(fresh + known, output)


@pytest.mark.parametrize("valid_to", ["2026-06-01", "2026-05-31"])
def test_rows_may_touch_and_not_overlap(tmp_path: Path, valid_to: str) -> None:
    row = '[[price]]\nprovider = "me"\nmodel = "mine"\ninput = "1"\ncached = "1"\noutput = "1"\nsource = "mine"\n'
    file = tmp_path / "prices.toml"
    text = f'version = "1"\n{row}valid_from = 2026-01-01\nvalid_to = {valid_to}\n{row}valid_from = 2026-05-31\n'
    file.write_text(text)

    if valid_to == "2026-05-31":
        assert PriceTable.from_file(file).price("me", "mine", NOW) is not None
    else:
        with pytest.raises(ConfigError, match="two prices of me mine hold on 2026-05-31"):
            PriceTable.from_file(file)
