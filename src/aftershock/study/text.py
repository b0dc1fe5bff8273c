"""An evaluation as text for a terminal: goals first, then the figures, then where they come from."""

from __future__ import annotations

from aftershock.study.parts import Cell, Part
from aftershock.study.report_data import Evaluation, RunReport
from aftershock.study.review_parts import review_parts
from aftershock.study.run_parts import run_parts
from aftershock.study.runs_parts import runs_parts
from aftershock.study.words import layout

__all__ = ["evaluation_text", "run_text"]


def evaluation_text(evaluation: Evaluation) -> str:
    """Return the report: the main run whole, the others in a line each."""
    reviews = [part for report in evaluation.reviews for part in review_parts(report)]
    parts = [*reviews, *run_parts(evaluation.main), *runs_parts(evaluation)]
    return f"seeds {evaluation.seeds}\n\n" + "\n\n".join(_part(part) for part in parts) + "\n"


def run_text(report: RunReport) -> str:
    """Return the report of one run."""
    return "\n\n".join(_part(part) for part in run_parts(report)) + "\n"


def _part(part: Part) -> str:
    lines = [part.title]
    if part.rows:
        lines.append(layout(part.heads, [[_cell(cell) for cell in row] for row in part.rows], words=part.words))
    lines += [f"  {remark}" for remark in part.remarks]
    return "\n".join(lines)


def _cell(cell: str | Cell) -> str:
    if isinstance(cell, Cell):
        return f"{cell.text} *" if cell.mark == "weak" else cell.text
    return cell
