"""Turns the literals of a golden scenario into the engine's configuration and events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from aftershock.core.config import EngineConfig
from aftershock.model import events as ev
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.model.units import NAN, NS_PER_MS, NS_PER_S
from tests.golden.timeline import Beat, beats

if TYPE_CHECKING:
    from tests.golden.terms import Scenario

_FEED_LAG_NS = 4 * NS_PER_MS
_OPTION_KIND = "option_quotes"


def config(scenario: Scenario) -> EngineConfig:
    """Return the engine's configuration: its defaults but for what the scenario names."""
    return msgspec.convert(scenario["config"], EngineConfig)


def events(scenario: Scenario) -> list[ev.Event]:
    """Return the events of a scenario in the order of arrival, the end of input last."""
    start = scenario["start_s"] * NS_PER_S
    return [_event(beat, start + beat.at_ms * NS_PER_MS, scenario) for beat in beats(scenario)]


def _event(beat: Beat, ts_init: int, scenario: Scenario) -> ev.Event:
    clocks = {"ts_init": ts_init, "ts_event": ts_init - _FEED_LAG_NS}
    match beat.kind:
        case "index":
            return ev.DerivativeTicker(venue="deribit", symbol="BTC-PERPETUAL", index_price=beat.values, **clocks)
        case "perpetual" | "future":
            symbol, *quote = beat.values
            bid, bid_amount, ask, ask_amount = (_float(value) for value in quote)
            return ev.Quote(
                venue=beat.name,
                symbol=symbol,
                bid=bid,
                bid_amount=bid_amount,
                ask=ask,
                ask_amount=ask_amount,
                **clocks,
            )
        case "options":
            elsewhere = beat.name != scenario["options"]["venue"]
            return option_batch(_stream(scenario, "elsewhere" if elsewhere else "options"), beat.values, **clocks)
        case "liquidation":
            return _liquidation(beat.values, **clocks)
        case "gap":
            return ev.Gap(
                stream=_stream(scenario),
                from_ts=ts_init - NS_PER_S,
                to_ts=ts_init,
                ts_init=ts_init,
                ts_event=clocks["ts_event"],
            )
        case "stale":
            return ev.Stale(stream=_stream(scenario), ts_init=ts_init, ts_event=clocks["ts_event"])
        case "end":
            return ev.EndOfInput(**clocks)
    message = f"no event is called {beat.kind}"
    raise ValueError(message)


def option_batch(stream: ev.StreamId, rows: list[Any], *, ts_init: int, ts_event: int) -> ev.OptionQuotes:
    """Return rows (symbol, bid, bid amount, ask, ask amount, underlying price) as one batch of one moment."""
    n = len(rows)
    columns = {name: np.full(n, NAN) for name in ev.OPTION_COLUMNS}
    for i, (_, *values) in enumerate(rows):
        names = ("bid", "bid_amount", "ask", "ask_amount", "underlying_price")
        for name, value in zip(names, values, strict=True):
            columns[name][i] = _float(value)
    return ev.OptionQuotes(
        ts_event=ts_event,
        ts_init=ts_init,
        stream=stream,
        symbols=[symbol for symbol, *_ in rows],
        row_ts_event=np.full(n, ts_event, dtype=np.int64),
        row_ts_init=np.full(n, ts_init, dtype=np.int64),
        columns=columns,
        underlying_index=[""] * n,
    )


def _stream(scenario: Scenario, chain: str = "options") -> ev.StreamId:
    options = scenario[chain]
    return ev.StreamId(venue=options["venue"], kind=_OPTION_KIND, symbol=options["family"])


def _liquidation(values: tuple[Any, ...], *, ts_init: int, ts_event: int) -> ev.Liquidation:
    venue, symbol, price, amount, liquidated, price_kind, completeness = values
    return ev.Liquidation(
        ts_init=ts_init,
        ts_event=ts_event,
        venue=venue,
        symbol=symbol,
        price=price,
        amount=amount,
        liquidated=Liquidated(liquidated),
        price_kind=PriceKind(price_kind),
        completeness=Completeness(completeness),
    )


def _float(value: float | None) -> float:
    return NAN if value is None else float(value)
