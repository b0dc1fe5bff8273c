"""What only another process can show: other hash seeds, kills, limits and missing rights."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from aftershock.journal import JournalReader, JournalWriter
from tests.journal.journals import contents, numbered

pytestmark = pytest.mark.subprocess

PREAMBLE = """
import os, resource, sys
from pathlib import Path
from aftershock.errors import InputError
from aftershock.journal import Codec, Head, JournalWriter
config = {"b": 1, "a": {"y": 2, "x": 3}}
head = Head(code_version="1", config=config, instruments_digest="", numerics={"n": "1"})
folder = Path(sys.argv[1])
"""

WRITE_MAPS = """
codec = Codec(dict)
with JournalWriter.create(folder, head, segment_bytes=2000) as writer:
    for number in range(100):
        names = {f"name{number * k}" for k in range(20)}
        writer.append_input(1, codec.encode({name: number for name in names}))
        writer.append_output(2, codec.encode({"names": names, "hash": len(names)}))
"""

WRITE_AND_ACKNOWLEDGE = """
with JournalWriter.create(folder, head, segment_bytes=2000) as writer:
    for number in range(1_000_000):
        writer.append_input(1, b"input %d" % number)
        writer.append_output(2, b"output %d" % number)
        writer.sync()
        print(number, flush=True)
        writer.append_input(3, bytes(number % 700))
"""

WRITE_UNTIL_REFUSED = """
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
written = synced = 0
try:
    with JournalWriter.create(folder, head) as writer:
        while True:
            writer.append_input(1, b"record %d" % written)
            written += 1
            if written % 100 == 0:
                writer.sync()
                synced = written
except InputError as refusal:
    print(synced)
    print(refusal)
    sys.exit(refusal.exit_code)
"""

WRITE_WITHOUT_RIGHTS = """
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    JournalWriter.create(folder, head)
except InputError as refusal:
    print(refusal)
    sys.exit(refusal.exit_code)
"""


def start(program: str, folder: Path, *, hash_seed: str = "0") -> subprocess.Popen[str]:
    """Start a program that writes a journal into a folder."""
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + program, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit code and what was printed; nothing may be on stderr."""
    printed, errors = process.communicate(timeout=60)
    assert errors == ""
    return process.returncode, printed


def test_the_hash_seed_does_not_show_in_a_journal(tmp_path: Path) -> None:
    processes = [start(WRITE_MAPS, tmp_path / seed, hash_seed=seed) for seed in ("1", "2", "3")]
    assert [finish(process)[0] for process in processes] == [0, 0, 0]

    first, second, third = (contents(tmp_path / seed) for seed in ("1", "2", "3"))

    assert len(first) > 4
    assert first == second == third


@pytest.mark.parametrize("acknowledged", [1, 7, 40])
def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    process = start(WRITE_AND_ACKNOWLEDGE, tmp_path / "j")
    assert process.stdout is not None
    for _ in range(acknowledged):
        process.stdout.readline()
    process.kill()
    rest, _ = process.communicate(timeout=60)
    acknowledged += rest.count("\n")

    reader = JournalReader(tmp_path / "j")
    inputs = [payload for _, kind, payload in reader.inputs() if kind == 1]
    outputs = list(reader.outputs())

    assert reader.incomplete
    assert len(outputs) >= acknowledged
    assert outputs == numbered([(2, b"output %d" % number) for number in range(len(outputs))])
    assert inputs == [b"input %d" % number for number in range(len(inputs))]
    assert len(inputs) >= len(outputs)
    with JournalWriter.resume(tmp_path / "j") as writer:
        assert writer.append_output(2, b"after") == len(outputs)
    assert list(JournalReader(tmp_path / "j").outputs()) == [*outputs, (len(outputs), 2, b"after")]


def test_a_file_that_may_not_grow_is_one_sentence_and_a_readable_prefix(tmp_path: Path) -> None:
    code, printed = finish(start(WRITE_UNTIL_REFUSED, tmp_path / "j"))
    synced, sentence, *more = printed.splitlines()

    assert code == 2
    assert more == []
    assert str(tmp_path / "j") in sentence
    assert "ulimit -f" in sentence
    reader = JournalReader(tmp_path / "j")
    records = list(reader.inputs())
    assert reader.incomplete
    assert len(records) >= int(synced) > 0
    assert records == numbered([(1, b"record %d" % number) for number in range(len(records))])


@pytest.mark.parametrize("name", ["", "new", "new/deep"])
def test_a_folder_without_the_right_to_write_is_one_sentence(name: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o555)
        folder = Path(place, name)
        code, printed = finish(start(WRITE_WITHOUT_RIGHTS, folder))
        assert list(Path(place).iterdir()) == []

    assert code == 2
    assert printed == f"can't write journal {folder}: permission denied: name a folder that you may write to\n"
