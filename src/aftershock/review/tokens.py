"""How many tokens a text is, where nobody counts them for us.

Vocabularies of vendors are large files behind a network, so this is a rule: digits by threes, marks up to three
together, letters by sevens, what is not ASCII one by one and what needs four bytes twice.

Measured against OpenAI's cl100k and o200k (2026-11-27): within 2.5 % on the article's prompts and on chains, -4 % on
our fixed text, 0 % on its record, -4 to -14 % on our short answers, -9 to +4 % on JSON of venues, +2 to +12 % on prose
and code in English, up to five times too high on other scripts, a third too low on emoji. The article's
`len(text) // 4` is 24 to 44 % too low on the same prompts and chains, and 64 % on our record.

It is used to set money aside, with a margin, and where a provider does not count; every cost that rests on it is marked
as an estimate.
"""

from __future__ import annotations

import re

__all__ = ["estimate_tokens"]

_PIECE = re.compile(r"[0-9]{1,3}| ?_?[A-Za-z]{1,7}| ?[!-/:-@\[-`{-~]{1,3}|\s+|.", re.DOTALL)
_FOUR_BYTES = "\uffff"


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text is."""
    pieces = sum(1 for _ in _PIECE.finditer(text))
    return pieces if text.isascii() else pieces + sum(each > _FOUR_BYTES for each in text)
