"""Two runs on the same triggers."""

from __future__ import annotations

import numpy as np
import pytest

from aftershock.errors import UsageError
from aftershock.study.compare import compare, mcnemar
from aftershock.study.records import TriggerRecord
from tests.study.synthetic import LATENCY, always_hold, market, noisy, oracle, trigger


def pairs(both: int, first_only: int, second_only: int) -> tuple[list[bool], list[bool]]:
    first = [True] * both + [True] * first_only + [False] * second_only
    second = [True] * both + [False] * first_only + [True] * second_only
    return first, second


@pytest.mark.parametrize(
    ("first_only", "second_only", "expected"),
    [
        # 2 (C(9,0) + C(9,1))/2^9 = 20/512; 2 x 1/2^5; equal counts; nothing to compare.
        (1, 8, 20 / 512),
        (0, 5, 1 / 16),
        (4, 4, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_by_hand(first_only: int, second_only: int, expected: float) -> None:
    first, second = pairs(7, first_only, second_only)
    found = mcnemar(np.array(first), np.array(second))

    assert (found.first_only, found.second_only) == (first_only, second_only)
    assert found.p_value == pytest.approx(expected)


def test_mcnemar_of_thousands_is_still_exact() -> None:
    first, second = pairs(0, 1500, 1400)
    # Normal approximation with continuity correction: z = 99/sqrt(2900) = 1.838, p = 0.066.
    assert mcnemar(np.array(first), np.array(second)).p_value == pytest.approx(0.066, abs=0.001)


def both(first: list[TriggerRecord], second: list[TriggerRecord]) -> dict[str, tuple[float, float, float]]:
    found = compare(first, second, first_latency=LATENCY, second_latency=LATENCY, prior=0.10)
    return {name: (x.value, x.low, x.high) for name, x in found.differences.items()}


def test_a_run_does_not_differ_from_itself() -> None:
    records = market(noisy)

    assert {x for found in both(records, records).values() for x in found} == {0.0}


def test_the_oracle_beats_holding_by_the_prior() -> None:
    found = both(market(always_hold), market(oracle))

    assert found["accuracy"] == pytest.approx((0.1, 0.1, 0.1))
    assert found["recall_capture"] == pytest.approx((1.0, 1.0, 1.0))
    assert found["pnl_usd"][0] == pytest.approx(0.1 * 20.0)


def test_the_difference_turns_its_sign_with_the_order() -> None:
    one, other = both(market(noisy), market(oracle)), both(market(oracle), market(noisy))

    assert one["accuracy"][0] == pytest.approx(-other["accuracy"][0])
    assert one["accuracy"][1] > 0.0
    assert other["accuracy"][2] < 0.0


def test_only_triggers_of_both_runs_are_compared() -> None:
    found = compare(market(oracle, 60), market(oracle, 100), first_latency=LATENCY, second_latency=LATENCY, prior=0.10)

    assert found.n == 60


def test_runs_of_different_seeds_can_not_be_compared() -> None:
    with pytest.raises(UsageError, match="no trigger in common"):
        compare([trigger(0)], [trigger(1)], first_latency=LATENCY, second_latency=LATENCY, prior=0.10)
