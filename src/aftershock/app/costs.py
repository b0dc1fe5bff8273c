"""What a second opinion costs: prompts by their tokens, providers by their prices, each with each.

Two tables of prices stand side by side, the article's and what providers list; `review/prices.toml` has the sources.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aftershock.app.article_prompt import ANSWER, article_prompt
from aftershock.review.canary import canary
from aftershock.review.prices import Price, PriceTable
from aftershock.review.prompt import question
from aftershock.review.tokens import estimate_tokens
from aftershock.review.usage import Usage

__all__ = ["CHAINS", "MODELS", "Comparison", "Cost", "Offer", "Prompt", "compare", "counted", "our_prompt"]

CHAINS = (0, 16, 100, 400)
"""Options in the article's prompt."""

MODELS = (
    ("holysheep", "deepseek-v3.2"),
    ("openai", "gpt-4.1"),
    ("anthropic", "claude-sonnet-4.5"),
    ("google", "gemini-2.5-flash"),
    ("deepseek", "deepseek-v3.2"),
    ("deepseek", "deepseek-flash"),
)
"""The article's four, the model behind the first as its maker sold it, and what that maker sells now."""

TABLES = ("article", "published")

_OUR_ANSWER = '{"action":"BUY","probability":0.71,"reasons":["fresh_shock","venues_agree"]}'


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A question and its answer, counted.

    Attributes:
        name: Short.
        characters: Of the question; None where only tokens are known.
        input_tokens, output_tokens: Of question and answer; a mean may be no whole number.
        cached_tokens: Those of the question that the provider had read before.
        is_estimate: True if we counted, not a provider.
    """

    name: str
    characters: int | None
    input_tokens: float
    output_tokens: float
    cached_tokens: float = 0.0
    is_estimate: bool = True

    @property
    def quarter_of_characters(self) -> int | None:
        """Return what the article takes for the number of tokens."""
        return None if self.characters is None else self.characters // 4

    def usd(self, price: Price) -> float:
        """Return what one request costs."""
        million = price.cost_usd(Usage(input_tokens=1_000_000, output_tokens=0))
        cached = price.cost_usd(Usage(input_tokens=1_000_000, cached_tokens=1_000_000, output_tokens=0))
        output = price.cost_usd(Usage(input_tokens=0, output_tokens=1_000_000))
        fresh = self.input_tokens - self.cached_tokens
        return (fresh * million + self.cached_tokens * cached + self.output_tokens * output) / 1e6


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one request of a prompt costs at an offer, and a thousand of them, USD."""

    prompt: str
    usd_per_request: float
    usd_per_1000: float


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A model at a price.

    Attributes:
        provider, model, table: Which row of which table.
        is_peak: True in the provider's dear hours.
        is_past: True if it was sold at this price until `at_ns` and no longer.
        at_ns: Moment of the price, ns UTC.
        input_usd, cached_usd, output_usd: Per million tokens.
        source: Of the price.
        costs: Of each prompt, in their order.
    """

    provider: str
    model: str
    table: str
    is_peak: bool
    is_past: bool
    at_ns: int
    input_usd: float
    cached_usd: float
    output_usd: float
    source: str
    costs: tuple[Cost, ...]

    @property
    def note(self) -> str:
        """Return what holds of this row alone."""
        return "peak hours" if self.is_peak else "no longer sold" if self.is_past else ""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Prompts and offers.

    Attributes:
        at_ns: Moment of the prices, ns UTC.
        version: Of the tables.
    """

    at_ns: int
    version: str
    prompts: tuple[Prompt, ...]
    offers: tuple[Offer, ...]


def counted(name: str, question: str, answer: str) -> Prompt:
    """Return a question and its answer with their tokens, by our estimate."""
    return Prompt(
        name=name,
        characters=len(question),
        input_tokens=estimate_tokens(question),
        output_tokens=estimate_tokens(answer),
    )


def our_prompt() -> Prompt:
    """Return our own question, with every figure known, and a usual answer."""
    return counted("ours", "".join(question(canary(0))), _OUR_ANSWER)


def compare(prices: PriceTable, at_ns: int, more: Sequence[Prompt] = ()) -> Comparison:
    """Return the article's prompts, ours and `more` at every price of `MODELS`."""
    prompts = (*(counted(f"article, {n}", article_prompt(n), ANSWER) for n in CHAINS), our_prompt(), *more)
    offers = [
        _offer(provider, model, table, price, prompts, at_ns=last, is_past=last < at_ns)
        for table in TABLES
        for provider, model in MODELS
        if (last := prices.last_ns(provider, model, at_ns, table)) is not None
        for price in prices.prices(provider, model, last, table)
    ]
    return Comparison(at_ns=at_ns, version=prices.version, prompts=prompts, offers=tuple(offers))


def _offer(
    provider: str, model: str, table: str, price: Price, prompts: Sequence[Prompt], *, at_ns: int, is_past: bool
) -> Offer:
    usd = [prompt.usd(price) for prompt in prompts]
    return Offer(
        provider=provider,
        model=model,
        table=table,
        is_peak=price.is_peak,
        is_past=is_past,
        at_ns=at_ns,
        input_usd=price.rates.input / 1e6,
        cached_usd=price.rates.cached / 1e6,
        output_usd=price.rates.output / 1e6,
        source=price.source,
        costs=tuple(
            Cost(prompt=prompt.name, usd_per_request=each, usd_per_1000=1_000 * each)
            for prompt, each in zip(prompts, usd, strict=True)
        ),
    )
