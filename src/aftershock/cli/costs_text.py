"""Costs of second opinions as text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from aftershock.app.cost_claims import CLAIMS, reasons
from aftershock.app.costs import TABLES, Comparison, Offer
from aftershock.app.plain import ranked
from aftershock.app.recorded_costs import Asked, Recorded
from aftershock.app.words import FALLBACKS
from aftershock.cli.table import duration, number, table
from aftershock.model.review import Fallback
from aftershock.model.units import iso_utc

__all__ = ["costs_text"]

_WIDTH = 116


def costs_text(found: Comparison, recorded: Recorded | None) -> str:
    """Return the report."""
    sections = [_head(found), _prompts(found), _matrix(found), _signals(found), _why(found)]
    if recorded is not None:
        sections += [_recordings(recorded)]
    return "\n\n".join(sections)


def _head(found: Comparison) -> str:
    return "\n".join(
        [
            f"prices    of {iso_utc(found.at_ns)[:16]}Z, table {found.version}: the article's, and what is published",
            "tokens    by our estimate, unless recorded; a provider's frames around messages are not in it",
        ]
    )


def _prompts(found: Comparison) -> str:
    rows = [
        [
            each.name,
            "" if each.characters is None else f"{each.characters:,}",
            f"{each.input_tokens:,.0f}",
            "" if each.quarter_of_characters is None else f"{each.quarter_of_characters:,}",
            f"{each.output_tokens:,.0f}",
            "estimate" if each.is_estimate else "counted by providers",
        ]
        for each in found.prompts
    ]
    heads = ["question", "characters", "tokens", "characters / 4", "answer tokens", ""]
    return "questions: the article's with so many options, and ours\n" + table(heads, rows)


def _matrix(found: Comparison) -> str:
    rows = [
        [
            offer.table,
            offer.provider,
            offer.model,
            offer.note,
            f"{offer.input_usd:g} / {offer.output_usd:g}",
            *(number(cost.usd_per_1000, 3 if cost.usd_per_1000 < 1 else 2) for cost in offer.costs),
        ]
        for offer in found.offers
    ]
    heads = ["prices", "provider", "model", "", "in / out per MTok", *(prompt.name for prompt in found.prompts)]
    return "USD per 1,000 requests\n" + table(heads, rows, left=4)


def _signals(found: Comparison) -> str:
    by_row = {(o.table, o.provider, o.model): o for o in found.offers if not o.is_peak}
    names = [prompt.name for prompt in found.prompts]
    smallest, ours = names[0], "ours"
    rows = []
    for claim in CLAIMS:
        offers = [by_row.get((name, claim.provider, claim.model)) for name in TABLES]
        figures = [_per_request(offer, names.index(prompt)) for prompt in (smallest, ours) for offer in offers]
        rows.append([claim.provider, claim.model, claim.usd_per_signal, f"{claim.tokens:.1f}", *figures])
    heads = ["provider", "model", "article says", "= tokens", smallest, "published", ours, "published"]
    return "USD per signal, one request each: the article's prices, then published ones\n" + table(heads, rows, left=2)


def _per_request(offer: Offer | None, prompt: int) -> str:
    return "-" if offer is None else f"{offer.costs[prompt].usd_per_request:.6f}"


def _why(found: Comparison) -> str:
    lines = [
        textwrap.fill(each, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
        for each in reasons(found)
    ]
    return "\n".join(["why the article's figures differ", *lines])


# --- recordings -----------------------------------------------------------------------------------------------------


def _recordings(recorded: Recorded) -> str:
    files = "1 file" if len(recorded.files) == 1 else f"{len(recorded.files):,} files"
    unsent = f"{recorded.from_cache:,} answered from the cache, {recorded.not_sent:,} never sent"
    lines = [f"recordings: {files}, {recorded.lines:,} lines; {unsent}"]
    if recorded.faults:
        reasons_of = ", ".join(f"{why} ({count:,})" for why, count in ranked(recorded.faults).items())
        lines.append(f"  bad lines left out: {recorded.faults.total():,}: {reasons_of}")
        lines += [f"    {_printable(example)}" for example in recorded.examples]
    models = recorded.models()
    if not models:
        return "\n".join([*lines, "  no request was sent"])
    lines += [_requests(models), "", _money(models, recorded.decisions)]
    fallbacks = [
        [_printable(each.provider), _printable(each.model), _printable(name), f"{count:,}", _meaning(name)]
        for each in models
        for name, count in ranked(each.fallbacks).items()
    ]
    if fallbacks:
        lines += ["", table(["provider", "model", "fallback", "count", "meaning"], fallbacks, left=5)]
    for each in models:
        for name, count in ranked(each.other_models).items():
            lines.append(f"  {count:,} answers of {_printable(each.model)} came from {_printable(name)}")
    return "\n".join(lines)


def _requests(models: Sequence[Asked]) -> str:
    rows = []
    for each in models:
        known = each.with_tokens
        means = (each.input_tokens, each.cached_tokens, each.output_tokens, each.reasoning_tokens)
        total = each.total.summary()
        rows.append(
            [
                _printable(each.provider),
                _printable(each.model),
                f"{each.requests:,}",
                f"{each.answers:,}",
                f"{each.late:,}",
                f"{each.counted:,} / {each.estimated:,} / {each.at_worst:,} / {each.free:,}",
                *(number(mean / known if known else None, 0) for mean in means),
                *(duration(total[name]) for name in ("p50", "p99", "max")),
            ]
        )
    heads = ["provider", "model", "requests", "answers", "late", "counted / estimated / at worst / free"]
    return table([*heads, "tokens in", "cached", "out", "thoughts", "p50", "p99", "max"], rows, left=2)


def _money(models: Sequence[Asked], decisions: int | None) -> str:
    rows = []
    for each in models:
        for name, usd in each.usd.items():
            row = [_printable(each.provider), _printable(each.model), name, _usd(usd), _usd(each.recorded_usd)]
            row.append(_usd(1_000 * usd / each.requests))
            if decisions is not None:
                row.append(_usd(1_000 * usd / decisions))
            rows.append(row)
    heads = ["provider", "model", "prices", "USD", "as recorded", "per 1,000 requests"]
    return table(heads if decisions is None else [*heads, f"per 1,000 of {decisions:,} decisions"], rows, left=3)


def _usd(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.6f}"


def _meaning(name: str) -> str:
    try:
        return FALLBACKS[Fallback(name)]
    except ValueError:
        return "not known to this version"


def _printable(text: str) -> str:
    """Return text of a file without what a terminal would obey."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[:200])
