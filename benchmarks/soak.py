"""Everything that takes too long for `make test`: `python -m benchmarks.soak [--hour SECONDS]` prints docs/soak.md.

A thousand disconnects at random moments, 5,000 connections into one process, socket to decision at 20,000 messages per
second, and an hour of a live run.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from benchmarks import hour, many, sockets
from benchmarks.report import Report, Table, environment, markdown_lines, met

__all__ = ["main"]

_ROOT = Path(__file__).resolve().parents[1]
_DISCONNECTS = 1_000
_HEADER = """# Soak runs

What takes too long for `make test`, on one machine at one time. This page is the output of

    python -m benchmarks.soak > docs/soak.md

(`make soak` runs the tests and then the same.) `many`, `sockets` and `hour` can be run alone:
`python -m benchmarks.NAME`.

"""


def _disconnects() -> Report:
    """Run the test of the promise with a thousand disconnects instead of fifty."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "tests/connection/test_disconnects.py"]
    environment_ = {**os.environ, "AFTERSHOCK_DISCONNECTS": str(_DISCONNECTS)}
    done = subprocess.run(command, cwd=_ROOT, env=environment_, capture_output=True, text=True, check=False)  # noqa: S603
    passed = re.search(r"(\d+) passed in ([\d.]+)s", done.stdout)
    rows = (("runs", passed[1] if passed else "0"), ("disconnects in each", f"{_DISCONNECTS:,}"),
            ("time", f"{passed[2]} s" if passed else "-"))  # fmt: skip
    return Report(
        name="disconnects",
        what="A server that numbers what it sends, sends some of it twice, and cuts the connection at random moments "
        "in every way there is (tests/connection/test_disconnects.py). Held: every number that the socket delivered is "
        "processed exactly once, every other one lies inside a recorded gap, and after each resync the book is the "
        "server's.",
        tables=(Table(title="Runs", columns=("what", "value"), rows=rows),),
        verdicts=(f"the promise held in every run ({met(done.returncode == 0)})",),
    )


def main() -> None:
    """Run all and print the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hour", type=float, default=3_600.0, metavar="SECONDS", help="length of the live run")
    seconds = parser.parse_args().hour
    parts = [_disconnects(), many.measure(), sockets.measure(), hour.measure(seconds)]
    page = _HEADER + "\n".join(part.markdown() for part in parts)
    sys.stdout.write(f"{page}\n## Environment\n\n{markdown_lines(environment())}")


if __name__ == "__main__":
    main()
