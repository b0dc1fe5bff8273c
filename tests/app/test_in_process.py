"""A run over events of this process says, byte for byte, what a replay of their files says."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftershock.app.in_process import run_in_process
from aftershock.core.config import EngineConfig
from aftershock.model.events import Event, Liquidation, OptionQuotes, Trade
from aftershock.model.liquidations import Completeness
from aftershock.model.order import place
from aftershock.model.signals import Action
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_DAY, NS_PER_MS
from aftershock.sim.market.tardis_files import carried
from tests.app.both_ways import in_process, ordered, replayed, shock, written
from tests.core.market import T0, Row, liquidation, option_quotes
from tests.core.shock import CONFIG, batched, timeline
from tests.sim.tardis_events import union_margined


def test_a_shock_in_process_is_a_replay_of_its_files(tmp_path: Path) -> None:
    events = ordered(shock())
    ours, result = in_process(shock(), CONFIG)
    theirs, _ = replayed(written(tmp_path, events), CONFIG)
    assert ours == theirs
    assert {signal.action for signal in result.outcome.signals} == set(Action)


@pytest.mark.slow
def test_the_settings_that_a_replay_inferred_are_those_to_run_with(tmp_path: Path) -> None:
    theirs, result = replayed(written(tmp_path, ordered(shock())))
    config = result.settings.config
    assert (config.forward, config.options_feed, config.clocks, config.liquidation_venues) == (
        "quotes",
        "poll",
        "one",
        1,
    )
    assert in_process(shock(), config)[0] == theirs
    assert in_process(shock(), msgspec.structs.replace(config, options_feed="stream"))[0] != theirs


@pytest.mark.slow
@settings(max_examples=5)
@given(grid_ms=st.sampled_from((20, 100, 250)), seed=st.integers(0, 10**6))
def test_events_of_one_moment_may_come_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, grid_ms: int, seed: int
) -> None:
    """On a coarse grid of times many events share one; files don't hold in which order these came."""
    moments: dict[int, list[Event]] = {}
    for event in shock():
        for row in event.rows() if isinstance(event, OptionQuotes) else (event,):
            ts = T0 + -(-(row.ts_init - T0) // (grid_ms * NS_PER_MS)) * grid_ms * NS_PER_MS
            moments.setdefault(ts, []).append(received(row, ts))
    rng = random.Random(seed)
    mixed: list[Event] = []
    for ts in sorted(moments):
        streams: dict[str, list[Event]] = {}
        for event in moments[ts]:  # the rows of one stream stay in order, which its file does hold
            streams.setdefault(str(place(event).stream), []).append(event)
        turns = [name for name, rows in streams.items() for _ in rows]
        rng.shuffle(turns)
        mixed += [streams[name].pop(0) for name in turns]
    folder = tmp_path_factory.mktemp("mixed")
    assert in_process(mixed, CONFIG)[0] == replayed(written(folder, ordered(mixed)), CONFIG)[0]


def received(event: Event, ts_init: int) -> Event:
    """Return the event as if it had come at another time."""
    if not isinstance(event, OptionQuotes):
        return msgspec.structs.replace(event, ts_init=ts_init)
    return msgspec.structs.replace(event, ts_init=ts_init, row_ts_init=np.array([ts_init], dtype=np.int64))


def test_contracts_that_the_table_does_not_know_trade_from_their_file(tmp_path: Path) -> None:
    terms = [union_margined(f"BTC-USD_UM-261009-{strike}-C") for strike in (90_000, 91_000)]
    # A call spread for less than nothing: the higher strike is bid above the lower one's ask.
    quotes = [(90_000, 900.0, 1_000.0), (91_000, 1_500.0, 1_600.0)]
    events: list[Event] = [
        option_quotes([Row(ts=T0 + second * 10**9, symbol=term.symbol, bid=bid, ask=ask, bid_amount=500.0,
                           ask_amount=500.0, underlying=90_500.0)], venue="okex-options")
        for second, (term, (_, bid, ask)) in enumerate(zip(terms, quotes, strict=True))
    ]  # fmt: skip
    config = EngineConfig(forward="underlying", leg_span_ms=5_000.0)
    ours, result = in_process(events, config, terms)
    theirs, _ = replayed(written(tmp_path, events, terms), config)
    assert ours == theirs
    assert [alarm.code for alarm in result.outcome.alarms] == ["static_arbitrage"]
    assert in_process(events, config)[0] != ours, "the bundled table alone can't convert their amounts"


def test_a_repeated_liquidation_counts_once_as_it_does_in_a_file(tmp_path: Path) -> None:
    midnight = (T0 // NS_PER_DAY + 1) * NS_PER_DAY
    at = [
        (midnight - 5000, "7"),
        (midnight - 4000, "7"),  # again after a reconnect
        (midnight - 3000, "8"),
        (midnight - 2000, ""),
        (midnight - 1000, ""),  # without an id nothing is a repetition
        (midnight, "7"),  # the next day's file starts afresh
    ]
    events: list[Event] = [
        msgspec.structs.replace(
            liquidation(ts, completeness=Completeness.THROTTLED), ts_event=midnight - 6000, liquidation_id=row_id
        )
        for ts, row_id in at
    ]
    ours, result = in_process(events, CONFIG)
    theirs, _ = replayed(written(tmp_path, events), CONFIG)
    assert ours == theirs
    assert result.repeats == 1
    assert result.stats.liquidations["BTC"].count == 5


def test_a_trade_and_a_liquidation_may_share_an_id() -> None:
    both: list[Event] = [
        Trade(
            ts_event=T0, ts_init=T0, venue="bybit", symbol="BTCUSDT", price=1.0, amount=5.0, side="buy", trade_id="7"
        ),
        msgspec.structs.replace(liquidation(T0), liquidation_id="7"),
    ]
    assert in_process(both, CONFIG)[1].repeats == 0


@pytest.mark.slow
def test_what_files_cannot_carry_is_told_apart(tmp_path: Path) -> None:
    """With its faults the run in process says more; without them it is the replay."""
    faulty = [
        msgspec.structs.replace(event, completeness=Completeness.THROTTLED) if isinstance(event, Liquidation) else event
        for event in batched(timeline())
    ]
    theirs, _ = replayed(written(tmp_path, ordered(faulty)), CONFIG)
    assert in_process(filter(carried, faulty), CONFIG)[0] == theirs
    assert in_process(faulty, CONFIG)[0] != theirs


def test_a_run_stops_between_moments_when_asked() -> None:
    asked = iter([False] * 100 + [True] * 100)
    result = run_in_process(shock(), CONFIG, InstrumentTable(), should_stop=lambda: next(asked))
    assert result.interrupted
    assert 0 < result.stats.events < 200


def test_events_whose_time_goes_back_are_refused() -> None:
    with pytest.raises(ValueError, match="give events by receive time"):
        in_process([liquidation(T0), liquidation(T0 - 1)], CONFIG)
