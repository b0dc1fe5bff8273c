"""Answers from a gateway's recording: what was asked before is answered as it was, and as late."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from aftershock.app.evaluation.reviewers import Answer
from aftershock.errors import InputError
from aftershock.model.signals import ReviewRequest
from aftershock.review.prompt import question
from aftershock.review.record import ReviewRecord
from aftershock.review.recording import LineFault, read_records

__all__ = ["MISSING", "Memory", "Recorded", "file_digest"]

MISSING = "missing"
"""Why there is no answer: the recording does not hold the question."""

_STAND_IN = "stand-in"
"""How the sandbox's gateway signs its answers, which no model gave."""


class Memory:
    """The records of a recording, by question and by what was asked in it.

    Attributes:
        faults: Lines that are no records; the last one may still be being written.
    """

    def __init__(self) -> None:
        self.faults: list[LineFault] = []
        self._by_id: dict[str, list[ReviewRecord]] = {}
        self._by_text: dict[str, list[ReviewRecord]] = {}
        self._texts: dict[str, str] = {}

    def read(self, path: Path) -> None:
        """Read a whole recording.

        Raises:
            InputError: It can't be read.
        """
        for record in read_records(path):
            if isinstance(record, LineFault):
                self.faults.append(record)
            else:
                self.add(record)

    def add(self, record: ReviewRecord) -> None:
        """Remember a record."""
        if record.request:
            self._texts[record.request_sha256] = _text_digest(*_texts_of(record.request))
        text = self._texts.get(record.request_sha256, "")
        self._by_id.setdefault(record.request_id, []).append(record)
        if text:
            self._by_text.setdefault(text, []).append(record)

    def has(self, request_id: str) -> bool:
        """Tell whether anything became of a question."""
        return request_id in self._by_id

    def answer(self, request: ReviewRequest, request_id: str) -> Answer | None:
        """Return what was answered to a question: by its id and its text, else by its text alone; None if never.

        A question whose text is another than it was is a new question, whatever its id.
        """
        text = _text_digest(*question(request))
        same = [
            each
            for each in self._by_id.get(request_id, ())
            if not each.request_sha256 or self._texts.get(each.request_sha256) == text
        ]
        return _answer_of(same) if same else _answer_of(self._by_text.get(text, []))


class Recorded:
    """Answers out of a recording alone; nothing is sent."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def ask(self, request: ReviewRequest, scope: str) -> Answer:
        """Return the recorded answer; without one, say that it is missing."""
        found = self._memory.answer(request, scope + request.request_id)
        return found or Answer(fallback=MISSING, latency_ms=0.0)


def _answer_of(records: list[ReviewRecord]) -> Answer | None:
    """Return what several requests for one question came to: the last verdict in time, a late one, or why none."""
    if not records:
        return None
    in_time = [each for each in records if each.verdict is not None and not each.too_late]
    answered = in_time or [each for each in records if each.verdict is not None]
    best = (answered or records)[-1]
    verdict = best.verdict
    sent = [each for each in records if each.usage is not None]
    costs = [each.cost_usd for each in records if each.provider]
    return Answer(
        action="" if verdict is None else verdict.action,
        probability=float("nan") if verdict is None else verdict.probability,
        reasons=() if verdict is None else verdict.reasons,
        fallback="" if verdict is not None else best.fallback,
        latency_ms=best.total_ms or 0.0,
        provider=best.provider,
        model=best.answered_by or best.model,
        input_tokens=sum(each.usage.input_tokens for each in sent if each.usage is not None) if sent else None,
        output_tokens=sum(each.usage.output_tokens for each in sent if each.usage is not None) if sent else None,
        cost_usd=sum(float("nan") if cost is None else cost for cost in costs),
        is_estimate=any(each.usage.is_estimate for each in sent if each.usage is not None),
        stand_in=_STAND_IN in (best.fingerprint, best.provider),
    )


class _Message(msgspec.Struct):
    role: str
    content: str


class _Body(msgspec.Struct):
    messages: tuple[_Message, ...] = ()


_BODY = msgspec.json.Decoder(_Body)


def _texts_of(body: str) -> tuple[str, str]:
    """Return the two texts of a request's bytes: the rest of them is the provider's form, not the question."""
    try:
        messages = _BODY.decode(body).messages
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "", ""
    return (messages[0].content, messages[-1].content) if messages else ("", "")


def _text_digest(system: str, user: str) -> str:
    return hashlib.sha256(msgspec.json.encode((system, user))).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a recording, by which kept results know that it is the same.

    Raises:
        InputError: It can't be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"can't read the recording {path} ({error.strerror}): name a file of a gateway") from error
