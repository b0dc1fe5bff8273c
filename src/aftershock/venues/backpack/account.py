"""What Backpack says about an account: money, margin, positions, fees."""

from __future__ import annotations

from typing import Any

import msgspec

from aftershock.errors import UnreachableError
from aftershock.model.instruments import FeeSchedule, Kind
from aftershock.model.units import BPS, NAN
from aftershock.venues.backpack.codec import VENUE
from aftershock.venues.connection.text import printable

__all__ = ["AccountSummary", "Balance", "Margin", "Position", "convert", "fee_schedules", "number"]


class Balance(msgspec.Struct, frozen=True):
    """Of one asset, decimal texts."""

    available: str
    locked: str = "0"
    staked: str = "0"


class Margin(msgspec.Struct, frozen=True, rename="camel"):
    """Margin of the whole account, decimal texts in USD."""

    net_equity: str
    net_equity_available: str
    imf: str | None = None
    mmf: str | None = None
    margin_fraction: str | None = None


class Position(msgspec.Struct, frozen=True, rename="camel"):
    """One position; `net_quantity` is signed. Decimal texts, None where the venue gives none."""

    symbol: str
    net_quantity: str
    entry_price: str | None = None
    mark_price: str | None = None
    pnl_realized: str | None = None
    pnl_unrealized: str | None = None
    est_liquidation_price: str | None = None


class AccountSummary(msgspec.Struct, frozen=True, rename="camel"):
    """Fees are basis points, decimal texts. Those of options are of no document of the venue; None where absent."""

    futures_maker_fee: str | None = None
    futures_taker_fee: str | None = None
    spot_maker_fee: str | None = None
    spot_taker_fee: str | None = None
    leverage_limit: str | None = None
    liquidating: bool = False
    option_maker_fee: str | None = None
    option_taker_fee: str | None = None
    option_fee_cap: str | None = None


def convert(document: Any, kind: Any, what: str) -> Any:  # noqa: ANN401 - a document of the kind
    """Return a document as a struct.

    Raises:
        UnreachableError: It is none.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise UnreachableError(
            f"Backpack answers with what is no {what} ({printable(str(error))}): try again"
        ) from error


def fee_schedules(account: AccountSummary, now_ns: int) -> tuple[FeeSchedule, ...]:
    """Return the account's fees from now on; of a kind whose fee it does not say there is none, never zero."""
    pairs = (
        (Kind.PERPETUAL, account.futures_taker_fee, account.futures_maker_fee, None),
        (Kind.OPTION, account.option_taker_fee, account.option_maker_fee, account.option_fee_cap),
    )
    found = []
    for kind, taker, maker, cap in pairs:
        rates = [number(taker), number(maker)]
        if any(rate != rate for rate in rates):  # noqa: PLR0124 - NaN: not said
            continue
        cap_fraction = number(cap)
        found.append(
            FeeSchedule(
                venue=VENUE,
                kind=kind,
                inverse=False,
                valid_from_ns=now_ns,
                taker_rate=rates[0] / BPS,
                maker_rate=rates[1] / BPS,
                cap_fraction=cap_fraction if cap_fraction == cap_fraction else float("inf"),  # noqa: PLR0124 - NaN
                source="the account's own, by its API",
            )
        )
    return tuple(found)


def number(text: str | None) -> float:
    """Return a decimal text, NaN for none."""
    try:
        return NAN if text is None else float(text)
    except ValueError:
        return NAN
