"""What to listen to, and the addresses of tardis-machine that ask for it: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from aftershock.errors import UsageError
from aftershock.model.events import StreamId
from aftershock.venues.connection.text import printable

__all__ = ["MAX_URL_BYTES", "FeedPlan", "LinkPlan", "Subscription", "feed_plan", "plan_links"]

MAX_URL_BYTES = 8_000
"""tardis-machine takes a request head of 20,000 bytes; servers and proxies between may take 8 KiB for the line."""

_QUIET_TIMEOUT_MS = 30 * 60 * 1000
_TIMEOUT_MS = 10_000

_KINDS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    # what is asked for, the type of message that answers, the kind of stream
    (re.compile(r"liquidation"), "liquidation", "liquidations"),
    (re.compile(r"trade"), "trade", "trades"),
    (re.compile(r"book_ticker"), "book_ticker", "quotes"),
    (re.compile(r"quote(_\d+(ms|s|m))?"), "book_snapshot", "quotes"),
    (re.compile(r"book_snapshot_\d+(_grouped\d+)?_\d+(ms|s|m)"), "book_snapshot", "book_snapshot"),
    (re.compile(r"derivative_ticker"), "derivative_ticker", "derivative_ticker"),
    (re.compile(r"option_summary"), "option_summary", "option_quotes"),
)
_TAKEN = "liquidation, trade, book_ticker, quote, derivative_ticker, option_summary, book_snapshot_5_100ms"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange's data.

    Attributes:
        exchange: Tardis id.
        data_types: As tardis-machine names them, singular: `liquidation`, `book_ticker`, `option_summary`, ...
        symbols: The venue's own names; empty for all, which most venues take in a replay only.
        quiet: True if silence is no fault; None decides from the data types: liquidations and trades alone are.
    """

    exchange: str
    data_types: tuple[str, ...]
    symbols: tuple[str, ...] = ()
    quiet: bool | None = None


class FeedPlan(msgspec.Struct, frozen=True):
    """One exchange on one connection: which types of messages are wanted, its streams, whether it may be silent."""

    exchange: str
    wanted: frozenset[str]
    streams: tuple[StreamId, ...]
    quiet: bool


class LinkPlan(msgspec.Struct, frozen=True):
    """One connection: its address, and its feeds by exchange."""

    url: str
    feeds: dict[str, FeedPlan]

    @property
    def quiet(self) -> bool:
        """Tell whether it may be silent altogether."""
        return all(feed.quiet for feed in self.feeds.values())


def plan_links(machine_ws_url: str, subscriptions: Iterable[Subscription]) -> list[LinkPlan]:
    """Distribute subscriptions over connections.

    An exchange comes once on each connection, because tardis-machine mixes the data types that one connection asks of
    an exchange, and its messages don't say which request they answer.

    Args:
        machine_ws_url: Scheme, host and port.
        subscriptions: At least one.

    Raises:
        UsageError: Nothing is asked for, a data type is unknown, or a name can't be one.
    """
    links: list[list[tuple[dict[str, Any], FeedPlan]]] = []
    for subscription in subscriptions:
        feed = feed_plan(subscription)
        for element in _elements(machine_ws_url, subscription, feed):
            for link in links:
                others = [each["exchange"] for each, _ in link]
                if subscription.exchange not in others and _fits(machine_ws_url, [*(e for e, _ in link), element]):
                    link.append((element, feed))
                    break
            else:
                links.append([(element, feed)])
    if not links:
        raise UsageError("nothing to listen to: name at least one exchange")
    return [
        LinkPlan(_url(machine_ws_url, [element for element, _ in link]), {feed.exchange: feed for _, feed in link})
        for link in links
    ]


def feed_plan(subscription: Subscription) -> FeedPlan:
    """Return what one subscription asks of a connection.

    Raises:
        UsageError: A name can't be one, or a data type is unknown.
    """
    exchange = subscription.exchange
    for name in (exchange, *subscription.symbols):
        if not name or not name.isprintable():
            raise UsageError(f"`{printable(name)}` is no name of an exchange or a symbol: write it as the venue does")
    if not subscription.data_types:
        raise UsageError(f"nothing is asked of {exchange}: take some of {_TAKEN}")
    found = [_kind(name) for name in subscription.data_types]
    wanted = frozenset(message for message, _ in found)
    quiet = subscription.quiet if subscription.quiet is not None else wanted <= {"liquidation", "trade"}
    streams = tuple(StreamId(exchange, kind, "") for kind in dict.fromkeys(kind for _, kind in found))
    return FeedPlan(exchange, wanted, streams, quiet)


def _kind(name: str) -> tuple[str, str]:
    for pattern, message, kind in _KINDS:
        if pattern.fullmatch(name):
            return message, kind
    raise UsageError(f"`{printable(name)}` is no data type that can be listened to: take some of {_TAKEN}")


def _elements(machine_ws_url: str, subscription: Subscription, feed: FeedPlan) -> Iterator[dict[str, Any]]:
    """Yield requests, each with as many symbols as fit into an address."""
    symbols = list(dict.fromkeys(subscription.symbols))
    if not symbols:
        yield _element(subscription, feed, ())
        return
    while symbols:
        low, high = 1, len(symbols)
        while low < high:
            middle = (low + high + 1) // 2
            if _fits(machine_ws_url, [_element(subscription, feed, symbols[:middle])]):
                low = middle
            else:
                high = middle - 1
        yield _element(subscription, feed, symbols[:low])
        symbols = symbols[low:]


def _element(subscription: Subscription, feed: FeedPlan, symbols: Sequence[str]) -> dict[str, Any]:
    return {
        "exchange": subscription.exchange,
        **({"symbols": list(symbols)} if symbols else {}),
        "dataTypes": list(dict.fromkeys(subscription.data_types)),
        "withDisconnectMessages": True,
        "withErrorMessages": True,
        "timeoutIntervalMS": _QUIET_TIMEOUT_MS if feed.quiet else _TIMEOUT_MS,
    }


def _url(machine_ws_url: str, elements: Sequence[dict[str, Any]]) -> str:
    options = quote(msgspec.json.encode(elements), safe=",:")
    return f"{machine_ws_url.rstrip('/')}/ws-stream-normalized?options={options}"


def _fits(machine_ws_url: str, elements: Sequence[dict[str, Any]]) -> bool:
    return len(_url(machine_ws_url, elements)) <= MAX_URL_BYTES
