"""The gate before an order: every limit refuses with its figures."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import msgspec
import pytest

import aftershock
from aftershock.core.config import RiskConfig
from aftershock.core.risk import RiskGate
from aftershock.model.orders import ApprovedOrder, Leg, OrderIntent, RefusedOrder, Side
from aftershock.model.units import NAN
from tests.core.market import T0, seconds

CONFIG = RiskConfig(
    max_quantity_coins=5.0,
    max_premium_usd=10_000.0,
    collar_value_fraction=0.10,
    collar_value_bps=50.0,
    duplicate_s=60.0,
)
FIGURES = {"price_usd": 1000.0, "value_usd": 1050.0, "forward": 60_000.0}


def leg(symbol: str = "BTC-6MAR26-60000-C", side: Side = Side.BUY, price_usd: float = 1000.0) -> Leg:
    return Leg(venue="deribit", symbol=symbol, side=side, ratio=1.0, price=price_usd / 60_000, price_usd=price_usd)


def intent(*legs: Leg, quantity: float = 1.0) -> OrderIntent:
    return OrderIntent(
        intent_id="t/1/order", trigger_id="t", edge="A", legs=legs or (leg(),), quantity=quantity, limit_usd=1001.0
    )


def checked(
    wanted: OrderIntent | None = None,
    figures: dict[str, float] | None = None,
    *,
    gate: RiskGate | None = None,
    now: int = T0,
) -> ApprovedOrder | RefusedOrder:
    gate = RiskGate(CONFIG) if gate is None else gate
    return gate.check(intent() if wanted is None else wanted, now, **(FIGURES | (figures or {})))


def refusal(wanted: OrderIntent | None = None, figures: dict[str, float] | None = None) -> tuple[str, float, float]:
    """Return which limit refused, with what the order has and what the limit allows."""
    refused = checked(wanted, figures)
    assert isinstance(refused, RefusedOrder)
    assert refused.detail
    return refused.limit, refused.value, refused.allowed


def test_an_order_within_all_limits_is_approved_for_paper_only() -> None:
    order = checked()
    assert isinstance(order, ApprovedOrder)
    assert order.venue_mode == "paper"
    assert order.intent == intent()


def test_too_many_coins() -> None:
    assert refusal(intent(quantity=5.1)) == ("quantity", 5.1, 5.0)


def test_too_much_premium() -> None:
    assert refusal(intent(leg(price_usd=2001.0), quantity=5.0)) == ("premium", 10_005.0, 10_000.0)


def test_the_premium_of_a_package_is_that_of_all_its_legs() -> None:
    legs = (leg(price_usd=6000.0), leg("BTC-6MAR26-61000-C", Side.SELL, price_usd=5000.0))
    assert refusal(intent(*legs))[:2] == ("premium", 11_000.0)


@pytest.mark.parametrize("price_usd", [699.0, 1401.0])
def test_a_price_outside_the_collar_around_the_value(price_usd: float) -> None:
    # A tenth of 1050 is 105; 50 bps of the forward are 300: the larger one holds.
    limit, away, allowed = refusal(figures={"price_usd": price_usd})
    assert limit == "collar"
    assert away == abs(price_usd - 1050.0)
    assert allowed == pytest.approx(300.0)


def test_for_a_dear_option_the_collar_is_a_share_of_its_value() -> None:
    assert isinstance(checked(figures={"price_usd": 9000.0, "value_usd": 9900.0}), ApprovedOrder)
    assert refusal(figures={"price_usd": 8900.0, "value_usd": 9900.0})[0] == "collar"


@pytest.mark.parametrize("name", ["price_usd", "value_usd", "forward"])
def test_a_figure_nobody_knows_refuses(name: str) -> None:
    assert refusal(figures={name: NAN})[0] == "collar"


def test_a_quantity_nobody_knows_refuses() -> None:
    assert refusal(intent(quantity=NAN))[0] == "quantity"


def test_a_leg_without_a_price_refuses() -> None:
    assert refusal(intent(leg(price_usd=NAN)))[0] == "premium"


def test_the_same_legs_again_are_refused_until_a_minute_has_passed() -> None:
    gate = RiskGate(CONFIG)
    assert isinstance(checked(gate=gate), ApprovedOrder)
    again = checked(gate=gate, now=T0 + seconds(59.5))
    assert isinstance(again, RefusedOrder)
    assert (again.limit, again.value, again.allowed) == ("duplicate", 59.5, 60.0)
    assert isinstance(checked(gate=gate, now=T0 + seconds(60)), ApprovedOrder)


def test_a_refused_duplicate_does_not_start_the_minute_again() -> None:
    gate = RiskGate(CONFIG)
    for second in (0, 30, 59):
        checked(gate=gate, now=T0 + seconds(second))
    assert isinstance(checked(gate=gate, now=T0 + seconds(60)), ApprovedOrder)


def test_the_other_side_and_other_legs_are_no_duplicates() -> None:
    gate = RiskGate(CONFIG)
    for wanted in (intent(), intent(leg(side=Side.SELL)), intent(leg("BTC-6MAR26-61000-C"))):
        assert isinstance(checked(wanted, gate=gate), ApprovedOrder)


def test_what_a_limit_refused_is_not_remembered_as_an_order() -> None:
    gate = RiskGate(CONFIG)
    checked(intent(quantity=99.0), gate=gate)
    assert isinstance(checked(gate=gate), ApprovedOrder)


def hedge(quantity: float = 1.0, *, parent: str = "t/1/order", reduce_only: bool = True) -> OrderIntent:
    """Return a hedge of an order."""
    return msgspec.structs.replace(intent(quantity=quantity), purpose="hedge", parent=parent, reduce_only=reduce_only)


def reduced(wanted: OrderIntent, figures: dict[str, float] | None = None) -> ApprovedOrder | RefusedOrder:
    return RiskGate(CONFIG).check_reducing(wanted, T0, **(FIGURES | (figures or {})))


def test_what_takes_risk_away_passes_without_a_limit_on_its_premium_and_as_often_as_need_be() -> None:
    gate = RiskGate(CONFIG)
    wanted = msgspec.structs.replace(hedge(5.0), legs=(leg(price_usd=60_000.0),))
    for _ in range(2):
        assert isinstance(gate.check_reducing(wanted, T0, **FIGURES), ApprovedOrder)
    assert isinstance(checked(wanted), RefusedOrder)  # as an entry it is too much premium


@pytest.mark.parametrize(
    ("wanted", "figures", "limit"),
    [
        (hedge(5.1), {}, "quantity"),
        (hedge(NAN), {}, "quantity"),
        (hedge(), {"price_usd": 1_351.0}, "collar"),
        (hedge(), {"value_usd": NAN}, "collar"),
        (hedge(), {"forward": NAN}, "collar"),
        (intent(), {}, "purpose"),
        (hedge(reduce_only=False), {}, "purpose"),
        (hedge(parent=""), {}, "purpose"),
    ],
)
def test_what_takes_risk_away_is_still_refused(wanted: OrderIntent, figures: dict[str, float], limit: str) -> None:
    refused = reduced(wanted, figures)
    assert isinstance(refused, RefusedOrder)
    assert refused.limit == limit


def calls_of(name: str) -> list[str]:
    """Return the modules of the package that call a name."""
    package = Path(aftershock.__file__).parent
    return sorted(
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(
            isinstance(node, ast.Call) and name in (getattr(node.func, "id", ""), getattr(node.func, "attr", ""))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    )


def test_only_the_risk_gate_makes_an_approved_order() -> None:
    assert calls_of(ApprovedOrder.__name__) == ["core/risk.py"]


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(RiskConfig)])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_no_limit_can_be_set_to_something_that_is_no_limit(name: str, bad: float) -> None:
    given: dict[str, Any] = {name: bad}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(given, RiskConfig)
