"""Backpack's messages on our own orders as events: pure. What can't be counted is a gap of the account's stream."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec

from aftershock.model.events import Event, Gap, OrderUpdate, StreamId
from aftershock.model.orders import Fill, Side
from aftershock.model.units import NAN, NS_PER_US
from aftershock.venues.backpack.codec import VENUE
from aftershock.venues.connection.text import printable
from aftershock.venues.tardis.report import Broken, FileReport

__all__ = ["ACCOUNT", "AccountDecoder", "account_gap"]

ACCOUNT = StreamId(VENUE, "account", "")
"""The account's own stream: orders and fills of all markets."""
_SETTLED_IN = "USDC"
_SIDES = {"Bid": Side.BUY, "Ask": Side.SELL}
_ENDS = {"orderCancelled": "cancelled", "orderExpired": "expired", "triggerFailed": "rejected"}


class _Order(msgspec.Struct, frozen=True):
    e: str
    s: str
    i: str
    T: int
    S: str | None = None
    c: int | None = None
    l: str | None = None  # noqa: E741 - the venue's name
    L: str | None = None
    n: str | None = None
    N: str | None = None
    t: int | None = None
    O: str | None = None  # noqa: E741 - the venue's name


class _Frame(msgspec.Struct, frozen=True):
    stream: str
    data: msgspec.Raw


_FRAMES = msgspec.json.Decoder(_Frame)
_ORDERS = msgspec.json.Decoder(_Order)


class _LostError(ValueError):
    """A message that was read, and can't be counted."""

    def __init__(self, reason: Broken, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class AccountDecoder:
    """Decodes messages of an account."""

    def __init__(self, report: FileReport, contracts: Mapping[str, float], name_of: Callable[[int], str]) -> None:
        """Take where messages are counted, and what they are about.

        Args:
            report: Where.
            contracts: Coins of one unit of amount, of each market whose terms are known. A fill of another is a gap.
            name_of: Returns the name of an order of ours by its client id.
        """
        self._report, self._contracts, self._name_of = report, contracts, name_of

    def decode(self, text: str, now_ns: int) -> Sequence[Event] | None:
        """Return what one message says; None if nobody can tell what it was.

        Args:
            text: As the socket delivered it.
            now_ns: When, ns UTC.
        """
        self._report.rows += 1
        try:
            frame = _FRAMES.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            self._report.drop(Broken.JSON, self._report.rows, text)
            return None
        if not frame.stream.startswith("account.orderUpdate"):
            self._report.leave(".".join(frame.stream.split(".")[:2]))
            return ()
        try:
            return self._order(_ORDERS.decode(frame.data), now_ns)
        except _LostError as lost:
            return self._gap(lost.reason, str(lost), text, now_ns)
        except (msgspec.MsgspecError, RecursionError, ValueError):
            return self._gap(Broken.FIELD, "a message on our orders could not be read", text, now_ns)

    def _gap(self, reason: Broken, detail: str, text: str, now_ns: int) -> Sequence[Event]:
        self._report.drop(reason, self._report.rows, text)
        self._report.note(detail)
        return [account_gap(detail, now_ns)]

    def _order(self, data: _Order, now_ns: int) -> Sequence[Event]:
        if not 0 < data.T < 2**53:
            raise _LostError(Broken.TIMESTAMP, "a message on our orders has no time")
        client_id = self._name_of(data.c) if data.c is not None else ""
        ts_event = data.T * NS_PER_US
        if data.e == "orderFill":
            return [self._fill(data, client_id, ts_event, now_ns)]
        status = "accepted" if data.e == "orderAccepted" else _ENDS.get(data.e)
        if status is None:
            self._report.leave(printable(data.e))
            return ()
        detail = f"order {printable(data.i)}, origin {printable(data.O or '')}"
        return [OrderUpdate(ts_event=ts_event, ts_init=now_ns, client_id=client_id, status=status, detail=detail)]

    def _fill(self, data: _Order, client_id: str, ts_event: int, now_ns: int) -> Fill:
        name = printable(data.s)
        coins, side = self._contracts.get(data.s), _SIDES.get(data.S or "")
        if coins is None:
            raise _LostError(Broken.NAME, f"a fill of {name}, whose contract is not known, can't be counted")
        if side is None:
            raise _LostError(Broken.SIDE, f"a fill of {name} has no side")
        if data.t is None:
            raise _LostError(Broken.FIELD, f"a fill of {name} has no id, so that it can't be told from its repetition")
        quantity, price = coins * _number(data.l), _number(data.L)
        if not (quantity > 0 and price > 0):
            raise _LostError(Broken.NUMBER, f"a fill of {name} has no size or no price")
        return Fill(
            ts_event=ts_event,
            ts_init=now_ns,
            client_id=client_id,
            trade_id=str(data.t),
            venue=VENUE,
            symbol=data.s,
            side=side,
            quantity=quantity,
            price=price,
            fee=_number(data.n) if data.N == _SETTLED_IN else NAN,
        )


def account_gap(detail: str, now_ns: int) -> Gap:
    """Return the gap of a message that was heard and is lost."""
    return Gap(ts_event=now_ns, ts_init=now_ns, stream=ACCOUNT, from_ts=now_ns, to_ts=now_ns, detail=detail)


def _number(text: str | None) -> float:
    """Return a decimal text, NaN for none and for what is no finite number."""
    try:
        value = NAN if text is None else float(text)
    except ValueError:
        return NAN
    return value if math.isfinite(value) else NAN
