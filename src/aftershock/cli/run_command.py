"""`aftershock run`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec

from aftershock.app.live.config import LiveConfig
from aftershock.app.live.connect import OpenSources
from aftershock.app.live.journal import Terms
from aftershock.app.live.report import LiveResult
from aftershock.app.live.reviewer import chosen_providers
from aftershock.app.live.run import LiveWatch, ReviewPlan, implied_by, refuse_real_orders, run_live, with_fast_loop
from aftershock.app.settings import Settings, choose
from aftershock.cli.console import StatusLine, note, show, show_json
from aftershock.cli.live_text import live_text, status_line
from aftershock.cli.replay_command import announce, decision_options
from aftershock.cli.review_text import start_text
from aftershock.cli.shared import (
    as_json,
    config_file,
    environment,
    instruments_file,
    live_flags,
    live_options,
    path,
    review_option,
)
from aftershock.cli.signal_lines import signal_writer, signals_file
from aftershock.cli.stop import StopRequest
from aftershock.errors import UsageError
from aftershock.venues.tardis.instruments_json import load

__all__ = ["run_command"]

_EPILOG = """\b
Examples:
  aftershock run --config live.toml
  aftershock run --exchange bybit --exchange deribit --seconds 600 --journal runs/1
  aftershock run --signals - --seconds 60 | head      decisions as they are made
  aftershock run --review shadow                      ask a model beside the rules (needs a provider's key)
  aftershock replay --from-journal runs/1 --verify    does it reproduce, byte for byte?

\b
The [live] table of the file, or AFTERSHOCK_LIVE__* variables: exchanges, symbols,
option_venues, direct, assets, journal, seconds, order_latency_ms, queue_events, trading.
The [review] table says what a model may do, [gateway] whom to ask and for how much money:
docs/review.md."""


def run_command(open_sources: OpenSources) -> click.Command:
    """Return the command, over sources that somebody opens."""

    @click.command(name="run", epilog=_EPILOG)
    @live_options
    @click.option("--order-latency-ms", type=float, metavar="MS", help="From decision to paper venue. Default: 100.")
    @review_option
    @decision_options
    @instruments_file
    @config_file
    @click.option("--journal", type=path(), metavar="DIR", help="Write a journal into this new folder.")
    @signals_file
    @as_json
    def run(  # noqa: PLR0913 - click passes each option by name
        *,
        exchange: tuple[str, ...],
        symbol: tuple[str, ...],
        option_venue: tuple[str, ...],
        direct: tuple[str, ...],
        asset: tuple[str, ...],
        seconds: float | None,
        order_latency_ms: float | None,
        review: str | None,
        trigger: tuple[str, ...],
        trigger_window: float | None,
        trigger_bps: float | None,
        forward: str | None,
        options_feed: str | None,
        min_spread_bps: float | None,
        instruments: Path | None,
        config_file: Path | None,
        journal: Path | None,
        signals: str | None,
        json_output: bool,
    ) -> int:
        """Run the engine live, trading on paper.

        Market data comes from tardis-machine, which you run (AFTERSHOCK_TARDIS_MACHINE_WS_URL, default
        ws://127.0.0.1:8001). Ctrl-C and SIGTERM end the run cleanly: what came in is processed, the journal sealed,
        the report printed.
        """
        if json_output and signals == "-":
            raise UsageError("--json and --signals - both want stdout: send the signals to a file")
        variables = environment()
        flags = {
            "trigger.armed": list(dict.fromkeys(trigger)) or None,
            "trigger.window_s": trigger_window,
            "trigger.min_move_bps": trigger_bps,
            "forward": forward,
            "options_feed": options_feed,
            "min_spread_bps": min_spread_bps,
            **live_flags(exchange, symbol, option_venue, direct, asset, seconds),
            "live.journal": None if journal is None else str(journal),
            "live.order_latency_ms": order_latency_ms,
            "review.mode": review,
        }
        chosen = choose(flags, variables, config_file)
        live = chosen.settle_live().config
        settings = chosen.settle(implied_by(live))
        gateway = chosen.settle_gateway().config
        plan = ReviewPlan(
            config=gateway,
            providers=chosen_providers(gateway, variables),
            on_start=lambda lanes: note(start_text(lanes)),
        )
        given = Terms()
        if instruments is not None:
            loaded = load(instruments)
            given = Terms(instruments=loaded.instruments, fees=loaded.fees)
        refuse_real_orders(live)
        with ExitStack() as stack:
            stop = stack.enter_context(StopRequest())
            status = stack.enter_context(StatusLine())
            watch = LiveWatch(
                on_effect=signal_writer(stack, signals),
                on_status=lambda now: status.draw(status_line(now)),
                asked_to_stop=lambda: stop.number,
            )
            result = with_fast_loop(_run(open_sources, settings, live, given, plan, watch, variables))
        if json_output:
            show_json(result.document())
        elif signals == "-":
            note("\n" + live_text(result))
        else:
            show(live_text(result))
        if result.failure is not None:
            note(str(result.failure))
            return result.failure.exit_code
        return 128 + result.signal_number if result.signal_number else 0

    return run


async def _run(
    open_sources: OpenSources,
    settings: Settings,
    live: LiveConfig,
    given: Terms,
    plan: ReviewPlan,
    watch: LiveWatch,
    variables: Mapping[str, str],
) -> LiveResult:
    connected = await open_sources(live, variables)
    announce(settings)
    terms = msgspec.structs.replace(
        given,
        instruments=(*connected.terms.instruments, *given.instruments),
        fees=(*given.fees, *connected.terms.fees),
    )
    return await run_live(connected.sources, settings, live, terms=terms, review=plan, watch=watch)
