"""Deribit's instruments as contract terms and fees: through the form of Tardis' instruments, whose rules are ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from aftershock.errors import UnreachableError
from aftershock.venues.tardis.instruments_json import LoadedInstruments, parse

__all__ = ["Listed", "read_instruments"]

_KINDS = {"option": "option", "future": "future"}


class Listed(msgspec.Struct, frozen=True):
    """What is listed.

    Attributes:
        terms: Contract terms, the highest fees by kind and settlement, notes on what is uncertain.
        indices: Price index of each symbol, `btc_usd`.
        left_out: Instruments that are not open, or of a kind that is not traded here, by why.
    """

    terms: LoadedInstruments
    indices: dict[str, str]
    left_out: dict[str, int]


class _Instrument(msgspec.Struct, frozen=True):
    instrument_name: str
    kind: str
    base_currency: str
    counter_currency: str
    settlement_period: str = ""
    instrument_type: str = "reversed"
    price_index: str = ""
    expiration_timestamp: int = 0
    tick_size: float | None = None
    min_trade_amount: float | None = None
    contract_size: float | None = None
    taker_commission: float | None = None
    maker_commission: float | None = None
    strike: float | None = None
    option_type: str | None = None
    is_active: bool = True
    state: str = "open"


def read_instruments(rows: Any, asset: str) -> Listed:  # noqa: ANN401 - a document
    """Read an answer of `get_instruments`.

    Args:
        rows: Its result.
        asset: Coin; instruments of others are left out without a word.

    Raises:
        UnreachableError: It is no such list.
    """
    try:
        found = [each for each in msgspec.convert(rows, list[_Instrument]) if each.base_currency == asset]
    except msgspec.ValidationError as error:
        raise UnreachableError(f"Deribit answers with what is no list of instruments ({error}): try again") from error
    left_out: dict[str, int] = {}
    entries, indices = [], {}
    for each in found:
        why = _why_not(each)
        if why:
            left_out[why] = left_out.get(why, 0) + 1
            continue
        entries.append(_entry(each))
        indices[each.instrument_name.upper()] = each.price_index
    terms = parse(msgspec.json.encode(entries), "Deribit's list")
    fees = tuple(msgspec.structs.replace(each, source="the venue's list of instruments") for each in terms.fees)
    return Listed(msgspec.structs.replace(terms, fees=fees), indices, left_out)


def _why_not(each: _Instrument) -> str:
    if each.kind not in _KINDS:
        return f"kind {each.kind}"
    if not each.is_active or each.state != "open":
        return "not open"
    incomplete = each.kind == "option" and (not each.strike or each.option_type not in ("call", "put"))
    return "without strike or type" if incomplete else ""


def _entry(each: _Instrument) -> dict[str, Any]:
    perpetual = each.settlement_period == "perpetual"
    entry: dict[str, Any] = {
        "id": each.instrument_name.upper(),
        "exchange": "deribit",
        "baseCurrency": each.base_currency,
        "quoteCurrency": each.counter_currency,
        "type": "perpetual" if perpetual else each.kind,
        "inverse": each.instrument_type == "reversed",
        "priceIncrement": each.tick_size or None,
        "amountIncrement": each.min_trade_amount or None,
        "takerFee": each.taker_commission,
        "makerFee": each.maker_commission,
    }
    if each.kind == "option":
        entry |= {"strikePrice": each.strike, "optionType": each.option_type, "contractMultiplier": each.contract_size}
    if not perpetual:
        expiry = datetime.fromtimestamp(each.expiration_timestamp // 1_000, tz=UTC)
        entry["expiry"] = f"{expiry:%Y-%m-%dT%H:%M:%S}.000Z"
    return entry
