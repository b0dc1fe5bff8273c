"""`aftershock explain`."""

from __future__ import annotations

from pathlib import Path

import click

from aftershock.app.explain import explain as explain_signal
from aftershock.cli.console import show, show_json
from aftershock.cli.explain_text import explanation_text
from aftershock.cli.shared import as_json, path

__all__ = ["explain"]

_EPILOG = """\b
Examples:
  aftershock explain best --journal runs/1       the largest net edge
  aftershock explain last --journal runs/1 --json
  aftershock explain cascade-BTC-17908 --journal runs/1    an id, or the beginning of one"""


@click.command(epilog=_EPILOG)
@click.argument("signal")
@click.option("--journal", type=path(), required=True, metavar="DIR", help="Folder that `replay --journal` wrote.")
@as_json
def explain(*, signal: str, journal: Path, json_output: bool) -> int:
    """Show one decision whole: its trigger, each line of its edge, ages, and the reason in words.

    SIGNAL is the id of a decision, the beginning of one, `last` or `best`.
    """
    explanation = explain_signal(journal, signal)
    if json_output:
        show_json(explanation.document())
    else:
        show(explanation_text(explanation))
    return 0
