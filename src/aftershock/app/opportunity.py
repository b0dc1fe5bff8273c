"""An options chain as somebody hands it over, priced by the engine: what the article left to a language model.

A chain of one moment holds no move, so what can be computed from it are packages that break a bound of arbitrage, at
the quoted prices and after fees. Whether that edge is real is what a model may be asked; how large it is never.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import msgspec

from aftershock.core.config import EngineConfig, ReviewConfig
from aftershock.core.engine import Engine
from aftershock.model.events import OPTION_COLUMNS, EndOfInput, OptionQuotes, StreamId
from aftershock.model.instruments import AmountUnit, FeeSchedule, Instrument, Kind
from aftershock.model.signals import Action, ArbitrageSignal, Reason, ReviewRequest, TriggerKind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN, NS_PER_S
from aftershock.venues.backpack.chain import OptionsChain
from aftershock.venues.connection.packed import OptionRow, option_quotes

__all__ = ["ENGINE", "FEES", "NotPriceable", "hold", "price_chain"]

ENGINE = EngineConfig(
    edges=("B",), forward="parity", options_feed="stream", clocks="one", review=ReviewConfig(mode="shadow")
)
_VENUE = "backpack"
_MOST_OPTIONS = 20_000
_UNDERLYING = OPTION_COLUMNS.index("underlying_price")


class NotPriceable(Exception):  # noqa: N818 - what it is, not an error of a user's
    """What was handed over is no chain that can be priced; says why in one sentence."""


FEES = FeeSchedule(
    venue=_VENUE,
    kind=Kind.OPTION,
    inverse=False,
    valid_from_ns=0,
    taker_rate=3e-4,
    maker_rate=3e-4,
    cap_fraction=0.125,
    source="Deribit's base tier stands in for fees that nobody gave: Backpack lists no options to have any",
)


def price_chain(
    chain: object, asset: str, now_ns: int, fees: FeeSchedule = FEES, config: EngineConfig = ENGINE
) -> list[ArbitrageSignal | ReviewRequest]:
    """Return what the engine says of a chain: decisions, and the question that it would ask.

    Args:
        chain: A chain of Backpack's client, or a dict with `options`: a list of dicts with `strike`, `expiry` (ISO 8601
            or seconds since the epoch), `type` (call or put), `bid` and `ask` in USD per coin, and `bid_size` and
            `ask_size` in coins.
        asset: Coin.
        now_ns: Moment, ns UTC.
        fees: Of the options.
        config: Of the engine.

    Raises:
        NotPriceable: It is none of these.
    """
    instruments, quotes = _chain_of(chain, asset, now_ns)
    engine = Engine(config, InstrumentTable(instruments, (fees,)))
    said = engine.process(quotes)
    last = max(now_ns, int(quotes.row_ts_init.max())) + 1
    said += engine.process(EndOfInput(ts_event=last, ts_init=last))
    return [effect for effect in said if isinstance(effect, ArbitrageSignal | ReviewRequest)]


def hold(asset: str, source: str, target: str, now_ns: int, reason: Reason) -> ArbitrageSignal:
    """Return a HOLD without figures."""
    return ArbitrageSignal(
        signal_id=f"handed-over-{now_ns}",
        trigger_id=f"handed-over-{now_ns}",
        trigger_kind=TriggerKind.STATIC,
        ts_event=now_ns,
        ts_init=now_ns,
        source_market=source,
        target_market=target,
        asset=asset,
        action=Action.HOLD,
        reason=reason,
    )


def _chain_of(chain: object, asset: str, now_ns: int) -> tuple[tuple[Instrument, ...], OptionQuotes]:
    if isinstance(chain, OptionsChain):
        if not chain.options:
            raise NotPriceable("the chain holds no option")
        return chain.instruments, chain.quotes()
    rows = chain.get("options") if isinstance(chain, Mapping) else chain
    if not isinstance(rows, Sequence) or isinstance(rows, str | bytes) or not rows:
        raise NotPriceable("the chain holds no list of options")
    if len(rows) > _MOST_OPTIONS:
        raise NotPriceable(f"the chain holds more than {_MOST_OPTIONS:,} options")
    read = [_option(row, number, asset, now_ns) for number, row in enumerate(rows)]
    forwards = _forwards(read)
    quotes = [_with_underlying(row, forwards.get(terms.expiry_ns or 0, NAN)) for terms, row in read]
    return tuple(terms for terms, _ in read), option_quotes(quotes)


def _forwards(read: Sequence[tuple[Instrument, OptionRow]]) -> dict[int, float]:
    """Return the forward of each expiry by put-call parity of the middles: the median over its strikes."""
    middles: dict[tuple[int, float, bool], float] = {}
    for terms, row in read:
        middles[terms.expiry_ns or 0, terms.strike, bool(terms.is_call)] = 0.5 * (row.values[0] + row.values[3])
    found: dict[int, list[float]] = {}
    for (expiry_ns, strike, is_call), call in middles.items():
        put = middles.get((expiry_ns, strike, False), NAN)
        if is_call and math.isfinite(forward := strike + call - put):
            found.setdefault(expiry_ns, []).append(forward)
    return {expiry_ns: median(forwards) for expiry_ns, forwards in found.items()}


def _with_underlying(row: OptionRow, forward: float) -> OptionRow:
    return msgspec.structs.replace(row, values=(*row.values[:_UNDERLYING], forward, *row.values[_UNDERLYING + 1 :]))


def _option(row: object, number: int, asset: str, now_ns: int) -> tuple[Instrument, OptionRow]:
    if not isinstance(row, Mapping):
        raise NotPriceable(f"option {number} is no dict")
    strike = _number(row, ("strike", "strike_price"), number)
    expiry_ns = _expiry(row.get("expiry", row.get("expiration")), number)
    kind = str(row.get("type", row.get("option_type", ""))).casefold()
    if kind not in ("call", "put", "c", "p"):
        raise NotPriceable(f"option {number} has no type: call or put")
    if not strike > 0 or expiry_ns <= now_ns:
        raise NotPriceable(f"option {number} has no strike above 0, or has expired")
    is_call = kind[0] == "c"
    symbol = f"{asset}-{expiry_ns // NS_PER_S}-{strike:g}-{'C' if is_call else 'P'}"
    instrument = Instrument(
        venue=_VENUE,
        symbol=symbol,
        underlying=asset,
        quote="USDC",
        inverse=False,
        kind=Kind.OPTION,
        amount_unit=AmountUnit.COIN,
        strike=strike,
        is_call=is_call,
        expiry_ns=expiry_ns,
        tick_size=NAN,
        lot_size=0.01,
    )
    bid, ask = _number(row, ("bid",), number), _number(row, ("ask",), number)
    bid_size, ask_size = _number(row, ("bid_size",), number), _number(row, ("ask_size",), number)
    values = (bid, bid_size, NAN, ask, ask_size, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN)
    stream = StreamId(_VENUE, "option_quotes", asset)
    return instrument, OptionRow(
        ts_event=now_ns, ts_init=now_ns, stream=stream, symbol=symbol, values=values, underlying_index=""
    )


def _number(row: Mapping[str, Any], names: tuple[str, ...], number: int) -> float:
    """Return a figure; NaN where it is absent."""
    value = next((row[name] for name in names if row.get(name) is not None), None)
    if value is None:
        return NAN
    try:
        figure = msgspec.convert(value, float, strict=False)
    except msgspec.ValidationError:
        raise NotPriceable(f"option {number}: {names[0]} is no number") from None
    if not math.isfinite(figure):
        raise NotPriceable(f"option {number}: {names[0]} is no number")
    return figure


def _expiry(value: object, number: int) -> int:
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * NS_PER_S
        if isinstance(value, int | float) and not isinstance(value, bool) and 1e9 < value < 1e11:
            return int(value) * NS_PER_S
    except (ValueError, OverflowError):
        pass
    raise NotPriceable(f"option {number} has no expiry: ISO 8601, or seconds since the epoch")
