"""The article's own costs, and why ours differ: every sentence is worked out from its figures and a table of prices."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from aftershock.app.costs import Comparison, Offer

__all__ = ["CLAIMS", "USD_PER_1000", "Claim", "common_tokens", "reasons"]

USD_PER_1000 = "0.42"
"""Of the article's benchmark: a thousand signals."""

_MILLION = 1_000_000


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the article's table of prices.

    Attributes:
        provider, model: As in our tables.
        input_usd: Its column "input", per million tokens; a text, so that no digit is lost.
        usd_per_signal: Its cost of one signal, likewise.
    """

    provider: str
    model: str
    input_usd: str
    usd_per_signal: str

    @property
    def tokens(self) -> float:
        """Return how many tokens of input alone make up the cost of a signal."""
        return float(Decimal(self.usd_per_signal) / Decimal(self.input_usd) * _MILLION)

    def fits(self, tokens: int) -> bool:
        """Tell whether so many tokens of input, and none of output, give the printed cost at its digits."""
        said = Decimal(self.usd_per_signal)
        return (Decimal(self.input_usd) * tokens / _MILLION).quantize(said, ROUND_HALF_UP) == said


CLAIMS = (
    Claim(provider="holysheep", model="deepseek-v3.2", input_usd="0.42", usd_per_signal="0.00008"),
    Claim(provider="openai", model="gpt-4.1", input_usd="8.00", usd_per_signal="0.00152"),
    Claim(provider="anthropic", model="claude-sonnet-4.5", input_usd="15.00", usd_per_signal="0.00285"),
    Claim(provider="google", model="gemini-2.5-flash", input_usd="2.50", usd_per_signal="0.00048"),
)


def common_tokens() -> list[int]:
    """Return the counts of input tokens that explain every cost of a signal in the article."""
    return [tokens for tokens in range(1, 10_000) if all(claim.fits(tokens) for claim in CLAIMS)]


def reasons(found: Comparison) -> list[str]:
    """Return why the article's costs are not what its program would pay, one sentence each."""
    return [sentence for part in (_signal(found), _per_1000(), _columns(found), _counting(found)) for sentence in part]


def _signal(found: Comparison) -> Iterator[str]:
    fitting = common_tokens()
    if len(fitting) == 1:
        yield (
            f"The article's costs per signal are {fitting[0]:,} tokens of input and none of output: no other count "
            f"gives all {len(CLAIMS)} of them ({_division(CLAIMS[0])})."
        )
    smallest, first = found.prompts[0], CLAIMS[0]
    offer = _find(found, "article", first)
    if offer is not None and fitting:
        usd = offer.costs[0].usd_per_request
        yield (
            f"Its own prompt with an empty chain has {smallest.input_tokens:,.0f} tokens, and an answer with the "
            f"reasoning it asks for {smallest.output_tokens:,.0f}: ${usd:.6f} at its own prices, "
            f"{usd / float(first.usd_per_signal):.1f} times what it says."
        )
    largest = found.prompts[3]
    if offer is not None:
        usd = offer.costs[3].usd_per_request
        yield (
            f"With a chain of 400 options the prompt has {largest.input_tokens:,.0f} tokens and costs ${usd:.4f}, "
            f"{usd / float(first.usd_per_signal):,.0f} times what it says."
        )


def _division(claim: Claim) -> str:
    return f"{claim.usd_per_signal} / {claim.input_usd} * 1e6 = {claim.tokens:.0f}"


def _per_1000() -> Iterator[str]:
    first = CLAIMS[0]
    tokens = float(Decimal(USD_PER_1000) / Decimal(first.input_usd) * _MILLION / 1_000)
    ratio = tokens / first.tokens
    yield (
        f"Its ${USD_PER_1000} per 1,000 signals is {tokens:,.0f} tokens of input each and none of output: "
        f"{ratio:.2f} times its own cost per signal."
    )
    rounded = round(float(first.usd_per_signal), 4)
    yield (
        f"Its report rounds the cost of a request to four decimals: ${first.usd_per_signal} would be printed as "
        f"${rounded:.4f}, {100 * (rounded / float(first.usd_per_signal) - 1):.0f} % too much."
    )


def _columns(found: Comparison) -> Iterator[str]:
    """Compare the article's column of input prices with what is listed for output."""
    listed = [(claim, _listed(found, claim)) for claim in CLAIMS]
    known = [(claim, offer) for claim, offer in listed if offer is not None]
    equal = [claim for claim, offer in known if Decimal(claim.input_usd) == Decimal(str(offer.output_usd))]
    if equal:
        yield (
            f"Its column of input prices is the list price of output for {len(equal)} of {len(CLAIMS)} models "
            f"({', '.join(f'{claim.model} ${float(claim.input_usd):g}' for claim in equal)})."
        )
    dear = [f"{c.model} {float(c.input_usd) / offer.input_usd:.1f}" for c, offer in known if offer.input_usd > 0]
    if dear:
        yield f"So it is that many times the list price of input: {', '.join(dear)}."


def _counting(found: Comparison) -> Iterator[str]:
    parts = [
        f"{100 * (1 - prompt.quarter_of_characters / prompt.input_tokens):.0f} %"
        for prompt in found.prompts[:4]
        if prompt.quarter_of_characters is not None
    ]
    yield f"Its count of tokens, a quarter of the characters, is too low by {', '.join(parts)} for the four prompts."


def _find(found: Comparison, table: str, claim: Claim) -> Offer | None:
    wanted = (table, claim.provider, claim.model)
    return next((o for o in found.offers if (o.table, o.provider, o.model) == wanted and not o.is_peak), None)


def _listed(found: Comparison, claim: Claim) -> Offer | None:
    """Return the list price: of the model's maker, where a gateway sells it on."""
    makers = [o for o in found.offers if o.table == "published" and o.model == claim.model and not o.is_peak]
    return next((o for o in makers if o.provider != "holysheep"), makers[0] if makers else None)
