"""A study of flags as text."""

from __future__ import annotations

import math

from aftershock.app.event_study import MIN_HOURS, EventStudy, Tally
from aftershock.app.flags import LEVELS, SILENCE_NS, Flag
from aftershock.cli.inputs_text import inputs_text, short_time
from aftershock.cli.replay_text import MAX_LINES
from aftershock.cli.table import number, table
from aftershock.model.units import NS_PER_S

__all__ = ["study_text"]

_LEVELS = {"gross": "positive before costs", "net": "positive after costs", "signal": "BUY or SELL"}
_HEADS = ["flag", "kind", "flags", "per hour", "quoted again", "still there", "95 %", "median wait"]


def study_text(study: EventStudy) -> str:
    """Return the report."""
    sections = [inputs_text(study.replayed), _tests(study), _flags(study), _list(study), _refusals(study)]
    return "\n\n".join(section for section in sections if section)


def _tests(study: EventStudy) -> str:
    book = study.book
    covered = f"{study.hours:.2f} h in sight of {study.span_hours:.2f} h from first to last option quote"
    lines = [
        f"covered   {covered}; {study.replayed.stats.option_rows:,} option rows at {book.moments:,} moments",
        f"  A silence of more than {SILENCE_NS // (60 * NS_PER_S)} minutes is not in sight.",
    ]
    rows = [
        [kind, f"{counts.checked:,}", f"{counts.desync:,}", f"{counts.unquoted:,}"]
        for kind, counts in study.replayed.stats.packages.items()
        if counts.checked or counts.desync
    ]
    if rows:
        lines += ["", "tests on executable prices", table(["kind", "checked", "desync", "unquoted"], rows)]
    return "\n".join(lines)


def _flags(study: EventStudy) -> str:
    rows = []
    for level in LEVELS:
        rows.append([_LEVELS[level], "all", *_tally(study.tally(level))])
        rows += [["", kind, *_tally(study.tally(level, kind))] for kind in study.kinds(level)]
    lines = ["flags, each followed until all its options were quoted again", table(_HEADS, rows, left=2)]
    if not study.hours >= MIN_HOURS:
        lines.append(f"  Less than {MIN_HOURS:g} h was in sight: no rate per hour is given.")
    if study.book.not_followed:
        lines.append(f"  {study.book.not_followed:,} decisions on perpetuals were not followed.")
    return "\n".join(lines)


def _tally(tally: Tally) -> list[str]:
    share = tally.share
    interval = "-" if math.isnan(share.value) else f"{100 * share.low:.0f} to {100 * share.high:.0f} %"
    return [
        f"{tally.flags:,}",
        number(tally.per_hour, 3),
        f"{tally.followed:,}",
        f"{tally.survived:,} of {tally.followed:,}",
        interval,
        "-" if math.isnan(tally.median_wait_s) else f"{tally.median_wait_s:,.1f} s",
    ]


def _list(study: EventStudy) -> str:
    flags = study.book.flags
    if not flags:
        return ""
    heads = ["time (UTC)", "flag", "kind", "options", "gross", "net bps", "then gross", "net bps", "after s"]
    lines = [table(heads, [_flag(flag) for flag in flags[:MAX_LINES]], left=4)]
    if len(flags) > MAX_LINES:
        lines.append(f"  ... and {len(flags) - MAX_LINES:,} more (all of them with --json)")
    return "\n".join(lines)


def _flag(flag: Flag) -> list[str]:
    legs = []
    for leg in flag.legs:
        side, _, symbol = leg.split(" ", 2)
        legs.append(("+" if side == "buy" else "-") + symbol)
    figures = (flag.gross_bps, flag.net_bps, flag.next_gross_bps, flag.next_net_bps)
    return [
        short_time(flag.ts_init),
        flag.level,
        flag.kind,
        " ".join(legs),
        *(number(figure, 2) for figure in figures),
        number(flag.wait_s, 1),
    ]


def _refusals(study: EventStudy) -> str:
    refusals = study.refusals()
    if not refusals:
        return ""
    rows = [[each.of, each.reason, f"{each.count:,}", each.meaning] for each in refusals]
    widest = max(len(row[2]) for row in rows)
    rows = [[of, reason, count.rjust(widest), meaning] for of, reason, count, meaning in rows]
    return "refused or not tested\n" + table(["what", "reason", "count".rjust(widest), "meaning"], rows, left=4)
