"""Keys of services: from the environment, or from a file that only its owner may read."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from aftershock.errors import ConfigError

__all__ = ["checked_key", "read_key"]

_LONGEST = 4096


def read_key(name: str, environment: Mapping[str, str]) -> str:
    """Return a key, or an empty text if none is set.

    Args:
        name: Variable that holds it; the variable `<name>_FILE` may name a file that does instead.
        environment: Variables of the process.

    Raises:
        ConfigError: The file can't be read, others can read it too, or what it holds is no key. The key is not shown.
    """
    if environment.get(name):
        return checked_key(environment[name], name)
    file = environment.get(f"{name}_FILE", "")
    if not file:
        return ""
    path = Path(file)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ConfigError(f"{name}_FILE names {file}, which is no file: name a file that holds the key")
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(f"{name}_FILE names {file}, which others may read (mode {mode & 0o777:03o}): chmod 600")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigError(f"{name}_FILE names {file}, which can't be read ({why}): check the path") from error
    return checked_key(text, f"the file that {name}_FILE names")


def checked_key(text: str, source: str) -> str:
    """Return a key without the white space around it.

    Raises:
        ConfigError: It could not be sent in a header; only its source is shown.
    """
    key = text.strip()
    if not (0 < len(key) <= _LONGEST and key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(f"{source} holds no key: a key is one line of printable ASCII without spaces")
    return key
