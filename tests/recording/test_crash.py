"""A recorder that dies in the middle of a write loses what it had not handed over, and nothing else."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aftershock.venues.recording import RecordingWriter, segments_of
from aftershock.venues.tardis import merge
from tests.core.market import T0
from tests.recording.files import quote, sources

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import itertools, sys
from pathlib import Path
from aftershock.venues.recording import Limits, RecordingWriter
from tests.core.market import T0
from tests.recording.files import quote
with RecordingWriter(Path(sys.argv[1]), Limits(batch_rows=50, segment_bytes=100_000)) as writer:
    for i in itertools.count(writer.last_ts - T0 + 1 if writer.last_ts else 0):
        writer.add(quote(T0 + i, bid=1.0 + i))
"""


@pytest.mark.slow
@pytest.mark.subprocess
def test_a_recorder_killed_again_and_again_leaves_every_row_it_handed_over(tmp_path: Path) -> None:
    rng = random.Random(5)
    recording = tmp_path / "r"
    for _ in range(4):
        before = len(segments_of(recording)) if recording.is_dir() else 0
        child = subprocess.Popen([sys.executable, "-c", PROGRAM, str(recording)], cwd=REPOSITORY)
        deadline = time.monotonic() + 60
        while not recording.is_dir() or len(segments_of(recording)) < before + rng.randint(2, 5):
            assert time.monotonic() < deadline
            time.sleep(0.001 * rng.random())
        child.kill()
        child.wait(60)

        opened = sources(recording)
        events = list(merge(opened))
        assert events == [quote(T0 + i, bid=1.0 + i) for i in range(len(events))]
        assert all("damaged" not in source.report.incomplete for source in opened)
    with RecordingWriter(recording) as writer:
        assert writer.last_ts == events[-1].ts_init
