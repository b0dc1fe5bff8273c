"""The parts of a report that set runs side by side."""

from __future__ import annotations

from aftershock.study.parts import Cell, Part, Row, value_cell
from aftershock.study.report_data import Evaluation, RunReport
from aftershock.study.run_parts import OUTCOMES
from aftershock.study.words import number, p_value, prior_name, span

__all__ = ["runs_parts"]

_BRIEF = (
    *("accuracy", "fpr", "precision_fill", "precision_order", "recall_capture", "recall_offered"),
    *("pnl_bps_per_fill", "pnl_usd"),
)


def runs_parts(evaluation: Evaluation) -> list[Part]:
    """Return the parts that have more than one run to show."""
    parts = []
    if evaluation.baselines:
        parts.append(_baselines(evaluation))
    if len(evaluation.judged) > 1:
        parts.append(_goals_by_run(evaluation))
    if len(evaluation.runs) > 1:
        parts.append(_runs(evaluation))
    return parts


def _brief(report: RunReport) -> list[str | Cell]:
    values = [value_cell(name, report.main.figures[name]) for name in _BRIEF]
    return [f"{report.orders:,}", f"{report.fills:,}", *values]


def _baselines(evaluation: Evaluation) -> Part:
    named = [("this run", evaluation.main), *evaluation.baselines.items()]
    remarks = []
    for name, found in evaluation.against.items():
        accuracy, usd = found.differences["accuracy"], found.differences["pnl_usd"]
        points = [number(100.0 * end, 1, sign=True) for end in (accuracy.value, accuracy.low, accuracy.high)]
        remarks.append(
            f"{name} minus this run: accuracy {points[0]} points ({points[1]} to {points[2]}), USD per trigger "
            f"{number(usd.value, sign=True)} ({span('pnl_usd', usd)}); right alone on {found.mcnemar.second_only:,} "
            f"triggers against {found.mcnemar.first_only:,}, {p_value(found.mcnemar.p_value)}"
        )
    return Part(
        name="baselines",
        title=f"beside it on the same triggers, {prior_name(evaluation.prior)}",
        heads=("strategy", "orders", "fills", *_BRIEF),
        rows=tuple((name, *_brief(report)) for name, report in named),
        remarks=tuple(remarks),
    )


def _goals_by_run(evaluation: Evaluation) -> Part:
    rows: list[Row] = []
    for report in evaluation.judged:
        key = report.key
        outcomes = [Cell(*OUTCOMES[goal.outcome]) for goal in report.goals]
        rows.append((key.world, key.makers, f"{key.latency_ms:g}", f"{key.feed_lag_ms:g}", *outcomes))
    return Part(
        name="goals_by_run",
        title=f"goals of {evaluation.main.key.strategy} in each run",
        heads=("world", "makers", "order ms", "feed ms", *(goal.name for goal in evaluation.main.goals)),
        rows=tuple(rows),
        words=(0, 1),
    )


def _runs(evaluation: Evaluation) -> Part:
    rows: list[Row] = []
    for report in evaluation.runs:
        key = report.key
        names = (key.strategy, key.world, key.makers)
        latencies = (f"{key.latency_ms:g}", f"{key.feed_lag_ms:g}")
        rows.append((*names, *latencies, *_brief(report), report.leak.verdict))
    return Part(
        name="runs",
        title=f"all runs, {prior_name(evaluation.prior)}",
        heads=("strategy", "world", "makers", "order ms", "feed ms", "orders", "fills", *_BRIEF, "leak"),
        rows=tuple(rows),
        words=(0, 1, 2),
    )
