"""`aftershock replay`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from aftershock.app.html import write_html
from aftershock.app.inputs import Given
from aftershock.app.replay import ReplayOptions, ReplayResult, Watch, run
from aftershock.app.replay import replay as replay_files
from aftershock.app.settings import Settings, choose
from aftershock.app.verification import Verification, open_journal
from aftershock.app.verification import verify as verify_journal
from aftershock.cli.console import Progress, note, show, show_json
from aftershock.cli.replay_text import replay_text, verification_text
from aftershock.cli.shared import as_json, config_file, environment, file_arguments, instruments_file, path
from aftershock.cli.signal_lines import signal_writer, signals_file
from aftershock.cli.stop import StopRequest
from aftershock.errors import UsageError

__all__ = ["announce", "decision_options", "exit_code", "replay"]

_EPILOG = """\b
Examples:
  aftershock replay okex-swap_liquidations_2026-03-04.csv.gz deribit_options_chain_2026-03-04.csv.gz
  aftershock replay --liquidations l.csv.gz --options o.csv.gz --journal runs/1 --json > runs/1.json
  aftershock replay o.csv.gz --trigger price-move --trigger-window 330 --trigger-bps 30
  aftershock replay FILE... --signals - | head        decisions as they are made
  aftershock replay --from-journal runs/1 --verify    does it reproduce, byte for byte?"""

# Flag to kind; each may come several times.
_KIND_FLAGS = {
    "liquidations": "liquidations",
    "options": "options",
    "trades": "trades",
    "quotes": "quotes",
    "tickers": "derivative_ticker",
    "books": "book_snapshot",
}


def _kind_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for flag, kind in reversed(_KIND_FLAGS.items()):
        function = click.option(
            f"--{flag}",
            type=path(),
            multiple=True,
            metavar="FILE",
            help=f"A file of {kind.replace('_', ' ')}; repeatable. Bare FILEs are recognised by their header.",
        )(function)
    return function


def decision_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags that say how decisions are made."""
    for option in (
        click.option("--trigger", type=click.Choice(["cascade", "price-move"]), multiple=True,
                     help="Arm this market trigger only; repeatable. Default: both."),
        click.option("--trigger-window", type=float, metavar="S", help="Window of the trigger, seconds. Default: 30."),
        click.option("--trigger-bps", type=float, metavar="B", help="Smallest move that opens one, bps. Default: 15."),
        click.option("--forward", type=click.Choice(["quotes", "underlying", "parity"]),
                     help="Where the forward comes from. Default: quotes if there are any, else underlying."),
        click.option("--options-feed", type=click.Choice(["stream", "poll"]),
                     help="Whether an option row confirms its whole stream. Default: inferred, and printed."),
        click.option("--min-spread-bps", type=float, metavar="B", help="Floor under every threshold. Default: 0."),
    ):  # fmt: skip
        function = option(function)
    return function


@click.command(epilog=_EPILOG)
@file_arguments
@_kind_options
@decision_options
@instruments_file
@config_file
@click.option("--journal", type=path(), metavar="DIR", help="Write a journal into this new folder.")
@click.option(
    "--from-journal", type=path(), metavar="DIR", help="Replay a journal's own inputs under its own settings."
)
@click.option("--verify", is_flag=True, help="Run the journal again and compare every output; a difference is exit 1.")
@signals_file
@click.option("--report", type=path(), metavar="HTML", help="Also write a self-contained page.")
@click.option("--strict", is_flag=True, help="Exit 1 if any row was dropped.")
@as_json
def replay(  # noqa: PLR0913 - click passes each option by name
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
    journal: Path | None,
    from_journal: Path | None,
    verify: bool,
    signals: str | None,
    report: Path | None,
    strict: bool,
    json_output: bool,
    **by_kind: tuple[Path, ...],
) -> int:
    """Run recorded market data through the engine.

    FILE is Tardis CSV (gzip or plain), tardis-machine NDJSON, Parquet or a recording (its folder or files), recognised
    by its content, in any order and number; rows are merged by receive time. Trades and liquidations have equal columns
    in CSV: where the file's name does not say which it is, use --trades or --liquidations.
    """
    flags = {
        "trigger.armed": list(dict.fromkeys(trigger)) or None,
        "trigger.window_s": trigger_window,
        "trigger.min_move_bps": trigger_bps,
        "forward": forward,
        "options_feed": options_feed,
        "min_spread_bps": min_spread_bps,
    }
    if json_output and signals == "-":
        raise UsageError("--json and --signals - both want stdout: send the signals to a file")
    if from_journal is not None:
        _refuse_with_journal(
            {**flags, "journal": journal, "instruments": instruments, "config": config_file},
            bare_kinds=any(by_kind.values()),
        )
        if verify:
            return _verify_only(from_journal, files, json_output=json_output)
    elif verify and journal is None:
        raise UsageError("--verify needs a journal: add --journal DIR or --from-journal DIR")
    with ExitStack() as stack:
        stop = stack.enter_context(StopRequest())
        progress = Progress()
        watch = Watch(
            on_settled=announce,
            on_effect=signal_writer(stack, signals),
            on_progress=progress.update,
            should_stop=lambda: bool(stop),
        )
        if from_journal is not None:
            opened = open_journal(from_journal, files)
            result = run(opened.inputs, opened.settings, watch)
        else:
            given = [Given(file) for file in files]
            given += [Given(file, _KIND_FLAGS[flag]) for flag, named in by_kind.items() for file in named]
            options = ReplayOptions(
                given=given,
                chosen=choose(flags, environment(), config_file),
                instruments=instruments,
                journal=journal,
            )
            result = replay_files(options, watch)
        progress.clear()
    verification = None
    if verify and journal is not None:
        verification = verify_journal(journal, [given.path for given in given])
    _print(result, verification, json_output=json_output, quiet_stdout=signals == "-")
    if report is not None:
        write_html(report, result)
    return stop.exit_code or exit_code(result, strict=strict)


def exit_code(result: ReplayResult, *, strict: bool) -> int:
    """Return 1 if the input was incomplete, or if rows were dropped and that is not to be accepted."""
    return int(bool(result.incomplete) or (strict and result.rows_dropped > 0))


def _refuse_with_journal(flags: dict[str, Any], *, bare_kinds: bool) -> None:
    named = [name for name, value in flags.items() if value is not None]
    if named or bare_kinds:
        what = f"`{named[0]}`" if named else "input files by kind"
        raise UsageError(f"--from-journal takes its settings and inputs from the journal: leave out {what}")


def _verify_only(folder: Path, files: tuple[Path, ...], *, json_output: bool) -> int:
    verification = verify_journal(folder, files)
    if json_output:
        show_json({"schema_version": 1, "verify": verification.document()})
    else:
        show(verification_text(verification))
    return 0


def announce(settings: Settings) -> None:
    """Say on stderr what the inputs implied, and why."""
    config, sources = settings.config, settings.sources
    for key, value in (
        ("options_feed", config.options_feed),
        ("clocks", config.clocks),
        ("forward", config.forward),
        ("liquidation_venues", config.liquidation_venues),
    ):
        note(f"{key.replace('_', ' ')}: {value} ({sources[key]})")


def _print(result: ReplayResult, verification: Verification | None, *, json_output: bool, quiet_stdout: bool) -> None:
    if json_output:
        document = result.document()
        if verification is not None:
            document["verify"] = verification.document()
        show_json(document)
        return
    text = replay_text(result)
    if verification is not None:
        text += "\n\n" + verification_text(verification)
    if quiet_stdout:
        sys.stderr.write(text + "\n")
    else:
        show(text)
