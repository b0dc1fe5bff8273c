"""Fees of an account: the venue's list of instruments has the base fees, the account its discounts on them."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from aftershock.model.instruments import FeeSchedule
from aftershock.venues.connection.text import printable
from aftershock.venues.deribit.instruments import Listed

__all__ = ["account_fees"]

_MOST_FIXED, _MOST_RELATIVE = 0.01, 10.0
"""A rate, and a multiple of the base rate, above which it is no fee."""


class _Rates(msgspec.Struct, frozen=True):
    type: str
    taker: float
    maker: float


class _Value(msgspec.Struct, frozen=True):
    default: _Rates


class _Fee(msgspec.Struct, frozen=True):
    kind: str
    index_name: str
    value: _Value


def account_fees(listed: Listed, document: Any) -> tuple[tuple[FeeSchedule, ...], tuple[str, ...]]:  # noqa: ANN401 - a document
    """Return the fees of an account for what is listed, and notes on what of them was left out.

    A `fixed` fee is a rate of its own, a `relative` one a multiple of the instrument's base fee; without either the
    base fee holds. Fees are by contract kind and settlement: of several indices the highest counts.

    Args:
        listed: Instruments with their base fees.
        document: Result of `private/get_account_summaries`, extended.
    """
    own, notes = _read(document)
    found = []
    for base in listed.terms.fees:
        indices = {
            listed.indices.get(each.symbol, "")
            for each in listed.terms.instruments
            if (each.kind, each.inverse) == (base.kind, base.inverse)
        }
        rates = [_applied(own.get((base.kind.value, index)), base) for index in sorted(indices)]
        taker, maker = (max(each[i] for each in rates) for i in (0, 1))
        is_own = any((base.kind.value, index) in own for index in indices)
        source = "the account's fees" if is_own else base.source
        found.append(msgspec.structs.replace(base, taker_rate=taker, maker_rate=maker, source=source))
    return tuple(found), tuple(notes)


def _read(document: Any) -> tuple[dict[tuple[str, str], _Rates], list[str]]:  # noqa: ANN401 - a document
    own: dict[tuple[str, str], _Rates] = {}
    notes: list[str] = []
    summaries = document.get("summaries") if isinstance(document, dict) else None
    if not isinstance(summaries, list):
        return own, ["the account's summaries can't be read: the venue's base fees are used"]
    for summary in summaries:
        rows = summary.get("fees") if isinstance(summary, dict) else None
        for row in rows if isinstance(rows, list) else ():
            try:
                fee = msgspec.convert(row, _Fee)
            except msgspec.ValidationError as error:
                notes.append(f"a fee of the account can't be read ({error}): the base fee is used")
                continue
            rates = fee.value.default
            most = {"fixed": _MOST_FIXED, "relative": _MOST_RELATIVE}.get(rates.type, 0.0)
            if not all(math.isfinite(each) and abs(each) <= most for each in (rates.taker, rates.maker)):
                what = f"{printable(fee.index_name)}: {printable(rates.type)} {rates.taker:g}, {rates.maker:g}"
                notes.append(f"a fee of the account can't be one ({what}): the base fee is used")
                continue
            own[fee.kind, fee.index_name] = rates
    return own, notes


def _applied(own: _Rates | None, base: FeeSchedule) -> tuple[float, float]:
    if own is None:
        return base.taker_rate, base.maker_rate
    if own.type == "fixed":
        return own.taker, own.maker
    return own.taker * base.taker_rate, own.maker * base.maker_rate
