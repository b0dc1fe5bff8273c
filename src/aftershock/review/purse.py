"""What pays for requests: money is set aside before one is sent and settled by what the provider counted."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from aftershock.model.review import Fallback
from aftershock.model.units import NAN
from aftershock.review.answer import Failure
from aftershock.review.budget import Budget, BudgetRefusal, Caps, Reservation
from aftershock.review.clock import Clock, SystemClock
from aftershock.review.config import GatewayConfig
from aftershock.review.ledger import Ledger
from aftershock.review.prices import PICO, Price, PriceTable
from aftershock.review.usage import Usage

__all__ = ["MARGIN", "Hold", "LedgerPurse", "Purse", "open_purse"]

MARGIN = 1.25
"""Set aside beyond the estimate of a prompt: another vocabulary may need more tokens for it."""


class Hold(Protocol):
    """Money set aside for one request; exactly one of its methods is called, once."""

    @property
    def price(self) -> str:
        """Return which price of which table applies; empty if there is none."""
        ...

    def settle(self, usage: Usage) -> float:
        """Pay for what was counted or estimated; return the cost, USD, NaN without a price."""
        ...

    def settle_unknown(self) -> float:
        """Pay the most that it may have cost: it was sent, and nobody says what was counted."""
        ...

    def release(self) -> None:
        """Put all of it back: nothing was sent, or nothing is charged."""
        ...


class Purse(Protocol):
    """Sets money aside within its caps."""

    def reserve(
        self, provider: str, model: str, input_tokens: int, output_tokens: int, *, trigger_id: str, strategy: str
    ) -> Hold | Failure:
        """Set aside the most that a request may cost.

        Args:
            provider: Asked.
            model: Asked for.
            input_tokens: Of the question, at most.
            output_tokens: Of the answer, at most.
            trigger_id: Under whose cap it falls.
            strategy: Likewise: the type of edge.
        """
        ...


class LedgerPurse:
    """Pays by a table of prices, within the caps of a ledger."""

    def __init__(self, prices: PriceTable, ledger: Ledger, clock: Clock, *, unpriced: bool) -> None:
        """Take prices and ledger; `unpriced` lets models without a price be asked, at a cost that nobody knows."""
        self._prices, self._ledger, self._clock, self._unpriced = prices, ledger, clock, unpriced

    def reserve(
        self, provider: str, model: str, input_tokens: int, output_tokens: int, *, trigger_id: str, strategy: str
    ) -> Hold | Failure:
        """Set aside the most that a request may cost, as `Purse` has it.

        Raises:
            InputError: The ledger takes no more.
        """
        now_ns = self._clock.wall_ns()
        price = self._prices.price(provider, model, now_ns)
        if price is None and not self._unpriced:
            return Failure(Fallback.BUDGET, f"there is no price for {model} of {provider}: set gateway.prices")
        worst = 0.0 if price is None else price.worst_case_usd(int(input_tokens * MARGIN), output_tokens)
        reserved = self._ledger.reserve(worst, provider, model, trigger_id=trigger_id, strategy=strategy, now_ns=now_ns)
        if isinstance(reserved, BudgetRefusal):
            return Failure(Fallback.BUDGET, reserved.detail)
        return _LedgerHold(self._ledger, reserved, price, provider, model)

    def close(self) -> None:
        """Let go of the ledger."""
        self._ledger.close()


class _LedgerHold:
    def __init__(self, ledger: Ledger, reserved: Reservation, price: Price | None, provider: str, model: str) -> None:
        self._ledger, self._reserved, self._price = ledger, reserved, price
        self._whose = (provider, model)

    @property
    def price(self) -> str:
        return "" if self._price is None else self._price.name

    def settle(self, usage: Usage) -> float:
        cost = 0.0 if self._price is None else self._price.cost_usd(usage)
        self._ledger.settle(self._reserved, cost, *self._whose)
        return NAN if self._price is None else cost

    def settle_unknown(self) -> float:
        self._ledger.settle(self._reserved, None, *self._whose)
        return NAN if self._price is None else self._reserved.pico / PICO

    def release(self) -> None:
        self._ledger.release(self._reserved, *self._whose)


def open_purse(config: GatewayConfig, clock: Clock | None = None) -> LedgerPurse:
    """Return what pays by a configuration.

    Raises:
        ConfigError: The prices are wrong, or another process has the ledger.
        InputError: A file can't be read or written.
    """
    clock = clock or SystemClock()
    prices = PriceTable.from_file(Path(config.prices)) if config.prices else PriceTable.bundled()
    caps = Caps(
        minute=config.usd_per_minute,
        day=config.usd_per_day,
        trigger=config.usd_per_trigger,
        strategy=config.usd_per_strategy,
    )
    ledger = Ledger(Budget(caps), Path(config.ledger) if config.ledger else None, clock.wall_ns())
    return LedgerPurse(prices, ledger, clock, unpriced=config.unpriced)
