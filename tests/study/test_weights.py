"""Reweighting to a prior keeps what it promises, whatever the mix that was simulated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import UsageError
from aftershock.study.weights import effective_size, group_of, reweight

groups = st.lists(st.sampled_from(["positive", "rest", "D1", "D2", "D17"]), min_size=1, max_size=40)
priors = st.floats(0.001, 0.999)


def test_a_trigger_belongs_to_its_truth_first_and_then_to_its_plan() -> None:
    assert group_of("S1", positive=True) == "positive"
    assert group_of("D3", positive=True) == "positive"
    assert group_of("D3", positive=False) == "D3"
    assert group_of("plain", positive=False) == group_of("S1", positive=False) == "rest"


def test_the_ten_percent_prior_by_hand() -> None:
    # Negatives weigh 0.9: 0.45 over two decoy plans, so 0.225 each, and 0.45 on the three others.
    mix = ["positive", "positive", "D1", "D2", "D2", "rest", "rest", "rest"]

    assert reweight(mix, 0.1).tolist() == pytest.approx([0.05, 0.05, 0.225, 0.1125, 0.1125, 0.15, 0.15, 0.15])


def test_without_decoys_the_others_take_their_half() -> None:
    assert reweight(["positive", "rest", "rest"], 0.1).tolist() == pytest.approx([0.1, 0.45, 0.45])
    assert reweight(["positive", "D4"], 0.01).tolist() == pytest.approx([0.01, 0.99])


def test_nothing_stands_in_for_a_missing_class() -> None:
    assert reweight(["rest", "D1"], 0.1).sum() == pytest.approx(0.9)
    assert reweight(["positive"], 0.1).sum() == pytest.approx(0.1)


def test_without_a_prior_all_triggers_weigh_the_same() -> None:
    assert reweight(["positive", "rest", "D1", "D1"], None).tolist() == [0.25] * 4


@pytest.mark.parametrize("prior", [0.0, 1.0, -0.1, float("nan")])
def test_a_prior_outside_its_range_is_refused(prior: float) -> None:
    with pytest.raises(UsageError, match="above 0 and below 1"):
        reweight(["positive", "rest"], prior)


@given(groups, priors)
def test_positives_weigh_the_prior_and_negatives_the_rest(mix: list[str], prior: float) -> None:
    weight, positive = reweight(mix, prior), np.array(mix) == "positive"

    assert weight[positive].sum() == pytest.approx(prior if positive.any() else 0.0)
    assert weight[~positive].sum() == pytest.approx(0.0 if positive.all() else 1.0 - prior)


@given(
    st.permutations(range(12)), st.lists(st.sampled_from(["positive", "rest", "D1"]), min_size=12, max_size=12), priors
)
def test_the_order_of_triggers_does_not_matter(order: list[int], mix: list[str], prior: float) -> None:
    assert reweight([mix[i] for i in order], prior).tolist() == reweight(mix, prior)[order].tolist()


@given(groups, priors, st.integers(2, 5))
def test_more_of_the_same_triggers_weigh_the_same_in_all(mix: list[str], prior: float, times: int) -> None:
    once, often = reweight(mix, prior), reweight(mix * times, prior)

    assert often.reshape(times, len(mix)).sum(axis=0).tolist() == pytest.approx(once.tolist())


def test_the_effective_size_by_hand() -> None:
    # The square of 4 over 1 + 1 + 4.
    assert effective_size(np.array([1.0, 1.0, 2.0])) == pytest.approx(16.0 / 6.0)
    assert effective_size(np.zeros(3)) == 0.0


@given(st.lists(st.floats(0.01, 10.0), min_size=1, max_size=30), st.floats(0.01, 100.0))
def test_the_effective_size_does_not_depend_on_the_unit_of_weight(weights: list[float], factor: float) -> None:
    values = np.array(weights)
    size = effective_size(values)

    assert effective_size(factor * values) == pytest.approx(size)
    assert size > 1.0 - 1e-9
    assert size < len(values) + 1e-9
