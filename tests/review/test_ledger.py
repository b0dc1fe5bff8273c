"""The file of a budget: what a kill, a torn write, a damaged line, a full disk and midnight leave of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import ConfigError, InputError
from aftershock.model.units import NS_PER_DAY, NS_PER_S
from aftershock.review.budget import Budget, BudgetRefusal, Caps, Reservation
from aftershock.review.ledger import Ledger, Spent
from aftershock.review.ledger_lines import HEAD, read_lines
from aftershock.review.prices import PICO

NOW = 20_784 * NS_PER_DAY + 3_600 * NS_PER_S
WIDE = Caps(minute=1e6, day=1e6, trigger=1e6)


def opened(path: Path | None, now: int = NOW, caps: Caps = WIDE) -> Ledger:
    return Ledger(Budget(caps), path, now)


def reserve(ledger: Ledger, usd: float, now: int = NOW, model: str = "m") -> Reservation:
    reserved = ledger.reserve(usd, "p", model, trigger_id="t", strategy="A", now_ns=now)
    assert isinstance(reserved, Reservation)
    return reserved


def spend(ledger: Ledger, usd: float, paid: float | None, now: int = NOW, model: str = "m") -> None:
    ledger.settle(reserve(ledger, usd, now, model), paid, "p", model)


def today_pico(path: Path, now: int = NOW) -> int:
    ledger = opened(path, now)
    ledger.close()
    return round(ledger.budget.day_usd * PICO)


def test_figures_are_by_model_today_ever_and_in_flight() -> None:
    ledger = opened(None)
    spend(ledger, 0.03, 0.02)
    spend(ledger, 0.03, 0.01, model="other")
    reserve(ledger, 0.05)

    assert ledger.spent(NOW) == [
        Spent(provider="p", model="m", today=0.02, ever=0.02, set_aside=0.05),
        Spent(provider="p", model="other", today=0.01, ever=0.01, set_aside=0.0),
    ]
    assert [each.today for each in ledger.spent(NOW + NS_PER_DAY)] == [0.0, 0.0]


@pytest.mark.parametrize("said", [None, float("nan"), float("inf"), -1.0])
def test_a_request_whose_cost_nobody_says_counts_as_what_was_set_aside_and_is_flagged(
    tmp_path: Path, said: float | None
) -> None:
    ledger = opened(tmp_path / "ledger")
    spend(ledger, 0.03, said)
    ledger.close()

    again = opened(tmp_path / "ledger")

    assert ledger.budget.day_usd == again.budget.day_usd == 0.03
    assert (ledger.at_worst, again.at_worst, again.unsettled) == (1, 1, 0)
    again.close()


def test_what_was_never_sent_is_given_back(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "ledger")
    ledger.release(reserve(ledger, 0.03), "p", "m")
    ledger.close()

    assert today_pico(tmp_path / "ledger") == 0


# --- what can happen to a file --------------------------------------------------------------------------------------

_requests = st.lists(
    st.tuples(st.integers(0, 10**9), st.one_of(st.none(), st.integers(0, 10**9))), min_size=1, max_size=6
)


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ledgers")


def written(path: Path, requests: list[tuple[int, int | None]]) -> list[bytes]:
    """Write requests of (set aside, paid or None for not settled) and return the lines of the file, head first."""
    path.unlink(missing_ok=True)
    ledger = opened(path)
    for number, (aside, paid) in enumerate(requests):
        reserved = reserve(ledger, aside / PICO)
        requests[number] = (reserved.pico, paid)  # what a float can't hold was rounded up
        if paid is not None:
            ledger.settle(reserved, paid / PICO, "p", "m")
    ledger.close()
    return path.read_bytes().splitlines(keepends=True)


def expected(requests: list[tuple[int, int | None]], whole: list[bool]) -> int:
    """Return what has to count by the lines that are whole, in the order in which they were written."""
    lines = iter(whole)
    total = 0
    for aside, paid in requests:
        has_reserve = next(lines)
        has_settle = paid is not None and next(lines)
        if has_settle and paid is not None:
            total += paid
        elif has_reserve:
            total += aside
    return total


@pytest.mark.slow
@given(_requests, st.data())
def test_a_file_cut_at_any_byte_counts_every_whole_line_and_the_worst_of_what_is_open(
    folder: Path, requests: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    path = folder / "cut"
    lines = written(path, requests)
    content = b"".join(lines)
    length = data.draw(st.integers(len(HEAD), len(content)))
    path.write_bytes(content[:length])
    ends = [sum(map(len, lines[: number + 1])) for number in range(1, len(lines))]
    # A line feed alone is missing: the line's checksum says that it is whole.
    whole = [end - 1 <= length for end in ends]

    ledger = opened(path)
    ledger.close()

    assert round(ledger.budget.day_usd * PICO) == expected(requests, whole)
    assert ledger.torn == (length not in [len(HEAD), *ends, *(end - 1 for end in ends)])
    assert today_pico(path) == expected(requests, whole), "and it was written again whole"


@pytest.mark.slow
@given(_requests, st.data())
def test_a_damaged_line_takes_no_other_with_it(
    folder: Path, requests: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    path = folder / "damaged"
    lines = written(path, requests)
    hit = data.draw(st.integers(1, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[hit]) - 2))
    line = bytearray(lines[hit])
    line[place] ^= 1 << data.draw(st.integers(5, 6))
    path.write_bytes(b"".join([*lines[:hit], bytes(line), *lines[hit + 1 :]]))

    ledger = opened(path)
    ledger.close()

    assert ledger.torn == 1
    assert round(ledger.budget.day_usd * PICO) == expected(requests, [n != hit for n in range(1, len(lines))])


def test_a_line_that_a_full_disk_cut_off_does_not_spoil_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger"
    ledger = opened(path)
    write, calls = os.write, iter(range(100))

    def full(file: int, content: bytes) -> int:
        if next(calls):
            raise OSError(28, "No space left on device")
        return write(file, content[:40])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(InputError, match="takes no more"):
            reserve(ledger, 0.5)
    spend(ledger, 0.3, 0.25)
    ledger.close()

    again = opened(path)

    assert (again.torn, again.budget.day_usd) == (1, 0.25)
    again.close()


def test_a_refused_file_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("my notes")
    for _ in range(2):
        with pytest.raises(ConfigError, match="is no ledger"):
            opened(path)


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't use the ledger") as refused:
        opened(tmp_path / "none" / "ledger")
    assert "\n" not in str(refused.value)


# --- midnight -------------------------------------------------------------------------------------------------------


def test_the_file_stays_as_long_as_a_day_while_one_process_runs_for_weeks(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = opened(path)
    sizes = []
    for day in range(30):
        for _ in range(50):
            spend(ledger, 0.03, 0.01, NOW + day * NS_PER_DAY)
        sizes.append(path.stat().st_size)

    assert max(sizes) < 1.3 * sizes[0]
    (spent,) = ledger.spent(NOW + 29 * NS_PER_DAY)
    assert spent.today == 0.5
    assert spent.ever == pytest.approx(15.0)
    ledger.close()
    again = opened(path, NOW + 30 * NS_PER_DAY)
    assert again.spent(NOW + 30 * NS_PER_DAY)[0].ever == pytest.approx(15.0)
    again.close()


@pytest.mark.parametrize("paid", [0.02, None])
def test_a_request_in_flight_over_midnight_is_settled_on_the_day_it_was_sent(
    tmp_path: Path, paid: float | None
) -> None:
    path = tmp_path / "ledger"
    ledger = opened(path)
    late = NOW + NS_PER_DAY
    open_one = reserve(ledger, 0.05)
    spend(ledger, 0.04, 0.03, late)
    if paid is not None:
        ledger.settle(open_one, paid, "p", "m")
    assert ledger.budget.day_usd == 0.03
    ledger.close()

    again = opened(path, late)

    assert again.budget.day_usd == 0.03
    assert again.spent(late)[0].ever == pytest.approx(0.03 + (0.05 if paid is None else paid))
    assert again.unsettled == (paid is None)
    again.close()


# --- restarts under caps --------------------------------------------------------------------------------------------

_steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "unknown", "release", "restart"]),
        st.integers(0, 50_000_000_000),
        st.integers(0, 8 * 3_600 * NS_PER_S),
    ),
    max_size=40,
)


@pytest.mark.slow
@given(_steps)
def test_no_restart_lets_a_day_cost_more_than_its_cap(folder: Path, steps: list[tuple[str, int, int]]) -> None:
    caps = Caps(minute=1e6, day=0.1, trigger=1e6)
    path, now = folder / "restarts", NOW
    path.unlink(missing_ok=True)
    ledger = opened(path, now, caps)
    held: list[Reservation] = []
    days: dict[int, int] = {}
    for what, pico, later in steps:
        now += later
        if what == "restart":
            ledger.close()
            ledger, held = opened(path, now, caps), []
        elif what == "reserve" or not held:
            reserved = ledger.reserve(pico / PICO, "p", "m", trigger_id="t", strategy="A", now_ns=now)
            if isinstance(reserved, Reservation):
                held.append(reserved)
                day = now // NS_PER_DAY
                days[day] = days.get(day, 0) + reserved.pico
            else:
                assert isinstance(reserved, BudgetRefusal)
                assert reserved.value > reserved.allowed
        else:
            reserved = held.pop()
            before = reserved.pico
            usd = {"settle": min(pico, before) / PICO, "unknown": None, "release": 0.0}[what]
            ledger.settle(reserved, usd, "p", "m")
            days[reserved.at_ns // NS_PER_DAY] += reserved.pico - before
        assert all(spent <= 0.1 * PICO for spent in days.values())
    ledger.spent(now)
    ledger.close()
    again = opened(path, now, caps)
    assert round(again.budget.day_usd * PICO) == days.get(now // NS_PER_DAY, 0)
    assert round(sum(each.ever for each in again.spent(now)) * PICO) == pytest.approx(sum(days.values()), abs=1)
    again.close()


_CHILD = """
import sys, time
from pathlib import Path
from aftershock.review.budget import Budget, Caps
from aftershock.review.ledger import Ledger
ledger = Ledger(Budget(Caps(minute=1e6, day=1e6, trigger=1e6)), Path(sys.argv[1]), time.time_ns())
while True:
    held = ledger.reserve(0.02, "p", "m", trigger_id="t", strategy="A", now_ns=time.time_ns())
    print("sent", flush=True)
    ledger.settle(held, 0.01, "p", "m")
    print("paid", flush=True)
"""


@pytest.mark.subprocess
@pytest.mark.slow
def test_a_killed_process_loses_nothing_that_it_had_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    sent = paid = 0
    for kill_after in (1, 2, 37):
        with subprocess.Popen([sys.executable, "-c", _CHILD, path], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            said = [child.stdout.readline() for _ in range(kill_after)]
            child.send_signal(signal.SIGKILL)
            said += child.stdout.readlines()
        sent += said.count("sent\n")
        paid += said.count("paid\n")
        lines, torn = read_lines(path.read_bytes()[len(HEAD) :])
        assert torn <= 1
        # Each process may have written one line more than it could tell of.
        settled = sum(line.what == "settle" for line in lines)
        assert 0 <= settled - paid <= 3
        assert 0 <= sum(line.what == "reserve" for line in lines) - sent <= 3
