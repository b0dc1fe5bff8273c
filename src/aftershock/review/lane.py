"""One provider as the gateway sees it while it runs: its limits, its breaker, how fast it has been."""

from __future__ import annotations

from collections import deque
from statistics import median

import msgspec

from aftershock.model.review import Fallback
from aftershock.review.answer import Completion, Failure
from aftershock.review.breaker import Breaker, BreakerState
from aftershock.review.limits import ProviderLimits, retry_after_s
from aftershock.review.providers import Capability, Provider
from aftershock.review.transport import Raw

__all__ = ["Lane", "LaneReport"]

_UNKNOWN_LATENCY_S = 1.0
_MEMORY = 64
_STAND_IN = "stand-in"
"""What the sandbox's judge calls itself in `system_fingerprint`."""
_PAUSE_S = 1.0
_TOO_MANY = 429
_REFUSED = {
    401: "the key was refused: check it, it may have expired",
    402: "the account has no money: top it up",
    403: "the key may not do this: check what it is allowed to",
    404: "there is no such model or address: check both",
}
_WEAKER = {Capability.SCHEMA: Capability.JSON_OBJECT, Capability.JSON_OBJECT: Capability.TEXT}


class LaneReport(msgspec.Struct, frozen=True, kw_only=True):
    """One provider in the final report.

    Attributes:
        provider, model: Who.
        requests, answers: Sent, and usable answers among them.
        state, why: Of the breaker.
        capability: What its answers are held to.
        p50_ms: Median time to an answer; None without one.
        other_models: Answers of a model of another name than asked for.
        is_stand_in: True if it said that fixed rules stand in for a model.
    """

    provider: str
    model: str
    requests: int
    answers: int
    state: str
    why: str
    capability: str
    p50_ms: float | None
    other_models: int
    is_stand_in: bool = False


class Lane:
    """Everything about one provider that changes.

    Attributes:
        provider: As configured; its capability falls if the provider refuses what it was asked for.
        model: Asked for.
        key: Its key; never printed.
        requests, answers, other_models: Counts.
    """

    def __init__(self, provider: Provider, key: str, model: str = "") -> None:
        """Take who it is; the address has been checked."""
        self.provider, self.model = provider, model or provider.model
        self._key = key
        self.limits, self.breaker = ProviderLimits(provider), Breaker()
        self._latencies_s: deque[float] = deque(maxlen=_MEMORY)
        self.requests = self.answers = self.other_models = 0
        self._is_stand_in = False

    def __repr__(self) -> str:
        """Return its name alone."""
        return f"Lane({self.provider.name})"

    @property
    def key(self) -> str:
        """Return the key, for the header alone."""
        return self._key

    @property
    def url(self) -> str:
        """Return where completions are asked for."""
        return f"{self.provider.base_url}/chat/completions"

    @property
    def typical_s(self) -> float:
        """Return the median time to an answer."""
        return median(self._latencies_s) if self._latencies_s else _UNKNOWN_LATENCY_S

    def weaken(self) -> bool:
        """Ask for less from here on: the provider refused a form of answer. False if there is nothing less."""
        weaker = _WEAKER.get(self.provider.capability)
        if weaker is None:
            return False
        self.provider = msgspec.structs.replace(self.provider, capability=weaker)
        return True

    def on_completion(self, said: Completion, seconds: float, *, in_time: bool, now_s: float) -> None:
        """Note an answer that could be used."""
        answered_by = said.model
        self.answers += 1
        self._is_stand_in |= said.fingerprint == _STAND_IN
        self._latencies_s.append(seconds)
        self.limits.on_answer()
        if answered_by and not _same_model(self.model, answered_by):
            self.other_models += 1
        if in_time:
            self.breaker.on_success()
        else:
            self.breaker.on_failure("it came too late", now_s)

    def on_failure(self, failure: Failure, raw: Raw | None, now_s: float, now_unix_s: float) -> None:
        """Note an answer that was none: to the limits if there were too many, to the breaker, or to a person."""
        status = 0 if raw is None else raw.status
        if status in _REFUSED:
            self.breaker.on_refused(f"HTTP {status}: {_REFUSED[status]}")
            return
        pause_s = _pause_s(raw, now_unix_s)
        if status == _TOO_MANY or pause_s is not None:
            self.limits.on_too_many(_PAUSE_S if pause_s is None else pause_s, now_s)
        if failure.fallback is not Fallback.SEMANTIC:
            self.breaker.on_failure(failure.detail, now_s)

    def report(self) -> LaneReport:
        """Return how it did."""
        return LaneReport(
            provider=self.provider.name,
            model=self.model,
            requests=self.requests,
            answers=self.answers,
            state=self.breaker.state.value,
            why=self.breaker.why,
            capability=self.provider.capability.value,
            p50_ms=1e3 * median(self._latencies_s) if self._latencies_s else None,
            other_models=self.other_models,
            is_stand_in=self._is_stand_in,
        )

    @property
    def needs_a_person(self) -> bool:
        """Tell whether asking again mends nothing."""
        return self.breaker.state is BreakerState.NEEDS_A_PERSON


def _pause_s(raw: Raw | None, now_unix_s: float) -> float | None:
    """Return how long the provider asked us to wait; None if it did not."""
    if raw is None:
        return None
    in_ms = raw.headers.get("retry-after-ms", "")
    if in_ms.isdigit():
        return int(in_ms) / 1e3
    said = raw.headers.get("retry-after")
    return None if said is None else retry_after_s(said, now_unix_s)


def _same_model(asked: str, answered: str) -> bool:
    """Tell whether a name is the one asked for, perhaps with a date or a vendor's name around it."""
    return asked.rpartition("/")[2].casefold() in answered.casefold()
