"""`aftershock demo`."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from aftershock.app.demo import Demonstration, demonstrate
from aftershock.app.numerics import numerics_id
from aftershock.app.replay import Watch
from aftershock.app.settings import choose
from aftershock.cli.chain_text import chain_text
from aftershock.cli.console import Progress, note, show, show_json
from aftershock.cli.explain_text import explanation_text
from aftershock.cli.replay_text import replay_text
from aftershock.cli.shared import as_json, environment, path
from aftershock.cli.stop import StopRequest

__all__ = ["demo"]

_EPILOG = """\b
Examples:
  aftershock demo
  aftershock demo --seed 11 --out my-demo
  aftershock explain last --journal my-demo/journal"""

_RULE = "=" * 78
_STRIKES_AROUND = 5


@click.command(epilog=_EPILOG)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Of the made-up market.")
@click.option("--out", type=path(), metavar="DIR", help="Keep data and journal in this new folder.")
@as_json
def demo(*, seed: int, out: Path | None, json_output: bool) -> int:
    """Replay a made-up quarter of an hour with two liquidation cascades; no data, key or network needed.

    Everything it shows is SYNTHETIC: it proves that the parts work together, and nothing about any market.
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
            show_json(
                {
                    **shown.result.document(),
                    "synthetic": True,
                    "seed": seed,
                    "best": None if shown.best is None else shown.best.document(),
                    "chain": None if shown.chain is None else shown.chain.document(),
                }
            )
        else:
            show(_text(shown, kept=out))
        return stop.exit_code


def _text(shown: Demonstration, kept: Path | None) -> str:
    sections = [
        "\n".join(
            (_RULE, f"  SYNTHETIC: made up from seed {shown.seed}. No figure says anything about any market.", _RULE)
        ),
        f"pricing path and numerics: {numerics_id()}",
        replay_text(shown.result),
    ]
    if shown.best is not None:
        sections.append(f"{_title('the best decision, whole')}\n\n{explanation_text(shown.best)}")
    if shown.chain is not None:
        near = shown.chain.around(_STRIKES_AROUND)
        sections.append(f"{_title('the chain it was aligned with, at that moment')}\n\n{chain_text(near)}")
    if kept is None:
        sections.append("Kept nothing. `aftershock demo --out DIR` keeps data and journal, to replay and explain.")
    else:
        sections.append(
            f"Kept in {kept}: try\n"
            f"  aftershock explain last --journal {kept / 'journal'}\n"
            f"  aftershock replay --from-journal {kept / 'journal'} --verify\n"
            f"{kept / 'data' / 'TRUTH.json'} says what was planted."
        )
    return "\n\n".join(sections)


def _title(text: str) -> str:
    return f"--- {text} ".ljust(len(_RULE), "-")
