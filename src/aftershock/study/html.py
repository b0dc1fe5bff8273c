"""An evaluation as one self-contained page: it loads nothing, runs no script, and reads in light and dark."""

from __future__ import annotations

from html import escape

from aftershock.study.parts import Cell, Part
from aftershock.study.plots import calibration_plot, edge_plot, proportions_plot, survival_plot, waterfall_plot
from aftershock.study.report_data import Evaluation, RunReport
from aftershock.study.review_parts import review_parts
from aftershock.study.run_parts import run_parts
from aftershock.study.runs_parts import runs_parts
from aftershock.study.words import prior_name

__all__ = ["evaluation_page"]

_STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--soft:#59636e;--page:#fff;--card:#f6f8fa;--rule:#dde2e7;
--first:#1f5fa8;--second:#a8500a;--third:#5b3fa0;--good:#18702f;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa5b1;--page:#0f1419;--card:#171d24;--rule:#333c46;
--first:#6db1f7;--second:#f2a65e;--third:#b79cf5;--good:#5ac877;--bad:#ff8177}}
body{font:14px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);margin:2rem auto;max-width:66rem;
padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}h2::first-letter{text-transform:uppercase}
p{margin:.3rem 0;color:var(--soft)}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.4rem 0}
td,th{padding:.2rem .6rem;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top;white-space:nowrap}
th{color:var(--soft);font-weight:500}.words{text-align:left}
.met{color:var(--good)}.missed{color:var(--bad);font-weight:600}.weak,.open{color:var(--soft)}
.plots{display:flex;flex-wrap:wrap;gap:1rem;margin:.5rem 0}figure{flex:1 1 20rem;max-width:44rem;margin:0;
background:var(--card);border-radius:6px;padding:.6rem}figcaption{color:var(--soft)}
svg{width:100%;height:auto;display:block}
svg text{font:11px system-ui,sans-serif;fill:var(--ink)}svg text.name{fill:var(--soft)}
.grid{stroke:var(--rule);fill:none}.axis{stroke:var(--soft);fill:none}.line{fill:none;stroke-width:2}
.bar{fill:none;stroke-width:2;stroke-opacity:.55}.band{stroke:none;fill-opacity:.16}
.line.first,.bar.first{stroke:var(--first)}.line.second,.bar.second{stroke:var(--second)}
.line.third,.bar.third{stroke:var(--third)}.line.reference{stroke:var(--soft);stroke-dasharray:4 4;stroke-width:1}
.dot.first,.band.first,rect.gain,rect.net{fill:var(--first)}.dot.second,rect.cost{fill:var(--second)}
.dot.third{fill:var(--third)}b.first{color:var(--first)}b.second{color:var(--second)}b.third{color:var(--third)}
"""


def evaluation_page(evaluation: Evaluation, title: str = "Aftershock evaluation") -> str:
    """Return the page: the main run whole with its plots, the others in a line each."""
    reviews = [part for report in evaluation.reviews for part in review_parts(report)]
    parts = [*reviews, *run_parts(evaluation.main), *runs_parts(evaluation)]
    body = "\n".join(_part(part, evaluation.main) for part in parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"<p>Seeds {escape(evaluation.seeds)}. Simulated markets: what they say about real ones is limited to what was "
        f"put into them.</p>\n{body}\n</body></html>\n"
    )


def _part(part: Part, report: RunReport) -> str:
    remarks = "".join(f"<p>{escape(remark)}</p>" for remark in part.remarks)
    return f'<h2 id="{part.name}">{escape(part.title)}</h2>{_plots(part.name, report)}{_table(part)}{remarks}'


def _plots(name: str, report: RunReport) -> str:
    drawn: list[tuple[str, str]] = []
    if name == "figures":
        styles = zip(("first", "second", "third"), report.metrics, strict=False)
        priors = ", ".join(f'<b class="{style}">{prior_name(found.prior)}</b>' for style, found in styles)
        drawn = [(proportions_plot(report.metrics), f"{priors}; bars are 95 % intervals")]
    elif name == "survival":
        both = '<b class="first">if filled</b>, <b class="second">per order sent</b>'
        drawn = [(survival_plot(report.survival), "with its 95 % interval"), (edge_plot(report.survival), both)]
    elif name == "waterfall":
        drawn = [(waterfall_plot(report.waterfall), "")]
    elif name == "calibration" and report.reliability.n:
        drawn = [(calibration_plot(report.reliability), "on the diagonal what was stated came true")]
    figures = "".join(f"<figure>{plot}<figcaption>{caption}</figcaption></figure>" for plot, caption in drawn)
    return f'<div class="plots">{figures}</div>' if figures else ""


def _table(part: Part) -> str:
    if not part.rows:
        return ""
    words = {column % len(part.heads) for column in part.words}
    heads = "".join(f"<th{_classes(i in words)}>{escape(head)}</th>" for i, head in enumerate(part.heads))
    rows = "".join(f"<tr>{''.join(_cell(cell, i in words) for i, cell in enumerate(row))}</tr>" for row in part.rows)
    return f'<div class="scroll"><table><tr>{heads}</tr>{rows}</table></div>'


def _cell(cell: str | Cell, words: bool) -> str:
    text, mark = (cell.text, cell.mark) if isinstance(cell, Cell) else (cell, "")
    return f"<td{_classes(words, mark)}>{escape(text)}</td>"


def _classes(words: bool, mark: str = "") -> str:
    names = " ".join(name for name in ("words" if words else "", mark) if name)
    return f' class="{names}"' if names else ""
