"""The parts of a report on one run, goals first."""

from __future__ import annotations

import math

from aftershock.study.figure import MIN_FILLS, MIN_TRIGGERS
from aftershock.study.goals import GOAL_PRIOR, Goal, Outcome
from aftershock.study.metrics import METRICS
from aftershock.study.parts import Cell, Mark, Part, Row, figure_cells
from aftershock.study.plans import PLANS
from aftershock.study.report_data import RunReport
from aftershock.study.words import METRIC_WORDS, number, percent, prior_name, run_name, shown, span

__all__ = ["OUTCOMES", "run_parts"]

OUTCOMES: dict[Outcome, tuple[str, Mark]] = {
    "met": ("met", "met"),
    "missed": ("MISSED", "missed"),
    "not_established": ("not established", "open"),
}


def run_parts(report: RunReport) -> list[Part]:
    """Return all parts; one without anything to show says so or is left out."""
    found = (
        _head(report),
        _goals(report),
        _figures(report),
        _realised(report),
        _types(report),
        _plans(report),
        _holds(report),
        _captured(report),
        _survival(report),
        _waterfall(report),
        _calibration(report),
        _leak(report),
    )
    return [part for part in found if part.rows or part.remarks]


def _head(report: RunReport) -> Part:
    found = report.realised_prevalence
    remarks = [
        f"{report.triggers:,} triggers, {report.decisions:,} decisions",
        f"{report.orders:,} orders sent, {report.fills:,} of them filled",
        f"a true opportunity in {percent(found.value)} of the triggers as simulated ({span('fpr', found)})",
    ]
    if report.outside_orders:
        remarks.append(f"{report.outside_orders:,} orders outside the time that triggers are judged on: not judged")
    return Part(name="run", title=run_name(report.key), remarks=tuple(remarks))


def _goals(report: RunReport) -> Part:
    return Part(
        name="goals",
        title=f"goals, at the worse end of the 95 % interval and a prior of {percent(GOAL_PRIOR, 0)}",
        heads=("goal", "asked", "bound", "measured", "n", "outcome"),
        rows=tuple(_goal(goal) for goal in report.goals),
        words=(0, -1),
        remarks=(f"to be met a goal needs {MIN_TRIGGERS:,} triggers and {MIN_FILLS} fills",),
    )


def _goal(goal: Goal) -> Row:
    counted = goal.relation == "=="
    outcome, mark = OUTCOMES[goal.outcome]
    return (
        goal.name,
        f"{goal.relation} {0 if counted else shown(goal.name, goal.limit)}",
        number(goal.bound, 0) if counted else shown(goal.name, goal.bound),
        "" if counted else shown(goal.name, goal.figure.value),
        f"{goal.figure.n:,}",
        Cell(outcome + (f": {goal.note}" if goal.note else ""), mark),
    )


def _figures(report: RunReport) -> Part:
    heads = ["metric"]
    for found in report.metrics:
        heads += [prior_name(found.prior), "95 %"]
    rows: list[Row] = []
    for name in METRICS:
        cells = [cell for found in report.metrics for cell in figure_cells(name, found.figures[name])]
        rows.append((name, *cells, f"{report.main.figures[name].n:,}", METRIC_WORDS[name]))
    weak = any(found.figures[name].status != "ok" for found in report.metrics for name in METRICS)
    return Part(
        name="figures",
        title="figures, edge label",
        heads=(*heads, "n", "what"),
        rows=tuple(rows),
        words=(0, -1),
        remarks=("figures marked * (pale on the page) rest on too small a sample to judge by",) if weak else (),
    )


def _realised(report: RunReport) -> Part:
    rows: tuple[Row, ...] = tuple(
        (
            horizon,
            *figure_cells("pnl_bps_per_fill", found.pnl_bps_per_fill),
            *figure_cells("precision_fill", found.precision_fill),
            f"{found.precision_fill.n:,}",
        )
        for horizon, found in report.main.realised.items()
    )
    return Part(
        name="realised",
        title="realised label: what a fill was worth later, luck included",
        heads=("horizon", "bps per fill", "95 %", "profitable", "95 %", "fills"),
        rows=rows,
    )


def _types(report: RunReport) -> Part:
    rows: tuple[Row, ...] = tuple(
        (
            found.edge,
            f"{found.orders:,}",
            f"{found.fills:,}",
            *figure_cells("precision_fill", found.precision_fill),
            *figure_cells("pnl_bps_per_fill", found.pnl_bps_per_fill),
            number(found.pnl_usd, 0, sign=True),
        )
        for found in report.types
    )
    return Part(
        name="types",
        title="by type of edge; precision and bps at the prior, USD as simulated",
        heads=("type", "orders", "fills", "precision", "95 %", "bps per fill", "95 %", "USD"),
        rows=rows,
        remarks=() if rows else ("no order was sent",),
    )


def _plans(report: RunReport) -> Part:
    return Part(
        name="plans",
        title="by plan and decoy, as simulated",
        heads=("plan", "triggers", "true", "ordered", "orders", "fills", "USD", "expected", "what it is"),
        rows=tuple(
            (
                found.plan,
                f"{found.n:,}",
                f"{found.positive:,}",
                percent(found.ordered.value),
                f"{found.orders:,}",
                f"{found.fills:,}",
                number(found.pnl_usd, 0, sign=True),
                found.expected,
                PLANS.get(found.plan, ""),
            )
            for found in report.plans
        ),
        words=(0, -2, -1),
    )


def _holds(report: RunReport) -> Part:
    rows: tuple[Row, ...] = tuple((reason, f"{count:,}") for reason, count in report.hold_reasons.items())
    return Part(name="holds", title="why HOLD", heads=("reason", "count"), rows=rows)


def _captured(report: RunReport) -> Part:
    return Part(
        name="captured",
        title="opportunities captured, as simulated",
        heads=("of", "class", "captured", "95 %", "alive in time"),
        rows=tuple(
            (kind, found.name, percent(found.captured.value), span("fpr", found.captured), f"{found.captured.n:,}")
            for kind, classes in (("peak, bps", report.captured_peak), ("planted", report.captured_plan))
            for found in classes
        ),
        words=(0, 1),
    )


def _survival(report: RunReport) -> Part:
    rows: tuple[Row, ...] = tuple(
        (
            f"{point.latency_ms:g} ms",
            percent(point.alive.value),
            span("fpr", point.alive),
            number(point.edge_bps.value, sign=True),
            number(point.per_order_bps.value, sign=True),
            f"{point.n:,}",
        )
        for point in report.survival.points
    )
    return Part(
        name="survival",
        title="had the orders taken longer",
        heads=("order latency", "edge still there", "95 %", "bps if filled", "bps per order", "orders"),
        rows=rows,
        remarks=(_half_life(report),) if rows else (),
    )


def _half_life(report: RunReport) -> str:
    half, longest = report.survival.half_life_ms, report.survival.longest_ms
    if math.isnan(half):
        return "no edge was there even at the shortest latency: there is no half-life"
    if math.isinf(half):
        return f"half of the edges outlive {longest:g} ms"
    return f"half of the edges are gone after {number(half, 0)} ms"


def _waterfall(report: RunReport) -> Part:
    found = report.waterfall
    steps = [(step.name.replace("_", " "), step.bps) for step in found.steps]
    rows: tuple[Row, ...] = tuple(
        (name, number(bps.value, sign=True), span("pnl_usd", bps))
        for name, bps in ([*steps, ("= edge label", found.net_bps)] if found.n else [])
    )
    gap = f"the steps of a fill miss its label by up to {found.gap_bps:.3g} bps"
    return Part(
        name="waterfall",
        title=f"from the claim to the edge label, mean over {found.n:,} fills",
        heads=("step", "bps", "95 %"),
        rows=rows,
        remarks=(gap,) if found.gap_bps > 1e-6 else (),
    )


def _calibration(report: RunReport) -> Part:
    found = report.reliability
    scores = (
        f"Brier {number(found.brier.value, 3)}, log-loss {number(found.log_loss.value, 3)}, ECE "
        f"{number(found.ece.value, 3)} ({span('ece', found.ece)})"
    )
    return Part(
        name="calibration",
        title=f"calibration of the confidence, {found.n:,} fills",
        heads=("stated", "came true", "95 %", "fills"),
        rows=tuple(
            (percent(b.stated), percent(b.observed), f"{percent(b.low)} to {percent(b.high)}", f"{b.n:,}")
            for b in found.bins
        ),
        words=(),
        remarks=(scores,) if found.n else ("no fill had a stated confidence",),
    )


def _leak(report: RunReport) -> Part:
    found = report.leak
    if not found.n:
        return Part(name="leak", title="leak check", remarks=("no order was on a true opportunity",))
    verdict = "SUSPECT: this strategy may see what it can't know" if found.verdict == "suspect" else "clear"
    remark = (
        f"{verdict}; {found.early:,} of {found.n:,} orders on a true opportunity came before delivered data could show "
        f"it ({percent(found.share.value)}, {span('fpr', found.share)})"
    )
    return Part(name="leak", title="leak check", remarks=(remark,))
