"""The figures of a second opinion: the same markets with it and without, paired by trigger and by opportunity."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from aftershock.study.arrays import BoolArray, per_cluster
from aftershock.study.bootstrap import Resampler, ratio
from aftershock.study.compare import compare, mcnemar
from aftershock.study.figure import MIN_ECE_FILLS, MIN_FILLS, MIN_TRIGGERS, figure
from aftershock.study.intervals import Interval, wilson
from aftershock.study.records import OrderRecord, QuestionRecord, ReviewedRecord, RunKey, TriggerRecord, latency_key
from aftershock.study.reliability import reliability
from aftershock.study.reviews import Answers, Cost, Opinion, Pairs, Reviewing, ReviewReport, Stopped, Waiting

__all__ = ["STAND_IN_NOTE", "review_report"]

STAND_IN_NOTE = (
    "No evidence of what a model is worth: the answers are those of a few rules that stand in for one. "
    "They prove the wiring."
)
_SILENT_NOTE = "No evidence of what a model is worth: no model answered."
_MODEL_NOTE = "Answers of a model, in simulated markets: they say nothing about a real one."

_Key = tuple[int, int, str, str, tuple[str, ...]]


def review_report(
    key: RunKey,
    without: Sequence[TriggerRecord],
    with_one: Sequence[TriggerRecord],
    reviewing: Reviewing,
    *,
    prior: float,
) -> ReviewReport:
    """Compare a run with a reviewer to the same run without; only triggers of both count.

    Args:
        key: Of the run with one.
        without: Records without a reviewer.
        with_one: Records with one.
        reviewing: Who was asked.
        prior: Share of positives in `by_trigger`; everything else is as simulated.

    Raises:
        UsageError: The two runs have no trigger in common.
    """
    latency = latency_key(key.latency_ms)
    by_trigger = compare(without, with_one, first_latency=latency, second_latency=latency, prior=prior)
    common = {_place(each) for each in without} & {_place(each) for each in with_one}
    first, second = (sorted((t for t in run if _place(t) in common), key=_place) for run in (without, with_one))
    questions = [question for trigger in second for question in trigger.questions]
    answered = [each for each in questions if each.action]
    evidence = bool(answered) and not any(each.stand_in for each in questions)
    stand_in = any(each.stand_in for each in questions) or reviewing.reviewer == "stand-in"
    enough = len(common) >= MIN_TRIGGERS
    return ReviewReport(
        key=key,
        reviewing=reviewing,
        evidence=evidence,
        note=_MODEL_NOTE if evidence else STAND_IN_NOTE if stand_in else _SILENT_NOTE,
        triggers=len(common),
        orders_without=sum(len(each.orders) for each in first),
        orders_with=sum(len(each.orders) for each in second),
        answers=_answers(questions),
        pairs=_pairs(first, second, enough=enough),
        stopped=_stopped(first, second),
        opinion=_opinion(first, second, enough=enough),
        waiting=_waiting(second, enough=enough),
        cost=_cost(questions, second),
        by_trigger=by_trigger,
        by_trigger_status="ok" if enough else "not_established",
    )


def _place(trigger: TriggerRecord) -> tuple[int, int]:
    return trigger.seed, trigger.index


def _key(trigger: TriggerRecord, each: OrderRecord | QuestionRecord | ReviewedRecord) -> _Key:
    return trigger.seed, trigger.index, each.trigger, each.edge, each.legs


def _won(order: OrderRecord) -> bool:
    return order.filled > 0.0 and order.edge_usd > 0.0


def _by_key(triggers: Sequence[TriggerRecord]) -> dict[_Key, list[OrderRecord]]:
    """Return the orders on each opportunity, in the order in which they were sent."""
    found: dict[_Key, list[OrderRecord]] = {}
    for trigger in triggers:
        for order in trigger.orders:
            found.setdefault(_key(trigger, order), []).append(order)
    return found


def _answers(questions: Sequence[QuestionRecord]) -> Answers:
    in_time = [each for each in questions if not each.fallback]
    latencies = [each.latency_ms for each in questions if each.action]
    p50, p99 = np.quantile(latencies, (0.5, 0.99)).tolist() if latencies else (math.nan, math.nan)
    fallbacks = Counter(each.fallback for each in questions if each.fallback)
    return Answers(
        requests=len(questions),
        answers=len(in_time),
        agreed=sum(each.action == each.side for each in in_time),
        refused=sum(each.action == "HOLD" for each in in_time),
        by_fallback=dict(sorted(fallbacks.items())),
        latency_p50_ms=p50,
        latency_p99_ms=p99,
    )


def _pairs(first: Sequence[TriggerRecord], second: Sequence[TriggerRecord], *, enough: bool) -> Pairs:
    """Pair the orders on each opportunity one by one; what one run has more of, only it has."""
    ours, theirs = _by_key(first), _by_key(second)
    right: list[tuple[bool, bool]] = []
    both = only_without = only_with = 0
    for key in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(key, []), theirs.get(key, [])
        paired = min(len(one), len(other))
        both += paired
        only_without += len(one) - paired
        only_with += len(other) - paired
        right += [(_won(a), _won(b)) for a, b in zip(one, other, strict=False)]
        right += [(_won(order), not _won(order)) for order in one[paired:]]
        right += [(not _won(order), _won(order)) for order in other[paired:]]
    table = np.array(right, dtype=np.bool_).reshape(-1, 2)
    return Pairs(
        n=len(right),
        both=both,
        only_without=only_without,
        only_with=only_with,
        mcnemar=mcnemar(table[:, 0], table[:, 1]),
        status="ok" if enough and len(right) >= MIN_FILLS else "not_established",
    )


_CAUSES = ("refused", "fallback", "gone", "risk_limit", "other")


def _stopped(first: Sequence[TriggerRecord], second: Sequence[TriggerRecord]) -> tuple[Stopped, ...]:
    theirs = _by_key(second)
    said = {_key(trigger, each): each for trigger in second for each in trigger.reviewed}  # the last word counts
    found: dict[str, list[OrderRecord]] = {cause: [] for cause in _CAUSES}
    for key, orders in _by_key(first).items():
        found[_cause(said.get(key))] += orders[len(theirs.get(key, ())) :]
    return tuple(
        Stopped(
            cause=cause,
            right=sum(_won(order) for order in orders),
            wrong=sum(not _won(order) for order in orders),
            usd=math.fsum(order.edge_usd for order in orders),
        )
        for cause, orders in found.items()
    )


def _cause(said: ReviewedRecord | None) -> str:
    if said is None:
        return "other"
    if said.reason in ("model_unsure", "budget"):
        return "fallback" if said.fallback else "refused"
    return {"edge_gone_in_review": "gone", "risk_limit": "risk_limit"}.get(said.reason, "other")


def _opinion(first: Sequence[TriggerRecord], second: Sequence[TriggerRecord], *, enough: bool) -> Opinion:
    orders = _by_key(first)
    stated, came, cluster, unlabelled = [], [], [], 0
    for place, trigger in enumerate(second):
        for question in trigger.questions:
            if not question.action:
                continue
            labels = orders.get(_key(trigger, question))
            if labels is None:
                unlabelled += 1
                continue
            # HOLD with p = 0.3 is the forecast 0.3 all the same: the probability is that the order pays.
            stated.append(question.probability)
            came.append(_won(labels[0]))
            cluster.append(place)
    outcome: BoolArray = np.array(came, dtype=np.bool_)
    found = reliability(
        np.array(stated, dtype=np.float64),
        outcome,
        np.ones(len(stated)),
        np.array(cluster, dtype=np.int64),
        Resampler(["all"] * len(second)),
    )
    n = found.n
    return Opinion(
        labelled=len(stated),
        unlabelled=unlabelled,
        brier=figure(found.brier, n, enough=enough and n >= MIN_FILLS),
        ece=figure(found.ece, n, enough=enough and n >= MIN_ECE_FILLS),
        base_rate=figure(wilson(float(outcome.sum()), n), n, enough=enough and n >= MIN_FILLS),
        reliability=found,
    )


def _waiting(second: Sequence[TriggerRecord], *, enough: bool) -> Waiting:
    held = [(place, each) for place, trigger in enumerate(second) for each in trigger.reviewed if each.waited_ms > 0.0]
    priced = [(place, each.lost_bps) for place, each in held if math.isfinite(each.lost_bps)]
    gone = sum(each.reason == "edge_gone_in_review" for _, each in held)
    many = enough and len(held) >= MIN_FILLS
    return Waiting(
        held=len(held),
        mean_waited_ms=math.fsum(each.waited_ms for _, each in held) / len(held) if held else math.nan,
        lost_bps=figure(_mean(priced, len(second)), len(priced), enough=many),
        lost_bps_sum=math.fsum(lost for _, lost in priced),
        unpriced=len(held) - len(priced),
        gone=figure(wilson(gone, len(held)), len(held), enough=many),
    )


def _mean(values: Sequence[tuple[int, float]], triggers: int) -> Interval:
    """Return the mean of values that know their trigger, bootstrapped by trigger."""
    cluster = np.array([place for place, _ in values], dtype=np.int64)
    value = np.array([value for _, value in values], dtype=np.float64)
    sums = np.column_stack([per_cluster(each, cluster, triggers) for each in (value, np.ones_like(value))])
    return Resampler(["all"] * triggers).interval(sums, ratio)


def _cost(questions: Sequence[QuestionRecord], second: Sequence[TriggerRecord]) -> Cost:
    decisions = sum(trigger.decisions for trigger in second)
    counted = [(q.input_tokens, q.output_tokens or 0) for q in questions if q.input_tokens is not None]
    usd = math.fsum(question.cost_usd for question in questions)

    def per_1000(total: float, n: int) -> float:
        return 1_000.0 * total / n if n else math.nan

    return Cost(
        requests=len(questions),
        decisions=decisions,
        input_tokens_per_1000_requests=per_1000(sum(tokens for tokens, _ in counted), len(counted)),
        output_tokens_per_1000_requests=per_1000(sum(tokens for _, tokens in counted), len(counted)),
        uncounted=len(questions) - len(counted),
        usd_per_1000_requests=per_1000(usd, len(questions)),
        usd_per_1000_decisions=per_1000(usd, decisions),
        usd_per_trigger=usd / len(second),
        is_estimate=any(question.is_estimate for question in questions),
    )
