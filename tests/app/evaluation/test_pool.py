"""Records depend on the job alone: not on the number of processes, nor on being stopped half-way."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from aftershock.app.evaluation import pool
from aftershock.app.evaluation.plan import Job, engine_config
from aftershock.app.evaluation.pool import job_digest, run_jobs
from aftershock.errors import InputError

PACKAGE = Path(__file__).resolve().parents[3] / "src" / "aftershock"


def job(seed: int = 3, **more: object) -> Job:
    base = Job(
        seed=seed, world="base", makers="slow", latencies_ms=(20.0,), strategy="article", config=engine_config(),
        count=1,
    )  # fmt: skip
    return msgspec.structs.replace(base, **more)


def packed(records: object) -> bytes:
    return msgspec.msgpack.encode(records)


@pytest.mark.slow
@pytest.mark.subprocess
def test_two_processes_give_the_same_bytes_as_one(tmp_path: Path) -> None:
    jobs = [job(3), job(4), job(5, strategy="oracle")]
    one = run_jobs(jobs, processes=1, folder=tmp_path / "one")
    two = run_jobs(jobs, processes=2, folder=tmp_path / "two")
    assert packed(one) == packed(two)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "two").iterdir())
    assert all((tmp_path / "one" / n).read_bytes() == (tmp_path / "two" / n).read_bytes() for n in names)


def test_a_stopped_run_goes_on_from_what_it_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [job(3), job(4)]
    stopped = run_jobs(jobs, processes=1, folder=tmp_path, should_stop=lambda: True)
    assert [records is None for records in stopped] == [False, True]
    ran: list[int] = []
    original = pool._run

    def noting(each: tuple[int, Job]) -> tuple[int, bytes]:
        ran.append(each[1].seed)
        return original(each)

    monkeypatch.setattr(pool, "_run", noting)
    told: list[tuple[int, int]] = []
    whole = run_jobs(jobs, processes=1, folder=tmp_path, progress=lambda done, total: told.append((done, total)))
    assert ran == [4]
    assert told == [(1, 2), (2, 2)]
    assert packed(whole[0]) == packed(stopped[0])
    assert packed(whole) == packed(run_jobs(jobs, processes=1))


def test_a_kept_file_of_another_job_or_other_code_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    base = job_digest(job())
    others = [
        job(4), job(world="shifted"), job(makers="fast"), job(latencies_ms=(100.0,)), job(strategy="oracle"),
        job(feed_ms=5.0), job(count=2), job(decoys=("D7",)), job(config=engine_config(min_forward_venues=1)),
    ]  # fmt: skip
    digests = [base, *(job_digest(other) for other in others)]
    assert len(dict.fromkeys(digests)) == len(digests)
    assert job_digest(job()) == base
    monkeypatch.setattr(pool, "_SOURCE", ["another source"])
    assert job_digest(job()) != base


def test_a_kept_file_that_cannot_be_read_says_which(tmp_path: Path) -> None:
    pool._path(job(), tmp_path).write_bytes(b"\xc1")
    with pytest.raises(InputError, match=re.escape(pool._path(job(), tmp_path).name)):
        run_jobs([job()], processes=1, folder=tmp_path)


def test_nothing_that_decides_can_import_the_truth() -> None:
    imports = re.compile(r"^\s*(from|import) aftershock\.(sim|app|study)\b", re.MULTILINE)
    found = [
        path.relative_to(PACKAGE).as_posix()
        for folder in ("core", "pricing", "model", "venues", "journal", "review")
        for path in sorted((PACKAGE / folder).rglob("*.py"))
        if imports.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    assert imports.search("from aftershock.sim.market.truth import Truth")
    contract = (PACKAGE.parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"core | venues | journal | review | sim | study"' in contract  # folders on one line do not know each other
