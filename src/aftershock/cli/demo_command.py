"""`aftershock demo`."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from aftershock.app.demo import DEFAULT_SEED, demonstrate
from aftershock.app.replay import Watch
from aftershock.app.settings import choose
from aftershock.cli.console import Progress, note, show, show_json
from aftershock.cli.demo_text import demo_text
from aftershock.cli.shared import as_json, environment, path
from aftershock.cli.stop import StopRequest

__all__ = ["demo"]

_EPILOG = """\b
Examples:
  aftershock demo
  aftershock demo --seed 11 --out my-demo
  aftershock explain last --journal my-demo/journal"""


@click.command(epilog=_EPILOG)
@click.option("--seed", type=click.IntRange(0), default=DEFAULT_SEED, show_default=True, help="Of the market.")
@click.option("--out", type=path(), metavar="DIR", help="Keep data and journal in this new folder.")
@as_json
def demo(*, seed: int, out: Path | None, json_output: bool) -> int:
    """Replay a simulated shock that one option maker sleeps through; no data, key or network needed.

    It shows the best decision whole, and then what the simulated market hid: the true value of the quote, and what a
    paper order would have got. Everything is SYNTHETIC: it proves that the parts work together, and nothing about any
    market.
    """
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aftershock-demo-")))
        stop = stack.enter_context(StopRequest())
        progress = Progress()
        note(f"writing a SYNTHETIC market, seed {seed}")
        watch = Watch(on_progress=progress.update, should_stop=lambda: bool(stop))
        shown = demonstrate(folder, seed, choose(environment=environment()), watch)
        progress.clear()
        if json_output:
            show_json(shown.document())
        else:
            show(demo_text(shown, kept=out))
        return stop.exit_code
