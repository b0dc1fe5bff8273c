"""Entry point: every way in which a run can end becomes one exit code and, if it failed, one sentence."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

import click

from aftershock.errors import AftershockError

__all__ = ["EXIT_FAULT", "EXIT_INTERRUPTED", "main"]

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_FAULT = 70
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: What follows the program's name; None for those of the process.

    Returns:
        0 fine, 1 a check failed or the input was incomplete, 2 bad usage or input, 3 an outside service failed,
        70 internal fault, 130 and 143 after a clean interrupt or termination.
    """
    _keep_standard_descriptors()
    _never_fail_on_a_character()
    try:
        code = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output, `head` for one, has seen enough
        _discard_output()
        return EXIT_OK
    except OSError as error:  # stdout itself: files of ours are reported as AftershockError
        _discard_output()
        return _fail(f"can't write the output: {error.strerror or error}; send it elsewhere", EXIT_USAGE)
    return code


def _run(arguments: list[str]) -> int:
    try:
        # Here, so that Ctrl-C during a slow import ends as quietly as later.
        from aftershock.cli.root import root

        with root.make_context("aftershock", arguments) as context:
            return int(root.invoke(context) or EXIT_OK)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        return _fail(_usage(error), EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", EXIT_INTERRUPTED)
    except AftershockError as error:
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None:
            raise
        return _fail(f"{error.filename}: {error.strerror}; check the path and its permissions", EXIT_USAGE)
    except Exception as error:  # noqa: BLE001 - the last line of defence, and it keeps the whole traceback
        return _fail(f"{_what(error)}; {_keep(error)}", EXIT_FAULT)


def _usage(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{message}; `{error.ctx.command_path} --help` shows how"
    return message


def _what(error: Exception) -> str:
    return f"internal fault, {type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"


def _keep(error: Exception) -> str:
    """Write the traceback into a file of its own and say where."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="aftershock-fault-", suffix=".txt", delete=False
        ) as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError as failure:
        return f"its traceback could not be kept: {failure.strerror}"
    return f"the traceback is in {file.name}: please report it"


def _fail(sentence: str, code: int) -> int:
    with suppress(OSError):  # nobody may be left to tell
        sys.stderr.write(f"aftershock: {sentence}\n")
        sys.stderr.flush()
    return code


def _keep_standard_descriptors() -> None:
    """Let no socket or file get the number of a standard stream that was closed before we started."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # as Python leaves it then
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - until the process ends


def _never_fail_on_a_character() -> None:
    """Let a file name or symbol that the terminal can't show be escaped instead of ending the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Point stdout at nothing, so that the interpreter's own flush at exit can't fail again."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open until the process ends
