"""What to ask of tardis-machine's replay: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from aftershock.errors import UsageError
from aftershock.model.units import NS_PER_S
from aftershock.venues.tardis.subscription import MAX_URL_BYTES, FeedPlan, Subscription, feed_plan

__all__ = ["Moment", "ReplayPlan", "minute", "plan_replay"]

Moment = str | date | datetime
_ROUTE = "replay-normalized"


class ReplayPlan(msgspec.Struct, frozen=True):
    """One request.

    Attributes:
        url: Its address.
        feeds: By exchange: types of messages, for whatever the machine sends beyond them.
        symbols: By (exchange, type of message): the symbols wanted, in capitals, as the machine corrects their case;
            empty for all.
    """

    url: str
    feeds: dict[str, FeedPlan]
    symbols: dict[tuple[str, str], frozenset[str]]

    def wants(self, exchange: str, kind: str, symbol: str) -> bool:
        """Tell whether a message was asked for: the machine mixes the data types of one exchange."""
        names = self.symbols.get((exchange, kind))
        return names is not None and (not names or symbol.upper() in names)


def minute(moment: Moment, what: str) -> str:
    """Return a moment as the machine takes it, whole minutes in UTC.

    Args:
        moment: `2022-11-01`, `2022-11-01T00:05`, `2022-11-01T00:05:00Z`, or a date or time; without zone it is UTC.
        what: Its name in messages.

    Raises:
        UsageError: It is none, or has seconds, which the machine would drop without a word.
    """
    text = moment.isoformat() if isinstance(moment, date) else moment
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{what} is no moment ({text[:40]!r}): write 2022-11-01 or 2022-11-01T00:05Z") from None
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    if when.second or when.microsecond:
        raise UsageError(f"{what} has seconds ({text[:40]}), which a replay can't resolve: name a whole minute")
    return f"{when:%Y-%m-%dT%H:%M}:00.000Z"


def plan_replay(
    base: str,
    subscriptions: Iterable[Subscription],
    from_: Moment,
    to: Moment,
    over: Literal["ws", "http"],
    now_ns: int,
) -> ReplayPlan:
    """Return the request for some data of the past.

    Args:
        base: Address of the machine's WebSocket or HTTP side.
        subscriptions: What to read; no symbols means all. Symbols that don't fit into an address are chosen here.
        from_: First minute.
        to: Minute after the last.
        over: Which side.
        now_ns: Wall clock, ns UTC: what is not over can't be replayed.

    Raises:
        UsageError: Nothing is asked for, a name can't be one, or the span is empty.
    """
    first, last = minute(from_, "from"), minute(to, "to")
    if not first < last:
        raise UsageError(f"the replay ends before it begins ({first[:16]} to {last[:16]}): `to` is the minute after it")
    if datetime.fromisoformat(last).timestamp() * NS_PER_S > now_ns:
        raise UsageError(f"the replay would end in the future ({last[:16]}): listen live, or end it before now")
    wanted = list(subscriptions)
    if not wanted:
        raise UsageError("nothing to replay: name at least one exchange")
    feeds: dict[str, FeedPlan] = {}
    symbols: dict[tuple[str, str], frozenset[str]] = {}
    elements: dict[str, dict[str, Any]] = {}
    for each in wanted:
        plan = feed_plan(each)
        feeds[each.exchange] = plan
        for kind in plan.wanted:
            known = symbols.get((each.exchange, kind))
            everything = not each.symbols or known == frozenset()
            named = frozenset(name.upper() for name in each.symbols)
            symbols[each.exchange, kind] = frozenset() if everything else (known or frozenset()) | named
        element = elements.setdefault(each.exchange, {"exchange": each.exchange, "symbols": [], "dataTypes": []})
        element["dataTypes"] = list(dict.fromkeys([*element["dataTypes"], *each.data_types]))
        element["symbols"] = (
            None if not each.symbols or element["symbols"] is None else [*element["symbols"], *each.symbols]
        )
    span = {"from": first, "to": last, "withDisconnectMessages": True}
    full = [_element(element, span, with_symbols=True) for element in elements.values()]
    url = _url(base, full, over)
    if len(url) > MAX_URL_BYTES:
        url = _url(base, [_element(element, span, with_symbols=False) for element in elements.values()], over)
    return ReplayPlan(url, feeds, symbols)


def _element(element: dict[str, Any], span: dict[str, Any], *, with_symbols: bool) -> dict[str, Any]:
    names = list(dict.fromkeys(element["symbols"] or ())) if with_symbols else []
    chosen = {"symbols": names} if names else {}
    return {"exchange": element["exchange"], **chosen, "dataTypes": element["dataTypes"], **span}


def _url(base: str, elements: list[dict[str, Any]], over: str) -> str:
    options = quote(msgspec.json.encode(elements if len(elements) > 1 else elements[0]), safe=",:")
    return f"{base.rstrip('/')}/{'ws-' if over == 'ws' else ''}{_ROUTE}?options={options}"
