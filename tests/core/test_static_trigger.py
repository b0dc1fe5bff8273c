"""A package with a net edge: a data alarm first, then one decision."""

from __future__ import annotations

import pytest

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Effect
from aftershock.model.events import Event, Stale, StreamId
from aftershock.model.orders import ApprovedOrder, Side
from aftershock.model.signals import (
    Action,
    Alarm,
    ArbitrageSignal,
    EdgeType,
    Reason,
    TriggerClosed,
    TriggerKind,
    TriggerOpened,
)
from tests.core.market import EXPIRY, T0, Row, engine_of, millis, of_type, option_quotes, run

LOW, HIGH = f"BTC-{EXPIRY}-58000-C", f"BTC-{EXPIRY}-60000-C"
FAIR = {LOW: (0.0400, 0.0410), HIGH: (0.0250, 0.0260)}
COST = 2 * 0.0003 + 2 * 0.00015  # two option fees of 3 bps, delivery of two legs at 1.5 bps


def rows(at_ms: float = 0.0, *, apart_ms: float = 1.0, size: float = 10.0, **asks: float) -> list[Event]:
    """Return a row of each call; `low_ask` replaces what the lower strike is offered at."""
    quotes = dict(FAIR)
    if "low_ask" in asks:
        quotes[LOW] = (asks["low_ask"] - 0.0005, asks["low_ask"])
    return [
        option_quotes(
            [
                Row(
                    ts=T0 + millis(at_ms + i * apart_ms),
                    symbol=symbol,
                    bid=bid,
                    ask=ask,
                    bid_amount=size,
                    ask_amount=size,
                    underlying=60_000.0,
                )
            ]
        )
        for i, (symbol, (bid, ask)) in enumerate(quotes.items())
    ]


def said(*events: Event, config: EngineConfig | None = None) -> list[Effect]:
    return run(engine_of(config), events)


def test_it_alarms_before_it_opens_decides_orders_and_closes_at_once() -> None:
    effects = said(*rows(low_ask=0.0210))
    kinds = [Alarm, TriggerOpened, ArbitrageSignal, ApprovedOrder, TriggerClosed]
    assert [type(effect) for effect in effects] == kinds
    alarm, opened, signal, order, closed = effects
    assert alarm.code == "static_arbitrage"
    assert LOW in alarm.detail
    assert opened.kind is signal.trigger_kind is TriggerKind.STATIC
    assert opened.ts_init == signal.ts_init == closed.ts_init == T0 + millis(1)
    assert order.intent.legs == signal.legs


def test_its_signal_is_what_the_worst_settlement_leaves_after_fees() -> None:
    (signal,) = of_type(ArbitrageSignal, said(*rows(low_ask=0.0210)))
    assert (signal.action, signal.reason, signal.edge_type) == (Action.BUY, Reason.EDGE, EdgeType.VERTICAL)
    assert [(leg.symbol, leg.side, leg.price) for leg in signal.legs] == [
        (LOW, Side.BUY, 0.0210),
        (HIGH, Side.SELL, 0.0250),
    ]
    assert signal.gross_spread_bps == pytest.approx(40.0)
    assert signal.spread_bps == pytest.approx(40.0 - 1e4 * COST)
    assert signal.price_usd == pytest.approx(-0.0040 * 60_000)
    assert signal.value_usd == pytest.approx(0.0, abs=1e-6)
    assert signal.quantity == 1.0


def test_quotes_in_line_say_nothing() -> None:
    assert said(*rows()) == []


def test_an_edge_within_fees_says_nothing() -> None:
    assert said(*rows(low_ask=0.0250 - COST + 1e-6)) == []


def test_a_net_edge_below_its_threshold_is_an_alarm_and_a_hold() -> None:
    effects = said(*rows(low_ask=0.0250 - COST - 0.9e-4))
    (signal,) = of_type(ArbitrageSignal, effects)
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.BELOW_MIN_SPREAD)
    assert signal.spread_bps == pytest.approx(0.9)
    assert len(of_type(Alarm, effects)) == 1


@pytest.mark.parametrize("min_spread_bps", [0.0, 50.0])
def test_the_floor_under_all_thresholds_holds_here_too(min_spread_bps: float) -> None:
    (signal,) = of_type(
        ArbitrageSignal, said(*rows(low_ask=0.0210), config=EngineConfig(min_spread_bps=min_spread_bps))
    )
    assert signal.reason is (Reason.BELOW_MIN_SPREAD if min_spread_bps else Reason.EDGE)


def test_the_same_package_speaks_again_only_after_a_minute() -> None:
    every_second = [event for second in range(130) for event in rows(1000 * second, low_ask=0.0210)]
    starts = [(each.ts_init - T0) / 1e9 for each in of_type(TriggerOpened, said(*every_second))]
    # The violation is complete at 1 ms, and at the first row of a later pass that sees it again.
    assert starts == pytest.approx([0.001, 61.0, 121.0], abs=1.01)


def test_a_size_below_the_smallest_order_is_thin() -> None:
    (signal,) = of_type(ArbitrageSignal, said(*rows(low_ask=0.0210, size=0.19)))
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.THIN)


def test_a_feed_without_sizes_gives_no_size() -> None:
    (signal,) = of_type(ArbitrageSignal, said(*rows(low_ask=0.0210, size=float("nan"))))
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.NO_SIZE)


def test_the_size_is_half_of_the_smaller_leg() -> None:
    (signal,) = of_type(ArbitrageSignal, said(*rows(low_ask=0.0210, size=1.3)))
    assert signal.quantity == 0.6


def test_an_edge_too_good_to_be_true_is_refused() -> None:
    (signal,) = of_type(ArbitrageSignal, said(*rows(low_ask=0.0010)))
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.UNIT_CHECK)


def test_nothing_is_ordered_while_the_chain_is_silent() -> None:
    stale = Stale(ts_event=T0 - 1, ts_init=T0 - 1, stream=StreamId("deribit", "option_quotes", "BTC"))
    effects = said(stale, *rows(low_ask=0.0210))
    (signal,) = of_type(ArbitrageSignal, effects)
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.VENUE_DOWN)


@pytest.mark.parametrize(("apart_ms", "found"), [(250.0, 1), (251.0, 0)])
def test_in_a_poll_legs_of_different_bursts_are_no_package(apart_ms: float, found: int) -> None:
    effects = said(*rows(apart_ms=apart_ms, low_ask=0.0210), config=EngineConfig(options_feed="poll"))
    assert len(of_type(TriggerOpened, effects)) == found


def test_close_to_expiry_it_is_refused() -> None:
    late = EngineConfig(expiry_window_s=1e6)
    (signal,) = of_type(ArbitrageSignal, said(*rows(low_ask=0.0210), config=late))
    assert (signal.action, signal.reason) == (Action.HOLD, Reason.EXPIRY_WINDOW)


def test_it_has_no_latency_because_it_is_its_own_cause() -> None:
    slow = EngineConfig(max_latency_ms=1e-6)
    (signal,) = of_type(ArbitrageSignal, said(*rows(low_ask=0.0210), config=slow))
    assert signal.action is Action.BUY
    assert signal.latency_ms != signal.latency_ms


def moment(at_ms: float, quotes: dict[str, tuple[float, float]]) -> Event:
    """Return rows that all came at one moment."""
    ts = T0 + millis(at_ms)
    return option_quotes(
        [Row(ts=ts, symbol=symbol, bid=bid, ask=ask, underlying=60_000.0) for symbol, (bid, ask) in quotes.items()]
    )


def test_a_chain_that_is_rewritten_at_one_moment_is_tested_only_when_all_of_it_is_there() -> None:
    moved = {symbol: (bid - 0.0200, ask - 0.0200) for symbol, (bid, ask) in FAIR.items()}
    assert said(moment(0, FAIR), moment(1000, moved)) == []
    # Spread over two moments, the first of the new quotes stands against the old one of the other.
    one, other = ({symbol: quote} for symbol, quote in moved.items())
    assert len(of_type(TriggerOpened, said(moment(0, FAIR), moment(1000, one), moment(1001, other)))) == 1


def test_a_package_whose_legs_come_at_one_moment_is_tested_once() -> None:
    engine = engine_of()
    run(engine, [moment(0, FAIR)])
    assert engine.stats.packages["vertical"].checked == 2


def test_a_violation_in_the_last_moment_of_the_input_is_found() -> None:
    effects = said(moment(0, {**FAIR, LOW: (0.0205, 0.0210)}))
    assert len(of_type(ApprovedOrder, effects)) == 1


def test_packages_are_counted_whether_or_not_anything_is_found() -> None:
    engine = engine_of()
    run(engine, [event for second in range(10) for event in rows(1000 * second)])
    counts = engine.stats.packages["vertical"]
    assert (counts.checked, counts.gross, counts.net) == (2 * 19, 0, 0)
