"""Run all benchmarks, each in a process of its own: `python -m benchmarks`; `--list` names them.

`--markdown` prints docs/benchmarks.md as it stands in the repository.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec

from benchmarks.report import environment, load_average, markdown_lines, text_lines

__all__ = ["main"]

_ROOT = Path(__file__).resolve().parents[1]

_HEADER = """# Benchmarks

Ratios against a named baseline, taken in one run on one machine: run it on yours, a ratio from elsewhere is another
ratio. Above 1 this program is the faster one; for memory, 1 is the aim. This page is the output of

    python -m benchmarks --markdown > docs/benchmarks.md

(`make bench` prints the same as text; `python -m benchmarks.NAME` one part.)

"""

_NOT_MEASURED = """
Not measured because the code does not exist yet: the compiled pricing kernel. Columnar files are in
recording.md, evaluation in evaluation.md, soak runs in soak.md.

"""


class _Entry(msgspec.Struct, frozen=True):
    name: str
    what: str
    needs: str = ""
    """A package that only the development requirements install."""
    prints_plain_text: bool = False


_ALL = (
    _Entry("decision", "one event to its decisions on 500 options"),
    _Entry("replay", "rows per second of a recorded day"),
    _Entry("sockets", "socket to decision at 20,000 messages per second"),
    _Entry("venues", "Backpack and Deribit beside ccxt.pro: messages, a chain, a book after a hole"),
    _Entry("review", "what the model gateway adds, beside the openai SDK"),
    _Entry("memory", "peak memory at 1, 4 and 16 times the input"),
    _Entry("pricing", "greeks, implied volatility and smile fit per option"),
    _Entry("iv_accuracy", "errors of pricing against 60 digits", needs="mpmath", prints_plain_text=True),
)


def main() -> int:
    """Run what was asked for; 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="which; all without")
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--markdown", action="store_true", help="print docs/benchmarks.md")
    chosen = parser.parse_args()
    if chosen.list:
        sys.stdout.write("".join(f"{entry.name:12s} {entry.what}\n" for entry in _ALL))
        return 0
    known = [entry.name for entry in _ALL]
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"no benchmark named {unknown[0]}: there are {', '.join(known)}")
    where = environment()
    wanted = [entry for entry in _ALL if not chosen.names or entry.name in chosen.names]
    if not chosen.markdown:
        sys.stdout.write(f"{text_lines(where)}\n")
    sections, failed = [], []
    for entry in wanted:
        text = _run(entry, markdown=chosen.markdown)
        if text is None:
            failed.append(entry.name)
        elif chosen.markdown:
            sections.append(text)
        else:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
    if chosen.markdown:
        sys.stdout.write(_page(f"{markdown_lines(where)}- load average at the end: {load_average()}\n", sections))
    for name in failed:
        sys.stderr.write(f"{name} failed\n")
    return 1 if failed else 0


def _page(where: str, sections: Sequence[str]) -> str:
    """Return docs/benchmarks.md, with every section's goals on top."""
    goals = [line for text in sections for line in text.splitlines() if line.startswith("- Goal ")]
    return f"{_HEADER}{where}\n## Goals\n\n" + "\n".join(goals) + f"\n{_NOT_MEASURED}" + "\n".join(sections)


def _run(entry: _Entry, *, markdown: bool) -> str | None:
    """Return what a benchmark prints, None if it failed."""
    if entry.needs and find_spec(entry.needs) is None:
        return f"{entry.name}: left out, it needs {entry.needs}, which `make check` installs\n"
    command = [sys.executable, "-m", f"benchmarks.{entry.name}"]
    if not entry.prints_plain_text:
        command += ["--bare", *(["--markdown"] if markdown else [])]
    done = subprocess.run(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        return None
    if entry.prints_plain_text and markdown:
        return f"## {entry.name}\n\n`python -m benchmarks.{entry.name}`\n\n```\n{done.stdout}```\n"
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
