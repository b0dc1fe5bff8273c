"""Scores of stated probabilities by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.study.bootstrap import Resampler
from aftershock.study.reliability import Reliability, equal_count_bins, reliability


def score(
    stated: list[float], came: list[bool], weight: list[float] | None = None, cluster: list[int] | None = None
) -> Reliability:
    count = len(stated)
    return reliability(
        np.array(stated),
        np.array(came),
        np.ones(count) if weight is None else np.array(weight),
        np.arange(count) if cluster is None else np.array(cluster),
        Resampler(["all"] * count),
    )


def test_brier_and_log_loss_by_hand() -> None:
    found = score([0.9, 0.8, 0.3], [True, False, False])

    assert found.brier.value == pytest.approx((0.01 + 0.64 + 0.09) / 3)
    assert found.log_loss.value == pytest.approx(-(math.log(0.9) + math.log(0.2) + math.log(0.7)) / 3)


def test_weights_move_the_scores() -> None:
    found = score([0.9, 0.8], [True, False], weight=[3.0, 1.0])

    assert found.brier.value == pytest.approx((3 * 0.01 + 0.64) / 4)


def test_the_calibration_error_by_hand() -> None:
    # Ten forecasts, two to a bin. Stated 0.1: one of two came true (off by 0.4); 0.5: both (0.5); 0.9: both (0.1);
    # 0.7: one of two (0.2); 0.3: none (0.3). Mean 0.3.
    stated = [0.1, 0.1, 0.3, 0.3, 0.5, 0.5, 0.7, 0.7, 0.9, 0.9]
    came = [True, False, False, False, True, True, True, False, True, True]
    found = score(stated, came)

    assert found.ece.value == pytest.approx(0.3)
    assert [b.n for b in found.bins] == [2] * 5
    assert [b.stated for b in found.bins] == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert [b.observed for b in found.bins] == [0.5, 0.0, 1.0, 0.5, 1.0]


def test_true_statements_have_a_small_error_and_false_ones_a_large_one() -> None:
    generator = np.random.Generator(np.random.PCG64(9))
    stated = generator.uniform(0.5, 1.0, size=3000)
    came = generator.random(3000) < stated
    honest = score(stated.tolist(), came.tolist())
    boastful = score(np.minimum(stated + 0.2, 1.0).tolist(), came.tolist())

    assert honest.ece.high < 0.05
    assert boastful.ece.low > 0.10


def test_a_forecast_that_was_not_made_is_left_out() -> None:
    found = score([math.nan, 0.5, 0.5], [True, True, False])

    assert found.n == 2
    assert found.brier.value == 0.25


def test_no_forecast_gives_no_score() -> None:
    found = score([math.nan], [True])

    assert found.n == 0
    assert math.isnan(found.brier.value)
    assert math.isnan(found.ece.value)
    assert found.bins == ()


def test_one_certain_mistake_is_a_large_loss_but_not_an_infinite_one() -> None:
    assert score([1.0], [False]).log_loss.value == pytest.approx(math.log(1e6))


@given(st.integers(1, 12), st.integers(1, 6))
def test_bins_hold_equal_counts_of_different_values(per_bin: int, bins: int) -> None:
    values = np.random.Generator(np.random.PCG64(per_bin)).permutation(per_bin * bins).astype(float)

    assert np.bincount(equal_count_bins(values, bins)).tolist() == [per_bin] * bins


def test_equal_values_share_a_bin() -> None:
    assert len(np.unique(equal_count_bins(np.full(50, 0.9), 5))) == 1
