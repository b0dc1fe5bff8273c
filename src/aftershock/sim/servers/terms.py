"""What the messages of an option say about its contract."""

from __future__ import annotations

import msgspec

from aftershock.sim.market.listing import Listing

__all__ = ["Terms", "terms_of"]


class Terms(msgspec.Struct, frozen=True):
    """Type (`call`, `put`), strike, and expiry in ns UTC."""

    kind: str
    strike: float
    expiry_ns: int


def terms_of(listing: Listing) -> dict[tuple[str, str], Terms]:
    """Return the terms of all options by (venue, symbol)."""
    expiries = listing.expiries_ns[listing.expiry].tolist()
    columns = zip(
        listing.venues, listing.symbols, listing.is_call.tolist(), listing.strike.tolist(), expiries, strict=True
    )
    return {(venue, symbol): Terms("call" if call else "put", k, expiry) for venue, symbol, call, k, expiry in columns}
