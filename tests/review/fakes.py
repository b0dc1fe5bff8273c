"""Questions, a scripted provider and an open purse for tests of the gateway."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aftershock.model.orders import Leg, Side
from aftershock.model.review import ReviewMode
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, Reason, ReviewRequest, TriggerKind
from aftershock.review.answer import Failure
from aftershock.review.config import GatewayConfig
from aftershock.review.gateway import Gateway
from aftershock.review.job import Outcome
from aftershock.review.lane import Lane
from aftershock.review.providers import Capability, Provider
from aftershock.review.record import ReviewRecord
from aftershock.review.transport import Lost, Raw
from aftershock.review.usage import Usage

_NUMBERS = itertools.count(1)


def signal(action: Action = Action.BUY, **fields: Any) -> ArbitrageSignal:
    shown = {
        "signal_id": "t/1",
        "trigger_id": "t",
        "trigger_kind": TriggerKind.PRICE_MOVE,
        "ts_event": 1,
        "ts_init": 2,
        "source_market": "binance-futures",
        "target_market": "deribit",
        "asset": "BTC",
        "action": action,
        "reason": Reason.EDGE,
        "edge_type": EdgeType.STALE_QUOTE,
        "legs": (
            Leg(
                venue="deribit",
                symbol="BTC-27NOV26-88000-C",
                side=Side.BUY,
                ratio=1.0,
                price=0.031,
                price_usd=2_700.0,
            ),
        ),
        "spread_bps": 6.0,
        "threshold_bps": 2.0,
        "gross_spread_bps": 9.5,
        "quantity": 1.0,
        "forward": 88_000.0,
        "delta": 0.52,
        "vega_per_vol_point": 41.0,
        "book_age_ms": 310.0,
        "leg_span_ms": 0.0,
        "latency_ms": 420.0,
    }
    return ArbitrageSignal(**{**shown, **fields})


def asked(trigger: str = "", action: Action = Action.BUY, **features: float) -> ReviewRequest:
    name = trigger or f"t{next(_NUMBERS)}"
    return ReviewRequest(
        request_id=f"{name}/review",
        trigger_id=name,
        ts_init=2,
        expires_ns=3,
        mode=ReviewMode.VETO,
        signal=signal(action, trigger_id=name),
        features={"moneyness_pct": 0.4, "days_to_expiry": 1.2, "venues": 3.0, "move_bps": -42.0, **features},
    )


def provider(name: str = "one", **fields: Any) -> Provider:
    shown = {"base_url": "http://127.0.0.1:9/v1", "model": "some-model", "capability": Capability.JSON_OBJECT}
    return Provider(name=name, **{**shown, **fields})


def answer(action: str = "BUY", probability: float = 0.8, reasons: Iterable[str] = ("fresh_shock",)) -> str:
    return json.dumps({"action": action, "probability": probability, "reasons": list(reasons)})


def completion(content: str | None, finish: str = "stop", **fields: Any) -> bytes:
    return json.dumps(
        {
            "id": "cmpl-1",
            "model": "some-model",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}],
            "usage": {"prompt_tokens": 400, "completion_tokens": 30, "total_tokens": 430},
            **fields,
        }
    ).encode()


def raw(body: bytes, status: int = 200, **headers: str) -> Raw:
    now = time.monotonic_ns()
    return Raw(status, {k.replace("_", "-"): v for k, v in headers.items()}, body, False, now, now, now)


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Let a test be a coroutine."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def until(holds: Callable[[], bool]) -> None:
    """Return as soon as something holds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.005)


Answer = Raw | Lost | float | Callable[[], Any]


class ScriptedTransport:
    """Answers by a script for each address: a reply, a fault, or seconds to wait before the next of the script."""

    def __init__(self, **scripts: list[Answer]) -> None:
        self._scripts = {name: list(script) for name, script in scripts.items()}
        self.sent: list[str] = []
        self.in_flight = self.most_in_flight = 0

    async def post(self, url: str, _headers: dict[str, str], _body: bytes) -> Raw:
        name = url.split("/")[-3]
        self.sent.append(name)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            script = self._scripts[name]
            while True:
                said = script.pop(0) if len(script) > 1 else script[0]
                if isinstance(said, float):
                    await asyncio.sleep(said)
                elif isinstance(said, Lost):
                    raise said
                elif isinstance(said, Raw):
                    now = time.monotonic_ns()
                    return said._replace(sent_ns=now, first_byte_ns=now, done_ns=now)
        finally:
            self.in_flight -= 1

    async def close(self) -> None:
        pass


class OpenHold:
    price = "test"

    def __init__(self, purse: OpenPurse) -> None:
        self._purse = purse

    def settle(self, usage: Usage) -> float:
        cost = (usage.input_tokens + usage.output_tokens) / 1e6
        self._purse.spent_usd += cost
        self._purse.open -= 1
        return cost

    def settle_unknown(self) -> float:
        self._purse.open -= 1
        self._purse.spent_usd += 0.001
        return 0.001

    def release(self) -> None:
        self._purse.open -= 1


class OpenPurse:
    """Pays for everything at a dollar per million tokens, unless `refuses` says why not."""

    def __init__(self, refuses: Failure | None = None) -> None:
        self.refuses, self.open, self.spent_usd = refuses, 0, 0.0

    def reserve(self, *_: object, **__: object) -> OpenHold | Failure:
        if self.refuses is not None:
            return self.refuses
        self.open += 1
        return OpenHold(self)


class Desk:
    """A gateway, with everything that it said."""

    def __init__(self, lanes: list[Lane], transport: Any, purse: Any, config: GatewayConfig, clock: Any = None) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.told: list[str] = []
        self.records: list[ReviewRecord] = []
        self.lanes, self.purse, self.transport = lanes, purse, transport
        self.gateway = Gateway(
            lanes, config, transport, purse, self._on_outcome, on_record=self.records.append, clock=clock
        )
        self._news = asyncio.Event()

    def _on_outcome(self, outcome: Outcome) -> None:
        assert outcome.request_id not in self.outcomes, "one outcome for each question"
        self.outcomes[outcome.request_id] = outcome
        self.told.append(outcome.trigger_id)
        self._news.set()

    def ask(self, request: ReviewRequest, within_s: float) -> None:
        self.gateway.submit(request, time.monotonic_ns() + int(within_s * 1e9))

    async def outcome(self, request: ReviewRequest, within_s: float = 1.0) -> Outcome:
        self.ask(request, within_s)
        return await self.wait_for(request)

    async def wait_for(self, request: ReviewRequest) -> Outcome:
        async with asyncio.timeout(10):
            while request.request_id not in self.outcomes:
                self._news.clear()
                await self._news.wait()
        return self.outcomes[request.request_id]


@asynccontextmanager
async def desk(
    transport: Any,
    *providers: Provider,
    purse: Any = None,
    config: GatewayConfig | None = None,
    clock: Any = None,
) -> Any:
    lanes = [Lane(each, f"sk-secret-of-{each.name}") for each in providers or (provider(),)]
    made = Desk(lanes, transport, purse or OpenPurse(), config or GatewayConfig(cache_s=0.0), clock)
    try:
        yield made
    finally:
        await made.gateway.stop()
