"""Some twenty seconds of a market with a crash in it: four perpetuals, a future, a chain, liquidations and faults.

Windows and histories of `CONFIG` are shortened so that every kind of trigger and most reasons fit into it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

from aftershock.core.config import EngineConfig, TriggerConfig
from aftershock.core.engine import Effect
from aftershock.model.events import Event, Gap, Halt, OptionQuotes, Restored, Resume, Stale, StreamId, Timer
from aftershock.model.units import tau_years
from tests.core.market import (
    EXPIRY,
    EXPIRY_NS,
    LATER,
    LATER_NS,
    PERPETUALS,
    T0,
    Row,
    engine_of,
    future_quote,
    index_price,
    liquidation,
    millis,
    option_quotes,
    perp_quote,
    run,
    seconds,
)

CONFIG = EngineConfig(
    trigger=TriggerConfig(
        armed=("cascade", "price-move", "probe"),
        window_s=6.0,
        history_s=1.0,
        calm_s=1.0,
        refractory_s=4.0,
        price_move_life_s=2.0,
        base_rate_floor_hz=0.02,
    ),
    basis_lag_s=1.0,
    basis_history_s=2.0,
    smile_lag_s=1.0,
    static_neighbours=2,
    overshoot_calm_s=1.5,
)
STRIKES = range(57_000, 64_000, 1_000)
EXPIRIES = {EXPIRY: EXPIRY_NS, LATER: LATER_NS}
CRASH_S, REBOUND_S, END_S = 11.0, 17.0, 23.0
STALE_PUT, STALE_CALL = f"BTC-{EXPIRY}-60000-P", f"BTC-{EXPIRY}-61000-C"
MISPRICED = f"BTC-{LATER}-58000-C"
OVERSHOT = f"BTC-{LATER}-62000-P"
DISLOCATED = "okex-swap"


def level(second: float) -> float:
    """Return the index: calm, down 90 bps within half a second, later up 60."""
    down = min(max((second - CRASH_S) / 0.5, 0.0), 1.0) * -90e-4
    up = min(max((second - REBOUND_S) / 0.5, 0.0), 1.0) * 60e-4
    return 60_000.0 * (1 + down + up)


def undiscounted(forward: float, strike: float, total_vol: float, *, is_call: bool) -> float:
    """Return the Black-76 premium for a volatility over the whole life."""
    d1 = math.log(forward / strike) / total_vol + total_vol / 2
    n1, n2 = (0.5 * math.erfc(-d / math.sqrt(2)) for d in (d1, d1 - total_vol))
    call = forward * n1 - strike * n2
    return call if is_call else call - forward + strike


def option_row(ts: int, symbol: str, known_level: float) -> Row:
    """Return the row of a maker who quotes around Black-76 at 50 % and the level that it knows of."""
    _, expiry, strike, kind = symbol.split("-")
    carry = 1.001 if expiry == EXPIRY else 1.004
    forward = known_level * carry
    tau = tau_years(EXPIRIES[expiry], ts)
    value = undiscounted(forward, float(strike), 0.5 * math.sqrt(tau), is_call=kind == "C") / forward
    # At least a tick apart, on ticks of 0.0001.
    bid, ask = int((value - 0.0002) * 1e4) / 1e4, int((value + 0.0003) * 1e4) / 1e4
    if symbol == MISPRICED and 14.0 <= (ts - T0) / 1e9 < 14.5:
        ask = 0.01  # far below what the next strike is bid at: a call spread for less than nothing
        bid = 0.0095
    if symbol == OVERSHOT and 20.0 <= (ts - T0) / 1e9 < 21.5:
        bid, ask = bid + 0.005, ask + 0.005  # long after the cascade, seven vol points up
    return Row(ts=ts, symbol=symbol, bid=bid, ask=ask, bid_amount=8.0, ask_amount=9.0, underlying=known_level * carry)


def _perpetuals(rng: random.Random) -> Iterator[Event]:
    for after in range(0, seconds(END_S), millis(120)):
        for place, venue in enumerate(PERPETUALS):
            ts = T0 + after + millis(place * 7)
            second = (ts - T0) / 1e9
            mid = level(second - 0.01 * place) * (1 + 1e-4 * place) + rng.choice((-1.0, 0.0, 1.0))
            if venue == DISLOCATED and 20.5 <= second < 21.5:
                mid *= 1 - 30e-4  # alone
            yield perp_quote(ts, venue, mid)
        dated = level(after / 1e9) * 1.001
        yield future_quote(T0 + after + millis(35), dated - 1, dated + 1)


def _others() -> Iterator[Event]:
    for second in range(int(END_S)):
        yield index_price(T0 + seconds(second) + millis(3), level(float(second)))
    yield at(21.9, Timer, key="probe:BTC")
    for i in range(12):
        yield liquidation(T0 + seconds(CRASH_S) + millis(240 + 60 * i), amount=4.0 + i)


def _faults() -> Iterator[Event]:
    options = StreamId("deribit", "option_quotes", "BTC")
    perpetual = StreamId("okex-swap", "quotes", "BTC-USDT-SWAP")
    yield at(13.6, Gap, stream=options, from_ts=T0, to_ts=T0 + seconds(13.6))
    yield at(15.0, Stale, stream=perpetual)
    yield at(15.4, Restored, stream=perpetual)
    yield at(17.9, Halt, reason="a person")
    yield at(18.2, Resume, reason="a person")


_Kind = TypeVar("_Kind", bound=Event)


def at(second: float, kind: type[_Kind], **fields: Any) -> _Kind:
    """Return an event at a second of the scenario."""
    ts = T0 + seconds(second)
    return kind(ts_event=ts, ts_init=ts, **fields)


def _option_rows() -> Iterator[Row]:
    symbols = [f"BTC-{expiry}-{strike}-{kind}" for expiry in EXPIRIES for strike in STRIKES for kind in "CP"]
    for turn, after in enumerate(range(millis(2), seconds(END_S), millis(12))):
        symbol, second = symbols[turn % len(symbols)], after / 1e9
        asleep = symbol in (STALE_PUT, STALE_CALL) and (CRASH_S <= second < 12.2 or REBOUND_S <= second < 18.6)
        knows = (CRASH_S if second < REBOUND_S else REBOUND_S) if asleep else second - 0.05
        yield option_row(T0 + after, symbol, level(knows))


def timeline(extra: Iterable[Event] | None = None) -> list[Event | Row]:
    """Return everything in the order of arrival, option rows one by one.

    Args:
        extra: Events to put in; the usual faults if absent.
    """
    rng = random.Random(3)
    more = _faults() if extra is None else extra
    everything: list[Event | Row] = [*more, *_perpetuals(rng), *_others(), *_option_rows()]
    return sorted(everything, key=_arrival)


def _arrival(item: Event | Row) -> int:
    return item.ts if isinstance(item, Row) else item.ts_init


def batched(items: Sequence[Event | Row], cuts: Sequence[int] = (), timers: Sequence[int] = ()) -> list[Event]:
    """Put rows together into batches as long as they can be.

    Args:
        items: Of a timeline.
        cuts: Positions before which a batch ends although it need not.
        timers: Positions before which a timer fires, at the time of what precedes it or a little later.
    """
    events: list[Event] = []
    run: list[Row] = []

    def flush() -> None:
        if run:
            events.append(option_quotes(run))
            run.clear()

    cut_before, timer_before = dict.fromkeys(cuts), dict.fromkeys(timers)
    for place, item in enumerate(items):
        if place in cut_before or place in timer_before or not isinstance(item, Row):
            flush()
        if place in timer_before:
            before, after = _arrival(items[max(place - 1, 0)]), _arrival(item)
            ts = before + (after - before) * (place % 3) // 2
            events.append(Timer(ts_event=ts, ts_init=ts, key="extra"))
        if isinstance(item, Row):
            run.append(item)
        else:
            events.append(item)
    flush()
    return events


def one_by_one(events: Sequence[Event]) -> Iterator[Event]:
    """Yield the same events with every batch cut into rows."""
    for event in events:
        if isinstance(event, OptionQuotes):
            yield from event.rows()
        else:
            yield event


@cache
def usual_effects() -> tuple[Effect, ...]:
    """Return what is said of the scenario with its usual faults."""
    return tuple(run(engine_of(CONFIG), batched(timeline())))


@cache
def effects_without_faults() -> tuple[Effect, ...]:
    """Return what is said of the scenario when nothing is lost, silent or halted."""
    return tuple(run(engine_of(CONFIG), batched(timeline([]))))
