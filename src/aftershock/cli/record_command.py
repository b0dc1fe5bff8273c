"""`aftershock record`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import OpenSources
from aftershock.app.live.record import RecordResult, RecordStatus, record, terms_in
from aftershock.app.live.run import with_fast_loop
from aftershock.app.live.source import LiveSource
from aftershock.app.recorded_terms import keep_terms
from aftershock.app.settings import choose
from aftershock.cli.console import StatusLine, note, show, show_json
from aftershock.cli.live_text import clock_text
from aftershock.cli.shared import as_json, config_file, environment, live_flags, live_options, path
from aftershock.cli.stop import StopRequest
from aftershock.cli.table import table
from aftershock.errors import UsageError
from aftershock.venues.recording import Limits, RecordingWriter

__all__ = ["record_command"]

_EPILOG = """\b
Examples:
  aftershock record --out btc --seconds 3600
  aftershock record --out btc --config live.toml       continues a recording
  aftershock record --out btc --exchange bybit --rotate-minutes 15 --json
  aftershock replay btc                                the engine on what was recorded

\b
The [live] table of the file, or AFTERSHOCK_LIVE__* variables: exchanges, symbols,
option_venues, direct, assets, seconds, queue_events."""

_LONGEST_MINUTES = 527_040


def record_command(open_sources: OpenSources) -> click.Command:
    """Return the command, over sources that somebody opens."""

    @click.command(name="record", epilog=_EPILOG)
    @click.option("--out", type=path(), required=True, metavar="DIR", help="New or empty folder, or a recording.")
    @live_options
    @click.option(
        "--rotate-minutes", type=float, default=60.0, show_default=True, metavar="M", help="Time in one file."
    )
    @config_file
    @as_json
    def command(  # noqa: PLR0913 - click passes each option by name
        *,
        out: Path,
        exchange: tuple[str, ...],
        symbol: tuple[str, ...],
        option_venue: tuple[str, ...],
        direct: tuple[str, ...],
        asset: tuple[str, ...],
        seconds: float | None,
        rotate_minutes: float,
        config_file: Path | None,
        json_output: bool,
    ) -> int:
        """Record live market data into a folder, for replays.

        Listens to what `run` listens to, without an engine. A crash loses at most the last second. What was missed is
        in the recording as gaps. Ctrl-C and SIGTERM end it cleanly, with a report.
        """
        if not 0 < rotate_minutes <= _LONGEST_MINUTES:  # NaN too
            raise UsageError(f"--rotate-minutes is {rotate_minutes:g}: give minutes above 0 and up to a year")
        variables = environment()
        flags = live_flags(exchange, symbol, option_venue, direct, asset, seconds)
        live = choose(flags, variables, config_file).settle_live().config
        limits = Limits(rotate_minutes=rotate_minutes)
        with ExitStack() as stack:
            stop = stack.enter_context(StopRequest())
            status = stack.enter_context(StatusLine())
            sources: list[LiveSource] = []
            writer = stack.enter_context(RecordingWriter(out, limits, terms_of=terms_in(sources)))
            result = with_fast_loop(_record(open_sources, sources, live, writer, status, stop, variables))
        if json_output:
            show_json(result.document())
        else:
            show(_text(result))
        if result.failure is not None:
            note(str(result.failure))
            return result.failure.exit_code
        return 128 + result.signal_number if result.signal_number else 0

    return command


async def _record(
    open_sources: OpenSources,
    sources: list[LiveSource],
    live: LiveConfig,
    writer: RecordingWriter,
    status: StatusLine,
    stop: StopRequest,
    variables: Mapping[str, str],
) -> RecordResult:
    connected = await open_sources(live, variables)
    keep_terms(writer.folder, connected.terms.instruments, connected.terms.fees)
    sources += connected.sources
    return await record(
        sources,
        live,
        writer,
        on_status=lambda now: status.draw(_status(now)),
        asked_to_stop=lambda: stop.number,
    )


def _status(status: RecordStatus) -> str:
    shell = status.shell
    lost = f"  {shell.events_lost:,} LOST" if shell.events_lost else ""
    return (
        f"{clock_text(shell.uptime_s)}  {status.rows_per_s:,.0f} rows/s  {status.rows:,} rows  {_size(status.bytes)}  "
        f"lag {shell.lag_ms:.1f} ms  gaps {shell.gaps}  reconnects {shell.reconnects}{lost}"
    )


def _size(count: int) -> str:
    """Return a number of bytes as a person reads it."""
    if count < 1000:
        return f"{count} B"
    power = min(int(math.log(count, 1000)), 4)
    return f"{count / 1000**power:.1f} {'kMGT'[power - 1]}B"


def _text(result: RecordResult) -> str:
    how = "continued in" if result.continued else "into"
    rate = result.rows / result.seconds if result.seconds > 0 else 0.0
    lost = f"{result.events_lost:,} lost; {result.gaps:,} gaps, {result.reconnects:,} reconnects"
    lines = [
        f"recorded  {result.seconds:.1f} s of {', '.join(result.sources) or 'no source'} {how} {result.folder}",
        f"rows      {result.rows:,} ({rate:,.0f}/s) in {result.files:,} files, {_size(result.bytes)}",
        f"events    {result.events_in:,} in, {lost}",
    ]
    if result.signal_number:
        lines.append("  INTERRUPTED: what follows is what there was until then")
    if result.failure is not None:
        lines.append(f"  ENDED EARLY: {result.failure}")
    lines += [f"  {count:,} events left out: {reason}" for reason, count in sorted(result.left_out.items())]
    rows = [[each.venue, each.kind, f"{each.rows:,}", f"{each.files:,}", _size(each.bytes)] for each in result.written]
    sections = ["\n".join(lines)]
    if rows:
        sections.append(table(["venue", "kind", "rows", "files", "bytes"], rows, left=2))
        sections.append(f"Replay it:\n  aftershock replay {result.folder}")
    return "\n\n".join(sections)
