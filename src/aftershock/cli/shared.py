"""Options that several commands take, spelled and explained once."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = [
    "Finite",
    "as_json",
    "config_file",
    "environment",
    "file_arguments",
    "instruments_file",
    "live_flags",
    "live_options",
    "path",
    "review_option",
]

F = TypeVar("F", bound=Callable[..., Any])


def path() -> click.Path:
    """Return the type of a path; whether it is there is for the code that opens it to say."""
    return click.Path(path_type=Path)


class Finite(click.FloatRange):
    """A number within bounds; `nan`, which no comparison refuses, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        """Return the number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number that can be waited for.", param, ctx)
        return number


def as_json(function: F) -> F:
    """Add `--json`."""
    return click.option("--json", "json_output", is_flag=True, help="Print one JSON document instead of text.")(
        function
    )


def config_file(function: F) -> F:
    """Add `--config`."""
    return click.option(
        "--config",
        "config_file",
        type=path(),
        envvar="AFTERSHOCK_CONFIG",
        metavar="FILE",
        help="TOML file of settings; flags and AFTERSHOCK_* variables win over it.",
    )(function)


def instruments_file(function: F) -> F:
    """Add `--instruments`."""
    return click.option(
        "--instruments",
        type=path(),
        metavar="FILE",
        help="JSON of Tardis' instruments API: terms that go before the bundled ones.",
    )(function)


def review_option(function: F) -> F:
    """Add what a language model may do."""
    return click.option(
        "--review",
        type=click.Choice(["off", "shadow", "veto", "gate"]),
        help="Second opinion of a model: beside the decision, to stop orders, or to let them go. Default: off.",
    )(function)


def live_options(function: F) -> F:
    """Add what a live command listens to, and for how long."""
    for option in reversed(
        (
            click.option("--exchange", multiple=True, metavar="ID", help="Liquidations and quotes of it; repeatable."),
            click.option("--symbol", multiple=True, metavar="NAME", help="This perpetual only; repeatable."),
            click.option("--option-venue", multiple=True, metavar="ID", help="Option chain of it; repeatable."),
            click.option(
                "--direct",
                multiple=True,
                type=click.Choice(["deribit"]),
                help="Speak to it itself, not through Tardis.",
            ),
            click.option("--asset", multiple=True, metavar="COIN", help="Coin; repeatable. Default: BTC."),
            click.option("--seconds", type=float, metavar="N", help="Stop after so long. Default: when told to."),
        )
    ):
        function = option(function)
    return function


def live_flags(
    exchange: tuple[str, ...],
    symbol: tuple[str, ...],
    option_venue: tuple[str, ...],
    direct: tuple[str, ...],
    asset: tuple[str, ...],
    seconds: float | None,
) -> dict[str, Any]:
    """Return what `live_options` gave, as settings; None for what was not given."""
    return {
        "live.exchanges": list(dict.fromkeys(exchange)) or None,
        "live.symbols": list(dict.fromkeys(symbol)) or None,
        "live.option_venues": list(dict.fromkeys(option_venue)) or None,
        "live.direct": list(dict.fromkeys(direct)) or None,
        "live.assets": list(dict.fromkeys(asset)) or None,
        "live.seconds": seconds,
    }


def file_arguments(function: F) -> F:
    """Add FILE... ."""
    return click.argument("files", nargs=-1, type=path(), metavar="[FILE]...")(function)


def environment() -> dict[str, str]:
    """Return the variables of the process."""
    return dict(os.environ)
