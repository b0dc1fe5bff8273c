"""What a report shows of a second opinion. Each table says for itself whether it is evidence about a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from aftershock.study.figure import Figure, Status
from aftershock.study.parts import Cell, Part, Row
from aftershock.study.reviews import ReviewReport
from aftershock.study.words import number, p_value, percent, run_name

__all__ = ["review_document", "review_parts"]

_CAUSES = {
    "refused": "the answer refused",
    "fallback": "refused without an answer",
    "gone": "the edge went while it waited",
    "risk_limit": "a risk limit, then",
    "other": "the runs had parted before",
}


def review_document(reports: Sequence[ReviewReport]) -> dict[str, Any]:
    """Return what the JSON document says of them: `evidence` at its top, in each run and in each table."""
    evidence = all(report.evidence for report in reports)
    note = next((report.note for report in reports if not report.evidence), reports[0].note)
    return {
        "evidence": evidence,
        "evidence_note": note,
        "reviewer": {
            "evidence": evidence,
            "note": note,
            **msgspec.to_builtins(reports[0].reviewing),
            "runs": [_run(report) for report in reports],
        },
    }


def _run(report: ReviewReport) -> dict[str, Any]:
    says = {"evidence": report.evidence, "note": report.note}
    return {
        "run": report.key,
        **says,
        "triggers": report.triggers,
        "orders_without": report.orders_without,
        "orders_with": report.orders_with,
        "answers": {**says, **msgspec.structs.asdict(report.answers)},
        "paired": {**says, **msgspec.structs.asdict(report.pairs)},
        "by_trigger": {**says, **msgspec.structs.asdict(report.by_trigger), "status": report.by_trigger_status},
        "stopped": {**says, "causes": report.stopped},
        "probability": {**says, **msgspec.structs.asdict(report.opinion)},
        "waiting": {**says, **msgspec.structs.asdict(report.waiting)},
        "cost": {**says, **msgspec.structs.asdict(report.cost)},
    }


def review_parts(report: ReviewReport) -> list[Part]:
    """Return the parts about one run with a reviewer."""
    made = [_answers(report), _pairs(report), _stopped(report), _probability(report), _waiting(report), _cost(report)]
    return [
        msgspec.structs.replace(part, title=f"second opinion: {part.title}", remarks=(*part.remarks, report.note))
        for part in made
    ]


def _answers(report: ReviewReport) -> Part:
    asked, found = report.reviewing, report.answers
    fallbacks = ", ".join(f"{count:,} {name}" for name, count in found.by_fallback.items())
    rows: tuple[Row, ...] = (
        ("questions, one per trigger with an order", f"{found.requests:,}"),
        ("answered in time", f"{found.answers:,}"),
        ("of these for the order, HOLD", f"{found.agreed:,}, {found.refused:,}"),
        ("fallbacks", fallbacks or "0"),
        ("answer after, median and 99 %", f"{number(found.latency_p50_ms, 0)}, {number(found.latency_p99_ms, 0)} ms"),
        ("orders without and with it", f"{report.orders_without:,}, {report.orders_with:,}"),
    )
    who = f"{asked.reviewer}, {asked.mode}, deadline {asked.deadline_ms:g} ms"
    return Part(
        name="review", title=f"{who}; {run_name(report.key)}", heads=("what", "figure"), rows=rows, words=(0, 1)
    )


def _pairs(report: ReviewReport) -> Part:
    pairs, trigger = report.pairs, report.by_trigger.mcnemar
    usd = report.by_trigger.differences["pnl_usd"]
    rows: tuple[Row, ...] = (
        (
            "opportunities ordered on",
            f"{pairs.n:,}",
            f"{pairs.mcnemar.first_only:,}",
            f"{pairs.mcnemar.second_only:,}",
            _weak(p_value(pairs.mcnemar.p_value), pairs.status),
        ),
        (
            "triggers",
            f"{report.triggers:,}",
            f"{trigger.first_only:,}",
            f"{trigger.second_only:,}",
            _weak(p_value(trigger.p_value), report.by_trigger_status),
        ),
    )
    worth = [number(end, sign=True) for end in (usd.value, usd.low, usd.high)]
    return Part(
        name="review_pairs",
        title="decided rightly by one run alone (McNemar, exact)",
        heads=("paired by", "n", "only without (b)", "only with (c)", "p"),
        rows=rows,
        remarks=(
            f"with minus without, at the prior: {worth[0]} USD per trigger ({worth[1]} to {worth[2]})"
            + ("" if report.by_trigger_status == "ok" else ", not established"),
        ),
    )


def _stopped(report: ReviewReport) -> Part:
    rows: list[Row] = [
        (_CAUSES[each.cause], f"{each.right:,}", f"{each.wrong:,}", number(each.usd, sign=True))
        for each in report.stopped
    ]
    return Part(
        name="review_stopped",
        title="orders that were not sent with it, and what they were worth without",
        heads=("why", "right", "wrong", "USD"),
        rows=tuple(rows),
    )


def _probability(report: ReviewReport) -> Part:
    found = report.opinion
    rows: list[Row] = [
        (f"{each.stated:.3f}", f"{each.observed:.3f}", f"{each.low:.3f} to {each.high:.3f}", f"{each.n:,}")
        for each in found.reliability.bins
    ]
    return Part(
        name="review_probability",
        title="its probability that an order pays, against the edge label",
        heads=("stated", "came true", "95 %", "answers"),
        rows=tuple(rows),
        words=(),
        remarks=(
            f"Brier {_figure(found.brier, 3)}, ECE {_figure(found.ece, 3)}",
            f"{percent(found.base_rate.value)} of those orders paid; {found.unlabelled:,} answers have no label",
        ),
    )


def _waiting(report: ReviewReport) -> Part:
    found = report.waiting
    rows: tuple[Row, ...] = (
        ("decisions that waited", f"{found.held:,}"),
        ("mean wait", f"{number(found.mean_waited_ms, 0)} ms"),
        ("edge lost, mean, bps", _figure(found.lost_bps, 2)),
        ("edge lost, sum, bps", number(found.lost_bps_sum, 1)),
        ("could not be priced any more", f"{found.unpriced:,}"),
        ("edge gone", f"{percent(found.gone.value)} ({percent(found.gone.low)} to {percent(found.gone.high)})"),
    )
    return Part(name="review_waiting", title="what the waiting cost", heads=("what", "figure"), rows=rows, words=(0, 1))


def _cost(report: ReviewReport) -> Part:
    found = report.cost
    rows: tuple[Row, ...] = (
        ("tokens in, per 1,000 questions", number(found.input_tokens_per_1000_requests, 0)),
        ("tokens out, per 1,000 questions", number(found.output_tokens_per_1000_requests, 0)),
        ("USD per 1,000 questions", number(found.usd_per_1000_requests, 4)),
        (f"USD per 1,000 decisions (of {found.decisions:,})", number(found.usd_per_1000_decisions, 4)),
        ("USD per trigger", number(found.usd_per_trigger, 6)),
    )
    return Part(
        name="review_cost",
        title="tokens and money" + (", estimated" if found.is_estimate else ", as the provider counted"),
        heads=("what", "figure"),
        rows=rows,
        remarks=(f"{found.uncounted:,} questions of which nobody counted tokens",) if found.uncounted else (),
    )


def _figure(found: Figure, decimals: int) -> str:
    said = f"{number(found.value, decimals)} ({number(found.low, decimals)} to {number(found.high, decimals)})"
    return said if found.status == "ok" else f"{said}, not established"


def _weak(text: str, status: Status) -> Cell:
    return Cell(text, "" if status == "ok" else "weak")
