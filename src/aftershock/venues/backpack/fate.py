"""What became of orders whose answer was lost: they are looked up for some seconds, and never sent again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any, NamedTuple

from aftershock.errors import UnreachableError
from aftershock.model.units import NS_PER_S
from aftershock.venues.backpack.account import number
from aftershock.venues.backpack.orders import NewOrder, OrderState, read_order
from aftershock.venues.backpack.rest import Rest
from aftershock.venues.connection.backoff import Backoff
from aftershock.venues.connection.clock import within

__all__ = ["LOOK_UP_S", "Sought", "look_up", "sought"]

LOOK_UP_S = 8.0
"""Longer than a signature holds: a request that arrives later than that is refused."""
_AGAIN_S, _AGAIN_CAP_S = 0.5, 2.0
_CLOCKS_APART_NS = 600 * NS_PER_S
_PLACES: tuple[tuple[str, dict[str, str | int | bool | None], str], ...] = (
    ("/api/v1/orders", {}, "orderQueryAll"),
    ("/wapi/v1/history/orders", {"limit": 1_000}, "orderHistoryQueryAll"),
)


class Sought(NamedTuple):
    """An order to look up: its market, and how to know it, and that its state settles what is asked."""

    symbol: str
    fits: Callable[[OrderState], bool]


def sought(order: NewOrder, sent_ns: int) -> Sought:
    """Return what to look up for an order that was sent, by its client id.

    An older order of the same id, of a time before the file of ids was begun anew, is another one.
    """
    price, quantity = number(order.price), number(order.quantity)

    def fits(state: OrderState) -> bool:
        return (
            order.client_id is not None
            and state.client_id == order.client_id
            and state.side is order.side
            and not _differs(state.quantity, quantity)
            and not _differs(state.price, price)
            and (state.created_ns == 0 or state.created_ns > sent_ns - _CLOCKS_APART_NS)
        )

    return Sought(order.symbol, fits)


async def look_up(rest: Rest, wanted: Sequence[Sought], seconds: float = LOOK_UP_S) -> list[OrderState | None]:
    """Look orders up among the open ones and in the history, again and again, until all are found or time is over.

    Returns:
        The state of each, None for those that were not found; a venue that does not answer is asked again.
    """
    found: list[OrderState | None] = [None] * len(wanted)

    async def search() -> None:
        backoff = Backoff(_AGAIN_S, _AGAIN_CAP_S, Random())  # noqa: S311 - jitter is no secret
        while True:
            for symbol in dict.fromkeys(each.symbol for each, state in zip(wanted, found, strict=True) if not state):
                for place in _PLACES:
                    _fill(found, wanted, symbol, await _orders(rest, symbol, *place))
            if None not in found:
                return
            await rest.clock.sleep(backoff.next_s())

    with suppress(TimeoutError):
        await within(rest.clock, seconds, search())
    return found


def _fill(found: list[OrderState | None], wanted: Sequence[Sought], symbol: str, states: Sequence[OrderState]) -> None:
    for i, each in enumerate(wanted):
        if found[i] is None and each.symbol == symbol:
            found[i] = next((state for state in states if each.fits(state)), None)


async def _orders(
    rest: Rest, symbol: str, path: str, params: dict[str, str | int | bool | None], instruction: str
) -> list[OrderState]:
    """Return what one list has of a market; nothing if it can't be had now."""
    try:
        rows: Any = await rest.get(path, {"symbol": symbol, **params}, instruction, attempts=1, urgent=True)
    except UnreachableError:
        return []
    states = []
    for row in rows if isinstance(rows, list) else ():
        with suppress(UnreachableError):
            states.append(read_order(row, "Backpack"))
    return states


def _differs(theirs: float, ours: float) -> bool:
    """Tell whether two numbers are known and not the same."""
    return abs(theirs - ours) > 1e-9 * abs(ours)
