"""What a request cost in tokens, as its provider counted them."""

from __future__ import annotations

import msgspec

__all__ = ["Usage"]


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one request.

    Attributes:
        input_tokens: Of the prompt, all of them.
        cached_tokens: Those of the prompt that the provider had read before.
        output_tokens: Of the answer, thoughts included.
        reasoning_tokens: Those of the answer that were thoughts.
        is_estimate: True if we counted, because the provider did not say.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimate: bool = False
