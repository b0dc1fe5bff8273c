"""Symbol parsers and writers for the names of Deribit, OKX and FTX, and linear perpetuals of Binance and Bybit.

A symbol is parsed only where the venue documents its grammar; anything else is None, and the caller must find the
instrument in a table. Round trip: `write(parse(symbol)) == symbol`, with Tardis' upper-case `1D02` written back as the
venue's own `1d02`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from aftershock.model.units import NS_PER_S, utc_ns

__all__ = ["ParsedSymbol", "parse_deribit", "parse_ftx", "parse_okx", "parse_symbol", "write_symbol"]

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EXPIRY_HOUR_UTC = 8


class ParsedSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue's symbol says about an instrument.

    Attributes:
        dialect: The grammar: `deribit`, `okx` or `ftx`.
        kind: `spot`, `perpetual`, `future` or `option`.
        base: Underlying coin, e.g. `BTC`.
        quote: Currency of the price: `USD`, `USDT` or `USDC`.
        inverse: True if margined and settled in the coin.
        family: Part before the expiry, as the venue writes it, e.g. `BTC-USD` or `SOL_USDC`.
        strike: Strike in quote currency per coin, exact; None unless an option.
        is_call: True for a call; None unless an option.
        expiry_ns: Expiry, nanoseconds UTC; None for spot and perpetuals.
    """

    dialect: str
    kind: str
    base: str
    quote: str
    inverse: bool
    family: str
    strike: Decimal | None = None
    is_call: bool | None = None
    expiry_ns: int | None = None


def _expiry_ns(year: int, month: int, day: int) -> int | None:
    try:
        return utc_ns(year, month, day, _EXPIRY_HOUR_UTC)
    except ValueError:  # the 31st of a short month
        return None


def _date(expiry_ns: int) -> datetime:
    return datetime.fromtimestamp(expiry_ns // NS_PER_S, tz=UTC)


_DERIBIT = re.compile(
    r"(?P<base>[A-Z0-9]+)(?:_(?P<quote>USDC|USDT))?"
    r"-(?:(?P<perpetual>PERPETUAL)|(?P<day>[1-9]\d?)(?P<month>[A-Z]{3})(?P<year>\d\d)"
    r"(?:-(?P<strike>\d+(?:[dD]\d+)?)-(?P<type>[CP]))?)"
)


def parse_deribit(symbol: str) -> ParsedSymbol | None:
    """Parse a Deribit name: `BTC-28APR23-30000-C`, `MATIC_USDC-6APR24-0d98-P`, `BTC-PERPETUAL`, `BTC-28APR23`.

    Days are not padded; a decimal strike has `d` for the point (Tardis writes it upper case). Without a quote
    currency the contract is inverse, with one it is linear.
    """
    match = _DERIBIT.fullmatch(symbol)
    if match is None:
        return None
    quote = match["quote"]
    base = {
        "dialect": "deribit",
        "base": match["base"],
        "quote": quote or "USD",
        "inverse": quote is None,
        "family": match["base"] if quote is None else f"{match['base']}_{quote}",
    }
    if match["perpetual"]:
        return ParsedSymbol(kind="perpetual", **base)  # type: ignore[arg-type]
    if match["month"] not in _MONTHS:
        return None
    expiry_ns = _expiry_ns(2000 + int(match["year"]), _MONTHS.index(match["month"]) + 1, int(match["day"]))
    if expiry_ns is None:
        return None
    if match["strike"] is None:
        return ParsedSymbol(kind="future", expiry_ns=expiry_ns, **base)  # type: ignore[arg-type]
    strike = Decimal(match["strike"].lower().replace("d", "."))
    if not _canonical(match["strike"], strike):
        return None
    is_call = match["type"] == "C"
    return ParsedSymbol(kind="option", strike=strike, is_call=is_call, expiry_ns=expiry_ns, **base)  # type: ignore[arg-type]


def _canonical(written: str, strike: Decimal) -> bool:
    """Tell whether the strike is positive and written without leading zeros."""
    return strike > 0 and (written[0] != "0" or written[1:2] in ("d", "D", "."))


def _write_deribit(parsed: ParsedSymbol) -> str:
    if parsed.expiry_ns is None:
        return f"{parsed.family}-PERPETUAL"
    date = _date(parsed.expiry_ns)
    stem = f"{parsed.family}-{date.day}{_MONTHS[date.month - 1]}{date:%y}"
    if parsed.strike is None:
        return stem
    return f"{stem}-{str(parsed.strike).replace('.', 'd')}-{'C' if parsed.is_call else 'P'}"


_OKX = re.compile(
    r"(?P<base>[A-Z0-9]+)-(?P<quote>USD|USDT|USDC)(?P<um>_UM)?"
    r"(?:-(?:(?P<swap>SWAP)|(?P<date>\d{6})(?:-(?P<strike>\d+(?:\.\d+)?)-(?P<type>[CP]))?))?"
)


def parse_okx(symbol: str) -> ParsedSymbol | None:
    """Parse an OKX id: `BTC-USD-241217-92000-C`, `BTC-USDT-SWAP`, `BTC-USD-241227`, `BTC-USDT`, `BTC-USD_UM-...`.

    `-USD` derivatives are settled in the coin unless the family ends in `_UM`.
    """
    match = _OKX.fullmatch(symbol)
    if match is None:
        return None
    derivative = bool(match["swap"] or match["date"])
    if match["um"] and not derivative:
        return None
    base = {
        "dialect": "okx",
        "base": match["base"],
        "quote": match["quote"],
        "inverse": derivative and match["quote"] == "USD" and not match["um"],
        "family": f"{match['base']}-{match['quote']}{match['um'] or ''}",
    }
    if not derivative:
        return ParsedSymbol(kind="spot", **base)  # type: ignore[arg-type]
    if match["swap"]:
        return ParsedSymbol(kind="perpetual", **base)  # type: ignore[arg-type]
    date = match["date"]
    expiry_ns = _expiry_ns(2000 + int(date[:2]), int(date[2:4]), int(date[4:]))
    if expiry_ns is None:
        return None
    if match["strike"] is None:
        return ParsedSymbol(kind="future", expiry_ns=expiry_ns, **base)  # type: ignore[arg-type]
    strike = Decimal(match["strike"])
    if not _canonical(match["strike"], strike):
        return None
    is_call = match["type"] == "C"
    return ParsedSymbol(kind="option", strike=strike, is_call=is_call, expiry_ns=expiry_ns, **base)  # type: ignore[arg-type]


def _write_okx(parsed: ParsedSymbol) -> str:
    if parsed.kind == "spot":
        return parsed.family
    if parsed.expiry_ns is None:
        return f"{parsed.family}-SWAP"
    stem = f"{parsed.family}-{_date(parsed.expiry_ns):%y%m%d}"
    if parsed.strike is None:
        return stem
    return f"{stem}-{parsed.strike}-{'C' if parsed.is_call else 'P'}"


_FTX = re.compile(
    r"(?P<base>[A-Z0-9]+)(?:/(?P<quote>USD|USDT)|-(?:(?P<perp>PERP)|(?P<year>\d{4})?(?P<month>\d\d)(?P<day>\d\d)))"
)


def parse_ftx(symbol: str, listed_year: int | None = None) -> ParsedSymbol | None:
    """Parse an FTX name: `BTC-PERP`, `BTC/USD`, `BTC-20210625`, and `BTC-1227`, which does not say its year.

    Args:
        symbol: The market name.
        listed_year: Year for a dated name without one; such a name is None when it is not given.
    """
    match = _FTX.fullmatch(symbol)
    if match is None:
        return None
    base = {"dialect": "ftx", "base": match["base"], "quote": match["quote"] or "USD", "inverse": False}
    if match["quote"]:
        return ParsedSymbol(kind="spot", family=symbol, **base)  # type: ignore[arg-type]
    if match["perp"]:
        return ParsedSymbol(kind="perpetual", family=match["base"], **base)  # type: ignore[arg-type]
    year = int(match["year"]) if match["year"] else listed_year
    if year is None:
        return None
    expiry_ns = _expiry_ns(year, int(match["month"]), int(match["day"]))
    if expiry_ns is None:
        return None
    # FTX quarterlies expired at 03:00 UTC, unlike the 08:00 of the option venues.
    family = symbol.rsplit("-", 1)[0] + ("-Y" if match["year"] else "")
    return ParsedSymbol(kind="future", family=family, expiry_ns=expiry_ns - 5 * 3600 * NS_PER_S, **base)  # type: ignore[arg-type]


def _write_ftx(parsed: ParsedSymbol) -> str:
    if parsed.kind == "spot":
        return parsed.family
    if parsed.expiry_ns is None:
        return f"{parsed.family}-PERP"
    pattern = "%Y%m%d" if parsed.family.endswith("-Y") else "%m%d"
    return f"{parsed.base}-{_date(parsed.expiry_ns).strftime(pattern)}"


_CONCATENATED = re.compile(r"(?P<base>[A-Z0-9]+?)(?P<quote>USDT|USDC)")


def parse_concatenated(symbol: str) -> ParsedSymbol | None:
    """Parse the name of a linear perpetual of Binance or Bybit: `BTCUSDT`. Dated and inverse ones are None."""
    match = _CONCATENATED.fullmatch(symbol)
    if match is None:
        return None
    return ParsedSymbol(
        dialect="concatenated",
        kind="perpetual",
        base=match["base"],
        quote=match["quote"],
        inverse=False,
        family=symbol,
    )


def _write_concatenated(parsed: ParsedSymbol) -> str:
    return parsed.family


_PARSERS: dict[str, Callable[[str], ParsedSymbol | None]] = {
    "deribit": parse_deribit,
    "okex-options": parse_okx,
    "okex-swap": parse_okx,
    "okex-futures": parse_okx,
    "okex": parse_okx,
    "binance-futures": parse_concatenated,
    "bybit": parse_concatenated,
    "ftx": parse_ftx,
    "ftx-us": parse_ftx,
    "ftx-restart": parse_ftx,
}
_WRITERS: dict[str, Callable[[ParsedSymbol], str]] = {
    "deribit": _write_deribit,
    "okx": _write_okx,
    "ftx": _write_ftx,
    "concatenated": _write_concatenated,
}


def parse_symbol(venue: str, symbol: str) -> ParsedSymbol | None:
    """Parse a symbol by its Tardis venue id; None if the venue's grammar is unknown or the symbol does not fit."""
    parser = _PARSERS.get(venue)
    # `\d` and `int` take digits of every script: a name with others looks like an instrument and is none.
    return None if parser is None or not symbol.isascii() else parser(symbol)


def write_symbol(parsed: ParsedSymbol) -> str:
    """Write the symbol back exactly as the venue spells it."""
    return _WRITERS[parsed.dialect](parsed)
