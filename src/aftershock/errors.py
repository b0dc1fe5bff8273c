"""The one error tree: each error says what was wrong, where, and what to do next."""

from __future__ import annotations

__all__ = [
    "AftershockError",
    "ConfigError",
    "IncompleteInputError",
    "InputError",
    "JournalError",
    "UnreachableError",
    "UsageError",
]


class AftershockError(Exception):
    """Anything that a user can cause or mend: one sentence, never a traceback."""

    exit_code = 2


class UsageError(AftershockError):
    """The command line contradicts itself or asks for what does not exist."""


class ConfigError(AftershockError):
    """A setting is unknown, out of bounds, or names something that is not there."""


class InputError(AftershockError):
    """A file is not what it was given as, or can't be read at all."""


class JournalError(InputError):
    """A journal is damaged, or does not reproduce; names the first record that differs."""

    exit_code = 1


class IncompleteInputError(AftershockError):
    """The run went on with what could be read, but some of the input is missing."""

    exit_code = 1


class UnreachableError(AftershockError):
    """An outside service does not answer or refuses."""

    exit_code = 3
