"""Costs from recordings of the gateway: what was counted, at today's table, beside what was written down then."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from aftershock.app.costs import Prompt
from aftershock.app.latency import LatencyHistogram
from aftershock.app.plain import ranked
from aftershock.errors import InputError
from aftershock.model.units import NS_PER_MS
from aftershock.review.prices import PriceTable
from aftershock.review.purse import MARGIN
from aftershock.review.record import ReviewRecord
from aftershock.review.recording import LineFault, read_records
from aftershock.review.tokens import estimate_tokens
from aftershock.review.usage import Usage

__all__ = ["Asked", "Recorded", "read_costs"]

_MOST_EXAMPLES = 5
_MOST_TOKENS = 10_000_000
_LONGEST_MS = 1e9
_LATEST_NS = 1 << 62
_LENGTHS = ("max_tokens", "max_completion_tokens")


class Asked:
    """What one model of one provider was asked and what that cost.

    Attributes:
        requests, answers, late: Sent; usable; usable or not, after the deadline.
        counted, estimated, at_worst, free: How the tokens of a request are known: by the provider, by our count, not at
            all (it was sent, nothing came back, the most that it may have cost stands for it), or nothing is charged.
        usage: Sums over `counted` and `estimated`.
        usd: By table, at the prices of each request's moment; NaN if one of them has none.
        recorded_usd: As written down then; NaN if one of them had no price.
        fallbacks: By reason.
        total, first_byte: From the question.
    """

    def __init__(self, provider: str, model: str) -> None:
        """Begin with nothing."""
        self.provider, self.model = provider, model
        self.requests = self.answers = self.late = 0
        self.counted = self.estimated = self.at_worst = self.free = 0
        self.input_tokens = self.cached_tokens = self.output_tokens = self.reasoning_tokens = 0
        self.usd = {"article": 0.0, "published": 0.0}
        self.recorded_usd = 0.0
        self.fallbacks: Counter[str] = Counter()
        self.other_models: Counter[str] = Counter()
        self.total, self.first_byte = LatencyHistogram(), LatencyHistogram()

    def add(self, record: ReviewRecord, prices: PriceTable) -> None:
        """Count a request."""
        self.requests += 1
        self.answers += record.verdict is not None
        self.late += record.too_late
        if record.fallback:
            self.fallbacks[record.fallback] += 1
        if record.answered_by and record.answered_by != record.model:
            self.other_models[record.answered_by] += 1
        for histogram, ms in ((self.total, record.total_ms), (self.first_byte, record.first_byte_ms)):
            if ms is not None:
                histogram.add(round(ms * NS_PER_MS))
        usage = self._usage(record)
        for table in self.usd:
            if usage is not None:
                price = prices.price(record.provider, record.model, record.ts_ns, table)
                self.usd[table] += math.nan if price is None else price.cost_usd(usage)
        self.recorded_usd += math.nan if record.cost_usd is None else record.cost_usd

    def _usage(self, record: ReviewRecord) -> Usage | None:
        """Return what has to be paid for; None for nothing."""
        usage = record.usage
        if usage is not None:
            self.estimated += usage.is_estimate
            self.counted += not usage.is_estimate
            self.input_tokens += usage.input_tokens
            self.cached_tokens += usage.cached_tokens
            self.output_tokens += usage.output_tokens
            self.reasoning_tokens += usage.reasoning_tokens
            return usage
        if record.cost_usd == 0 or record.status:
            self.free += 1
            return None
        self.at_worst += 1
        return _worst(record.request)

    @property
    def with_tokens(self) -> int:
        """Return the requests whose tokens were counted or estimated."""
        return self.counted + self.estimated

    def document(self, decisions: int | None) -> dict[str, Any]:
        """Return it as JSON values, but for NaN."""
        return {
            "provider": self.provider,
            "model": self.model,
            "requests": self.requests,
            "answers": self.answers,
            "late": self.late,
            "fallbacks": ranked(self.fallbacks),
            "other_models": ranked(self.other_models),
            "tokens": {
                "counted_requests": self.counted,
                "estimated_requests": self.estimated,
                "at_worst_requests": self.at_worst,
                "free_requests": self.free,
                "input": self.input_tokens,
                "cached": self.cached_tokens,
                "output": self.output_tokens,
                "reasoning": self.reasoning_tokens,
            },
            "usd": {**self.usd, "recorded": self.recorded_usd},
            "usd_per_1000_requests": {name: 1_000 * _per(usd, self.requests) for name, usd in self.usd.items()},
            "usd_per_1000_decisions": None
            if decisions is None
            else {name: 1_000 * _per(usd, decisions) for name, usd in self.usd.items()},
            "latency_ns": {"total": self.total.summary(), "first_byte": self.first_byte.summary()},
        }


class Recorded:
    """All recordings together.

    Attributes:
        files, lines: Read; every line that is not blank.
        faults: Lines that are no record, by reason; `examples` of them say where.
        not_sent, from_cache: Questions without a request.
        asked: By provider and model.
        decisions: That these reviews belong to; None if nobody said.
    """

    def __init__(self, decisions: int | None) -> None:
        """Begin with nothing."""
        self.files: list[Path] = []
        self.lines = self.not_sent = self.from_cache = 0
        self.faults: Counter[str] = Counter()
        self.examples: list[str] = []
        self.asked: dict[tuple[str, str], Asked] = {}
        self.decisions = decisions

    def models(self) -> list[Asked]:
        """Return who was asked, by provider and model."""
        return [self.asked[key] for key in sorted(self.asked)]

    def prompt(self) -> Prompt | None:
        """Return the mean request of all that have tokens; None without any."""
        models = self.models()
        known = sum(each.with_tokens for each in models)
        if known == 0:
            return None
        return Prompt(
            name="recorded",
            characters=None,
            input_tokens=sum(each.input_tokens for each in models) / known,
            cached_tokens=sum(each.cached_tokens for each in models) / known,
            output_tokens=sum(each.output_tokens for each in models) / known,
            is_estimate=any(each.estimated for each in models),
        )

    def document(self) -> dict[str, Any]:
        """Return it as JSON values, but for NaN."""
        return {
            "files": [_name(file) for file in self.files],
            "lines": self.lines,
            "bad_lines": {"count": self.faults.total(), "by_reason": ranked(self.faults), "examples": self.examples},
            "not_sent": self.not_sent,
            "from_cache": self.from_cache,
            "decisions": self.decisions,
            "models": [each.document(self.decisions) for each in self.models()],
        }


def read_costs(files: Sequence[Path], prices: PriceTable, decisions: int | None = None) -> Recorded:
    """Read recordings.

    Args:
        files: One or several.
        prices: By which costs are worked out again.
        decisions: How many decisions these reviews belong to.

    Raises:
        InputError: A file can't be read, or has lines and no record among them.
    """
    found = Recorded(decisions)
    for file in dict.fromkeys(files):
        found.files.append(file)
        records, faults = 0, 0
        for record in _checked(file):
            found.lines += 1
            if isinstance(record, LineFault):
                faults += 1
                found.faults[record.why] += 1
                if len(found.examples) < _MOST_EXAMPLES:
                    found.examples.append(f"{_name(file)}, line {record.line}: {record.why}")
                continue
            records += 1
            if record.from_cache:
                found.from_cache += 1
            elif not record.provider:
                found.not_sent += 1
            else:
                key = (record.provider, record.model)
                found.asked.setdefault(key, Asked(*key)).add(record, prices)
        if faults and not records:
            raise InputError(f"{_name(file)} is no recording of the gateway: none of its {faults:,} lines is a record")
    return found


def _checked(file: Path) -> Iterator[ReviewRecord | LineFault]:
    """Iterate over a recording; a record that nobody can have written is a fault, too."""
    # Blank lines aside, a record has the number of its place.
    for number, record in enumerate(read_records(file), start=1):
        if isinstance(record, ReviewRecord) and not _is_possible(record):
            yield LineFault(number, "the record has figures that can't be")
        else:
            yield record


def _is_possible(record: ReviewRecord) -> bool:
    usage, times = record.usage, (record.queued_ms, record.connect_ms, record.first_byte_ms, record.total_ms)
    return (
        0 <= record.ts_ns <= _LATEST_NS
        and (record.cost_usd is None or 0 <= record.cost_usd < math.inf)
        and all(ms is None or 0 <= ms <= _LONGEST_MS for ms in times)
        and (
            usage is None
            or (
                0 <= usage.cached_tokens <= usage.input_tokens <= _MOST_TOKENS
                and 0 <= usage.reasoning_tokens <= usage.output_tokens <= _MOST_TOKENS
            )
        )
    )


def _worst(request: str) -> Usage:
    """Return the most that a request may have been, as it was set aside: messages by our count, the longest answer."""
    tokens, most = estimate_tokens(request), 0
    try:
        body = msgspec.json.decode(request)
    except (msgspec.DecodeError, RecursionError):
        body = None
    if isinstance(body, dict):
        lengths = [value for name in _LENGTHS if type(value := body.get(name)) is int and 0 <= value <= _MOST_TOKENS]
        most = max(lengths, default=0)
        messages = body.get("messages")
        texts = (
            [each.get("content") for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
        )
        tokens = sum(estimate_tokens(text) for text in texts if isinstance(text, str)) or tokens
    return Usage(input_tokens=int(tokens * MARGIN), output_tokens=most, is_estimate=True)


def _name(file: Path) -> str:
    """Return a path as text that any encoding takes."""
    return str(file).encode(errors="replace").decode()


def _per(total: float, count: int) -> float:
    return total / count if count else math.nan
