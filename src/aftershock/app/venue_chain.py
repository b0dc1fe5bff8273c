"""A venue's option chain as it stands now, asked for over its own interface."""

from __future__ import annotations

from collections.abc import Mapping

from aftershock.app.chain_build import Chains, chains_at
from aftershock.app.live.connect import BACKPACK, DERIBIT
from aftershock.errors import UsageError
from aftershock.model.table import InstrumentTable
from aftershock.venues.backpack.chain import OptionsChain
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.deribit.client import Chain, DeribitClient

__all__ = ["VENUES", "chain_now"]

VENUES = (BACKPACK, DERIBIT)
"""Those that can be asked."""


async def chain_now(venue: str, asset: str, environment: Mapping[str, str]) -> tuple[Chains, int]:
    """Return a chain and the moment of its last answer, ns UTC; each row confirms only itself.

    Raises:
        UsageError: The venue can't be asked, or lists no options of that coin; says what it does.
        UnreachableError: It does not answer.
    """
    if venue not in VENUES:
        raise UsageError(f"{venue} can't be asked for its chain: name {', '.join(VENUES)}, or give files")
    chain: OptionsChain | Chain
    if venue == DERIBIT:
        chain = await DeribitClient(environment=environment).chain(asset)
    else:
        async with BackpackOptionsClient(environment=environment) as client:
            chain = await client.get_options_chain(asset)
    return chains_at([chain.quotes()], InstrumentTable(chain.instruments), chain.answered_ns, "poll")
