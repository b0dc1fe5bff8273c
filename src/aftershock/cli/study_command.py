"""`aftershock study`."""

from __future__ import annotations

from pathlib import Path

import click

from aftershock.app.event_study import event_study
from aftershock.app.inputs import Given
from aftershock.app.replay import ReplayOptions, Watch
from aftershock.app.settings import choose
from aftershock.cli.console import Progress, show, show_json
from aftershock.cli.replay_command import announce, decision_options, exit_code
from aftershock.cli.shared import as_json, config_file, environment, file_arguments, instruments_file
from aftershock.cli.stop import StopRequest
from aftershock.cli.study_text import study_text

__all__ = ["study"]

_EPILOG = """\b
Examples:
  aftershock study deribit_options_chain_2023-04-13_OPTIONS.csv.gz --trigger price-move
  aftershock study options.csv.gz liquidations.csv.gz --json > study.json"""


@click.command(epilog=_EPILOG)
@file_arguments
@decision_options
@instruments_file
@config_file
@as_json
def study(  # noqa: PLR0913 - click passes each option by name
    *,
    files: tuple[Path, ...],
    trigger: tuple[str, ...],
    trigger_window: float | None,
    trigger_bps: float | None,
    forward: str | None,
    options_feed: str | None,
    min_spread_bps: float | None,
    instruments: Path | None,
    config_file: Path | None,
    json_output: bool,
) -> int:
    """Count what recorded history flags, and how much of it the next quote leaves.

    The files are replayed as `replay` does. Every flag (a package with a positive edge before or after costs, a
    calendar, a BUY or SELL) is followed until all its options are quoted again, and looked at once more at those
    quotes. Everything refused is listed with its reason in words.

    This is the first section of the event study on recorded history; others are to follow.
    """
    flags = {
        "trigger.armed": list(dict.fromkeys(trigger)) or None,
        "trigger.window_s": trigger_window,
        "trigger.min_move_bps": trigger_bps,
        "forward": forward,
        "options_feed": options_feed,
        "min_spread_bps": min_spread_bps,
    }
    options = ReplayOptions(
        given=[Given(file) for file in files],
        chosen=choose(flags, environment(), config_file),
        instruments=instruments,
    )
    with StopRequest() as stop:
        progress = Progress()
        watch = Watch(on_settled=announce, on_progress=progress.update, should_stop=lambda: bool(stop))
        result = event_study(options, watch)
        progress.clear()
    if json_output:
        show_json(result.document())
    else:
        show(study_text(result))
    return stop.exit_code or exit_code(result.replayed, strict=False)
