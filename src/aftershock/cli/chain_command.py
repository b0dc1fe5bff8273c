"""`aftershock chain`."""

from __future__ import annotations

import math
from pathlib import Path

import click

from aftershock.app.chain_build import chains_at
from aftershock.app.chain_view import view_chain
from aftershock.app.inputs import Given, open_inputs
from aftershock.app.live.run import with_fast_loop
from aftershock.app.moment import parse_expiry, parse_moment
from aftershock.app.venue_chain import VENUES, chain_now
from aftershock.cli.chain_text import chain_text
from aftershock.cli.console import note, show, show_json
from aftershock.cli.shared import as_json, environment, file_arguments, instruments_file
from aftershock.errors import UsageError
from aftershock.venues.tardis import merge

__all__ = ["chain"]

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
    if venue is not None:
        if files or at or instruments:
            raise UsageError("--venue asks for the chain of this moment: give no files, --at or --instruments with it")
        chains, now = with_fast_loop(chain_now(venue, asset or "BTC", environment()))
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
