"""The inputs of a replay as text: each file with its rows, and everything that a reader of the result should know."""

from __future__ import annotations

from collections.abc import Iterator

from aftershock.app.replay import ReplayResult
from aftershock.cli.table import table
from aftershock.model.units import iso_utc
from aftershock.venues.tardis import FileReport

__all__ = ["inputs_text", "short_time"]


def short_time(ts_ns: int) -> str:
    """Return a moment to the millisecond."""
    return iso_utc(ts_ns)[:23].replace("T", " ")


def inputs_text(result: ReplayResult) -> str:
    """Return one line per file, and below them what is wrong with it."""
    config = result.settings.config
    rows = [
        [_tail(report.path), report.kind, f"{report.rows:,}", f"{report.rows_dropped:,}", *_span(report)]
        for report in result.reports
    ]
    how = f"clocks {config.clocks}, options feed {config.options_feed}, forward {config.forward}"
    lines = [
        f"inputs    {result.rows:,} rows, {result.rows_dropped:,} dropped; {how}",
        table(["file", "kind", "rows", "dropped", "first", "last"], rows, left=2),
    ]
    for report in result.reports:
        lines += [f"  {_tail(report.path)}: {text}" for text in _complaints(report)]
    if result.interrupted:
        lines.append("  INTERRUPTED: what follows is what there was until then")
    return "\n".join(lines)


def _span(report: FileReport) -> list[str]:
    return ["" if ts is None else short_time(ts) for ts in (report.first_ts, report.last_ts)]


def _complaints(report: FileReport) -> Iterator[str]:
    if report.incomplete:
        yield f"INCOMPLETE: {report.incomplete}"
    for reason, count in report.dropped.items():
        yield f"{count:,} rows dropped: {reason}"
    for example in report.examples:
        yield f"  line {example.line}, {example.reason}: {example.excerpt}"
    if report.out_of_order:
        yield f"{report.out_of_order:,} rows out of order, taken at the latest time seen"
    for kind, count in report.unused.items():
        yield f"{count:,} messages of no use here: {kind.removeprefix('unused:')}"
    if report.errors:
        yield f"{report.errors:,} error messages of the recorder"
    yield from report.notes


def _tail(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return name if len(name) <= 52 else f"{name[:49]}..."
