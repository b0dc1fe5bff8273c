"""The calibration that is bundled, and what the engine makes of one."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from aftershock.app.evaluation.calibrations import BUNDLED, load
from aftershock.errors import ConfigError
from aftershock.model.signals import EdgeType
from aftershock.study.calibration import FIRST_HELD_OUT_SEED, CalibrationDocument, decode_calibration

NO_ORDER_BPS = 1_000.0


@pytest.fixture(scope="module")
def document() -> CalibrationDocument:
    return decode_calibration(resources.files("aftershock").joinpath("data", BUNDLED).read_bytes())


def test_the_bundled_calibration_names_training_seeds_and_a_commit(document: CalibrationDocument) -> None:
    assert document.seeds
    for source, seeds in document.seeds.items():
        assert source.startswith("base/"), "the shifted world is for judging"
        assert int(seeds.split("-")[-1]) < FIRST_HELD_OUT_SEED
    assert re.fullmatch(r"[0-9a-f]{7,40}", document.commit)
    assert document.trials > 0


def test_every_kind_and_side_is_learnt_or_off(document: CalibrationDocument) -> None:
    calibration = load("bundled")
    assert calibration is not None
    learnt = {(each.edge, each.action) for each in document.types if each.fills and each.threshold_bps is not None}
    assert {(each.edge, each.action) for each in calibration.types} == {
        (edge.value, side) for edge in EdgeType for side in ("BUY", "SELL")
    }
    for each in calibration.types:
        assert ((each.edge, each.action) in learnt) == (each.threshold_bps < NO_ORDER_BPS)


def test_a_calibration_that_is_not_there_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name a file, bundled or none"):
        load(str(tmp_path / "none.json"))
