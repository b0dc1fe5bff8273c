"""Prediction markets on prices are digitals: read by typed fields, valued under a smile."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import msgspec
import pytest

from aftershock.app.digitals import digital_value
from aftershock.errors import UnreachableError
from aftershock.model.units import NS_PER_DAY, utc_ns
from aftershock.venues.backpack.predictions import Digital, read_digitals

NOW = utc_ns(2026, 2, 6)
UP = Digital(
    symbol="BTCDUD020626", question="Up?", kind="above", strike=90_000.0, upper=math.inf, start_ns=NOW,
    end_ns=NOW + NS_PER_DAY, source="binance BTCUSDT", price=0.5,
)  # fmt: skip


def event(condition: dict[str, Any] | None, **more: object) -> dict[str, Any]:
    return {
        "resolved": False,
        "resolution": {"startDate": "2026-02-06T00:00:00", "endDate": "2026-02-07T00:00:00", "strikePrice": "90000",
                       "resolutionSource": "binance", "resolutionSourceEventIdentifier": "BTCUSDT"},
        "predictionMarkets": [{"marketSymbol": "X", "activePrice": "0.4", "resolutionCondition": condition}],
        **more,
    }  # fmt: skip


def test_each_condition_becomes_the_digital_that_it_is() -> None:
    found, others = read_digitals(
        [
            event({"type": "StrikePrice", "condition": "above"}),
            event({"type": "StrikePrice", "condition": "below"}),
            event({"type": "QuantityRange", "greaterThanOrEqual": "88000", "lessThan": "89000"}),
            event({"type": "QuantityRange", "greaterThanOrEqual": "95000"}),
            event({"type": "Outcome", "outcome": "x"}),
            event(None),
            event({"type": "StrikePrice", "condition": "above"}, resolved=True),
            {"slug": "broken"},
        ]
    )

    assert [(each.kind, each.strike, each.upper) for each in found] == [
        ("above", 90_000.0, math.inf), ("below", 90_000.0, math.inf), ("range", 88_000.0, 89_000.0),
        ("range", 95_000.0, math.inf),
    ]  # fmt: skip
    assert found[0].end_ns == NOW + NS_PER_DAY
    assert (found[0].source, found[0].price) == ("binance BTCUSDT", 0.4)
    assert others == 3
    with pytest.raises(UnreachableError, match="no list of predictions"):
        read_digitals({"code": "x"})


def test_with_a_flat_volatility_it_is_the_chance_of_black_s_formula() -> None:
    sigma, forward = 0.6, 91_000.0
    deviation = sigma * math.sqrt(1 / 365)
    d2 = math.log(forward / UP.strike) / deviation - 0.5 * deviation
    expected = NormalDist().cdf(d2)

    assert digital_value(UP, forward, lambda _: sigma, NOW) == pytest.approx(expected, abs=1e-5)
    below = msgspec.structs.replace(UP, kind="below")
    assert digital_value(below, forward, lambda _: sigma, NOW) == pytest.approx(1 - expected, abs=1e-5)


def test_ranges_that_cover_all_prices_are_worth_one() -> None:
    bounds = [0.0, 88_000.0, 90_000.0, 93_000.0, math.inf]
    ranges = [msgspec.structs.replace(UP, kind="range", strike=low, upper=high)
              for low, high in pairwise(bounds)]  # fmt: skip

    values = [digital_value(each, 90_500.0, lambda _: 0.5, NOW) for each in ranges]
    assert sum(values) == pytest.approx(1.0)
    assert all(value > 0 for value in values)


def test_a_smile_that_falls_makes_the_upper_digital_dearer() -> None:
    flat = digital_value(UP, 90_000.0, lambda _: 0.5, NOW)

    assert digital_value(UP, 90_000.0, lambda strike: 0.5 - (strike - 90_000) / 90_000, NOW) > flat


def test_what_is_not_known_has_no_value() -> None:
    for unknown in ({"end_ns": 0}, {"strike": math.nan}):
        assert math.isnan(digital_value(msgspec.structs.replace(UP, **unknown), 9e4, lambda _: 0.5, NOW))
    assert math.isnan(digital_value(UP, math.nan, lambda _: 0.5, NOW))
