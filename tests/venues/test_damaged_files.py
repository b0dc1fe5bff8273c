"""A file that ends early or is damaged gives what can be read of it, and says so; it never raises or hangs."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import InputError
from aftershock.model.events import Trade
from tests.venues.files import OPTION_HEADER, PRINT_HEADER, message, option_row, print_row, read, source

LINES = [PRINT_HEADER, *(print_row(i, price=i + 1, row_id=str(i * 7919)) for i in range(400))]
TEXT = "".join(f"{line}\n" for line in LINES).encode()


def _prices(events: list[object]) -> list[float]:
    return [event.price for event in events if isinstance(event, Trade)]


def test_gzip_cut_at_every_97th_byte_gives_the_rows_before_the_cut(tmp_path: Path) -> None:
    packed = gzip.compress(TEXT, mtime=0)
    path = tmp_path / "trades.csv.gz"
    some = 0
    for cut in range(97, len(packed), 97):
        path.write_bytes(packed[:cut])
        opened, events = read(path)
        prices = _prices(list(events))
        assert prices == [float(i + 1) for i in range(len(prices))]
        assert opened.report.incomplete == "the compressed data ends early: the file is cut short"
        assert opened.report.dropped == {}
        some = max(some, len(prices))
    assert some > 300


@pytest.mark.parametrize("cut", [2, 9, 12])
def test_gzip_cut_before_its_first_line_is_incomplete_if_its_kind_is_known(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(TEXT)[:cut])
    opened, events = read(path, expect="trades")
    assert (events, opened.kind) == ([], "trades")
    assert "cut short" in opened.report.incomplete
    with pytest.raises(InputError, match=r"can't be recognised .*: fetch it again"):
        source(path)


def test_a_wrong_checksum_is_reported_after_all_rows_were_read(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[-8] ^= 1
    path = tmp_path / "trades.csv.gz"
    path.write_bytes(packed)
    opened, events = read(path)
    assert len(events) == 400
    assert opened.report.incomplete.startswith("the compressed data is damaged")


def test_what_follows_a_gzip_member_that_is_no_gzip_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv.gz"
    path.write_bytes(gzip.compress(TEXT) + b"<html>")
    opened, events = read(path)
    assert len(events) == 400
    assert opened.report.incomplete.startswith("the compressed data is damaged")


@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=6))
def test_gzip_in_several_members_is_one_file(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(TEXT)]
    path = tmp_path_factory.getbasetemp() / "trades.csv.gz"
    path.write_bytes(b"".join(gzip.compress(TEXT[a:b]) for a, b in itertools.pairwise(edges)) + bytes(7))
    opened, events = read(path)
    assert _prices(list(events)) == [float(i + 1) for i in range(400)]
    assert opened.report.incomplete == ""


def test_a_torn_last_line_is_not_a_row(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    last = len(LINES[-1]) + 1
    for cut in range(2, last - 8, 5):
        path.write_bytes(TEXT[:-cut])
        opened, events = read(path)
        if opened.report.incomplete:
            assert opened.report.incomplete == "the last line is cut short"
            assert len(events) == opened.report.rows == 399
        else:  # every cell is there: only the last of them can be short
            assert opened.report.notes == ["the last line has no line end and was taken as whole"]
            assert len(events) == opened.report.rows == 400
            assert cut <= 1 + len("0.25")
    path.write_bytes(TEXT[: -len(",sell,30000.5,0.25\n")])
    assert read(path)[0].report.incomplete == "the last line is cut short"


def test_a_last_line_without_line_end_is_used_if_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "trades.csv"
    path.write_bytes(TEXT.rstrip(b"\n"))
    opened, events = read(path)
    assert (len(events), opened.report.incomplete) == (400, "")
    assert opened.report.notes == ["the last line has no line end and was taken as whole"]


def test_a_torn_message_is_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "m.ndjson"
    path.write_text(message("trade", 1) + "\n" + message("trade", 2)[:-9])
    opened, events = read(path)
    assert (len(events), opened.report.rows) == (1, 1)
    assert opened.report.incomplete == "the last line is cut short"


def test_the_error_that_tardis_machine_writes_into_its_answer_is_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "m.ndjson"
    path.write_text(message("trade", 1) + '\n{"responseText":"{}","message":"HttpError: status code: 401","url":"/"}')
    opened, events = read(path)
    assert len(events) == 1
    assert opened.report.incomplete == "tardis-machine broke off: HttpError: status code: 401"


CONTENT = st.one_of(
    st.binary(max_size=400),
    st.lists(
        st.sampled_from(
            [OPTION_HEADER, PRINT_HEADER, option_row(), print_row(), message("trade", 1), "", '"', "{", "[]"]
        )
        | st.text(max_size=30),
        max_size=8,
    ).map(lambda lines: "\n".join(lines).encode("utf-8", errors="replace")),
)


@given(
    content=CONTENT,
    packed=st.booleans(),
    flips=st.lists(st.tuples(st.integers(0, 500), st.integers(1, 255)), max_size=3),
)
def test_no_bytes_raise_anything_but_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, packed: bool, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(gzip.compress(content) if packed else content)
    for at, bits in flips:
        if at < len(data):
            data[at] ^= bits
    path = tmp_path_factory.getbasetemp() / "trades.csv"
    path.write_bytes(data)
    for expect in (None, "trades", "options"):
        try:
            opened, events = read(path, expect=expect)
        except InputError:
            continue
        assert len(events) <= opened.report.rows + opened.report.out_of_order


@given(at=st.integers(0, len(LINES[200]) - 1), byte=st.integers(0, 255).filter(lambda byte: byte != ord("\n")))
def test_a_damaged_row_never_changes_what_the_others_say(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    row = bytearray(LINES[200].encode())
    row[at] = byte
    path = tmp_path_factory.getbasetemp() / "trades.csv"
    lines = [line.encode() for line in LINES]
    path.write_bytes(b"\n".join([*lines[:200], bytes(row), *lines[201:], b""]))
    said = {event.trade_id: (event.price, event.amount) for event in read(path)[1] if isinstance(event, Trade)}
    for i in range(400):
        if i != 199:
            assert said[str(i * 7919)] == (i + 1, 0.25)
