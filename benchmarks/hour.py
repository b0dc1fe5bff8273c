"""A live run on the sandbox for an hour: does its memory stay flat, is anything lost?

`python -m benchmarks.hour [SECONDS]` starts `aftershock sandbox` and `aftershock run` on it, both as a user would,
looks at the run's memory every ten seconds, and prints what became of it. The sandbox has a shock about every seven
minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from aftershock.app.sandbox import SandboxOptions, SandboxProcess
from benchmarks.report import Report, Table, met, show

__all__ = ["main", "measure"]

_SAMPLE_S = 10.0
_WARM_SHARE = 0.1
_GROWTH_MIB = 16.0
_EXCHANGES = ("binance-futures", "bybit", "deribit", "ftx-restart", "okex-swap")


def _rss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def measure(seconds: float = 3_600.0) -> Report:
    """Run it, and return memory over time and the counts of its report."""
    samples: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, SandboxProcess(SandboxOptions(seed=3)) as sandbox:
        urls = sandbox.described
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AFTERSHOCK_")},
            "AFTERSHOCK_TARDIS_API_URL": urls["tardis_api"],
            "AFTERSHOCK_TARDIS_MACHINE_WS_URL": urls["tardis_machine_ws"],
            "TARDIS_API_KEY": urls["keys"]["tardis"],
        }
        command = [sys.executable, "-m", "aftershock", "run", "--json", "--seconds", str(seconds)]
        command += [word for each in _EXCHANGES for word in ("--exchange", each)]
        command += ["--option-venue", "deribit", "--option-venue", "okex-options", "--journal", f"{folder}/journal"]
        started, out = time.monotonic(), Path(folder) / "report.json"  # a pipe that nobody reads would stop the child
        with out.open("wb") as file, subprocess.Popen(command, env=environment, stdout=file) as child:  # noqa: S603 - ours
            while child.poll() is None:
                time.sleep(min(_SAMPLE_S, seconds / 20))
                if child.poll() is None:
                    samples.append((time.monotonic() - started, _rss_mib(child.pid)))
                if time.monotonic() - started > seconds + 30:
                    child.kill()
        journal = sum(path.stat().st_size for path in (Path(folder) / "journal").rglob("*") if path.is_file()) / 2**20
        document = json.loads(out.read_bytes())
    return _report(document, samples, seconds, journal)


def _report(document: dict[str, object], samples: list[tuple[float, float]], seconds: float, journal: float) -> Report:
    warm = np.array([each for each in samples if each[0] > _WARM_SHARE * seconds])
    slope = float(np.polyfit(warm[:, 0], warm[:, 1], 1)[0]) * 3_600
    grown = float(np.median(warm[-len(warm) // 4 :, 1]) - np.median(warm[: len(warm) // 4, 1]))
    marks = [warm[int(share * (len(warm) - 1))] for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    decisions = document["decisions"]
    counts = tuple((name, f"{document[name]:,}") for name in ("events_in", "events_lost", "gaps", "reconnects"))
    return Report(
        name="hour",
        what=f"`aftershock run` with a journal on the sandbox for {seconds:,.0f} s: five perpetuals, two option "
        "venues, a shock about every seven minutes.",
        tables=(
            Table(
                title="Memory",
                columns=("after", "RSS"),
                rows=tuple((f"{at / 60:.0f} min", f"{rss:.1f} MiB") for at, rss in marks),
            ),
            Table(
                title="Counts",
                columns=("what", "count"),
                rows=(*counts, ("decisions", f"{decisions}"), ("journal", f"{journal:.1f} MiB")),
            ),
        ),
        verdicts=(f"first to last quarter {grown:+.1f} MiB, fitted {slope:+.1f} MiB/h ({met(grown < _GROWTH_MIB)})",),
    )


def main() -> None:
    """Print the report."""
    seconds = float(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 3_600.0
    show(lambda: measure(seconds))


if __name__ == "__main__":
    main()
