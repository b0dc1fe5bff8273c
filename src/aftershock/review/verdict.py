"""A model's text becomes a verdict, or the reason why it is none: strict in form, checked for sense."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from aftershock.model.review import Fallback, ReviewCode
from aftershock.review.answer import Failure
from aftershock.review.record import Verdict

__all__ = ["read_verdict"]

_LONGEST = 4_000
_FENCED = re.compile(r"\A```[A-Za-z0-9_-]*\s*\n(.*?)\n?\s*```\Z", re.DOTALL)


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    action: Literal["BUY", "SELL", "HOLD"]
    probability: Annotated[float, Meta(ge=0, le=1)]
    reasons: Annotated[tuple[ReviewCode, ...], Meta(max_length=3)] = ()


_DECODER = msgspec.json.Decoder(_Said)


def read_verdict(content: str, side: str) -> Verdict | Failure:
    """Read a model's answer.

    Args:
        content: Its text; code fences around it are taken off.
        side: What was asked about, `BUY` or `SELL`: the other side is no answer, because a model may not flip an order.
    """
    if len(content) > _LONGEST:
        return Failure(Fallback.INVALID, f"the model's answer is longer than {_LONGEST} characters")
    text = content.strip()
    if (fenced := _FENCED.match(text)) is not None:
        text = fenced.group(1).strip()
    try:
        said = _DECODER.decode(text)
    except msgspec.ValidationError:
        return Failure(Fallback.INVALID, "the model's answer is JSON of another form than agreed")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Failure(Fallback.INVALID, "the model's answer is no JSON")
    if said.action not in (side, "HOLD"):
        return Failure(Fallback.SEMANTIC, "the model named the side opposite to the one it was asked about")
    return Verdict(action=said.action, probability=said.probability, reasons=tuple(code.value for code in said.reasons))
