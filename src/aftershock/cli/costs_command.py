"""`aftershock costs`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from aftershock.app.costs_report import costs
from aftershock.cli.console import show, show_json
from aftershock.cli.costs_text import costs_text
from aftershock.cli.shared import as_json, path
from aftershock.errors import UsageError
from aftershock.model.units import NS_PER_S

__all__ = ["costs_command"]

_EPILOG = """\b
Examples:
  aftershock costs
  aftershock costs --recording reviews.jsonl --decisions 340
  aftershock costs --at 2026-07-01 --json > costs.json"""


@click.command(name="costs", epilog=_EPILOG)
@click.option("--recording", multiple=True, type=path(), metavar="FILE",
              help="Requests that a gateway recorded: true tokens, money and latency; repeatable.")  # fmt: skip
@click.option("--decisions", type=click.IntRange(1, 10**12), metavar="N",
              help="Decisions that the recordings belong to: adds the cost of 1,000 of them.")  # fmt: skip
@click.option("--at", "moment", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), metavar="DATE",
              help="Prices of this UTC day. Default: today.")  # fmt: skip
@click.option("--prices", type=path(), metavar="FILE", help="TOML file of prices in place of the bundled one.")
@as_json
def costs_command(
    *,
    recording: tuple[Path, ...],
    decisions: int | None,
    moment: datetime | None,
    prices: Path | None,
    json_output: bool,
) -> int:
    """Compare what second opinions cost: tokens and money by provider, at the article's prices and at published ones.

    The article's question with 0, 16, 100 and 400 options and our own are counted by rule; recordings have what the
    providers counted. Beside stand the article's own figures, and why they differ.
    """
    if decisions is not None and not recording:
        raise UsageError("--decisions belongs to recordings: name them with --recording")
    at_ns = time.time_ns() if moment is None else int(moment.replace(tzinfo=UTC).timestamp()) * NS_PER_S
    report = costs(at_ns, prices, recording, decisions)
    if json_output:
        show_json(report.document())
    else:
        show(costs_text(report.compared, report.recorded))
    return 0
