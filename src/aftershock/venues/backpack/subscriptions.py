"""What is subscribed to on a connection to Backpack, and which streams of ours that makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from aftershock.model.events import StreamId
from aftershock.model.instruments import Instrument
from aftershock.model.units import NS_PER_MS
from aftershock.venues.backpack.account_stream import ACCOUNT
from aftershock.venues.backpack.codec import VENUE
from aftershock.venues.backpack.signing import Signer
from aftershock.venues.connection.venue_plan import VenueLink

__all__ = ["account_subscription", "link_of"]

_STREAMS_A_MESSAGE = 50


def link_of(
    url: str,
    perps: Sequence[str],
    options: Sequence[Instrument],
    books: Sequence[str],
    own_streams: Callable[[], Sequence[str]] | None,
    opening: Callable[[], None],
) -> VenueLink:
    """Return the connection that carries all of it.

    Args:
        url: Where.
        perps: Symbols of perpetuals.
        options: Options.
        books: Symbols whose books are kept.
        own_streams: Gives the texts that subscribe to the account's streams; None without.
        opening: Called on each opening, before anything is subscribed to.
    """
    names = [f"{kind}.{symbol}" for symbol in perps for kind in ("bookTicker", "trade", "markPrice")]
    names += ["liquidation"] if perps else []
    names += [f"{kind}.{each.symbol}" for each in options for kind in ("bookTicker", "markPrice")]
    names += [f"depth.{symbol}" for symbol in books]
    quotes = [StreamId(VENUE, "quotes", symbol) for symbol in perps]
    tickers = [StreamId(VENUE, "derivative_ticker", symbol) for symbol in perps]
    trades = [StreamId(VENUE, "trades", symbol) for symbol in perps]
    liquidations = [StreamId(VENUE, "liquidations", "")] if perps else []
    private = [] if own_streams is None else [ACCOUNT]
    chains = [StreamId(VENUE, "option_quotes", coin) for coin in dict.fromkeys(each.underlying for each in options)]

    def hello() -> list[str]:
        opening()
        chunks = [names[i : i + _STREAMS_A_MESSAGE] for i in range(0, len(names), _STREAMS_A_MESSAGE)]
        said = [_said({"method": "SUBSCRIBE", "params": chunk}) for chunk in chunks]
        return said if own_streams is None else [*said, *own_streams()]

    return VenueLink(
        url=url,
        who="Backpack",
        streams=(*quotes, *tickers, *trades, *liquidations, *chains, *private),
        quiet=frozenset([*trades, *liquidations, *private]),
        hello=hello,
        books=tuple(books),
        advice="check AFTERSHOCK_BACKPACK_WS_URL and the network",
    )


def account_subscription(signer: Signer, now_ns: int) -> str:
    """Return the text that subscribes to orders and positions of the account."""
    own = ["account.orderUpdate", "account.positionUpdate"]
    return _said({"method": "SUBSCRIBE", "params": own, "signature": signer.subscription(now_ns // NS_PER_MS)})


def _said(document: Mapping[str, Any]) -> str:
    return msgspec.json.encode(document).decode()
