"""`aftershock doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from aftershock.app.doctor import FACTS, NOT_YET, Examination, examine
from aftershock.app.doctor_online import reach
from aftershock.app.live.run import with_fast_loop
from aftershock.app.settings import choose
from aftershock.cli.console import show, show_json
from aftershock.cli.shared import as_json, config_file, environment, path
from aftershock.cli.table import table
from aftershock.core.calibration import Calibration
from aftershock.errors import ConfigError
from aftershock.review.config import GatewayConfig

__all__ = ["doctor"]

_EPILOG = """\b
Examples:
  aftershock doctor
  aftershock doctor --config aftershock.toml --settings
  aftershock doctor --online                      who answers, what the key may read, whose clock is off
  aftershock doctor --journal runs --json"""


@click.command(epilog=_EPILOG)
@config_file
@click.option("--journal", type=path(), metavar="DIR", help="Check that journals can be written into this folder.")
@click.option("--settings", "all_settings", is_flag=True, help="List every setting, not only those that were changed.")
@click.option("--online", is_flag=True, help="Ask the services too, a few seconds at most; nothing that costs money.")
@as_json
def doctor(
    *, config_file: Path | None, journal: Path | None, all_settings: bool, online: bool, json_output: bool
) -> int:
    """Check this installation, its settings and their sources; exit 1 if something fails.

    Keys are looked for, never printed. Without --online nothing is sent over the network.
    """
    variables = environment()
    asked = with_fast_loop(reach(variables, _gateway(variables, config_file))) if online else []
    found = examine(variables, config_file, journal, asked)
    if json_output:
        show_json(found.document())
    else:
        show(_text(found, all_settings=all_settings))
    return 0 if found.healthy else 1


def _gateway(variables: Mapping[str, str], config_file: Path | None) -> GatewayConfig | None:
    """Return whom a run would ask; None where the settings are refused, which is a finding of its own."""
    try:
        return choose({}, variables, config_file).settle_gateway().config
    except ConfigError:
        return None


def _text(found: Examination, *, all_settings: bool) -> str:
    sections = [table(["check", "state", "detail"], [[c.name, c.state, c.detail] for c in found.checks], left=3)]
    rows = [[key, _value(value), source] for key, value, source in found.rows() if all_settings or source != "default"]
    if rows:
        sections.append("settings\n" + table(["key", "value", "source"], rows, left=3))
    sections.append("not available yet\n" + "\n".join(f"  {line}" for line in NOT_YET))
    sections.append("worth knowing\n" + "\n".join(f"  {line}" for line in FACTS))
    return "\n\n".join(sections)


def _value(value: object) -> str:
    if isinstance(value, Calibration):
        return f"{value.name}, {len(value.types)} types"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "(none)"
    return str(value)
