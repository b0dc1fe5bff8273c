"""The engine against arithmetic done outside the package: action, reason, legs and net edge of golden scenarios."""

from __future__ import annotations

import ast
import functools
import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aftershock.core.engine import Engine
from aftershock.model.orders import ApprovedOrder, RefusedOrder
from aftershock.model.signals import Action, ArbitrageSignal, TriggerOpened
from aftershock.model.table import InstrumentTable
from tests.golden import scenarios
from tests.golden.inputs import SCENARIOS
from tests.golden.terms import DEFAULTS, RISK_DEFAULTS, TRIGGER_DEFAULTS, Scenario
from tests.golden.timeline import standing, variant
from tests.golden.worksheet import FOLDER, documents

EXPECTED: dict[str, dict[str, dict[str, Any]]] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
CASES = [(name, which) for name, variants in EXPECTED.items() for which in variants]
ORDERS = [case for case in CASES if EXPECTED[case[0]][case[1]]["approved"]]
WITH_TWINS = [name for name, variants in EXPECTED.items() if "past" in variants]
ASKS_OF_STANDING_VALUE = [
    name
    for name in WITH_TWINS
    if SCENARIOS[name]["target"][1] == "ask" and SCENARIOS[name]["kind"] in ("stale_quote", "package")
]
ON_THE_ENGINES_SIDE = ("scenarios.py", "test_golden.py")

# bps and coins differ by so much at most; money and greeks by so much of their size.
SPREAD_TOLERANCE_BPS = 1e-6
QUANTITY_TOLERANCE = 1e-9
RELATIVE_TOLERANCE = 1e-9


class Observed(msgspec.Struct):
    """What the engine said, in order."""

    triggers: list[TriggerOpened]
    signals: list[ArbitrageSignal]
    approved: list[ApprovedOrder]
    refused: list[RefusedOrder]
    packages: dict[str, dict[str, int]]


def run(scenario: Scenario) -> Observed:
    engine = Engine(scenarios.config(scenario), InstrumentTable())
    effects = [effect for event in scenarios.events(scenario) for effect in engine.process(event)]
    counts = {kind: msgspec.structs.asdict(count) for kind, count in engine.stats.packages.items()}
    return Observed(
        triggers=[effect for effect in effects if isinstance(effect, TriggerOpened)],
        signals=[effect for effect in effects if isinstance(effect, ArbitrageSignal)],
        approved=[effect for effect in effects if isinstance(effect, ApprovedOrder)],
        refused=[effect for effect in effects if isinstance(effect, RefusedOrder)],
        packages=counts,
    )


@functools.cache
def observed_in(name: str, which: str) -> Observed:
    return run(variant(SCENARIOS[name], which))


def assert_as_expected(observed: Observed, expected: dict[str, Any]) -> None:
    assert [(t.kind.value, t.profile) for t in observed.triggers] == [
        (t["kind"], t["profile"]) for t in expected["triggers"]
    ]
    for trigger, wanted in zip(observed.triggers, expected["triggers"], strict=True):
        assert sorted(trigger.not_evaluable) == wanted.get("not_evaluable", sorted(trigger.not_evaluable))
        assert (trigger.alignment is not None) == wanted.get("aligned", trigger.alignment is not None)
    assert len(observed.signals) == len(expected["signals"])
    # The order in which one evaluation speaks of several options is nobody's promise.
    said = sorted(observed.signals, key=_legs_said)
    for signal, wanted in zip(said, sorted(expected["signals"], key=_legs_wanted), strict=True):
        _assert_signal(signal, wanted)
    assert len(observed.approved) == expected["approved"]
    assert [refused.limit for refused in observed.refused] == expected["refused"]
    for kind, counts in expected.get("packages", {}).items():
        assert {name: observed.packages[kind][name] for name in counts} == counts, kind


def _legs_said(signal: ArbitrageSignal) -> list[tuple[str, str]]:
    return [(leg.symbol, leg.side.value) for leg in signal.legs]


def _legs_wanted(wanted: dict[str, Any]) -> list[tuple[str, str]]:
    return [(leg["symbol"], leg["side"]) for leg in wanted.get("legs", [])]


def _assert_signal(signal: ArbitrageSignal, wanted: dict[str, Any]) -> None:
    assert (signal.action.value, signal.reason.value) == (wanted["action"], wanted["reason"]), signal
    numbers = dict(wanted)
    for name in ("action", "reason"):
        del numbers[name]
    if "legs" in numbers:
        assert signal.edge_type is not None
        assert signal.edge_type.value == numbers.pop("edge_type")
        legs = [{"symbol": leg.symbol, "side": leg.side.value, "price": leg.price} for leg in signal.legs]
        assert legs == numbers.pop("legs")
    if "target_market" in numbers:
        assert signal.target_market == numbers.pop("target_market")
    if "ratios" in numbers:
        ratios = [float(ratio) for ratio in numbers.pop("ratios")]
        assert [leg.ratio for leg in signal.legs] == pytest.approx(ratios, rel=RELATIVE_TOLERANCE)
    if "hedge" in numbers:
        _assert_hedge(signal, numbers.pop("hedge"))
    for name, text in numbers.items():
        value = getattr(signal, name)
        if text is None:
            assert math.isnan(value), name
        elif name in {"spread_bps", "gross_spread_bps"}:
            assert value == pytest.approx(float(text), rel=0, abs=SPREAD_TOLERANCE_BPS), name
        elif name == "quantity":
            assert value == pytest.approx(float(text), rel=0, abs=QUANTITY_TOLERANCE), name
        else:
            assert value == pytest.approx(float(text), rel=RELATIVE_TOLERANCE), name


def _assert_hedge(signal: ArbitrageSignal, wanted: dict[str, Any] | None) -> None:
    if wanted is None:
        assert signal.hedge is None
        return
    assert signal.hedge is not None
    assert signal.hedge.side.value == wanted["side"]
    assert signal.hedge.coins == pytest.approx(float(wanted["coins"]), rel=RELATIVE_TOLERANCE)


@pytest.mark.parametrize(("name", "which"), CASES, ids=[f"{name}-{which}" for name, which in CASES])
def test_the_engine_decides_as_the_arithmetic_by_hand_does(name: str, which: str) -> None:
    assert_as_expected(observed_in(name, which), EXPECTED[name][which])


@pytest.mark.parametrize(("name", "which"), ORDERS, ids=[f"{name}-{which}" for name, which in ORDERS])
def test_an_order_is_what_its_signal_says_on_paper(name: str, which: str) -> None:
    observed = observed_in(name, which)

    (order,) = observed.approved
    signal = next(s for s in observed.signals if s.action is not Action.HOLD)
    assert order.venue_mode == "paper"
    assert order.intent.legs == signal.legs
    assert order.intent.quantity == signal.quantity
    assert order.intent.hedge == signal.hedge


@pytest.mark.parametrize(("name", "which"), ORDERS, ids=[f"{name}-{which}" for name, which in ORDERS])
def test_an_engine_that_always_holds_fails_every_scenario_with_an_order(name: str, which: str) -> None:
    observed = observed_in(name, which)
    holding = [msgspec.structs.replace(signal, action="HOLD", reason="no_edge") for signal in observed.signals]

    for timid in (
        msgspec.structs.replace(observed, signals=holding, approved=[]),
        msgspec.structs.replace(observed, signals=[], approved=[]),
        msgspec.structs.replace(observed, approved=[]),
    ):
        with pytest.raises((AssertionError, AttributeError)):
            assert_as_expected(timid, EXPECTED[name][which])


def test_there_are_enough_orders_of_both_sides_that_only_holding_or_only_buying_can_not_pass() -> None:
    actions = [EXPECTED[name]["main"]["signals"][0]["action"] for name in WITH_TWINS]

    assert actions.count("BUY") >= 6
    assert actions.count("SELL") >= 6
    assert len(actions) >= 10


@pytest.mark.parametrize("name", WITH_TWINS)
def test_a_tenth_of_a_basis_point_on_either_side_of_the_threshold_decides(name: str) -> None:
    inside, past = (EXPECTED[name][which]["signals"] for which in ("inside", "past"))

    assert [signal["action"] for signal in inside] == [EXPECTED[name]["main"]["signals"][0]["action"]]
    assert [(signal["action"], signal["reason"]) for signal in past] == [("HOLD", "below_min_spread")]
    apart = float(inside[0]["spread_bps"]) - float(past[0]["spread_bps"])
    assert apart == pytest.approx(0.2, abs=1e-6)


def _dearer_ask(scenario: Scenario, from_ms: int, more: float) -> Scenario:
    """Raise the target's ask after the smile's snapshot, so that the value stays what it was."""
    symbol, _ = scenario["target"]
    option = scenario["options"]["rows"][symbol]
    bid, bid_amount, ask, ask_amount = standing(option["quotes"], from_ms)
    assert ask is not None
    quotes = [*option["quotes"], (from_ms, bid, bid_amount, ask + more, ask_amount)]
    options = {**scenario["options"], "rows": {**scenario["options"]["rows"], symbol: {**option, "quotes": quotes}}}
    return {**scenario, "options": options}


@pytest.mark.parametrize("name", ASKS_OF_STANDING_VALUE)
def test_an_ask_dearer_by_one_basis_point_of_the_forward_costs_that_basis_point(name: str) -> None:
    scenario = SCENARIOS[name]
    inverse = "_USDC" not in scenario["target"][0]
    (before,) = observed_in(name, "main").signals
    more = 1e-4 if inverse else 1e-4 * before.forward
    from_ms = scenario["opens_ms"] - (0 if scenario["kind"] in {"package", "pair"} else 1_000)

    (after,) = run(_dearer_ask(scenario, from_ms, more)).signals

    # A capped fee grows by 12.5 % of the price, and an inverse hedge shrinks by the premium.
    assert before.spread_bps - after.spread_bps == pytest.approx(1.0, abs=0.13)


@pytest.mark.slow
def test_the_files_are_byte_for_byte_what_the_worksheet_writes() -> None:
    for name, text in documents().items():
        assert (FOLDER / name).read_bytes() == text.encode(), f"{name}: run python -m tests.golden.worksheet"


def test_the_worksheet_does_its_arithmetic_without_the_package() -> None:
    modules = [path for path in sorted(FOLDER.glob("*.py")) if path.name not in ON_THE_ENGINES_SIDE]

    imported = {path.name: _imports(path) for path in modules}

    assert "worksheet.py" in imported
    for name, roots in imported.items():
        assert "aftershock" not in roots, name
        assert not {f"tests.golden.{Path(other).stem}" for other in ON_THE_ENGINES_SIDE} & roots, name


def _imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    deep = {f"{n.module}.{a.name}" for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names}
    return names | froms | deep | {name.split(".")[0] for name in names | froms}


def test_the_worksheets_defaults_are_those_of_the_engine() -> None:
    config = msgspec.to_builtins(scenarios.config({"config": {}}))

    assert {name: config[name] for name in DEFAULTS} == DEFAULTS
    assert {name: config["trigger"][name] for name in TRIGGER_DEFAULTS} == TRIGGER_DEFAULTS
    assert {name: config["risk"][name] for name in RISK_DEFAULTS} == RISK_DEFAULTS
