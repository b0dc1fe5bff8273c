"""`simulate` with a market of a few seconds: what it writes, what it refuses, and that a replay takes it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from aftershock.app.in_process import run_in_process
from aftershock.app.inputs import Given
from aftershock.app.records import encode_effect
from aftershock.app.replay import ReplayOptions, Watch, replay
from aftershock.app.settings import choose
from aftershock.app.simulation import Makers, Request, World, simulate
from aftershock.cli.root import root
from aftershock.cli.simulate_command import simulate_command
from aftershock.model.events import DerivativeTicker, Event, Gap, OptionQuotes, Quote, StreamId
from aftershock.model.instruments import Instrument
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_MS, NS_PER_S
from tests.cli.conftest import Run
from tests.core.market import Row, option_quotes
from tests.sim.tardis_events import T0, union_margined

VENUES = {"binance-futures": "BTCUSDT", "bybit": "BTCUSDT", "okex-swap": "BTC-USDT-SWAP"}
STRIKES = (85_000, 90_000, 95_000)
LATE = 5 * NS_PER_MS
FILES = {
    "README.md",
    "TRUTH.jsonl",
    "instruments.json",
    "binance-futures_quotes_2026-10-01_PERPETUALS.csv.gz",
    "bybit_quotes_2026-10-01_PERPETUALS.csv.gz",
    "deribit_derivative_ticker_2026-10-01_PERPETUALS.csv.gz",
    "okex-options_options_chain_2026-10-01_OPTIONS.csv.gz",
    "okex-swap_quotes_2026-10-01_PERPETUALS.csv.gz",
}


class FakeSession:
    """A level that drops once, perpetuals and an index that follow, and options that don't."""

    def __init__(self, seed: int, hours: float) -> None:
        self.instruments: tuple[Instrument, ...] = tuple(
            union_margined(f"BTC-USD_UM-261009-{strike}-{kind}") for strike in STRIKES for kind in "CP"
        )
        self._seconds = round(hours * 3600)
        self._level = 90_000.0 + seed
        self.finished = False

    def events(self) -> Iterator[Event]:
        for tick in range(5 * self._seconds):
            ts = T0 + tick * NS_PER_S // 5
            level = self._level * (0.995 if tick > 4 * self._seconds else 1.0)
            # In no order within the moment: whoever writes them has to know it.
            for venue, symbol in VENUES.items():
                yield Quote(ts_event=ts, ts_init=ts + LATE, venue=venue, symbol=symbol, bid=level - 0.5,
                            ask=level + 0.5, bid_amount=50.0, ask_amount=50.0)  # fmt: skip
            yield DerivativeTicker(
                ts_event=ts, ts_init=ts + LATE, venue="deribit", symbol="BTC-PERPETUAL", index_price=level
            )
            if tick % 5 == 0:
                yield self._options(ts)
        yield Gap(
            ts_event=ts, ts_init=ts + LATE, stream=StreamId("bybit", "quotes", "BTCUSDT"), from_ts=ts, to_ts=ts + LATE
        )
        self.finished = True

    def _options(self, ts: int) -> OptionQuotes:
        rows = [
            Row(ts=ts, symbol=i.symbol, bid=400.0 + 5 * n, ask=420.0 + 5 * n, underlying=self._level)
            for n, i in enumerate(self.instruments)
        ]
        batch = option_quotes(rows, venue="okex-options")
        late = np.full(len(rows), ts + LATE, dtype=np.int64)
        return msgspec.structs.replace(batch, ts_init=ts + LATE, row_ts_init=late)

    def truth(self) -> Iterator[bytes]:
        yield b'{"type": "liquidation", "exchange": "ftx", "what": "looks like data"}\n'
        yield b'{"value": 1}'


def session(seed: int, hours: float, world: World, makers: Makers) -> FakeSession:
    assert (world, makers) in {("base", "fast"), ("shifted", "slow")}
    return FakeSession(seed, hours)


@pytest.fixture(name="aftershock")
def _aftershock(aftershock: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give the program the command over the fake market, whatever it has registered."""
    monkeypatch.setitem(root.commands, "simulate", simulate_command(session))
    return aftershock


@pytest.fixture(name="folder")
def _folder(aftershock: Run, tmp_path: Path) -> Path:
    folder = tmp_path / "market"
    assert aftershock("simulate", "--seed", 7, "--hours", 0.005, "--out", folder).code == 0
    return folder


def test_a_session_becomes_files_with_its_truth_apart(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# SYNTHETIC data\n")
    assert "seed 7, 0.005 hours, world `base`,\nfast makers" in readme
    truth = [json.loads(line) for line in (folder / "TRUTH.jsonl").read_text(encoding="utf-8").splitlines()]
    assert truth[0]["SYNTHETIC"]
    assert truth[0]["seed"] == 7
    assert truth[1:] == [
        {"type": "liquidation", "exchange": "ftx", "what": "looks like data"},
        {"value": 1},
    ]


def test_the_summary_says_what_was_written_what_was_not_and_how_to_replay_it(aftershock: Run, tmp_path: Path) -> None:
    ran = aftershock("simulate", "--seed", 7, "--hours", 0.005, "--out", tmp_path / "my market")

    assert ran.code == 0
    assert ran.out.startswith("SYNTHETIC market, seed 7, 0.005 h, world base, fast makers\n")
    assert "bybit_quotes_2026-10-01_PERPETUALS.csv.gz" in ran.out
    assert "in all" in ran.out
    assert "CSV has no place for them: 1 gap." in ran.out
    assert "A replay infers: clocks two, forward quotes, liquidation venues 0, options feed poll." in ran.out
    quoted = f"'{tmp_path / 'my market'}'"
    assert f"  aftershock replay {quoted}/*.csv.gz --instruments '{tmp_path / 'my market'}/instruments.json'" in ran.out
    assert "TRUTH.jsonl is the truth (3 lines); a replay refuses it." in ran.out


def test_the_document_has_the_same_figures(aftershock: Run, tmp_path: Path) -> None:
    ran = aftershock(
        *("simulate", "--seed", 3, "--hours", 0.005, "--out", tmp_path / "m", "--json"),
        *("--world", "shifted", "--makers", "slow"),
    )
    document = json.loads(ran.out)

    assert (document["schema_version"], document["synthetic"]) == (1, True)
    assert (document["seed"], document["world"], document["makers"]) == (3, "shifted", "slow")
    assert document["rows"]["total"] == 4 * 5 * 18 + 6 * 18
    by_kind = {(file["venue"], file["kind"]): file for file in document["rows"]["files"]}
    chain = by_kind["okex-options", "options_chain"]
    assert (chain["rows"], chain["group"]) == (6 * 18, "OPTIONS")
    assert (chain["first"], chain["last"]) == ("2026-10-01T09:00:00.005000000Z", "2026-10-01T09:00:17.005000000Z")
    assert chain["bytes"] == Path(chain["file"]).stat().st_size
    assert document["not_carried"] == {"gap": 1}
    assert document["volatilities_left_empty"] == 0
    assert document["truth"]["lines"] == 3
    assert document["implied"]["clocks"]["value"] == "two"
    assert document["interrupted"] is False
    assert document["replay"].startswith("aftershock replay ")


def test_equal_seeds_give_equal_bytes_and_others_do_not(aftershock: Run, folder: Path, tmp_path: Path) -> None:
    for name, seed in (("again", 7), ("other", 8)):
        assert aftershock("simulate", "--seed", seed, "--hours", 0.005, "--out", tmp_path / name).code == 0
    mine, again, other = (
        {path.name: path.read_bytes() for path in sorted(where.iterdir())}
        for where in (folder, tmp_path / "again", tmp_path / "other")
    )
    assert mine == again
    changed = "bybit_quotes_2026-10-01_PERPETUALS.csv.gz"
    assert gzip.decompress(mine[changed]) != gzip.decompress(other[changed])


def test_a_replay_of_the_folder_is_the_session_run_in_process(aftershock: Run, folder: Path) -> None:
    data = sorted(folder.glob("*.csv.gz"))
    assert aftershock("replay", *data, "--instruments", folder / "instruments.json", "--strict").code == 0
    theirs: list[tuple[int, bytes]] = []
    watch = Watch(on_effect=lambda effect: theirs.append(encode_effect(effect)))
    options = ReplayOptions(
        given=[Given(path) for path in data], chosen=choose(), instruments=folder / "instruments.json"
    )
    result = replay(options, watch)
    market = FakeSession(7, 0.005)
    ours: list[tuple[int, bytes]] = []
    run = run_in_process(
        (event for event in market.events() if not isinstance(event, Gap)),
        result.settings.config,
        InstrumentTable(market.instruments),
        on_effect=lambda effect: ours.append(encode_effect(effect)),
    )
    assert ours == theirs
    assert run.stats.option_rows == result.stats.option_rows > 0
    assert ours, "the level dropped 50 bps, which opens a trigger"


@pytest.mark.parametrize("flag", [(), ("--liquidations",), ("--options",)])
def test_a_replay_refuses_the_truth(aftershock: Run, folder: Path, flag: tuple[str, ...]) -> None:
    ran = aftershock("replay", *flag, folder / "TRUTH.jsonl")
    assert ran.code == 2
    assert "holds the truth of a simulated market, which no decision may see" in ran.sentence


def test_a_folder_with_a_simulation_is_replaced_only_by_force(aftershock: Run, folder: Path) -> None:
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    (folder / "deribit_trades_2020-01-01_OPTIONS.csv.gz").write_bytes(b"of an earlier simulation")
    arguments = ("simulate", "--seed", 8, "--hours", 0.001, "--out", folder)

    ran = aftershock(*arguments)
    assert ran.code == 2
    assert ran.sentence.endswith("already holds a simulation: name another folder, or replace it with --force")
    assert aftershock(*arguments, "--force").code == 0
    assert {path.name for path in folder.iterdir()} == FILES | {"notes.txt"}
    assert "seed 8" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_folder_with_anything_else_is_never_touched(aftershock: Run, tmp_path: Path, force: tuple[str, ...]) -> None:
    bought = tmp_path / "deribit_options_chain_2026-10-01_OPTIONS.csv.gz"
    bought.write_bytes(b"recorded")
    ran = aftershock("simulate", "--seed", 7, "--hours", 0.005, "--out", tmp_path, *force)
    assert ran.code == 2
    assert ran.sentence.endswith("holds files that no simulation wrote: name a new or empty folder with --out")
    assert list(tmp_path.iterdir()) == [bought]
    assert bought.read_bytes() == b"recorded"


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "25"])
def test_a_length_out_of_bounds_is_refused(aftershock: Run, tmp_path: Path, hours: str) -> None:
    ran = aftershock("simulate", "--seed", 7, f"--hours={hours}", "--out", tmp_path / "m")
    assert (ran.code, ran.out) == (2, "")
    assert "give a length above 0 and up to 24" in ran.sentence
    assert not (tmp_path / "m").exists()


def test_a_file_in_place_of_the_folder_is_refused(aftershock: Run, tmp_path: Path) -> None:
    (tmp_path / "m").write_text("", encoding="utf-8")
    ran = aftershock("simulate", "--seed", 7, "--hours", 0.005, "--out", tmp_path / "m")
    assert ran.code == 2
    assert "is a file: name a folder" in ran.sentence
    ran = aftershock("simulate", "--seed", 7, "--hours", 0.005, "--out", tmp_path / "m" / "n")
    assert ran.code == 2
    assert "can't write" in ran.sentence


def test_a_stopped_simulation_keeps_whole_moments(tmp_path: Path) -> None:
    market = FakeSession(7, 0.005)
    request = Request(seed=7, hours=0.005, world="base", makers="fast", folder=tmp_path / "m")
    asked = iter([False] * 10 + [True] * 100)
    result = simulate(market, request, should_stop=lambda: next(asked))

    assert result.interrupted
    assert not market.finished
    # Ten moments: four single rows each, and six options in the first and the sixth.
    assert result.written.rows == 10 * 4 + 2 * 6
    assert {file.last_ts for file in result.written.files if file.kind == "quotes"} == {T0 + LATE + 9 * NS_PER_S // 5}
    assert result.truth_lines == 3


def test_a_session_without_data_has_nothing_to_replay(tmp_path: Path) -> None:
    class Silent(FakeSession):
        def events(self) -> Iterator[Event]:
            return iter(())

    request = Request(seed=7, hours=0.005, world="base", makers="fast", folder=tmp_path / "m")
    result = simulate(Silent(7, 0.005), request)
    assert (result.written.files, result.implied, result.replay_command) == ((), {}, "")
    assert result.document()["replay"] is None


def test_help_teaches_with_an_example(aftershock: Run) -> None:
    ran = aftershock("simulate", "--help")
    assert ran.code == 0
    assert "aftershock simulate --seed 7 --hours 1 --out market" in ran.out
