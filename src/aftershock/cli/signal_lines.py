"""`--signals FILE|-`: one JSON line for each decision, as it is made."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, TypeVar

import click
import msgspec

from aftershock.app.outcome import Effect, effect_document
from aftershock.errors import InputError
from aftershock.model.signals import ArbitrageSignal

__all__ = ["signal_writer", "signals_file"]

F = TypeVar("F", bound=Callable[..., Any])


def signals_file(function: F) -> F:
    """Add `--signals`."""
    return click.option(
        "--signals", metavar="FILE|-", help="Write each decision as a JSON line as it is made; - is stdout."
    )(function)


def signal_writer(stack: ExitStack, target: str | None) -> Callable[[Effect], None]:
    """Return what writes decisions to a target; a file is closed by the stack.

    Raises:
        InputError: The file can't be written.
    """
    if target is None:
        return lambda _: None
    stream: IO[str] = sys.stdout
    if target != "-":
        try:
            stream = stack.enter_context(Path(target).open("w", encoding="utf-8"))  # noqa: SIM115 - the stack closes it
        except OSError as error:
            raise InputError(f"can't write signals to {target}: {error.strerror}; name another file") from error

    def write(effect: Effect) -> None:
        if isinstance(effect, ArbitrageSignal):
            stream.write(msgspec.json.encode(effect_document(effect)).decode() + "\n")
            stream.flush()

    return write
