"""Everything that `evaluate` says about its runs, computed once; as JSON here, as text and as a page elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from aftershock.errors import UsageError
from aftershock.study.breakdown import (
    Capture,
    OfPlan,
    OfType,
    by_plan,
    by_type,
    capture_by_peak,
    capture_by_plan,
    hold_reasons,
)
from aftershock.study.compare import Comparison, compare
from aftershock.study.figure import Figure
from aftershock.study.goals import GOAL_PRIOR, Goal, judge
from aftershock.study.leaks import LeakCheck, leak_check
from aftershock.study.metrics import Metrics, confidence_reliability, measure, prevalence
from aftershock.study.records import RunKey, TriggerRecord, latency_key
from aftershock.study.reliability import Reliability
from aftershock.study.review_parts import review_document
from aftershock.study.reviews import ReviewReport
from aftershock.study.sample import Sample
from aftershock.study.survival import Survival, survival
from aftershock.study.table import tabulate
from aftershock.study.waterfall import Waterfall, waterfall

__all__ = [
    "PRIORS",
    "SCHEMA_VERSION",
    "Evaluation",
    "RunReport",
    "document",
    "evaluate_runs",
    "run_document",
    "run_report",
]

SCHEMA_VERSION = 1
PRIORS = (GOAL_PRIOR, 0.01)
"""A benchmark's prior and that of deployment."""


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    Attributes:
        key: What it was made with.
        triggers, orders, fills, decisions, evaluations, outside_orders: Counts.
        realised_prevalence: Share of triggers with a true opportunity in time, as simulated.
        metrics: One for each prior, the main one first.
        goals: Judged at `GOAL_PRIOR`, whatever the main prior is.
        types, survival, waterfall, reliability: At the main prior.
        plans, hold_reasons, captured_peak, captured_plan, leak: As simulated.
    """

    key: RunKey
    triggers: int
    orders: int
    fills: int
    decisions: int
    evaluations: int
    outside_orders: int
    realised_prevalence: Figure
    metrics: tuple[Metrics, ...]
    goals: tuple[Goal, ...]
    types: tuple[OfType, ...]
    plans: tuple[OfPlan, ...]
    hold_reasons: dict[str, int]
    survival: Survival
    waterfall: Waterfall
    reliability: Reliability
    captured_peak: tuple[Capture, ...]
    captured_plan: tuple[Capture, ...]
    leak: LeakCheck

    @property
    def main(self) -> Metrics:
        """Return the figures at the main prior."""
        return self.metrics[0]


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All runs of one command.

    Attributes:
        seeds: "A-B", both included.
        prior: The main one.
        main: The run that the goals are about: the first of the engine, or the first of all.
        runs: All of them, in the order given.
        baselines: Strategy to its run with the same world, makers, latency and feed lag as the main one.
        against: Strategy to the baseline minus the main run, trigger by trigger.
        reviews: Runs with a second opinion, each against the same run without.
    """

    seeds: str
    prior: float
    main: RunReport
    runs: tuple[RunReport, ...]
    baselines: dict[str, RunReport]
    against: dict[str, Comparison]
    reviews: tuple[ReviewReport, ...] = ()

    @property
    def judged(self) -> tuple[RunReport, ...]:
        """Return the runs of the main run's strategy, in the order given."""
        return tuple(report for report in self.runs if report.key.strategy == self.main.key.strategy)


def run_report(key: RunKey, triggers: Sequence[TriggerRecord], *, prior: float = GOAL_PRIOR) -> RunReport:
    """Compute everything about one run.

    Args:
        key: What it was made with; its latency is the one that the truth is asked at.
        triggers: Records.
        prior: Main prior.

    Raises:
        UsageError: The records do not know the truth at that latency, or the prior is not between 0 and 1.
        InputError: A trigger is there twice, or a fill has no label.
    """
    latency = latency_key(key.latency_ms)
    table = tabulate(triggers, latency)
    sample = Sample(table, prior)
    metrics = tuple(measure(sample.at(at)) for at in dict.fromkeys((prior, *PRIORS)))
    return RunReport(
        key=key,
        triggers=len(triggers),
        orders=len(table.orders),
        fills=table.fills,
        decisions=sum(trigger.decisions for trigger in triggers),
        evaluations=sum(trigger.evaluations for trigger in triggers),
        outside_orders=sum(trigger.outside_orders for trigger in triggers),
        realised_prevalence=prevalence(sample),
        metrics=metrics,
        goals=judge(next(found for found in metrics if found.prior == GOAL_PRIOR), triggers),
        types=by_type(sample),
        plans=by_plan(sample),
        hold_reasons=hold_reasons(triggers),
        survival=survival(sample),
        waterfall=waterfall(sample),
        reliability=confidence_reliability(sample),
        captured_peak=capture_by_peak(triggers, latency),
        captured_plan=capture_by_plan(triggers, latency),
        leak=leak_check(triggers),
    )


def evaluate_runs(
    runs: Sequence[tuple[RunKey, Sequence[TriggerRecord]]], *, seeds: str, prior: float = GOAL_PRIOR
) -> Evaluation:
    """Compute everything about all runs of one command.

    Args:
        runs: Records with what they were made with.
        seeds: "A-B", both included.
        prior: Main prior.

    Raises:
        UsageError: There is no run, two have the same key, or as `run_report` says.
        InputError: As `run_report` says.
    """
    if not runs:
        raise UsageError("no run: nothing can be evaluated")
    keys = [key for key, _ in runs]
    for key in keys:
        if keys.count(key) > 1:
            raise UsageError(f"two runs are of {key.world} {key.makers} {key.latency_ms:g} ms {key.strategy}")
    reports = [run_report(key, triggers, prior=prior) for key, triggers in runs]
    place = next((i for i, key in enumerate(keys) if key.strategy == "engine"), 0)
    main = keys[place]
    baselines: dict[str, RunReport] = {}
    against: dict[str, Comparison] = {}
    for key, (_, triggers), report in zip(keys, runs, reports, strict=True):
        if key.strategy != main.strategy and key == msgspec.structs.replace(main, strategy=key.strategy):
            latency = latency_key(key.latency_ms)
            baselines[key.strategy] = report
            against[key.strategy] = compare(
                runs[place][1], triggers, first_latency=latency, second_latency=latency, prior=prior
            )
    return Evaluation(
        seeds=seeds,
        prior=prior,
        main=reports[place],
        runs=tuple(reports),
        baselines=baselines,
        against=against,
    )


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Return the JSON document: null where a number is not there, names as the interface contract has them."""
    main = evaluation.main
    return _plain(
        {
            "schema_version": SCHEMA_VERSION,
            "seeds": evaluation.seeds,
            "prior": evaluation.prior,
            **_run(main),
            "baselines": {
                name: {**_brief(report), "minus_main": evaluation.against[name]}
                for name, report in evaluation.baselines.items()
            },
            "runs": [_run(report) for report in evaluation.runs],
            **(review_document(evaluation.reviews) if evaluation.reviews else {}),
        }
    )


def run_document(report: RunReport) -> dict[str, Any]:
    """Return one run as the document has it in `runs`."""
    return _plain(_run(report))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return JSON values only; encoding turns NaN and infinity into null, which is what JSON has."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(values))
    return plain


def _run(report: RunReport) -> dict[str, Any]:
    return {
        **_brief(report),
        "decisions": report.decisions,
        "evaluations": report.evaluations,
        "outside_orders": report.outside_orders,
        "realised_prevalence": report.realised_prevalence,
        "goals": report.goals,
        "metrics_by_prior": {f"{found.prior:g}": found.figures for found in report.metrics},
        "realised": report.main.realised,
        "confusion": report.main.confusion,
        "by_type": _named(report.types, "edge"),
        "by_plan": _named(report.plans, "plan"),
        "by_decoy": _named([plan for plan in report.plans if plan.plan.startswith("D")], "plan"),
        "hold_reasons": report.hold_reasons,
        "survival": report.survival,
        "waterfall": report.waterfall,
        "reliability": report.reliability,
        "capture_by_peak_bps": {found.name: found.captured for found in report.captured_peak},
        "capture_by_plan": {found.name: found.captured for found in report.captured_plan},
        "leak_check": report.leak,
    }


def _brief(report: RunReport) -> dict[str, Any]:
    return {
        "run": report.key,
        "triggers": report.triggers,
        "orders": report.orders,
        "fills": report.fills,
        "metrics": report.main.figures,
    }


def _named(rows: Sequence[msgspec.Struct], name: str) -> Mapping[str, Any]:
    return {getattr(row, name): row for row in rows}
