"""The names that the stand-in answers to."""

from __future__ import annotations

from typing import Any

from aftershock.sim.servers.gateway_request import Asked, Refusal

__all__ = ["MODELS", "check_length", "document_of", "served"]

MODELS = {
    "stand-in-judge": 131_072,
    "deepseek-v3.2": 131_072,
    "gpt-4.1": 1_047_576,
    "claude-sonnet-4.5": 200_000,
    "gemini-2.5-flash": 1_048_576,
}
"""Names that it answers to, and how many tokens prompt and answer may be together."""
_CREATED = 1_750_000_000


def served(model: str) -> str:
    """Return a model's name.

    Raises:
        Refusal: It is not served.
    """
    if model not in MODELS:
        shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in model[:60])
        raise Refusal(404, f"The model `{shown}` does not exist or you do not have access to it.",
                      code="model_not_found", param="model")  # fmt: skip
    return model


def check_length(asked: Asked, prompt: int) -> None:
    """Refuse what is longer than the model can take.

    Raises:
        Refusal: It is.
    """
    most, answer = MODELS[asked.model], asked.most_tokens or 0
    if prompt + answer > most:
        raise Refusal(400, f"This model's maximum context length is {most} tokens. However, you requested "
                      f"{prompt + answer} tokens ({prompt} in the messages, {answer} in the completion).",
                      param="messages", code="context_length_exceeded")  # fmt: skip


def document_of(name: str) -> dict[str, Any]:
    """Return a model as it is listed."""
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "sandbox"}
