"""A venue's option chain as it stands now, asked for over its own interface."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from aftershock.app.chain_build import Chains, chains_at
from aftershock.app.digitals import digital_value
from aftershock.app.live.connect import BACKPACK, DERIBIT
from aftershock.errors import UsageError
from aftershock.model.table import InstrumentTable
from aftershock.venues.backpack.chain import OptionsChain
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.backpack.predictions import Digital
from aftershock.venues.connection.clock import SystemClock
from aftershock.venues.deribit.client import Chain, DeribitClient

__all__ = ["VENUES", "DigitalView", "chain_now", "digitals_now"]

VENUES = (BACKPACK, DERIBIT)
"""Those that can be asked."""


class DigitalView(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction market beside what it is worth at one volatility."""

    digital: Digital
    forward: float
    volatility: float
    value: float


async def digitals_now(asset: str, volatility: float, environment: Mapping[str, str]) -> tuple[list[DigitalView], int]:
    """Return Backpack's open prediction markets on a coin's price, valued at one volatility on the perpetual's mark.

    Args:
        asset: Coin.
        volatility: A fraction a year.
        environment: Addresses.

    Returns:
        Those on the coin, and how many others are open.

    Raises:
        UnreachableError: Backpack does not answer.
    """
    clock = SystemClock()
    async with BackpackOptionsClient(environment=environment, clock=clock) as client:
        digitals, others = await client.digitals()
        forward = await client.mark_price(f"{asset}_USDC_PERP")
    mine = [each for each in digitals if each.source.split(" ")[-1].startswith(asset)]
    views = [
        DigitalView(
            digital=each,
            forward=forward,
            volatility=volatility,
            value=digital_value(each, forward, lambda _: volatility, clock.wall_ns()),
        )
        for each in mine
    ]
    return views, others + len(digitals) - len(mine)


async def chain_now(venue: str, asset: str, environment: Mapping[str, str]) -> tuple[Chains, int, list[str]]:
    """Return a chain, the moment of its last answer (ns UTC), and what was left out; each row confirms only itself.

    Raises:
        UsageError: The venue can't be asked, or lists no options of that coin; says what it does.
        UnreachableError: It does not answer.
    """
    if venue not in VENUES:
        raise UsageError(f"{venue} can't be asked for its chain: name {', '.join(VENUES)}, or give files")
    chain: OptionsChain | Chain
    if venue == DERIBIT:
        chain = await DeribitClient(environment=environment).chain(asset)
        notes = [f"{count:,} were left out: {why}" for why, count in chain.left_out.items()]
    else:
        async with BackpackOptionsClient(environment=environment) as client:
            chain = await client.get_options_chain(asset)
        notes = [f"{chain.untyped:,} were left out: terms that are in no typed field"] if chain.untyped else []
    chains, now = chains_at([chain.quotes()], InstrumentTable(chain.instruments), chain.answered_ns, "poll")
    return chains, now, notes
