"""`aftershock sandbox`."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec

from aftershock.app.sandbox import SandboxOptions, serve_sandbox
from aftershock.cli.console import note, show
from aftershock.cli.shared import Finite
from aftershock.cli.table import table
from aftershock.sim.servers.faults import FAULTS

__all__ = ["sandbox"]

_EPILOG = """\b
Examples:
  aftershock sandbox                             any free ports: read them from the line
  aftershock sandbox --machine-port 8000 --api-port 8002
  aftershock sandbox --fault disconnects --fault gap
  aftershock sandbox --list-faults

\b
Point clients at it with the addresses of the line, for ours:
  AFTERSHOCK_TARDIS_API_URL AFTERSHOCK_TARDIS_MACHINE_WS_URL AFTERSHOCK_TARDIS_MACHINE_HTTP_URL
  AFTERSHOCK_TARDIS_DATASETS_URL TARDIS_API_KEY AFTERSHOCK_HOLYSHEEP_URL HOLYSHEEP_API_KEY
and any OpenAI client: base_url is `gateway`, its key is in `keys`"""
_Port = click.IntRange(0, 65_534)


@click.command(epilog=_EPILOG)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the market.")
@click.option("--makers", type=click.Choice(["slow", "fast"]), default="slow", show_default=True, help="Of options.")
@click.option(
    "--kind",
    multiple=True,
    type=click.Choice(["plain", "S1", "S2", "S5"]),
    help="What the shocks go with, in turn; repeatable.",
)
@click.option("--fault", multiple=True, metavar="NAME", help="What goes wrong, always; repeatable.")
@click.option("--list-faults", is_flag=True, help="Name all faults and end.")
@click.option(
    "--shock-after",
    type=Finite(1),
    default=60.0,
    show_default=True,
    metavar="S",
    help="The first shock begins so long after the start, or up to 5 s later; then one about every 7 minutes.",
)
@click.option(
    "--warm-up",
    type=Finite(0, 110),
    default=0.0,
    metavar="S",
    help="Play so much of the market fast before real time begins.",
)
@click.option("--warm-up-takes", type=Finite(0.1, 110), default=5.0, metavar="S", help="How long that takes.")
@click.option("--begins-in", type=Finite(0, 60), default=0.0, metavar="S", help="The market waits so long.")
@click.option("--machine-port", type=_Port, default=0, metavar="N", help="HTTP of tardis-machine; WebSocket is N+1.")
@click.option("--api-port", type=_Port, default=0, metavar="N", help="HTTP API of Tardis.")
@click.option("--gateway-port", type=_Port, default=0, metavar="N", help="Model gateway.")
@click.option(
    "--gateway-latency",
    type=Finite(0, 600_000),
    metavar="MS",
    help="Every answer of the model takes so long; a median of 300 ms and a long tail without.",
)
@click.option("--parent", type=click.IntRange(0), default=0, hidden=True)
def sandbox(*, list_faults: bool, **given: Any) -> int:  # noqa: ANN401 - click passes each option by name
    """Serve a SIMULATED market over the true protocols of Tardis, on loopback, for your own clients and tests.

    It prints one JSON line of addresses and keys, then serves until it is stopped. Exchange `ftx-restart`, which Tardis
    does not have, is served beside four perpetuals and two option venues under their real ids.
    """
    if list_faults:
        show(table(["fault", "the server ..."], [[name, text] for name, text in FAULTS.items()], left=2))
        return 0
    options = SandboxOptions(
        seed=given["seed"],
        makers=given["makers"],
        kinds=given["kind"],
        faults=given["fault"],
        shock_after_s=given["shock_after"],
        warm_up_s=given["warm_up"],
        warm_up_takes_s=given["warm_up_takes"],
        begins_in_s=given["begins_in"],
        machine_port=given["machine_port"],
        api_port=given["api_port"],
        gateway_port=given["gateway_port"],
        gateway_latency_ms=given["gateway_latency"],
        parent=given["parent"],
    )
    number = serve_sandbox(options, _ready)
    return 128 + number if number else 0


def _ready(described: dict[str, Any]) -> None:
    show(msgspec.json.encode(described).decode())
    sys.stdout.flush()
    note("serving a SIMULATED market until Ctrl-C")
