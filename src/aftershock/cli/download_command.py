"""`aftershock download`."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from aftershock.app.download import KINDS, Downloaded, DownloadRequest, download
from aftershock.app.live.run import with_fast_loop
from aftershock.cli.console import StatusLine, note, show, show_json
from aftershock.cli.shared import as_json, environment, path
from aftershock.cli.table import table
from aftershock.errors import UsageError
from aftershock.venues.tardis.download import Tally

__all__ = ["download_command"]

_EPILOG = """\b
Examples:  (first days of months are free without a key)
  aftershock download deribit --type options_chain --symbol OPTIONS --from 2024-03-01 --to 2024-03-02
  aftershock download ftx --type liquidations --type trades --symbol PERPETUALS --from 2022-11-01 --to 2022-11-02
  aftershock download deribit --raw trades --symbol BTC-PERPETUAL --from 2024-03-01 --to 2024-03-02

\b
Run it again after an interruption: what is whole is kept, the rest is fetched.
Addresses and key: AFTERSHOCK_TARDIS_DATASETS_URL, AFTERSHOCK_TARDIS_API_URL, TARDIS_API_KEY."""
_SHOWN = 20


@click.command(name="download", epilog=_EPILOG)
@click.argument("exchange")
@click.option("--type", "kinds", multiple=True, type=click.Choice(KINDS), help="Data set; repeatable.")
@click.option("--raw", multiple=True, metavar="CHANNEL", help="Raw feed of the API instead; repeatable.")
@click.option(
    "--symbol", multiple=True, metavar="NAME", help="As the venue names it, or PERPETUALS, OPTIONS, FUTURES, SPOT."
)
@click.option("--from", "first", required=True, metavar="DAY", help="First day, UTC.")
@click.option("--to", "last", required=True, metavar="DAY", help="Day after the last.")
@click.option("--out", type=path(), default=Path("data"), show_default=True, metavar="DIR", help="Folder.")
@click.option("--jobs", type=click.IntRange(1, 60), default=4, show_default=True, metavar="N", help="Files at once.")
@click.option("--columnar", is_flag=True, help="Make a Parquet file of each data set, too (extra `data`).")
@as_json
def download_command(  # noqa: PLR0913 - click passes each option by name
    *,
    exchange: str,
    kinds: tuple[str, ...],
    raw: tuple[str, ...],
    symbol: tuple[str, ...],
    first: str,
    last: str,
    out: Path,
    jobs: int,
    columnar: bool,
    json_output: bool,
) -> int:
    """Fetch Tardis' data sets or raw feeds: in parallel, resumable, each file verified to its end.

    Files get the names that Tardis' own clients give them, so `aftershock replay` and those find them.
    """
    if bool(kinds) == bool(raw):
        raise UsageError("name what to fetch: data sets with --type, or raw feeds with --raw, not both")
    request = DownloadRequest(
        exchange=exchange,
        kinds=tuple(dict.fromkeys(kinds)),
        channels=tuple(dict.fromkeys(raw)),
        symbols=tuple(dict.fromkeys(symbol)),
        first=first,
        last=last,
        folder=out,
        jobs=jobs,
        columnar=columnar,
    )
    with StatusLine() as status:
        result, number = with_fast_loop(_run(request, status))
    if json_output:
        show_json(result.document())
    else:
        show(_text(result, out))
    if result.failure is not None:
        note(str(result.failure))
        return result.failure.exit_code
    if number:
        return 128 + number
    return 1 if result.count("failed") or result.not_columnar else 0


async def _run(request: DownloadRequest, status: StatusLine) -> tuple[Downloaded, int]:
    loop, stop, stopped_by = asyncio.get_running_loop(), asyncio.Event(), [0]

    def on_signal(number: int) -> None:
        if stopped_by[0]:  # whoever asks twice wants it at once: every file is whole or not there at any moment
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stopped_by[0] = number
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal, number)
    started = loop.time()

    def progress(tally: Tally) -> None:
        rate = tally.bytes / max(loop.time() - started, 1e-9) / 1e6
        status.draw(f"{tally.done:,} of {tally.files:,} files  {tally.bytes / 1e6:,.1f} MB  {rate:.1f} MB/s")

    result = await download(request, environment(), on_progress=progress, stop=stop)
    return result, stopped_by[0]


def _text(result: Downloaded, folder: Path) -> str:
    counts = ", ".join(f"{n:,} {status}" for status, n in result.document()["files"].items())
    lines = [
        f"files     {counts}",
        f"rows      {sum(each.rows for each in result.outcomes):,}",
        f"received  {result.received / 1e6:,.1f} MB in {result.seconds:.1f} s"
        + (f", {result.retries} attempts again" if result.retries else ""),
    ]
    if result.left:
        lines.append(f"left      {result.left:,} files that were not looked at")
    if result.interrupted:
        lines.append(f"INTERRUPTED: what is whole is in {folder}; run it again for the rest")
        note("interrupted")
    if result.not_columnar:
        lines.append(f"columns   {result.not_columnar:,} files could not be made columnar: their CSV is whole")
    failed = [each for each in result.outcomes if each.status == "failed" or each.reason]
    shown = failed or list(result.outcomes)
    rows = [
        [each.file, each.status, f"{each.rows:,}", f"{each.bytes:,}", each.reason or each.columnar]
        for each in shown[:_SHOWN]
    ]
    if rows:
        lines.append(table(["file", "", "rows", "bytes", ""], rows, left=2))
    if len(shown) > _SHOWN:
        lines.append(f"  and {len(shown) - _SHOWN:,} more")
    return "\n".join(lines)
