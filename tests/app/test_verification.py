"""A journal reproduces, and nothing in it or under it can change without being named."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from aftershock.app.inputs import Given
from aftershock.app.records import END, decode_end, decode_output, encode_effect, encode_stats
from aftershock.app.replay import ReplayOptions, Watch, replay
from aftershock.app.settings import choose
from aftershock.app.verification import open_journal, verify
from aftershock.errors import AftershockError, InputError, JournalError
from aftershock.journal import REF, Head, JournalReader, JournalWriter, Reference
from aftershock.model.signals import ArbitrageSignal
from tests.app.market import CALIBRATION, write_instrument, write_market

pytestmark = pytest.mark.slow  # whole runs, again and again


@pytest.fixture(name="copy")
def _copy(journal: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(journal, tmp_path / "copy"))


def forge(original: Path, folder: Path, *, head: Head | None = None, outputs: dict[int, bytes] | None = None) -> Path:
    """Write a journal that is whole and sealed, but says something else than the original."""
    reader = JournalReader(original)
    with JournalWriter.create(folder, head or reader.head) as writer:
        for _, kind, payload in reader.inputs():
            if kind == REF:
                writer.append_reference(*Reference.unpack(payload))
            else:
                writer.append_input(kind, payload)
        for sequence, kind, payload in reader.outputs():
            writer.append_output(kind, (outputs or {}).get(sequence, payload))
    shutil.copy(original / "sources.json", folder)
    return folder


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


def test_a_journal_reproduces_byte_for_byte(journal: Path) -> None:
    found = verify(journal)

    assert found.comparison.held == "identical"
    assert found.same_numerics
    assert found.comparison.records == 9


def test_a_journal_of_a_calibrated_run_reproduces_too(market: list[Path], tmp_path: Path) -> None:
    settings = tmp_path / "calibrated.toml"
    settings.write_text(CALIBRATION, encoding="utf-8")
    folder = tmp_path / "journal"
    replay(ReplayOptions(given=[Given(path) for path in market], chosen=choose(file=settings), journal=folder))

    assert verify(folder).comparison.held == "identical"
    assert JournalReader(folder).head.config["calibration"]["name"] == "seeds 1 to 10"


def test_a_journal_holds_every_effect_and_the_final_counts(journal: Path) -> None:
    outputs = [decode_output(kind, payload) for _, kind, payload in JournalReader(journal).outputs()]

    assert [type(value).__name__ for value in outputs] == [
        "TriggerOpened",
        "ArbitrageSignal",
        "ApprovedOrder",
        "TriggerOpened",
        "ArbitrageSignal",
        "ArbitrageSignal",
        "TriggerClosed",
        "TriggerClosed",
        "EngineStats",
    ]


def test_a_journal_refers_to_the_rows_of_its_files_instead_of_holding_them(journal: Path, market: list[Path]) -> None:
    reader = JournalReader(journal)
    inputs = list(reader.inputs())

    rows = {ref.file: ref.rows for ref in (Reference.unpack(p) for _, kind, p in inputs if kind == REF)}
    ends = [decode_end(payload) for _, kind, payload in inputs if kind == END]
    assert rows == {0: 2700, 1: 375, 2: 375, 3: 375, 4: 75, 5: 5}
    assert [end.interrupted for end in ends] == [False]
    assert [file.name for file in reader.head.files] == [path.name for path in market]


def test_two_runs_write_the_same_bytes(journal: Path, market: list[Path], tmp_path: Path) -> None:
    replay(ReplayOptions(given=[Given(p) for p in market], chosen=choose(), journal=tmp_path / "again"))

    assert JournalReader(tmp_path / "again").digest() == JournalReader(journal).digest()


def test_an_interrupted_run_reproduces_up_to_where_it_stopped(market: list[Path], tmp_path: Path) -> None:
    seen: list[int] = []
    watch = Watch(on_progress=lambda rows, _ts: seen.append(rows), should_stop=lambda: seen[-1] >= 3_290)
    folder = tmp_path / "journal"
    stopped = replay(ReplayOptions(given=[Given(p) for p in market], chosen=choose(), journal=folder), watch)

    assert stopped.interrupted
    assert stopped.outcome.opened
    assert open_journal(folder).ended
    assert verify(folder).comparison.held == "identical"


def test_a_run_that_died_reproduces_as_far_as_it_was_written(journal: Path, market: list[Path], tmp_path: Path) -> None:
    reader = JournalReader(journal)
    folder = tmp_path / "dead"
    writer = JournalWriter.create(folder, reader.head)
    for _, kind, payload in list(reader.outputs())[:3]:
        writer.append_output(kind, payload)
    writer.close(complete=False)

    found = verify(folder, market).comparison

    assert (found.held, found.incomplete, found.records, found.unrecorded) == ("identical", True, 3, 6)


def test_a_changed_threshold_in_the_head_is_caught(copy: Path) -> None:
    head = copy / "head.json"
    head.write_text(head.read_text(encoding="utf-8").replace('"threshold_buy_bps": 2.0', '"threshold_buy_bps": 9.0'))

    with pytest.raises(JournalError, match=r"head\.json"):
        verify(copy)


def test_a_threshold_changed_with_all_checksums_mended_is_caught_by_its_decision(journal: Path, tmp_path: Path) -> None:
    head = JournalReader(journal).head
    config = {**head.config, "threshold_buy_bps": 9.0}
    forged = forge(journal, tmp_path / "forged", head=msgspec.structs.replace(head, config=config))

    with pytest.raises(JournalError, match="does not reproduce: outputs, record 1"):
        verify(forged)


def test_an_output_changed_with_all_checksums_mended_is_caught_by_name(journal: Path, tmp_path: Path) -> None:
    outputs = {sequence: (kind, payload) for sequence, kind, payload in JournalReader(journal).outputs()}
    signal = decode_output(*outputs[1])
    assert isinstance(signal, ArbitrageSignal)
    better = msgspec.structs.replace(signal, spread_bps=signal.spread_bps + 1e-6)
    forged = forge(journal, tmp_path / "forged", outputs={1: encode_effect(better)[1]})

    with pytest.raises(JournalError, match=r"record 1, \$\.spread_bps"):
        verify(forged)


def test_between_two_numerics_a_last_bit_is_tolerated_and_told(journal: Path, tmp_path: Path) -> None:
    head = msgspec.structs.replace(JournalReader(journal).head, numerics={"pricing": "kernel"})
    outputs = {sequence: (kind, payload) for sequence, kind, payload in JournalReader(journal).outputs()}
    signal = decode_output(*outputs[1])
    assert isinstance(signal, ArbitrageSignal)
    nudged = msgspec.structs.replace(signal, spread_bps=signal.spread_bps * (1 + 1e-12))
    forged = forge(journal, tmp_path / "forged", head=head, outputs={1: encode_effect(nudged)[1]})

    found = verify(forged)

    assert not found.same_numerics
    assert (found.comparison.held, found.comparison.tolerated) == ("numeric", 1)


def test_a_changed_instrument_table_is_caught(journal: Path, tmp_path: Path) -> None:
    head = msgspec.structs.replace(JournalReader(journal).head, instruments_digest="00")

    with pytest.raises(JournalError, match="another instrument table"):
        verify(forge(journal, tmp_path / "forged", head=head))


def test_a_setting_that_this_version_does_not_know_is_caught(journal: Path, tmp_path: Path) -> None:
    head = JournalReader(journal).head
    other = msgspec.structs.replace(head, config={**head.config, "lucky_number": 7})

    with pytest.raises(JournalError, match="lucky_number"):
        verify(forge(journal, tmp_path / "forged", head=other))


@pytest.mark.parametrize("name", ["head.json", "inputs-000001.seg", "outputs-000001.seg", "foot.json"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_one_flipped_bit_anywhere_in_a_journal_is_caught(copy: Path, name: str, share: float) -> None:
    path = copy / name
    flip(path, int(share * path.stat().st_size))

    with pytest.raises(AftershockError, match=name.partition("-")[0].partition(".")[0]) as caught:
        verify(copy)

    assert caught.value.exit_code in {1, 2}


def test_one_flipped_bit_in_an_input_file_is_caught_with_file_and_digest(tmp_path: Path) -> None:
    paths = write_market(tmp_path / "data")
    replay(ReplayOptions(given=[Given(p) for p in paths], chosen=choose(), journal=tmp_path / "journal"))
    flip(paths[1], 5_000)
    recorded = JournalReader(tmp_path / "journal").head.files[1].sha256

    with pytest.raises(JournalError, match=f"{paths[1].name}.*{recorded}") as caught:
        verify(tmp_path / "journal")

    assert caught.value.exit_code == 1


def test_moved_files_are_found_among_those_given_whatever_their_names(tmp_path: Path) -> None:
    paths = write_market(tmp_path / "data")
    replay(ReplayOptions(given=[Given(p) for p in paths], chosen=choose(), journal=tmp_path / "journal"))
    moved = [path.rename(tmp_path / f"{i}.moved") for i, path in enumerate(paths)]

    with pytest.raises(JournalError, match="not found"):
        verify(tmp_path / "journal")
    assert verify(tmp_path / "journal", moved).comparison.held == "identical"


def test_moved_files_are_found_beside_one_that_is_given(tmp_path: Path) -> None:
    paths = write_market(tmp_path / "data")
    replay(ReplayOptions(given=[Given(p) for p in paths], chosen=choose(), journal=tmp_path / "journal"))
    (tmp_path / "data").rename(tmp_path / "elsewhere")

    assert verify(tmp_path / "journal", [tmp_path / "elsewhere"]).comparison.held == "identical"


def test_liquidations_that_only_a_flag_told_from_trades_are_read_alike_again(tmp_path: Path) -> None:
    paths = write_market(tmp_path / "data")
    anonymous = paths[-1].rename(tmp_path / "data" / "prints.csv")
    given = [*(Given(p) for p in paths[:-1]), Given(anonymous, "liquidations")]
    replay(ReplayOptions(given=given, chosen=choose(), journal=tmp_path / "journal"))

    assert verify(tmp_path / "journal").comparison.held == "identical"


def test_given_instruments_are_part_of_the_journal(market: list[Path], tmp_path: Path) -> None:
    file = write_instrument(tmp_path, multiplier=1000)
    options = ReplayOptions(
        given=[Given(p) for p in market], chosen=choose(), instruments=file, journal=tmp_path / "journal"
    )
    result = replay(options)

    assert result.stats.liquidations["PEPE"].unconvertible == 0
    assert verify(tmp_path / "journal").comparison.held == "identical"


def test_a_folder_that_is_no_journal_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a journal"):
        verify(tmp_path)


def test_a_journal_is_not_written_over(journal: Path, market: list[Path]) -> None:
    with pytest.raises(InputError, match="not empty"):
        replay(ReplayOptions(given=[Given(p) for p in market], chosen=choose(), journal=journal))


def test_the_counts_in_a_journal_do_not_depend_on_where_batches_are_cut(journal: Path) -> None:
    *_, (_, kind, payload) = JournalReader(journal).outputs()
    stats = decode_output(kind, payload)

    assert encode_stats(msgspec.structs.replace(stats, events=99)) == (kind, payload)  # type: ignore[type-var, arg-type]
