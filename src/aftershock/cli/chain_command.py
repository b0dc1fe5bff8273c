"""`aftershock chain`."""

from __future__ import annotations

import math
from pathlib import Path

import click

from aftershock.app.chain_build import chains_at
from aftershock.app.chain_view import view_chain
from aftershock.app.inputs import Given, open_inputs
from aftershock.app.live.connect import BACKPACK
from aftershock.app.live.run import with_fast_loop
from aftershock.app.moment import expiry_name, parse_expiry, parse_moment
from aftershock.app.plain import plain
from aftershock.app.venue_chain import VENUES, DigitalView, chain_now, digitals_now
from aftershock.cli.chain_text import chain_text
from aftershock.cli.console import note, show, show_json
from aftershock.cli.shared import as_json, environment, file_arguments, instruments_file
from aftershock.cli.table import table
from aftershock.errors import UsageError
from aftershock.venues.backpack.predictions import Digital
from aftershock.venues.connection.text import printable
from aftershock.venues.tardis import merge

__all__ = ["chain"]

_MOST_PERCENT = 1_000

_EPILOG = """\b
Examples:
  aftershock chain deribit_options_chain_2023-04-13.csv.gz
  aftershock chain o.csv.gz --at 2023-04-13T12:00:00Z --expiry 28APR23
  aftershock chain o.csv.gz --price 30100 --asset BTC --json
  aftershock chain --venue backpack --asset BTC         as it stands now, or why there is none"""


@click.command(epilog=_EPILOG)
@file_arguments
@click.option("--at", metavar="TIME", help="Moment, ISO 8601 in UTC or nanoseconds. Default: the end of the files.")
@click.option("--price", type=float, metavar="P", help="Align strikes to this forward instead of the venue's.")
@click.option("--expiry", metavar="E", help="28APR23 or 2023-04-28. Default: the nearest.")
@click.option("--asset", metavar="A", help="Underlying, such as BTC, where there are several chains.")
@click.option("--tolerance-pct", type=float, default=2.0, show_default=True, help="Farthest strike that is aligned.")
@click.option("--venue", type=click.Choice(VENUES), help="Ask this venue for its chain now, instead of files.")
@click.option(
    "--digitals",
    type=float,
    metavar="VOL",
    help="Backpack's prediction markets on prices instead, beside their value at this volatility in percent.",
)
@click.option("--options-feed", type=click.Choice(["stream", "poll"]), help="As for replay. Default: inferred.")
@instruments_file
@as_json
def chain(  # noqa: PLR0913 - click passes each option by name
    *,
    files: tuple[Path, ...],
    at: str | None,
    price: float | None,
    expiry: str | None,
    asset: str | None,
    tolerance_pct: float,
    venue: str | None,
    digitals: float | None,
    options_feed: str | None,
    instruments: Path | None,
    json_output: bool,
) -> int:
    """Show the option chain of one expiry at a moment.

    Volatilities are computed here, from bid and ask at each row's own underlying price; greeks are those of their
    middle. The strike next to the price is marked `*`, the next in and out of the money `.`.
    """
    for flag, value in (("--price", price), ("--tolerance-pct", tolerance_pct)):
        if value is not None and not 0 < value < math.inf:
            raise UsageError(f"{flag} must be positive and finite, not {value}")
    until = None if at is None else parse_moment(at)
    wanted = None if expiry is None else parse_expiry(expiry)
    if digitals is not None:
        if venue != BACKPACK or not 0 < digitals < _MOST_PERCENT:
            raise UsageError("--digitals is for --venue backpack, with a volatility in percent: --digitals 55")
        views, others = with_fast_loop(digitals_now(asset or "BTC", digitals / 100, environment()))
        if json_output:
            show_json({"schema_version": 1, "digitals": plain(views), "others": others})
        else:
            show(_digitals_text(views, others))
        return 0
    if venue is not None:
        if files or at or instruments:
            raise UsageError("--venue asks for the chain of this moment: give no files, --at or --instruments with it")
        chains, now, left_out = with_fast_loop(chain_now(venue, asset or "BTC", environment()))
        for each in left_out:
            note(each)
        view, incomplete = view_chain(chains, now, expiry_ns=wanted, price=price, tolerance_pct=tolerance_pct), False
    else:
        inputs = open_inputs([Given(file, "options") for file in files], instruments)
        feed = options_feed or inputs.imply_feed().value
        note(f"options feed: {feed}")
        chains, now = chains_at(merge(inputs.sources), inputs.table, until, feed)
        view = view_chain(chains, now, asset=asset, expiry_ns=wanted, price=price, tolerance_pct=tolerance_pct)
        incomplete = any(source.report.incomplete for source in inputs.sources)
    if json_output:
        show_json(view.document())
    else:
        show(chain_text(view))
    return int(incomplete)


def _digitals_text(views: list[DigitalView], others: int) -> str:
    """Return prediction markets beside what they are worth."""
    rows = [
        [
            printable(view.digital.symbol),
            _bounds(view.digital),
            expiry_name(view.digital.end_ns) if view.digital.end_ns else "-",
            f"{view.digital.price:.3f}",
            f"{view.value:.3f}",
        ]
        for view in views
    ]
    lines = [f"prediction markets on prices, to look at: none is traded here; {others} others are open"]
    if views:
        lines.append(
            f"valued at {views[0].volatility:.1%} on the perpetual's mark {views[0].forward:,.1f}, undiscounted"
        )
        lines.append(table(["market", "pays 1 if the price is", "ends", "price", "value"], rows, left=3))
    return "\n".join(lines)


def _bounds(digital: Digital) -> str:
    if digital.kind != "range":
        return f"{digital.kind} {digital.strike:,.6g}"
    return f"{digital.strike:,.6g} to {digital.upper:,.6g}"
