"""What was learnt on simulated markets: thresholds, probabilities over the net edge, and who it refuses."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.calibration import Calibration, TypeCalibration
from aftershock.core.config import EngineConfig
from aftershock.model.orders import ApprovedOrder
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, Reason
from aftershock.model.units import NAN
from tests.core.market import engine_of, of_type, run
from tests.core.shock import CONFIG, batched, timeline

# Two fifths are gains of 6 bps at the first knot, nine tenths at the last; a loss is 4 bps.
FIGURES: dict[str, Any] = {
    "edge": "A",
    "action": "BUY",
    "threshold_bps": 3.0,
    "spread_bps": (2.0, 6.0, 10.0),
    "confidence": (0.4, 0.8, 0.9),
    "p_fill": (0.5, 0.3, 0.1),
    "p_profit_h": (0.2, 0.4, 0.6),
    "gain_bps": 6.0,
    "loss_bps": 4.0,
    "sd_bps": 10.0,
    "fills": 321,
}


def learnt(**changes: Any) -> TypeCalibration:
    return TypeCalibration(**{**FIGURES, **changes})


@pytest.mark.parametrize(
    ("spread", "confidence", "p_fill"),
    [(-5.0, 0.4, 0.5), (2.0, 0.4, 0.5), (3.0, 0.5, 0.45), (6.0, 0.8, 0.3), (7.0, 0.825, 0.25), (99.0, 0.9, 0.1)],
)
def test_probabilities_are_linear_between_the_knots_and_flat_outside(
    spread: float, confidence: float, p_fill: float
) -> None:
    each = learnt()
    assert each.at(each.confidence, spread) == pytest.approx(confidence)
    assert each.at(each.p_fill, spread) == pytest.approx(p_fill)


def test_without_a_net_edge_nothing_is_probable() -> None:
    each = learnt()
    assert math.isnan(each.at(each.confidence, NAN))
    assert math.isnan(each.score(NAN))


def test_the_score_is_that_of_the_expected_value_over_its_risk() -> None:
    # At 7 bps: 0.25 * (0.825 * 6 - 0.175 * 4) = 1.0625 bps; over 10 bps a ratio of 0.10625; 1 - exp(-0.425) = 0.346230.
    assert learnt().expected_bps(7.0) == pytest.approx(1.0625)
    assert learnt().score(7.0) == pytest.approx(34.6230, abs=1e-4)


def test_an_expected_loss_scores_nothing() -> None:
    # At 2 bps: 0.5 * (0.4 * 6 - 0.6 * 8) < 0.
    assert learnt(loss_bps=8.0).expected_bps(2.0) == pytest.approx(-1.2)
    assert learnt(loss_bps=8.0).score(2.0) == 0.0


def test_the_confidence_that_is_needed_is_break_even_and_five_points() -> None:
    assert learnt().needed_confidence == pytest.approx(4 / 10 + 0.05)


@given(st.floats(-1e3, 1e3), st.floats(0.01, 100), st.floats(0, 100))
def test_a_score_lies_between_nothing_and_a_hundred(spread: float, sd: float, gain: float) -> None:
    assert 0.0 <= learnt(sd_bps=sd, gain_bps=gain).score(spread) <= 100.0


@pytest.mark.parametrize(
    "change",
    [
        {"spread_bps": (2.0, 2.0, 10.0)},
        {"spread_bps": (), "confidence": (), "p_fill": (), "p_profit_h": ()},
        {"spread_bps": (2.0, 6.0, math.inf)},
        {"spread_bps": (2.0, NAN, 10.0)},
        {"confidence": (0.4, 0.8)},
        {"confidence": (0.4, 0.8, 1.1)},
        {"p_fill": (0.4, NAN, 0.1)},
        {"p_profit_h": (-0.1, 0.4, 0.1)},
        {"threshold_bps": NAN},
        {"threshold_bps": -1.0},
        {"gain_bps": math.inf},
        {"gain_bps": 0.0, "loss_bps": 0.0},
        {"sd_bps": 0.0},
        {"sd_bps": NAN},
        {"fills": -1},
    ],
    ids=str,
)
def test_what_could_not_be_interpolated_or_would_limit_nothing_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="calibration of A BUY"):
        learnt(**change)


def test_two_for_the_same_kind_and_side_are_refused() -> None:
    Calibration(name="x", types=(learnt(), learnt(action="SELL"), learnt(edge="B3")))
    with pytest.raises(ValueError, match="A BUY comes twice"):
        Calibration(name="x", types=(learnt(), learnt(edge="B3"), learnt(fills=1)))


def test_nothing_is_known_of_what_was_not_learnt() -> None:
    calibration = Calibration(name="x", types=(learnt(),))
    assert calibration.of("A", "BUY") == learnt()
    assert calibration.of("A", "SELL") is None
    assert calibration.of("B3", "BUY") is None


def test_a_configuration_with_it_survives_the_journals_head() -> None:
    config = EngineConfig(calibration=Calibration(name="x", types=(learnt(),)))
    assert msgspec.convert(msgspec.to_builtins(config), EngineConfig) == config
    spoilt = msgspec.to_builtins(config)
    spoilt["calibration"]["types"][0]["colour"] = "red"
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.convert(spoilt, EngineConfig)


# --- in the engine ----------------------------------------------------------------------------------------------


def said(calibration: Calibration | None, **changes: Any) -> list[Any]:
    config = msgspec.structs.replace(CONFIG, calibration=calibration, **changes)
    return run(engine_of(config), batched(timeline([])))


def all_of(**changes: Any) -> Calibration:
    """Return the same figures for every kind and side."""
    types = [learnt(edge=edge.value, action=action, **changes) for edge in EdgeType for action in ("BUY", "SELL")]
    return Calibration(name="all", types=tuple(types))


def test_every_kind_of_edge_speaks_with_its_calibrated_figures() -> None:
    signals = [s for s in of_type(ArbitrageSignal, said(all_of())) if s.edge_type is not None]
    assert {s.edge_type.value for s in signals if s.edge_type} >= {"A", "B3", "D", "E"}
    for signal in signals:
        each = learnt()
        assert signal.calibrated
        assert signal.threshold_bps == 3.0
        assert signal.confidence == pytest.approx(each.at(each.confidence, signal.spread_bps))
        assert signal.p_fill == pytest.approx(each.at(each.p_fill, signal.spread_bps))
        assert signal.p_profit_h == pytest.approx(each.at(each.p_profit_h, signal.spread_bps))
        assert signal.arbitrage_score == pytest.approx(each.score(signal.spread_bps))


def test_what_was_not_learnt_stays_as_it_is_without_any_calibration() -> None:
    only_buys = Calibration(name="x", types=(learnt(),))
    plain = [s for s in of_type(ArbitrageSignal, said(None)) if s.edge_type is EdgeType.DISLOCATION]
    assert plain
    assert plain[0].calibrated is False
    assert math.isnan(plain[0].p_fill)
    kept = [s for s in of_type(ArbitrageSignal, said(only_buys)) if s.edge_type is EdgeType.DISLOCATION]
    assert [(s.action, s.spread_bps, s.confidence, s.calibrated) for s in kept] == [
        (s.action, s.spread_bps, s.confidence, s.calibrated) for s in plain
    ]


def test_an_edge_above_its_threshold_needs_the_confidence_that_pays() -> None:
    orders = of_type(ApprovedOrder, said(all_of()))
    assert orders
    sure = said(all_of(loss_bps=60.0))  # needs 60 / 66 + 0.05 = 0.96, and 0.9 is all that was ever reached
    assert of_type(ApprovedOrder, sure) == []
    refused = [s for s in of_type(ArbitrageSignal, sure) if s.spread_bps >= s.threshold_bps]
    assert refused
    assert Reason.BELOW_MIN_SPREAD in {s.reason for s in refused}
    assert {s.action for s in refused} == {Action.HOLD}


def test_the_floor_lies_under_a_calibrated_threshold_too() -> None:
    signals = [s for s in of_type(ArbitrageSignal, said(all_of(), min_spread_bps=12.0)) if s.edge_type is not None]
    assert {s.threshold_bps for s in signals} == {12.0}
    assert all(s.spread_bps >= 12.0 for s in signals if s.action is not Action.HOLD)
