"""One request to a provider as it is kept for good: what was sent, what came back, what it cost, what became of it."""

from __future__ import annotations

import msgspec

from aftershock.review.usage import Usage

__all__ = ["FORMAT", "ReviewRecord", "Verdict"]

FORMAT = 1


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a model says of an order.

    Attributes:
        action: `BUY`, `SELL` or `HOLD`.
        probability: That the order pays, 0 to 1.
        reasons: Values of `ReviewCode`, up to three.
    """

    action: str
    probability: float
    reasons: tuple[str, ...] = ()


class ReviewRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a recording. No key is in it: headers of the request are not kept.

    Attributes:
        format: Of this record.
        request_id, trigger_id: Of the question.
        ts_ns: When it was asked, ns UTC.
        provider, model: Whom we asked, and for which model; empty if nobody was asked.
        answered_by: The model that answered, as the provider says.
        prompt_version, schema_version: Of the question's form.
        request_sha256: Of the exact bytes sent.
        request: Those bytes.
        status: HTTP status; 0 without an answer.
        headers: Those of the answer that tell of limits, request ids and processing time.
        reply: The answer's body as it came, cut off at a size; `reply_bytes` how long it was.
        completion_id, fingerprint: As the provider says.
        finish_reason: Likewise.
        usage: None if nothing was counted or estimated.
        price: Which row of which price table was applied.
        cost_usd: None if there is no price.
        queued_ms, connect_ms, first_byte_ms, total_ms: From the question; None where it did not come so far.
        verdict: None without a usable answer.
        fallback: A value of `Fallback`; empty with a verdict.
        detail: One sentence about the fallback, without the provider's text.
        from_cache: True if an earlier answer to the same bytes was taken and nothing sent.
        too_late: True if the answer came after the deadline: recorded and paid for, of no effect.
    """

    format: int = FORMAT
    request_id: str
    trigger_id: str
    ts_ns: int
    provider: str = ""
    model: str = ""
    answered_by: str = ""
    prompt_version: str = ""
    schema_version: str = ""
    request_sha256: str = ""
    request: str = ""
    status: int = 0
    headers: dict[str, str] = {}
    reply: str = ""
    reply_bytes: int = 0
    completion_id: str = ""
    fingerprint: str = ""
    finish_reason: str = ""
    usage: Usage | None = None
    price: str = ""
    cost_usd: float | None = None
    queued_ms: float | None = None
    connect_ms: float | None = None
    first_byte_ms: float | None = None
    total_ms: float | None = None
    verdict: Verdict | None = None
    fallback: str = ""
    detail: str = ""
    from_cache: bool = False
    too_late: bool = False
