"""`aftershock demo`."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from aftershock.app.demo import DEFAULT_SECONDS, DEFAULT_SEED, demonstrate
from aftershock.app.settings import choose
from aftershock.cli.console import StatusLine, note, show, show_json
from aftershock.cli.demo_text import demo_text
from aftershock.cli.live_text import status_line
from aftershock.cli.shared import Finite, as_json, environment, path, review_option
from aftershock.cli.signal_lines import signal_writer, signals_file
from aftershock.cli.stop import StopRequest
from aftershock.errors import UsageError

__all__ = ["demo"]

_EPILOG = """\b
Examples:
  aftershock demo
  aftershock demo --seed 11 --seconds 60 --out my-demo
  aftershock demo --review veto
  aftershock explain last --journal my-demo/journal
  aftershock replay --from-journal my-demo/journal --verify"""


@click.command(epilog=_EPILOG)
@click.option(
    "--seconds",
    type=Finite(1, 280),
    default=DEFAULT_SECONDS,
    show_default=True,
    metavar="N",
    help="Length in real time, after about seven seconds of warm-up.",
)
@click.option("--seed", type=click.IntRange(0), default=DEFAULT_SEED, show_default=True, help="Of the market.")
@click.option("--out", type=path(), metavar="DIR", help="Keep the journal in this new folder.")
@review_option
@signals_file
@as_json
def demo(
    *, seconds: float, seed: int, out: Path | None, review: str | None, signals: str | None, json_output: bool
) -> int:
    """Run the live system on a SIMULATED market over sockets; no data, key or network needed.

    The sandbox serves the market as tardis-machine and Tardis' API would, in a process of its own; the real clients
    connect to it on loopback, and the engine decides and trades on paper while a liquidation cascade happens that one
    option maker sleeps through. With --review a stand-in for a language model, a few fixed rules behind a true
    gateway, gives second opinions. The report ends with the best decision taken apart, and with what the market hid. It
    proves that the parts work together, and nothing about any market.
    """
    if json_output and signals == "-":
        raise UsageError("--json and --signals - both want stdout: send the signals to a file")
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aftershock-demo-")))
        note(f"a SIMULATED market, seed {seed}, on loopback; warming up, then {seconds:g} s in real time")
        writer = signal_writer(stack, signals)
        stop = stack.enter_context(StopRequest())
        with StatusLine() as status:
            shown = demonstrate(
                folder,
                seed,
                seconds,
                choose({"review.mode": review}, environment()),
                on_effect=writer,
                on_status=lambda now: status.draw(status_line(now)),
                asked_to_stop=lambda: stop.number,
            )
        if json_output:
            show_json(shown.document())
        elif signals == "-":
            note("\n" + demo_text(shown, kept=out))
        else:
            show(demo_text(shown, kept=out))
    result = shown.result
    if result.failure is not None:
        note(str(result.failure))
        return result.failure.exit_code
    return 128 + result.signal_number if result.signal_number else 0
