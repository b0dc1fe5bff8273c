"""`HolySheepAPIClient`: the gateway behind the face that the article gave it."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import msgspec

from aftershock.app.live.reviewer import Providers, chosen_providers
from aftershock.app.opportunity import FEES, NotPriceable, hold, price_chain
from aftershock.errors import UsageError
from aftershock.model.instruments import FeeSchedule
from aftershock.model.review import Fallback, Reviewed, ReviewMode
from aftershock.model.signals import Action, ArbitrageSignal, Reason, ReviewRequest
from aftershock.model.units import BPS, NAN, NS_PER_S
from aftershock.review.config import GatewayConfig
from aftershock.review.job import Outcome
from aftershock.review.process import GatewayProcess
from aftershock.review.providers import BUNDLED, checked_url
from aftershock.venues.keys import checked_key

__all__ = ["HolySheepAPIClient"]

_NAME = "holysheep"
_COIN = re.compile(r"[A-Z0-9]{1,12}(?=[-_/.:]|$)")
_MIN_PROBABILITY = 0.5


class HolySheepAPIClient:
    """Asks a language model for a second opinion on an edge that was computed.

    The model's answer may refuse what the figures say, and nothing else: it neither sets the spread nor turns a HOLD
    into an order. The requests are made by a process of their own.

    Attributes:
        model: Asked for.
    """

    BASE_URL = BUNDLED[_NAME].base_url

    def __init__(
        self,
        api_key: str = "",
        *,
        base_url: str = "",
        model: str = "deepseek-v3.2",
        deadline_ms: float = 10_000.0,
        config: GatewayConfig | None = None,
        option_fees: FeeSchedule = FEES,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Take the key; without one, `HOLYSHEEP_API_KEY` or the file that `HOLYSHEEP_API_KEY_FILE` names.

        Args:
            api_key: Sent to `base_url` alone, never printed nor recorded.
            base_url: Else `AFTERSHOCK_HOLYSHEEP_URL`, else the service's own.
            model: Asked for.
            deadline_ms: Of `analyze_arbitrage_opportunity`.
            config: Of the gateway: budget, recording, further providers.
            option_fees: What `analyze_arbitrage_opportunity` takes off; by default Deribit's base tier.
            environment: Variables; None for those of the process.

        Raises:
            ConfigError: The key can't be one, or the address is not safe for it.
        """
        variables = dict(os.environ if environment is None else environment)
        if api_key:
            variables["HOLYSHEEP_API_KEY"] = checked_key(api_key, "api_key")
        if base_url:
            variables[BUNDLED[_NAME].url_variable] = checked_url(base_url, "base_url")
        wanted = config or GatewayConfig(providers=(_NAME,), model=model)
        self.model, self._deadline_ms, self._fees = model, deadline_ms, option_fees
        self._config, self._providers = wanted, chosen_providers(wanted, variables)
        self._process: GatewayProcess | None = None

    def __repr__(self) -> str:
        """Return nothing of the key."""
        return f"HolySheepAPIClient(model={self.model!r})"

    async def __aenter__(self) -> Self:
        """Start the gateway."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        await self.close()

    @property
    def has_key(self) -> bool:
        """Tell whether anybody can be asked."""
        return bool(self._providers.asked)

    @property
    def providers(self) -> Providers:
        """Return who can be asked."""
        return self._providers

    async def start(self) -> GatewayProcess:
        """Start the gateway's process, unless it runs; return it."""
        if self._process is None:
            process = GatewayProcess(self._config, self._providers.asked)
            await process.start()
            self._process = process
        return self._process

    async def close(self) -> None:
        """End the gateway; what it cost is still known."""
        if self._process is not None:
            await self._process.stop()

    async def analyze_arbitrage_opportunity(
        self, liquidation_data: Mapping[str, Any], options_chain: object, market_context: Mapping[str, Any]
    ) -> ArbitrageSignal:
        """Price a chain, and ask the model about the best edge if there is one.

        The chain is priced by the engine: packages that break a bound of arbitrage at quoted prices after fees. A chain
        of one moment tells nothing of quotes that lag behind a move; `ArbitrageEngine` sees those.

        Args:
            liquidation_data: `{"market", "symbol", "price", "size", "side"}` as in the article.
            options_chain: A chain of `BackpackOptionsClient`, or `{"options": [{"strike", "expiry", "type", "bid",
                "ask", "bid_size", "ask_size"}, ...]}`.
            market_context: What `ArbitrageEngine.market_context` returns; its figures go into the question.

        Returns:
            BUY or SELL if there is an edge and the model agrees. HOLD `not_priceable` for a chain that can't be read,
            `model_unsure` without consent, else the reason of the engine.

        Raises:
            UsageError: The client was not entered with `async with`.
        """
        if self._process is None:
            raise UsageError("use the client as `async with HolySheepAPIClient(...) as model`")
        now_ns = time.time_ns()
        source, coin = str(liquidation_data.get("market", "")), _COIN.match(str(liquidation_data.get("symbol", "")))
        asset = "" if coin is None else coin.group()
        try:
            said = price_chain(options_chain, asset, now_ns, self._fees)
        except NotPriceable:
            return hold(asset, source, "", now_ns, Reason.NOT_PRICEABLE)
        signals = [each for each in said if isinstance(each, ArbitrageSignal)]
        if not signals:
            return hold(asset, source, "", now_ns, Reason.NO_EDGE)
        best = max(signals, key=lambda each: (each.action is not Action.HOLD, each.spread_bps))
        best = msgspec.structs.replace(best, source_market=source or best.source_market)
        if best.action is Action.HOLD:
            return best
        features = next((each.features for each in said if isinstance(each, ReviewRequest)), {})
        return await self._reviewed(best, {**features, **_context(market_context)})

    def get_cost_report(self) -> dict[str, float]:
        """Return what was spent, unrounded: `total_requests`, `total_cost_usd` and `avg_cost_per_request`, USD.

        A cost is what the provider counted, at the prices of the table; NaN for a model without a price.
        """
        calls = 0 if self._process is None else self._process.calls
        spent = 0.0 if self._process is None else self._process.spent_usd
        return {
            "total_requests": calls,
            "total_cost_usd": spent,
            "avg_cost_per_request": spent / calls if calls else 0.0,
        }

    async def _reviewed(self, signal: ArbitrageSignal, features: dict[str, float]) -> ArbitrageSignal:
        request = ReviewRequest(
            request_id=f"{signal.signal_id}/{time.monotonic_ns()}",
            trigger_id=f"{signal.trigger_id}/{time.monotonic_ns()}",
            ts_init=signal.ts_init,
            expires_ns=signal.ts_init + int(self._deadline_ms * 1e6),
            mode=ReviewMode.GATE,
            signal=signal,
            features=features,
        )
        outcome = await self.ask(request, self._deadline_ms / 1e3)
        verdict = outcome.verdict
        agrees = verdict is not None and verdict.action == signal.action and verdict.probability >= _MIN_PROBABILITY
        review = Reviewed(
            request_id=request.request_id,
            fallback=outcome.fallback,
            probability=NAN if verdict is None else verdict.probability,
            waited_ms=outcome.latency_ms,
            lost_bps=0.0,
        )
        if agrees:
            return msgspec.structs.replace(signal, review=review)
        reason = Reason.BUDGET if outcome.fallback is Fallback.BUDGET else Reason.MODEL_UNSURE
        return msgspec.structs.replace(signal, action=Action.HOLD, reason=reason, review=review)

    async def ask(self, request: ReviewRequest, within_s: float) -> Outcome:
        """Ask one question and return its one outcome, in time."""
        if self._process is None:
            raise UsageError("use the client as `async with HolySheepAPIClient(...) as model`")
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        deadline = time.monotonic_ns() + int(within_s * NS_PER_S)

        def tell(outcome: Outcome) -> None:
            if not answered.done():
                answered.set_result(outcome)

        self._process.ask(request, deadline, tell)
        return await answered


def _context(market_context: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of the article's context under our names."""
    price, coins = _figure(market_context, "current_price"), _figure(market_context, "cumulative_volume_30s")
    return {"move_bps": BPS * _figure(market_context, "price_momentum"), "liquidated_usd": coins * price}


def _figure(market_context: Mapping[str, Any], name: str) -> float:
    value = market_context.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else NAN
