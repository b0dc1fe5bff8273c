"""`aftershock evaluate`: what it refuses, and what one seed of it says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aftershock.app.evaluation.calibrations import for_the_core, load
from aftershock.errors import ConfigError
from aftershock.model.signals import EdgeType
from aftershock.study.calibration import CalibrationDocument
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--seeds", "one"), "is not A-B"),
        (("--seeds", "5-1"), "the last is before the first"),
        (("--seeds", "1", "--train"), "--train and --write"),
        (("--seeds", "100000", "--train", "--write", "c.json"), "for judging"),
        (("--seeds", "1", "--world", "shifted", "--train", "--write", "c.json"), "for judging"),
        (("--seeds", "1", "--calibration", "nowhere.json"), "can't read the calibration"),
        (("--seeds", "1", "--prior", "1.5"), "prior"),
    ],
)
def test_a_request_that_makes_no_sense_is_one_sentence(
    aftershock: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    ran = aftershock("evaluate", *arguments, "--keep", str(tmp_path))
    assert ran.code == 2
    assert sentence in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_file_that_is_no_calibration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text('{"name": "x"}', encoding="utf-8")
    with pytest.raises(ConfigError, match="not a calibration"):
        load(str(path))


def test_a_kind_that_training_never_saw_is_off() -> None:
    document = CalibrationDocument(
        name="empty", seeds={"base/slow": "1-2"}, commit="c", created="2026-11-25", prior=0.1, horizon="60s",
        target=0.9, trials=0, types=(),
    )  # fmt: skip
    core = for_the_core(document)
    for edge in EdgeType:
        for action in ("BUY", "SELL"):
            known = core.of(edge.value, action)
            assert known is not None
            assert known.threshold_bps >= 10_000.0


@pytest.mark.slow
def test_always_holding_captures_nothing_and_is_as_right_as_the_prior_says(aftershock: Run, tmp_path: Path) -> None:
    ran = aftershock(
        "evaluate", "--seeds", "3", "--strategy", "always_hold", "--jobs", "1", "--keep", str(tmp_path / "kept"),
        "--calibration", "none", "--report", str(tmp_path / "page.html"), "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert {"seeds", "prior", "realised_prevalence", "metrics", "by_type", "by_decoy", "baselines"} <= set(found)
    assert found["metrics"]["recall_capture"]["value"] == 0
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(0.9)
    assert found["undone"] == 0
    assert "<svg" in (tmp_path / "page.html").read_text(encoding="utf-8")
    again = aftershock(
        "evaluate", "--seeds", "3", "--strategy", "always_hold", "--jobs", "1", "--keep", str(tmp_path / "kept"),
        "--calibration", "none", "--json",
    )  # fmt: skip
    assert json.loads(again.out) == found
