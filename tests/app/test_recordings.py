"""A recording is an input like any other: a replay of it is the replay of the same market's CSV files."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aftershock.app.inputs import Given, open_inputs
from aftershock.app.market_session import MarketSession
from aftershock.app.recorded_terms import keep_terms
from aftershock.app.replay import ReplayOptions, replay
from aftershock.app.settings import choose
from aftershock.app.simulation import Request, simulate
from aftershock.app.verification import verify
from aftershock.errors import InputError, UsageError
from aftershock.model.events import Event
from aftershock.model.instruments import AmountUnit, FeeSchedule, Instrument, Kind
from aftershock.model.signals import Action
from aftershock.model.table import InstrumentTable
from aftershock.sim.market.session import Session
from aftershock.sim.market.tardis_files import carried
from aftershock.venues.recording import ColumnarSource, Limits, open_columnar, segments_of
from tests.app.both_ways import replayed
from tests.core.market import T0, Row, option_quotes
from tests.recording.files import quote, record
from tests.sim.tardis_events import bits


def stalled() -> MarketSession:
    """Return one episode with a stalled maker and no fault of a feed."""
    return MarketSession(Session(29, makers="slow", count=1, decoys=("S1",)))


@pytest.fixture(scope="module", name="market")
def _market(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Given], Path, Path]:
    """Return a simulated market as CSV files, their instruments, and the recording of the same events."""
    folder = tmp_path_factory.mktemp("market")
    csv = folder / "csv"
    written = simulate(stalled(), Request(seed=1, hours=1.0, world="base", makers="slow", folder=csv))
    record(folder / "recording", filter(carried, stalled().events()), Limits(rotate_minutes=7))
    assert written.instruments is not None
    assert not written.written.not_carried
    return [Given(file.path) for file in written.written.files], written.instruments, folder / "recording"


@pytest.mark.slow
def test_a_replay_of_a_recording_is_that_of_the_csv_files(market: tuple[list[Given], Path, Path]) -> None:
    csv, instruments, recording = market
    theirs, expected = replayed((csv, instruments))
    ours, result = replayed(([Given(recording)], instruments))
    assert ours == theirs
    assert {signal.action for signal in result.outcome.signals} == set(Action)
    assert result.settings.config == expected.settings.config
    assert result.rows == expected.rows
    assert not result.incomplete
    assert replayed(([Given(recording)], instruments))[0] == ours, "and it is the same again"


@pytest.mark.slow
def test_a_journalled_replay_of_a_recording_is_verified(market: tuple[list[Given], Path, Path], tmp_path: Path) -> None:
    _, instruments, recording = market
    given = [Given(recording)]
    replay(ReplayOptions(given=given, chosen=choose(), instruments=instruments, journal=tmp_path / "j"))
    assert verify(tmp_path / "j").comparison.held == "identical"
    moved = recording.rename(tmp_path / "moved")
    try:
        assert verify(tmp_path / "j", [moved]).comparison.held == "identical"
    finally:
        moved.rename(recording)


def test_a_recording_stands_for_its_segments_in_order(tmp_path: Path) -> None:
    events: list[Event] = [quote(T0 + i, venue=("bybit", "deribit")[i % 2]) for i in range(9)]
    record(tmp_path / "r", events, Limits(batch_rows=1, segment_bytes=1))
    inputs = open_inputs([Given(tmp_path / "r")])
    assert len(inputs.given) == len(inputs.sources) == len(segments_of(tmp_path / "r")) == 9
    assert bits(inputs.events()) == bits(events)
    assert inputs.rows_read == 9
    assert {report.format for report in inputs.reports} == {"arrow"}


def test_only_the_kind_that_was_asked_for_is_taken_of_a_recording(tmp_path: Path) -> None:
    record(tmp_path / "r", [quote()])
    assert len(open_inputs([Given(tmp_path / "r", "quotes")]).sources) == 1
    with pytest.raises(InputError, match=r"recording .* holds no options yet: record longer, or name another one"):
        open_inputs([Given(tmp_path / "r", "options")])
    (segment,) = segments_of(tmp_path / "r")
    with pytest.raises(InputError, match="holds quotes, not trades: give it without an option"):
        open_inputs([Given(segment.path, "trades")])
    with pytest.raises(UsageError, match="is given twice"):
        open_inputs([Given(tmp_path / "r"), Given(segment.path)])


def test_a_live_recording_says_itself_that_it_is_a_stream(tmp_path: Path) -> None:
    batch = option_quotes([Row(ts=T0, symbol="BTC-9OCT26-90000-C", bid=0.01, ask=0.02)])
    record(tmp_path / "r", [batch, quote(T0 + 1)])
    implied = open_inputs([Given(tmp_path / "r")]).imply()
    assert (implied["options_feed"].value, implied["clocks"].value) == ("stream", "one")
    assert "recorded live" in implied["options_feed"].source


def test_only_the_first_files_of_each_kind_are_looked_into_for_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path / "r", [quote(T0 + i) for i in range(9)], Limits(batch_rows=1, segment_bytes=1))
    inputs = open_inputs([Given(tmp_path / "r")])
    looked: list[Path] = []

    def look(path: Path, *, index: int, expect: str | None, table: InstrumentTable, row_limit: int) -> ColumnarSource:
        looked.append(path)
        return open_columnar(path, index=index, expect=expect, table=table, row_limit=row_limit)

    monkeypatch.setattr("aftershock.app.inputs.open_columnar", look)
    assert inputs.imply()["forward"].value == "quotes"
    assert looked == [segments_of(tmp_path / "r")[0].path]


def test_contracts_that_nobody_knows_are_kept_with_the_recording_and_found_by_its_replay(tmp_path: Path) -> None:
    option = Instrument(
        venue="backpack", symbol="opaque", kind=Kind.OPTION, underlying="BTC", quote="USDC", inverse=False,
        amount_unit=AmountUnit.CONTRACTS, contract_size=0.1, strike=90_000.0, is_call=True, expiry_ns=T0 + 10**15,
    )  # fmt: skip
    fee = FeeSchedule(
        venue="backpack", kind=Kind.OPTION, inverse=False, valid_from_ns=0, taker_rate=4e-4, maker_rate=2e-4
    )
    folder = tmp_path / "r"
    record(folder, [quote(T0)])
    assert keep_terms(folder, [option], [fee]) == folder / "instruments_000001.json"
    assert keep_terms(folder, [option], [fee]) is None
    journal = tmp_path / "j"
    replay(ReplayOptions(given=[Given(folder)], chosen=choose(), journal=journal))

    inputs = open_inputs([Given(segments_of(folder)[0].path)])
    found = inputs.table.resolve("backpack", "opaque")
    assert found is not None
    assert repr(found) == repr(option)
    charged = inputs.table.fee(found, T0)
    assert charged is not None
    assert charged.taker_rate == 4e-4

    larger = msgspec.structs.replace(option, contract_size=1.0)
    assert keep_terms(folder, [larger], [fee]) == folder / "instruments_000002.json"
    assert repr(open_inputs([Given(folder)]).table.resolve("backpack", "opaque")) == repr(larger)
    assert verify(journal).comparison.held == "identical", "of the terms that it was made with"
