"""The endless market as one flow of events, drawn ahead in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aftershock.model.events import Event
from aftershock.sim.market.endless import EndlessMarket
from aftershock.sim.servers.tape import Tape
from aftershock.sim.servers.terms import Terms, terms_of

__all__ = ["flow"]


async def flow(market: EndlessMarket, terms: dict[tuple[str, str], Terms]) -> AsyncIterator[Event]:
    """Yield the events of a market and its tape in the order of receipt.

    Args:
        market: Not yet drawn.
        terms: Gets the terms of options before the first event of theirs.
    """
    episodes, tape = market.episodes(), Tape(market.seed)
    drawn = await asyncio.to_thread(next, episodes)
    while True:
        terms.update(terms_of(drawn.surface.listing))
        following = asyncio.ensure_future(asyncio.to_thread(next, episodes))
        try:
            while drawn.next_place() is not None:
                for event in tape.add(drawn.pop()):
                    yield event
            drawn = await following
        finally:
            following.cancel()
