"""The command group, and what all commands share."""

from __future__ import annotations

import click

from aftershock.app.live.connect import open_sources
from aftershock.app.market_session import market_session
from aftershock.app.numerics import code_version
from aftershock.cli.bench_command import bench
from aftershock.cli.chain_command import chain
from aftershock.cli.costs_command import costs_command
from aftershock.cli.demo_command import demo
from aftershock.cli.doctor_command import doctor
from aftershock.cli.download_command import download_command
from aftershock.cli.evaluate_command import evaluate_command
from aftershock.cli.explain_command import explain
from aftershock.cli.record_command import record_command
from aftershock.cli.replay_command import replay
from aftershock.cli.run_command import run_command
from aftershock.cli.sandbox_command import sandbox
from aftershock.cli.simulate_command import simulate_command
from aftershock.cli.study_command import study

__all__ = ["root"]

_EPILOG = """\b
Start here:
  aftershock demo                     a simulated liquidation cascade, no data needed
  aftershock replay FILE... --json    recorded liquidations, quotes and option chains
  aftershock explain best --journal J one decision, every figure

\b
Exit codes: 0 fine, 1 a check failed or the input was incomplete, 2 bad usage,
configuration or input, 3 an outside service failed, 70 internal fault,
130 and 143 after a clean Ctrl-C or SIGTERM."""


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(code_version(), prog_name="aftershock", message="%(prog)s %(version)s")
def root() -> None:
    """Find the options that are still priced for the world before a liquidation.

    Recorded forced liquidations on perpetual futures are lined up with another venue's option chain; what could have
    been traded at a profit after every cost becomes BUY or SELL, everything else a HOLD with its reason. Most
    decisions are HOLD. Results go to stdout, everything else to stderr.
    """


for command in (
    demo,
    replay,
    run_command(open_sources),
    sandbox,
    download_command,
    record_command(open_sources),
    simulate_command(market_session),
    evaluate_command,
    costs_command,
    explain,
    chain,
    study,
    doctor,
    bench,
):
    root.add_command(command)
