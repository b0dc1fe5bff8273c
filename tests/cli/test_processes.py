"""What only a process of its own can show: signals, closed pipes, full disks, missing rights, other hash seeds."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

import pytest

from aftershock.cli.main import main
from aftershock.journal import JournalReader
from tests.app.market import EXPIRY_US, OPTION_HEAD, SECONDS, START_US, listed, options, write

pytestmark = pytest.mark.subprocess

PROGRAM = [sys.executable, "-m", "aftershock"]
LONG_ROWS = 120_000
NOBODY = 65_534


def start(*arguments: object, **others: object) -> subprocess.Popen[str]:
    """Start the command line with pipes for what it says."""
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | others
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], **given)  # type: ignore[call-overload, no-any-return]


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out or "", err or ""


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.02)


@pytest.fixture(scope="module", name="long_file")
def _long_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an options file that takes some seconds to replay: one pass over the chain, again and again."""
    names = list(listed())
    rows = []
    for i in range(LONG_ROWS):
        symbol, strike, is_call = names[i % len(names)]
        ts = START_US + i * 2_000
        kind = "call" if is_call else "put"
        rows.append(
            f"deribit,{symbol},{ts},{ts + 5_000},{kind},{strike},{EXPIRY_US},1,,0.03,20,,0.04,20,,,50,x,90000,,,,,"
        )
    return write(tmp_path_factory.mktemp("long") / "options.csv", OPTION_HEAD, rows)


def test_the_demonstration_runs_as_a_process_of_its_own() -> None:
    code, out, err = finish(start("demo", "--seconds", "2"))

    assert code == 0, err
    assert "SIMULATED" in out.splitlines()[1]
    assert "the engine never saw any of this" in out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_keeps_what_there_was(long_file: Path, tmp_path: Path, number: int, code: int) -> None:
    journal = tmp_path / "journal"
    process = start("replay", long_file, "--journal", journal, "--json")
    wait_for(journal / "head.json")
    time.sleep(0.3)
    process.send_signal(number)

    returned, out, err = finish(process)

    document = json.loads(out)
    assert returned == code
    assert "Traceback" not in err
    assert document["interrupted"] is True
    assert document["rows"]["total"] < LONG_ROWS
    again = start("replay", "--from-journal", journal, "--verify", "--json")
    assert json.loads(finish(again)[1])["verify"]["held"] == "identical"


def test_a_reader_that_has_seen_enough_ends_it_quietly(market: list[Path]) -> None:
    process = start("chain", market[0], "--json")
    assert process.stdout is not None
    process.stdout.close()

    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait(timeout=60) == 0
    assert err == "aftershock: options feed: poll\n"
    process.stderr.close()


def test_a_reader_that_stops_after_one_signal_ends_it_quietly(market: list[Path]) -> None:
    replaying = start("replay", *market, "--signals", "-")
    head = subprocess.run(["head", "-n", "1"], stdin=replaying.stdout, capture_output=True, text=True, check=True)
    assert replaying.stdout is not None
    replaying.stdout.close()
    assert replaying.stderr is not None
    err = replaying.stderr.read()
    replaying.stderr.close()

    assert json.loads(head.stdout)["action"] == "BUY"
    assert replaying.wait(timeout=60) == 0
    assert "Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("arguments", [["--json"], [], ["--signals", "-"]])
def test_a_full_disk_under_stdout_is_exit_2_and_one_sentence(market: list[Path], arguments: list[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        code, _, err = finish(start("replay", *market, *arguments, stdout=full))

    assert code == 2
    assert "No space left" in err.strip().splitlines()[-1]
    assert "Traceback" not in err


def test_a_full_disk_under_the_journal_is_exit_2_and_one_sentence(market: list[Path], tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
        "from aftershock.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["replay", *map(str, market), "--journal", str(tmp_path / "j")]
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.returncode == 2
    assert "can't write journal" in ran.stderr.strip().splitlines()[-1]
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("flag", ["--journal", "--signals", "--report"])
def test_an_unwritable_folder_is_exit_2_and_one_sentence(market: list[Path], flag: str) -> None:
    # Not below pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "closed").mkdir(mode=0o555)
        shutil.copy(market[-1], folder)
        said = (folder / "said").open("w+", encoding="utf-8")
        # Whoever has no rights can't import either: the command is loaded, and has run once, before the fork.
        assert main(["replay", str(folder / market[-1].name), "--json"]) == 0
        child = os.fork()
        if child == 0:
            os._exit(_as_nobody(said, ["replay", str(folder / market[-1].name), flag, str(folder / "closed" / "out")]))
        _, status = os.waitpid(child, 0)
        said.seek(0)
        err = said.read()
        said.close()

    assert os.waitstatus_to_exitcode(status) == 2
    assert "can't write" in err.strip().splitlines()[-1]
    assert "Permission denied" in err.strip().splitlines()[-1] or flag == "--journal"


def _as_nobody(said: TextIO, arguments: list[str]) -> int:
    """Run the command line without root's rights, in a child that has everything imported already."""
    sys.stdout = sys.stderr = said
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    code = main(arguments)
    said.flush()
    return code


def test_journals_under_different_hash_seeds_are_byte_identical(market: list[Path], tmp_path: Path) -> None:
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        code, _, err = finish(start("replay", *market, "--journal", tmp_path / seed, env=environment))
        assert code == 0, err

    digests = [JournalReader(tmp_path / seed).digest() for seed in ("0", "1", "4242")]
    assert digests[0] == digests[1] == digests[2]
    files = [{path.name: path.read_bytes() for path in (tmp_path / seed).iterdir()} for seed in ("0", "1", "4242")]
    assert files[0] == files[1] == files[2]


def test_progress_is_shown_on_a_terminal_only(long_file: Path) -> None:
    terminal, program_side = os.openpty()
    process = start("replay", long_file, stdout=subprocess.DEVNULL, stderr=program_side)
    os.close(program_side)
    said = b""
    while chunk := _read(terminal):
        said += chunk
    os.close(terminal)

    assert process.wait(timeout=60) == 0
    assert b"rows/s" in said
    assert "rows/s" not in finish(start("replay", long_file, stdout=subprocess.DEVNULL))[2]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # a terminal whose other side is closed
        return b""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    rows = list(options())
    span = SECONDS * 1_000_000

    def shifted(row: str, turn: int) -> str:
        cells = row.split(",")
        cells[2], cells[3] = str(int(cells[2]) + turn * span), str(int(cells[3]) + turn * span)
        return ",".join(cells)

    peaks = []
    for turns in (4, 24):
        path = write(
            tmp_path / f"options{turns}.csv", OPTION_HEAD, (shifted(row, t) for t in range(turns) for row in rows)
        )
        program = (
            "import resource, sys; from aftershock.cli.main import main; code = main(sys.argv[1:]); "
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
        )
        ran = subprocess.run(
            [sys.executable, "-c", program, "replay", str(path), "--trigger", "cascade"],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        peaks.append(int(ran.stderr.strip().splitlines()[-1]))

    assert peaks[1] < 1.25 * peaks[0]


def test_a_stream_that_was_closed_before_the_start_harms_nothing() -> None:
    """A socket that got the number of stdout would be written to, or end the event loop."""
    program = [sys.executable, "-m", "aftershock"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&- <&-', *program, "sandbox", "--fault", "meteor"],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 2
    assert "no fault `meteor`" in done.stderr
    with subprocess.Popen(
        ["sh", "-c", 'exec "$0" "$@" >&-', *program, "sandbox", "--seed", "1"], stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        assert "serving" in child.stderr.readline()
        child.terminate()
        assert child.wait(20) == 143
