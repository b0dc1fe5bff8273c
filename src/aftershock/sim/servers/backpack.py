"""Backpack put together: its market, one account, REST and WebSocket."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from aftershock.sim.market.listing import Listing
from aftershock.sim.servers.backpack_account import Account
from aftershock.sim.servers.backpack_auth import KeyPair, Verifier
from aftershock.sim.servers.backpack_market import BackpackMarket
from aftershock.sim.servers.backpack_rest import BackpackRest
from aftershock.sim.servers.backpack_ws import BackpackWs
from aftershock.sim.servers.faults import Faults
from aftershock.sim.servers.hub import Hub

__all__ = ["Backpack"]


class Backpack:
    """The venue.

    Attributes:
        keys: Of its one account, made anew each time.
        market: Books and prints.
        account: Orders, balances, positions.
        rest, ws: Its two servers.
    """

    def __init__(self, hub: Hub, listing: Callable[[], Listing], faults: Faults, *, options: bool = True) -> None:
        """Listen to the market.

        Args:
            hub: Plays it.
            listing: Returns the options that are listed now.
            faults: What goes wrong.
            options: Whether options are listed, as the overlay has them; the real venue lists none.
        """
        self.keys = KeyPair(secrets.token_bytes(32))
        self.market = BackpackMarket(hub, listing, options=options)
        self.account = Account(self.market)
        verifier = Verifier(self.keys.public)
        self.ws = BackpackWs(self.market, self.account, verifier, faults)
        self.rest = BackpackRest(self.market, self.account, verifier, faults, options=options)
