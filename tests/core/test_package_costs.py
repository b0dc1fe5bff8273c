"""What a package costs: a fee per leg, one for the future, and delivery."""

from __future__ import annotations

import math

import pytest

from aftershock.core.config import EngineConfig
from aftershock.core.packages import ExecutableForward, Package, PackageScanner
from aftershock.model.instruments import FeeSchedule, Kind
from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import NAN
from tests.core.market import T0
from tests.core.package_quotes import Tops, chain_with, found_by_any_row, future, legs

BUY, SELL = Side.BUY, Side.SELL
K1, K2 = 58_000.0, 60_000.0
RATE, CAP, DELIVERY, FUTURE_RATE = 0.0003, 0.125, 0.00015, 0.0005
FEES = FeeSchedule(
    venue="deribit",
    kind=Kind.OPTION,
    inverse=True,
    valid_from_ns=0,
    taker_rate=RATE,
    maker_rate=RATE,
    cap_fraction=CAP,
    delivery_rate=DELIVERY,
)
AHEAD = future(60_000.0, 60_020.0, fee_rate=FUTURE_RATE)
F = 60_010.0


def only(quotes: Tops, *wanted: tuple[Side, float, str], inverse: bool = True, fees: FeeSchedule = FEES) -> Package:
    """Return one package of a chain, priced with fees."""
    return found_by_any_row(chain_with(quotes, inverse=inverse), AHEAD, fees)[legs(*wanted, inverse=inverse)]


def bps(coins: float) -> float:
    return 1e4 * coins


def test_parity_in_coin_costs_two_options_the_strikes_worth_of_future_and_one_delivery() -> None:
    quotes = {(K1, "C"): (0.060, 0.061), (K1, "P"): (0.040, 0.041)}
    package = only(quotes, (BUY, K1, "C"), (SELL, K1, "P"))
    assert (package.edge_type, package.action) == (EdgeType.PARITY_INVERSE, Action.BUY)
    assert package.gross_bps == pytest.approx(bps(1 - K1 / 60_000 - 0.061 + 0.040))
    assert package.cost_bps == pytest.approx(bps(2 * RATE + FUTURE_RATE * K1 / F + DELIVERY))
    assert package.future_side is SELL
    assert package.future_coins == pytest.approx(K1 / F)
    assert package.price_usd == pytest.approx((0.061 - 0.040) * F)
    assert package.fee_usd == pytest.approx(package.cost_bps / 1e4 * F)


def test_the_fee_of_a_cheap_option_is_capped_by_its_premium() -> None:
    quotes = {(K1, "C"): (0.060, 0.061), (K1, "P"): (0.080, 0.0801), (K2, "C"): (0.0009, 0.001)}
    package = only(quotes, (SELL, K1, "C"), (BUY, K2, "C"))
    assert package.edge_type is EdgeType.VERTICAL
    assert package.gross_bps == pytest.approx(bps(0.060 - 0.001 - (1 - K1 / K2)))
    assert package.cost_bps == pytest.approx(bps(RATE + CAP * 0.001 + 2 * DELIVERY))
    assert package.future_side is None


def test_selling_a_put_spread_in_coin_pays_for_the_future_that_caps_it() -> None:
    quotes = {(K1, "P"): (0.020, 0.021), (K2, "P"): (0.070, 0.071)}
    package = only(quotes, (BUY, K1, "P"), (SELL, K2, "P"))
    width = K2 - K1
    assert package.action is Action.SELL
    assert package.gross_bps == pytest.approx(bps(0.070 - 0.021 - width / 60_000))
    assert package.cost_bps == pytest.approx(bps(2 * RATE + FUTURE_RATE * width / F + 2 * DELIVERY))
    assert package.future_side is SELL
    assert package.future_coins == pytest.approx(width / F)


def test_a_box_in_coin_costs_four_options_its_width_of_future_and_two_deliveries() -> None:
    quotes = {
        (K1, "C"): (0.060, 0.061),
        (K2, "C"): (0.055, 0.056),
        (K1, "P"): (0.020, 0.021),
        (K2, "P"): (0.028, 0.029),
    }
    package = only(quotes, (BUY, K1, "C"), (SELL, K2, "C"), (BUY, K2, "P"), (SELL, K1, "P"))
    width, paid = K2 - K1, 0.061 - 0.055 + 0.029 - 0.020
    assert (package.edge_type, package.action) == (EdgeType.BOX, Action.BUY)
    assert package.gross_bps == pytest.approx(bps(width / 60_020 - paid))
    assert package.cost_bps == pytest.approx(bps(4 * RATE + FUTURE_RATE * width / F + 2 * DELIVERY))
    assert package.future_side is BUY
    assert package.future_coins == pytest.approx(width / F)
    assert package.price_usd == pytest.approx(paid * F)


def test_parity_in_currency_pays_rates_on_the_index_and_one_coin_of_future() -> None:
    quotes = {(K1, "C"): (3000.0, 3010.0), (K1, "P"): (1400.0, 1410.0)}
    package = only(quotes, (BUY, K1, "C"), (SELL, K1, "P"), inverse=False)
    cost = 2 * RATE * AHEAD.index + FUTURE_RATE * F + DELIVERY * AHEAD.index
    assert package.edge_type is EdgeType.PARITY_LINEAR
    assert package.gross_bps == pytest.approx(1e4 * (60_000 - K1 - 3010 + 1400) / F)
    assert package.fee_usd == pytest.approx(cost)
    assert package.cost_bps == pytest.approx(1e4 * cost / F)
    assert package.future_coins == 1.0
    assert package.price_usd == pytest.approx(1610.0)


def test_a_box_in_currency_needs_no_future() -> None:
    quotes = {
        (K1, "C"): (3000.0, 3010.0),
        (K2, "C"): (2500.0, 2510.0),
        (K1, "P"): (1400.0, 1410.0),
        (K2, "P"): (1800.0, 1810.0),
    }
    package = only(quotes, (BUY, K1, "C"), (SELL, K2, "C"), (BUY, K2, "P"), (SELL, K1, "P"), inverse=False)
    assert package.future_side is None
    assert package.fee_usd == pytest.approx((4 * RATE + 2 * DELIVERY) * AHEAD.index)


def edge(ask: float, scanner: PackageScanner, fees: FeeSchedule | None = FEES) -> list[Package]:
    """Scan a call spread whose lower strike is offered at `ask` and whose upper strike is bid at 0.0100."""
    chain = chain_with({(K1, "C"): (NAN, ask), (K2, "C"): (0.0100, NAN)})
    return scanner.scan(chain, 0, 10**18, AHEAD, fees)


def test_an_edge_that_only_just_covers_its_cost_is_net_and_one_below_is_gross_only() -> None:
    cost = 2 * RATE + 2 * DELIVERY
    scanner = PackageScanner(EngineConfig())
    assert len(edge(0.0100 - cost - 1e-9, scanner)) == 1
    assert edge(0.0100 - cost + 1e-9, scanner) == []
    counts = scanner.counts["vertical"]
    assert (counts.gross, counts.net) == (2, 1)


@pytest.mark.parametrize("ask", [0.0100, 0.0101])
def test_no_edge_before_costs_is_not_gross(ask: float) -> None:
    scanner = PackageScanner(EngineConfig())
    assert edge(ask, scanner) == []
    assert scanner.counts["vertical"].gross == 0


def test_with_an_unknown_option_fee_nothing_is_net() -> None:
    scanner = PackageScanner(EngineConfig())
    assert edge(0.001, scanner, fees=None) == []
    assert (scanner.counts["vertical"].gross, scanner.counts["vertical"].net) == (1, 0)


def test_with_an_unknown_future_fee_nothing_that_needs_the_future_is_net() -> None:
    quotes = {(K1, "C"): (0.060, 0.061), (K1, "P"): (0.040, 0.041), (K2, "C"): (0.070, 0.071)}
    unknown = ExecutableForward(bid=60_000, ask=60_020, executable=True, fee_rate=math.nan, index=F, confirmed=T0)
    found = found_by_any_row(chain_with(quotes), unknown, FEES)
    assert {package.edge_type for package in found.values()} == {EdgeType.VERTICAL}
