"""The engine's questions to the gateway and its replies to the engine; what became of them, for the report."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from aftershock.app.latency import LatencyHistogram
from aftershock.app.plain import plain, ranked
from aftershock.errors import ConfigError
from aftershock.model.events import ReviewReply
from aftershock.model.review import Fallback, ReviewMode
from aftershock.model.signals import Action, ArbitrageSignal, Reason, ReviewRequest
from aftershock.model.units import NAN, NS_PER_MS
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Outcome
from aftershock.review.lane import LaneReport
from aftershock.review.process import GatewayProcess
from aftershock.review.providers import BUNDLED, Provider, checked_url
from aftershock.venues.keys import read_key

__all__ = ["Providers", "ReviewFigures", "Reviewer", "chosen_providers", "reply_of"]


class Providers(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a run may ask.

    Attributes:
        asked: Each with its key, in the order in which they are asked.
        left_out: Those that can't be asked, and why.
    """

    asked: tuple[tuple[Provider, str], ...] = ()
    left_out: dict[str, str] = {}

    def __repr__(self) -> str:
        """Return nothing of the keys."""
        return f"Providers({[provider.name for provider, _ in self.asked]}, left_out={self.left_out})"

    @property
    def why_none(self) -> str:
        """Return one sentence that says why nobody can be asked; empty if somebody can."""
        if self.asked:
            return ""
        reasons = "; ".join(f"{name}: {why}" for name, why in self.left_out.items())
        return f"no provider can be asked ({reasons}): the rules alone decide"


def chosen_providers(config: GatewayConfig, environment: Mapping[str, str]) -> Providers:
    """Find the providers that a configuration names and that have a key.

    Args:
        config: Of the gateway.
        environment: Variables with keys and addresses.

    Raises:
        ConfigError: A name is unknown, an address is not safe for a key, or a file of a key is not safe itself.
    """
    known = {**BUNDLED, **{each.name: each for each in config.custom}}
    unknown = [name for name in config.providers if name not in known]
    if unknown:
        raise ConfigError(f"setting `gateway.providers`: {unknown[0]} is none of {', '.join(known)}")
    names = config.providers or tuple(dict.fromkeys([*(each.name for each in config.custom), *BUNDLED]))
    asked, left_out = [], {}
    for name in names:
        provider = known[name]
        key = next((key for variable in provider.keys if (key := read_key(variable, environment))), "")
        if provider.needs_key and not key:
            left_out[name] = f"{' or '.join(provider.keys) or 'its key'} is not set"
            continue
        replaced = environment.get(provider.url_variable)
        where = provider.url_variable if replaced else f"the address of {name}"
        url = checked_url(replaced or provider.base_url, where)
        asked.append((msgspec.structs.replace(provider, base_url=url), key))
    return Providers(asked=tuple(asked), left_out=left_out)


class ReviewFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the reviews of a run came to.

    Attributes:
        mode: `off`, `shadow`, `veto` or `gate`.
        why_off: Why nobody was asked although the mode wanted it; empty if that is not so.
        requests: Questions of the engine.
        answers: Verdicts in time.
        agreed, refused: Among them: the same side as the rules, HOLD.
        fallbacks: Questions without an answer in time; `by_fallback` by reason.
        cost_usd: Of everything that was sent, late answers and canaries included; NaN if a model has no price.
        cost_is_estimate: True if a provider did not say what it counted.
        calls: Requests to providers, canaries and repetitions included; `late` answers after their deadline.
        latency_ns: From question to reply.
        held: Decisions that waited; `lost_bps` the sum of the net edge that they lost by it, where it is known.
        gone: Those whose edge went meanwhile; `stopped` those that the model or its silence stopped.
        gateway_deaths: How often the gateway's process ended unasked; `failure` what it said of its end.
        lanes: How each provider did.
    """

    mode: str = ReviewMode.OFF.value
    why_off: str = ""
    requests: int = 0
    answers: int = 0
    agreed: int = 0
    refused: int = 0
    by_fallback: dict[str, int] = {}
    cost_usd: float = 0.0
    cost_is_estimate: bool = False
    calls: int = 0
    late: int = 0
    latency_ns: LatencyHistogram | None = None
    held: int = 0
    lost_bps: float = 0.0
    gone: int = 0
    stopped: int = 0
    gateway_deaths: int = 0
    failure: str = ""
    lanes: tuple[LaneReport, ...] = ()

    @property
    def fallbacks(self) -> int:
        """Return the number of questions without an answer in time."""
        return sum(self.by_fallback.values())

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        h = self.latency_ns
        return {
            "mode": self.mode,
            "why_off": self.why_off or None,
            "requests": self.requests,
            "answers": self.answers,
            "agreed": self.agreed,
            "refused": self.refused,
            "fallbacks": self.fallbacks,
            "by_fallback": self.by_fallback,
            "cost_usd": plain(self.cost_usd),
            "cost_is_estimate": self.cost_is_estimate,
            "calls": self.calls,
            "late": self.late,
            "latency_ns": None if h is None or not h.count else h.summary(),
            "held": self.held,
            "lost_bps": plain(self.lost_bps),
            "gone": self.gone,
            "stopped": self.stopped,
            "gateway_deaths": self.gateway_deaths,
            "failure": self.failure or None,
            "providers": plain(list(self.lanes)),
        }


def reply_of(outcome: Outcome, now_ns: int) -> ReviewReply:
    """Return an outcome as the event that the engine takes."""
    verdict = outcome.verdict
    return ReviewReply(
        ts_event=now_ns,
        ts_init=now_ns,
        request_id=outcome.request_id,
        action="" if verdict is None else verdict.action,
        probability=NAN if verdict is None else verdict.probability,
        reason_codes=() if verdict is None else verdict.reasons,
        fallback="" if outcome.fallback is None else outcome.fallback.value,
        provider=outcome.provider,
        model=outcome.model,
        latency_ms=outcome.latency_ms,
        cost_usd=outcome.cost_usd,
        cost_is_estimate=outcome.cost_is_estimate,
    )


class Reviewer:
    """Hands questions to the gateway's process without waiting, and replies to the engine's queue."""

    def __init__(
        self,
        process: GatewayProcess | None,
        mode: ReviewMode,
        put: Callable[[ReviewReply], None],
        *,
        why_none: str = "",
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """Take whom to ask.

        Args:
            process: The gateway; None where nobody can be asked.
            mode: Of the engine.
            put: Gets the replies.
            why_none: Why no provider can be asked; empty if one can.
            clock: Wall clock, ns UTC, that the engine's times are from.
        """
        self._put, self._clock, self._mode, self._why_none = put, clock, mode, why_none
        self._process = process
        self._sides: dict[str, Action] = {}
        self._requests = self._answers = self._agreed = self._refused = 0
        self._fallbacks: Counter[str] = Counter()
        self._latency = LatencyHistogram()
        self._held = self._gone = self._stopped = 0
        self._lost_bps = 0.0

    def ask(self, request: ReviewRequest) -> None:
        """Ask, with as much time as the engine will wait."""
        self._requests += 1
        self._sides[request.request_id] = request.signal.action
        if self._process is None:
            nobody = Outcome(
                request_id=request.request_id,
                trigger_id=request.trigger_id,
                fallback=Fallback.NO_KEY,
                detail=self._why_none,
                latency_ms=0.0,
            )
            self._on_outcome(nobody)
            return
        left_ns = request.expires_ns - max(self._clock(), request.ts_init)
        self._process.ask(request, time.monotonic_ns() + left_ns, self._on_outcome)

    def see(self, signal: ArbitrageSignal) -> None:
        """Count what a review did to a decision."""
        review = signal.review
        if review is None:
            return
        self._stopped += signal.reason in (Reason.MODEL_UNSURE, Reason.BUDGET)
        self._gone += signal.reason is Reason.EDGE_GONE_IN_REVIEW
        if review.waited_ms > 0:  # the others came when the answer was known
            self._held += 1
            self._lost_bps += review.lost_bps if math.isfinite(review.lost_bps) else 0.0

    def figures(self) -> ReviewFigures:
        """Return what the reviews came to."""
        process = self._process
        ours = ReviewFigures(
            mode=self._mode.value,
            why_off=self._why_none,
            requests=self._requests,
            answers=self._answers,
            agreed=self._agreed,
            refused=self._refused,
            by_fallback=ranked(self._fallbacks),
            latency_ns=self._latency,
            held=self._held,
            lost_bps=self._lost_bps,
            gone=self._gone,
            stopped=self._stopped,
        )
        if process is None:
            return ours
        return msgspec.structs.replace(
            ours,
            cost_usd=process.spent_usd,
            cost_is_estimate=process.is_estimate,
            calls=process.calls,
            late=0 if process.ended is None else process.ended.late,
            gateway_deaths=process.deaths,
            failure="" if process.ended is None else process.ended.failure,
            lanes=process.lanes,
        )

    def _on_outcome(self, outcome: Outcome) -> None:
        side = self._sides.pop(outcome.request_id, None)
        if outcome.verdict is None:
            self._fallbacks["" if outcome.fallback is None else outcome.fallback.value] += 1
        else:
            self._answers += 1
            self._agreed += outcome.verdict.action == side
            self._refused += outcome.verdict.action == Action.HOLD
        self._latency.add(int(outcome.latency_ms * NS_PER_MS))
        self._put(reply_of(outcome, self._clock()))
