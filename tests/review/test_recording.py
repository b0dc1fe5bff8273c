from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.errors import InputError
from aftershock.review.config import GatewayConfig
from aftershock.review.purse import open_purse
from aftershock.review.record import ReviewRecord, Verdict
from aftershock.review.recording import LineFault, Recorder, read_records
from aftershock.review.usage import Usage
from tests.review.fakes import ScriptedTransport, answer, asked, completion, desk, in_loop, provider, raw

WHOLE = ReviewRecord(
    request_id="a",
    trigger_id="t",
    ts_ns=1,
    provider="p",
    cost_usd=0.001,
    usage=Usage(input_tokens=4, output_tokens=2),
    verdict=Verdict(action="HOLD", probability=0.25, reasons=("quote_old",)),
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    for _ in range(2):
        with Recorder(path) as recorder:
            recorder.add(WHOLE)

    assert list(read_records(path)) == [WHOLE, WHOLE]


@in_loop
async def test_a_request_whose_cost_nobody_knows_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    purse = open_purse(GatewayConfig(unpriced=True))
    with Recorder(path) as recorder:
        async with desk(ScriptedTransport(v1=[raw(completion(answer()))]), provider(), purse=purse) as gateway:
            await gateway.outcome(asked())
            recorder.add(gateway.records[0])

    (record,) = read_records(path)
    assert isinstance(record, ReviewRecord)
    assert record.cost_usd is None
    assert record.usage is not None


def test_the_tail_of_a_killed_process_is_one_fault_and_hides_no_other_line(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    with Recorder(path) as recorder:
        recorder.add(WHOLE)
        recorder.add(WHOLE)
    path.write_bytes(path.read_bytes()[:-30])
    with Recorder(path) as recorder:
        recorder.add(WHOLE)

    read = list(read_records(path))
    assert [type(each) for each in read] == [ReviewRecord, LineFault, ReviewRecord]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"not json\n", "no record"),
        (b"[1]\n", "no record"),
        (b'{"format":1}\n', "no record"),
        (b'{"format":2,"request_id":"a","trigger_id":"t","ts_ns":1}\n', "format 2"),
        (b"\xff\xfe\n", "no record"),
        (b"{" * 100_000 + b"\n", "no record"),
        (b"x" * (9 << 20) + b"\n", "too long"),
        (b'{"format":1,"request', "cut off"),
    ],
)
def test_a_line_that_is_no_record_is_told_with_its_number(tmp_path: Path, line: bytes, why: str) -> None:
    path = tmp_path / "reviews.jsonl"
    with Recorder(path) as recorder:
        recorder.add(WHOLE)
    path.write_bytes(path.read_bytes() + line)

    _, fault = read_records(path)
    assert isinstance(fault, LineFault)
    assert fault.line == 2
    assert why in fault.why


def test_a_file_that_can_t_be_used_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't read the recording"):
        list(read_records(tmp_path / "absent"))
    with pytest.raises(InputError, match="can't write the recording"):
        Recorder(tmp_path / "no" / "folder")
    with Recorder(Path("/dev/full")) as recorder, pytest.raises(InputError, match="takes no more"):
        recorder.add(WHOLE)
