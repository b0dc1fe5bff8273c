"""How many tokens a text is, where nobody counts them for us.

Vocabularies of vendors are large files behind a network, so this is a rule, fitted to counts of cl100k: a word is a
token for each six letters, digits come in runs of up to three, and of other characters most are a token each, with the
usual pairs of JSON counted as one. On prose and compact JSON it is within a tenth of cl100k; it is used to set money
aside and where a provider does not count, and every cost that rests on it is marked as an estimate.
"""

from __future__ import annotations

import re

__all__ = ["estimate_tokens"]

_PIECES = re.compile(r" ?[A-Za-z]+|\d{1,3}|[^\x00-\x7f]|\s+|[\"'\]\[{}():,;]{1,3}|[^\sA-Za-z\d]")
_LETTERS_PER_TOKEN = 6


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text is."""
    count = 0
    for piece in _PIECES.findall(text):
        letters = len(piece.strip()) if piece.strip()[:1].isalpha() and piece.isascii() else 0
        count += -(-letters // _LETTERS_PER_TOKEN) if letters else 1
    return count
