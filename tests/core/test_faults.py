"""Lost messages, silent streams, halts and clock steps: no order rests on what they left behind."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from aftershock.core.engine import Effect, Engine
from aftershock.model.events import ClockStep, Event, Gap, Halt, Restored, Resume, Stale, StreamId
from aftershock.model.orders import ApprovedOrder
from aftershock.model.signals import Action, Alarm, ArbitrageSignal, Reason, TriggerClosed, TriggerKind, TriggerOpened
from tests.core.market import (
    EXPIRY_NS,
    T0,
    Row,
    engine_of,
    index_price,
    liquidation,
    millis,
    of_type,
    option_row,
    perp_quote,
    raw_quote,
    run,
    seconds,
)
from tests.core.shock import (
    CONFIG,
    CRASH_S,
    END_S,
    STALE_CALL,
    STALE_PUT,
    at,
    batched,
    effects_without_faults,
    timeline,
)

OPTIONS = StreamId("deribit", "option_quotes", "BTC")
BEFORE, DURING = CRASH_S - 1.0, CRASH_S + 0.6


def effects_with(*extra: Event) -> list[Effect]:
    """Return what is said of the scenario without its usual faults, but with these events."""
    if not extra:
        return list(effects_without_faults())
    return run(engine_of(CONFIG), batched(timeline(extra)))


def second_of(signal: ArbitrageSignal) -> float:
    return (signal.ts_init - T0) / 1e9


def market_signals(effects: Iterable[Effect], start_s: float = 0.0, end_s: float = END_S) -> list[ArbitrageSignal]:
    """Return the signals of price moves and cascades between two seconds."""
    return [
        signal
        for signal in of_type(ArbitrageSignal, effects)
        if signal.trigger_kind is not TriggerKind.STATIC and start_s <= second_of(signal) < end_s
    ]


def orders(signals: Iterable[ArbitrageSignal]) -> list[ArbitrageSignal]:
    return [signal for signal in signals if signal.action is not Action.HOLD]


def test_without_faults_the_crash_leads_to_orders() -> None:
    effects = effects_with()
    bought = [s.legs[0].symbol for s in orders(market_signals(effects)) if s.action is Action.BUY]
    assert STALE_PUT in bought
    # One option is mispriced for half a second: against its neighbours, and against its strike at the other expiry.
    assert {alarm.code for alarm in of_type(Alarm, effects)} == {"static_arbitrage", "calendar_flag"}


# --- a halt -----------------------------------------------------------------------------------------------------


def test_a_halt_refuses_every_order_until_a_person_resumes() -> None:
    effects = effects_with(at(BEFORE, Halt, reason="drill"), at(DURING, Resume, reason="over"))
    halted = market_signals(effects, BEFORE, DURING)
    assert halted
    assert {signal.reason for signal in halted} == {Reason.VENUE_DOWN}
    assert not [order for order in of_type(ApprovedOrder, effects) if order.ts_init < T0 + seconds(DURING)]
    assert orders(market_signals(effects, DURING))


def test_a_halt_without_a_reason_is_a_halt() -> None:
    assert not of_type(ApprovedOrder, effects_with(at(BEFORE, Halt, reason="")))


# --- silent streams ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [OPTIONS, StreamId("deribit", "", "")])
def test_no_order_rests_on_a_chain_whose_stream_is_silent_until_it_is_restored(stream: StreamId) -> None:
    effects = effects_with(at(BEFORE, Stale, stream=stream, detail="no heartbeat"), at(DURING, Restored, stream=stream))
    silent = market_signals(effects, BEFORE, DURING)
    assert {signal.reason for signal in silent} == {Reason.VENUE_DOWN}
    assert orders(market_signals(effects, DURING))
    (alarm,) = [a for a in of_type(Alarm, effects) if a.code == "stale"]
    assert "deribit" in alarm.detail
    assert "no heartbeat" in alarm.detail


@pytest.mark.parametrize(
    "stream",
    [
        StreamId("deribit", "option_quotes", "ETH"),
        StreamId("deribit", "trades", "BTC-PERPETUAL"),
        StreamId("bybit", "liquidations", "BTCUSDT"),
    ],
    ids=str,
)
def test_a_silent_stream_that_an_order_does_not_rest_on_does_not_refuse_it(stream: StreamId) -> None:
    quiet, usual = effects_with(at(BEFORE, Stale, stream=stream)), effects_with()
    assert orders(market_signals(quiet)) == orders(market_signals(usual))


def test_two_silent_perpetuals_leave_too_few_for_a_forward() -> None:
    stale = [at(DURING, Stale, stream=StreamId(venue, "", "")) for venue in ("bybit", "okex-swap")]
    effects = effects_with(*stale)
    assert orders(market_signals(effects, end_s=DURING))
    assert not orders(market_signals(effects, DURING, DURING + 1.0))
    assert Reason.NO_FORWARD in {signal.reason for signal in market_signals(effects, DURING, DURING + 1.0)}


# --- lost messages ----------------------------------------------------------------------------------------------


def lost(second: float, *stream: str) -> Gap:
    return at(second, Gap, stream=StreamId(*stream), from_ts=T0, to_ts=T0 + seconds(second), detail="2 messages")


def test_after_lost_messages_an_options_quote_counts_only_from_its_next_row_on() -> None:
    rows_of_put = [(item.ts - T0) / 1e9 for item in timeline([]) if isinstance(item, Row) and item.symbol == STALE_PUT]
    own_row = next(second for second in rows_of_put if second > DURING)
    gap = own_row - 0.3
    effects = effects_with(lost(gap, "deribit", "option_quotes", "BTC"))
    of_put = [s for s in market_signals(effects, gap, own_row) if s.legs and s.legs[0].symbol == STALE_PUT]
    assert {signal.reason for signal in of_put} == {Reason.GAP}
    after = [s for s in market_signals(effects, own_row) if s.legs and s.legs[0].symbol == STALE_PUT]
    assert after[0].reason is not Reason.GAP
    (alarm,) = [a for a in of_type(Alarm, effects) if a.code == "gap"]
    assert "deribit option_quotes BTC" in alarm.detail


@pytest.mark.parametrize(
    ("stream", "distrusted"),
    [
        (("deribit", "", ""), True),
        (("deribit", "option_quotes", "BTC"), True),
        (("deribit", "option_quotes", "ETH"), False),
        (("deribit", "trades", "BTC-PERPETUAL"), False),
        (("bybit", "", ""), False),
        (("deribit", "quotes", STALE_CALL), True),
        (("deribit", "quotes", STALE_PUT), False),
    ],
    ids=str,
)
def test_only_a_gap_that_touched_an_option_distrusts_it(stream: tuple[str, str, str], *, distrusted: bool) -> None:
    engine = engine_of()
    run(engine, [option_row(T0, STALE_CALL, 0.01, 0.02), lost(1.0, *stream)], end=False)
    assert (engine.chains["deribit", "BTC"].confirmed(0) == 0) is distrusted


@pytest.mark.parametrize(
    ("stream", "distrusted"),
    [
        (("bybit", "", ""), True),
        (("bybit", "quotes", "BTCUSDT"), True),
        (("bybit", "book_snapshot", "BTCUSDT"), True),
        (("bybit", "liquidations", "BTCUSDT"), False),
        (("bybit", "quotes", "ETHUSDT"), False),
        (("deribit", "", ""), False),
    ],
    ids=str,
)
def test_only_a_gap_of_its_quotes_distrusts_a_perpetual(stream: tuple[str, str, str], *, distrusted: bool) -> None:
    engine = engine_of()
    now = T0 + seconds(1)
    run(engine, [perp_quote(now, "bybit", 60_000.0), lost(1.0, *stream)], end=False)
    book = engine.assets["BTC"].book
    assert (book.fresh(now) == []) is distrusted
    run(engine, [perp_quote(now + 1, "bybit", 60_000.0)], end=False)
    assert [venue for venue, _ in book.fresh(now + 1)] == ["bybit"]


# --- clocks -----------------------------------------------------------------------------------------------------


def stepped(second: float, *, back_ms: int = 1500) -> Event:
    return at(second, ClockStep, step_ns=millis(back_ms), source="feed.csv")


def test_a_clock_step_is_an_alarm_that_says_whose_clock_and_how_far() -> None:
    (alarm,) = run(engine_of(), [stepped(1.0)])
    assert isinstance(alarm, Alarm)
    assert alarm.code == "clock_step"
    assert "feed.csv" in alarm.detail
    assert "1500 ms" in alarm.detail


def test_after_a_clock_step_nothing_collected_before_is_used() -> None:
    """Bases, histories and smiles start anew: the crash that follows has no forward to be judged by."""
    effects = effects_with(stepped(BEFORE))
    assert market_signals(effects, end_s=BEFORE) == []
    assert not orders(market_signals(effects, BEFORE, CRASH_S + 2.0))


def test_a_small_clock_step_is_an_alarm_and_nothing_else() -> None:
    effects = effects_with(stepped(DURING, back_ms=200))
    assert [e for e in effects if getattr(e, "code", "") != "clock_step"] == list(effects_without_faults())
    assert len(effects) == len(effects_without_faults()) + 1


def test_a_clock_step_ends_every_open_trigger() -> None:
    effects = effects_with(stepped(DURING, back_ms=201))
    opened = [each.trigger_id for each in of_type(TriggerOpened, effects) if each.ts_init < T0 + seconds(DURING)]
    closed = [each.trigger_id for each in of_type(TriggerClosed, effects) if each.ts_init <= T0 + seconds(DURING)]
    assert any(name.startswith("cascade") for name in opened)
    assert sorted(opened) == sorted(closed)


@pytest.mark.parametrize(
    ("stream", "lost_too"),
    [
        (("deribit", "", ""), True),
        (("deribit", "derivative_ticker", "BTC-PERPETUAL"), True),
        (("deribit", "trades", "BTC-PERPETUAL"), False),
        (("bybit", "", ""), False),
    ],
    ids=str,
)
def test_only_a_gap_where_it_came_from_loses_the_index(stream: tuple[str, str, str], *, lost_too: bool) -> None:
    engine = engine_of()
    run(engine, [index_price(T0, 60_000.0), lost(1.0, *stream)], end=False)
    assert (engine.assets["BTC"].book.index_price > 0) is not lost_too


def test_after_a_clock_step_a_quote_counts_only_from_its_next_row_on() -> None:
    engine = engine_of()
    run(engine, [option_row(T0, STALE_CALL, 0.01, 0.02), stepped(1.0)], end=False)
    assert engine.chains["deribit", "BTC"].confirmed(0) == 0


# --- what nobody knows ------------------------------------------------------------------------------------------


def test_events_of_an_unknown_instrument_are_counted_by_name_and_change_nothing() -> None:
    engine = engine_of()
    effects = run(
        engine,
        [
            raw_quote(T0, "bybit", "NOT A PERP", 1.0, 2.0),
            liquidation(T0, venue="nowhere", symbol="BTCUSDT"),
            option_row(T0, "BTC-31FEB26-60000-C", 0.01, 0.02),
            option_row(T0, "BTC-PERPETUAL", 0.01, 0.02),
        ],
    )
    assert effects == []
    assert engine.assets == {}
    assert engine.stats.unknown_instruments == {
        "NOT A PERP.bybit": 1,
        "BTCUSDT.nowhere": 1,
        "BTC-31FEB26-60000-C.deribit": 1,
        "BTC-PERPETUAL.deribit": 1,
    }


def test_names_of_unknown_instruments_are_kept_up_to_a_thousand() -> None:
    engine = engine_of()
    run(engine, [raw_quote(T0, "bybit", f"?{i}", 1.0, 2.0) for i in range(1_200)])
    assert len(engine.stats.unknown_instruments) == 1_001
    assert engine.stats.unknown_instruments["(others)"] == 200


def test_rows_of_an_expired_option_are_counted_and_open_nothing() -> None:
    engine = engine_of()
    late = [option_row(EXPIRY_NS + i, STALE_CALL, 0.01, 0.02, underlying=60_000.0) for i in range(3)]
    assert run(engine, [option_row(EXPIRY_NS - 1, STALE_CALL, 0.01, 0.02), *late]) == []
    assert engine.stats.expired_rows == 3
    assert engine.chains["deribit", "BTC"].expiries == {}


@pytest.mark.parametrize("bad", [float("inf"), float("nan"), -1.0, 0.0, 1e308])
def test_a_senseless_price_anywhere_raises_nothing_and_trades_nothing(bad: float) -> None:
    engine: Engine = engine_of(CONFIG)
    events: list[Event] = []
    for i in range(30):
        ts = T0 + seconds(i)
        price = bad if i % 3 == 2 else 60_000.0
        events += [
            index_price(ts, price),
            perp_quote(ts, "bybit", price),
            liquidation(ts, price=price),
            liquidation(ts, amount=price),
            option_row(ts, STALE_CALL, price, price, underlying=price),
        ]
    assert not of_type(ApprovedOrder, run(engine, events))
