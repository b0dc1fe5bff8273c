"""The judge itself is judged: whoever knows everything is perfect, and nobody gains by being worse."""

from __future__ import annotations

from functools import lru_cache

import pytest

from aftershock.app.evaluation.plan import Job, engine_config, make_session, make_strategy
from aftershock.app.evaluation.pool import run_jobs
from aftershock.app.evaluation.runner import run_session
from aftershock.app.evaluation.strategies import EngineStrategy, Sent
from aftershock.model import events as ev
from aftershock.model.orders import OrderIntent
from aftershock.model.units import NS_PER_S
from aftershock.sim.market.episode import Episode
from aftershock.study.leaks import leak_check
from aftershock.study.records import OrderRecord, TriggerRecord

pytestmark = pytest.mark.slow


def job(strategy: str, *, seed: int = 5, count: int = 4, latencies_ms: tuple[float, ...] = (20.0,)) -> Job:
    return Job(
        seed=seed, world="base", makers="slow", latencies_ms=latencies_ms, strategy=strategy, config=engine_config(),
        count=count,
    )  # fmt: skip


@lru_cache(maxsize=8)
def run(one: Job) -> list[list[TriggerRecord]]:
    (records,) = run_jobs([one], processes=1)
    assert records is not None
    return records


def orders(records: list[TriggerRecord]) -> list[OrderRecord]:
    return [order for record in records for order in record.orders]


def test_an_oracle_captures_what_is_alive_and_never_loses() -> None:
    (records,) = run(job("oracle"))
    sent = orders(records)
    filled = [order for order in sent if order.filled > 0]
    assert len(sent) > 30
    assert all(order.edge_bps > 0 for order in filled)  # precision 1
    # Recall 1 but for its own footprint: after a fill makers stand back, and protection takes some out.
    assert len(filled) >= 0.93 * len(sent)
    alive = [o for record in records for o in record.opportunities if o.edge == "A" and o.alive["20"]]
    assert sum(o.captured for o in alive) >= 0.85 * len(alive)


def test_an_oracle_orders_on_every_trigger_that_has_something_alive_and_on_no_other() -> None:
    (records,) = run(job("oracle"))
    for record in records:
        alive = any(o.alive["20"] for o in record.opportunities if o.edge == "A")
        assert bool(record.orders) == alive


def test_whoever_always_holds_captures_nothing() -> None:
    (records,) = run(job("always_hold"))
    assert orders(records) == []
    assert not any(o.captured for record in records for o in record.opportunities)
    assert any(record.positive["20"] for record in records)


def test_a_coin_orders_half_of_the_time_and_has_no_skill() -> None:
    records = [record for seed in (5, 6) for record in run(job("coin", count=12, seed=seed))[0]]
    sent = orders(records)
    assert 6 <= len(sent) <= 18
    assert all(len(record.orders) <= 1 for record in records)
    filled = [order for order in sent if order.filled > 0]
    assert filled
    assert sum(order.edge_bps > 0 for order in filled) <= 0.3 * len(filled)


def test_a_look_into_the_future_is_flagged_and_an_engine_is_not() -> None:
    assert leak_check(run(job("leak"))[0]).verdict == "suspect"
    assert leak_check(run(job("leak"))[0]).earliest_ms < -1_900
    assert leak_check(run(job("engine"))[0]).verdict == "clear"
    assert leak_check(run(job("engine"))[0]).n > 3


def test_the_same_decisions_made_slower_capture_no_more() -> None:
    records = run(job("engine", latencies_ms=(20.0, 100.0, 500.0)))
    captures = [sum(o.captured for record in each for o in record.opportunities) for each in records]
    wins = [sum(order.edge_bps > 0 for order in orders(each)) for each in records]
    assert captures[0] > 0
    assert captures == sorted(captures, reverse=True)
    assert wins == sorted(wins, reverse=True)
    assert len({len(orders(each)) for each in records}) == 1  # the same decisions


def test_a_slower_latency_leaves_the_first_one_s_records_as_they_are() -> None:
    alone, together = run(job("oracle")), run(job("oracle", latencies_ms=(20.0, 500.0)))
    assert [orders(alone[0])[k].filled for k in range(20)] == [orders(together[0])[k].filled for k in range(20)]


def test_orders_before_the_window_are_counted_and_not_judged() -> None:
    class Early(EngineStrategy):
        """Sends one order as soon as it sees anything."""

        def begin(self, episode: Episode) -> None:
            super().begin(episode)
            self.waiting = [intent]
            self.start = episode.start_ns

        def on_event(self, event: ev.Event) -> list[Sent]:
            if not self.waiting or event.ts_init > self.start - NS_PER_S:
                return []
            return [Sent(self.waiting.pop())]

    one = job("oracle", count=1)
    session = make_session(one)
    oracle = make_strategy(one, session)
    oracle.begin(next(session.episodes()))
    intent: OrderIntent = oracle.act()[0].intent
    (records,) = run_session(session, Early(one.config, session.listing), (20.0,))
    assert [record.outside_orders for record in records] == [1]
    assert orders(records) == []
