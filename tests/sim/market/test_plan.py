"""A seed is eight plants, six plain shocks and six decoys, at times that no draw can move."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from aftershock.model.units import utc_ns
from aftershock.sim.market.plan import DECOYS, PLANTS, SPACING_S, plan_decoys, plan_seed
from tests.sim.market.worlds import SECOND_NS, rng

EXPIRY_NS = utc_ns(2026, 10, 6, 8)


@pytest.mark.parametrize("seed", range(20))
def test_a_seed_is_eight_plants_six_plain_and_six_decoys(seed: int) -> None:
    plans = plan_seed(rng(seed), seed)
    kinds = Counter(plan.kind for plan in plans)
    assert len(plans) == 20
    assert {kind: kinds[kind] for kind in ("S1", "S2", "S3", "S4", "S5", "S6")} == {
        "S1": 3, "S2": 1, "S3": 1, "S4": 1, "S5": 1, "S6": 1,
    }  # fmt: skip
    assert kinds["plain"] == 6
    assert sum(count for kind, count in kinds.items() if kind.startswith("D")) == 6
    assert [plan.index for plan in plans] == list(range(20))


def test_nineteen_seeds_give_every_decoy_its_turn_equally() -> None:
    kinds = Counter(plan.kind for seed in range(19) for plan in plan_seed(rng(seed), seed))
    assert {kinds[decoy] for decoy in DECOYS} == {6}
    assert len(DECOYS) == 19
    assert len(PLANTS) == 8


def test_windows_follow_one_another_without_touching() -> None:
    plans = plan_seed(rng(1), 1)
    gaps = {b.start_ns - a.start_ns for a, b in pairwise(plans)}
    assert gaps == {SPACING_S * SECOND_NS}
    assert SPACING_S > 420


@pytest.mark.parametrize("count", [1, 5, 20])
def test_the_decoy_near_expiry_is_within_half_an_hour_of_one_as_only_a_last_episode_is(count: int) -> None:
    seen = 0
    for seed in range(38):
        for plan in plan_seed(rng(seed), seed, count):
            onset = plan.start_ns + 120 * SECOND_NS
            close = EXPIRY_NS - onset < 1_800 * SECOND_NS
            if plan.kind == "D18":
                assert close
                seen += 1
            assert onset < EXPIRY_NS
            assert not close or plan.index == count - 1
    assert seen == 12


def test_the_market_stands_still_where_only_a_quote_or_a_venue_is_off() -> None:
    plans = [plan for seed in range(19) for plan in plan_seed(rng(seed), seed)]
    assert {plan.kind for plan in plans if not plan.shock} == {"S3", "S4", "S6", "D2"}


def test_a_session_of_decoys_holds_nothing_else_and_each_equally() -> None:
    plans = plan_decoys(rng(1), ("D7", "D8", "D9", "D12", "D13"))
    assert Counter(plan.kind for plan in plans) == dict.fromkeys(("D7", "D8", "D9", "D12", "D13"), 4)
