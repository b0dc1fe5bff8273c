"""Deribit's instruments as contract terms and fees: through the form of Tardis' instruments, whose rules are ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from aftershock.errors import InputError, UnreachableError
from aftershock.venues.connection.text import printable
from aftershock.venues.deribit.messages import LATEST_MS
from aftershock.venues.tardis.instruments_json import LoadedInstruments, parse

__all__ = ["NOT_OPEN", "Listed", "read_instruments"]

NOT_OPEN = "not open"

_KINDS = {"option": "option", "future": "future"}
_INVERSE = {"reversed": True, "linear": False}


class Listed(msgspec.Struct, frozen=True):
    """What is listed.

    Attributes:
        terms: Contract terms, the highest fees by kind and settlement, notes on what is uncertain.
        indices: Price index of each symbol, `btc_usd`; empty where it is not said.
        left_out: Rows that are not open, of a kind that is not traded here, or can't be read, by why.
        refused: Why, by name, of those that have one.
    """

    terms: LoadedInstruments
    indices: dict[str, str]
    left_out: dict[str, int]
    refused: dict[str, str] = {}


class _Instrument(msgspec.Struct, frozen=True):
    instrument_name: str
    kind: str
    base_currency: str
    counter_currency: str | None = None
    quote_currency: str | None = None
    settlement_currency: str | None = None
    settlement_period: str | None = None
    instrument_type: str | None = None
    future_type: str | None = None
    price_index: str | None = None
    expiration_timestamp: int | None = None
    tick_size: float | None = None
    min_trade_amount: float | None = None
    contract_size: float | None = None
    taker_commission: float | None = None
    maker_commission: float | None = None
    strike: float | None = None
    option_type: str | None = None
    is_active: bool | None = None
    state: str | None = None

    @property
    def name(self) -> str:
        """Return its name in capitals, as Tardis has it."""
        return self.instrument_name.upper()

    @property
    def perpetual(self) -> bool:
        return self.settlement_period == "perpetual"

    @property
    def inverse(self) -> bool | None:
        """Tell whether it is settled in the coin; None if nothing says so, or one field says this and another that.

        A quote currency that is the coin is the premium's; another says nothing, as inverse futures have it too.
        """
        said = {_INVERSE[each] for each in (self.instrument_type, self.future_type) if each in _INVERSE}
        if self.settlement_currency:
            said.add(self.settlement_currency == self.base_currency)
        if self.quote_currency == self.base_currency:
            said.add(True)
        return said.pop() if len(said) == 1 else None

    @property
    def counter(self) -> str:
        """Return the currency of the underlying's price; all that is settled in its coin is priced in dollars here."""
        stated = self.counter_currency or (self.quote_currency if self.quote_currency != self.base_currency else "")
        return stated or ("USD" if self.inverse else "")


def read_instruments(rows: Any, asset: str) -> Listed:  # noqa: ANN401 - a document
    """Read an answer of `get_instruments`, row by row.

    Args:
        rows: Its result.
        asset: Coin; instruments of others are left out without a word.

    Raises:
        UnreachableError: It is no list.
    """
    if not isinstance(rows, list):
        raise UnreachableError("Deribit answers with what is no list of instruments: try again")
    left_out: dict[str, int] = {}
    entries: dict[str, dict[str, Any]] = {}
    indices = {}
    refused: dict[str, str] = {}
    for row in rows:
        try:
            each = msgspec.convert(row, _Instrument)
            if each.base_currency != asset:
                continue
            why = _why_not(each) or ("listed twice" if each.name in entries else "")
            entry = {} if why else _checked(each)
        except (msgspec.ValidationError, InputError) as error:
            why, entry = _unreadable(error), {}
        if why:
            left_out[why] = left_out.get(why, 0) + 1
            name = row.get("instrument_name") if isinstance(row, dict) else None
            if isinstance(name, str) and name.upper() not in entries:
                refused[name.upper()] = why
            continue
        entries[each.name] = entry
        indices[each.name] = each.price_index or ""
    terms = parse(msgspec.json.encode(list(entries.values())), "Deribit's list")
    fees = tuple(msgspec.structs.replace(each, source="the venue's list of instruments") for each in terms.fees)
    return Listed(msgspec.structs.replace(terms, fees=fees), indices, left_out, refused)


def _unreadable(error: Exception) -> str:
    """Return why a row can't be read; of a number that can't be one, not which: names would make a reason of each."""
    return f"unreadable ({error})" if isinstance(error, msgspec.ValidationError) else "a number that can't be one"


def _why_not(each: _Instrument) -> str:
    if each.kind not in _KINDS:
        return f"kind {printable(each.kind)}"
    if each.state is None and each.is_active is None:
        return "without a state"
    if each.is_active is False or each.state not in (None, "open"):
        return NOT_OPEN
    if not each.instrument_name or not each.instrument_name.isprintable():
        return "without a name"
    if each.kind == "option" and (not each.strike or each.option_type not in ("call", "put")):
        return "without strike or type"
    if not each.perpetual and not 0 < (each.expiration_timestamp or 0) <= LATEST_MS:
        return "without an expiry"
    if each.inverse is None:
        return "settlement unclear"
    return "" if each.counter else "without a counter currency"


def _checked(each: _Instrument) -> dict[str, Any]:
    """Return an instrument in the form of Tardis' instruments.

    Raises:
        InputError: A number can't be one.
    """
    entry: dict[str, Any] = {
        "id": each.name,
        "exchange": "deribit",
        "baseCurrency": each.base_currency,
        "quoteCurrency": each.counter,
        "type": "perpetual" if each.perpetual else each.kind,
        "inverse": each.inverse,
        "priceIncrement": each.tick_size or None,
        "amountIncrement": each.min_trade_amount or None,
        "takerFee": each.taker_commission,
        "makerFee": each.maker_commission,
    }
    if each.kind == "option":
        entry |= {"strikePrice": each.strike, "optionType": each.option_type, "contractMultiplier": each.contract_size}
    if not each.perpetual:
        expiry = datetime.fromtimestamp((each.expiration_timestamp or 0) // 1_000, tz=UTC)
        entry["expiry"] = f"{expiry:%Y-%m-%dT%H:%M:%S}.000Z"
    parse(msgspec.json.encode(entry), "Deribit's list")
    return entry
