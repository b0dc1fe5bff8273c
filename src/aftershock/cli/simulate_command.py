"""`aftershock simulate`, for any factory of simulated markets."""

from __future__ import annotations

from pathlib import Path

import click

from aftershock.app.simulation import Makers, Request, SessionFactory, Simulation, World, simulate
from aftershock.cli.console import Progress, note, show, show_json
from aftershock.cli.inputs_text import short_time
from aftershock.cli.shared import as_json, path
from aftershock.cli.stop import StopRequest
from aftershock.cli.table import table
from aftershock.errors import UsageError

__all__ = ["simulate_command"]

_EPILOG = """\b
Examples:
  aftershock simulate --seed 7 --hours 1 --out market
  aftershock replay market/*.csv.gz --journal runs/1
  aftershock simulate --seed 7 --hours 1 --world shifted --makers fast --out shifted"""

_MAX_HOURS = 24.0


def simulate_command(factory: SessionFactory) -> click.Command:
    """Return the command that writes the sessions of a factory."""

    @click.command("simulate", epilog=_EPILOG)
    @click.option("--seed", type=click.IntRange(0), required=True, help="Equal seeds give equal files.")
    @click.option(
        "--hours", type=float, required=True, metavar="H", help="Length, up to 24: an episode per 71 minutes."
    )
    @click.option("--out", type=path(), required=True, metavar="DIR", help="New or empty folder.")
    @click.option(
        "--world",
        type=click.Choice(["base", "shifted"]),
        default="base",
        show_default=True,
        help="The usual world, or one that nothing was tuned on.",
    )
    @click.option(
        "--makers",
        type=click.Choice(["fast", "slow"]),
        default="fast",
        show_default=True,
        help="How soon option makers requote.",
    )
    @click.option("--force", is_flag=True, help="Replace an earlier simulation in DIR.")
    @as_json
    def command(
        *, seed: int, hours: float, out: Path, world: World, makers: Makers, force: bool, json_output: bool
    ) -> int:
        """Write a simulated market as Tardis CSV files, its hidden truth apart.

        Everything in DIR is SYNTHETIC. A replay takes the data as it takes recordings, and refuses the truth.
        """
        if not 0 < hours <= _MAX_HOURS:
            raise UsageError(f"--hours is {hours:g}: give a length above 0 and up to {_MAX_HOURS:g}")
        request = Request(seed=seed, hours=hours, world=world, makers=makers, folder=out, force=force)
        with StopRequest() as stop:
            progress = Progress()
            note(f"writing a SYNTHETIC market, seed {seed}, into {out}")
            session = factory(seed, hours, world, makers)
            result = simulate(session, request, on_progress=progress.update, should_stop=lambda: bool(stop))
            progress.clear()
        if json_output:
            show_json(result.document())
        else:
            show(_text(result))
        return stop.exit_code

    return command


def _text(result: Simulation) -> str:
    request, written = result.request, result.written
    sections = [
        f"SYNTHETIC market, seed {request.seed}, {request.hours:g} h, world {request.world}, {request.makers} makers"
        + (": stopped early" if result.interrupted else ""),
        table(
            ("file", "rows", "bytes", "first row, UTC", "last row, UTC"),
            [
                (
                    file.path.name,
                    f"{file.rows:,}",
                    f"{file.bytes:,}",
                    short_time(file.first_ts),
                    short_time(file.last_ts),
                )
                for file in written.files
            ]
            + [("in all", f"{written.rows:,}", f"{sum(file.bytes for file in written.files):,}", "", "")],
        ),
    ]
    if written.not_carried:
        lost = ", ".join(f"{count:,} {tag}" for tag, count in sorted(written.not_carried.items()))
        sections.append(f"Not in the files, because CSV has no place for them: {lost}.")
    if written.volatilities_left_empty:
        count = written.volatilities_left_empty
        sections.append(f"{count:,} volatilities are left empty: no percentage reads back as the same fraction.")
    if result.implied:
        inferred = ", ".join(f"{key.replace('_', ' ')} {choice.value}" for key, choice in result.implied.items())
        sections.append(f"A replay infers: {inferred}.")
    if result.replay_command:
        sections.append(f"Replay it:\n  {result.replay_command}")
    sections.append(f"{result.truth} is the truth ({result.truth_lines:,} lines); a replay refuses it.")
    return "\n\n".join(sections)
