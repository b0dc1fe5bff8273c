"""Where each setting comes from: flag, then environment, then file, then what the inputs imply, then the default.

The engine's settings are apart from those of a live run (the `[live]` table) and of the model gateway (`[gateway]`):
only the former belong to a journal.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from aftershock.app.live.config import LiveConfig
from aftershock.core.config import EngineConfig
from aftershock.errors import ConfigError
from aftershock.review.config import GatewayConfig

__all__ = [
    "ENV_PREFIX",
    "Choice",
    "Chosen",
    "Settings",
    "TableSettings",
    "choose",
    "config_keys",
    "environment_name",
    "gateway_keys",
    "live_keys",
]

ENV_PREFIX = "AFTERSHOCK_"

# Read by the program or by its tests elsewhere; every other name under the prefix must be a setting, because a
# misspelt limit that is ignored in silence is no limit.
_OTHER_NAMES = ("CONFIG", "DATA", "JOURNAL", "KERNEL", "REQUIRE")
_OTHER_ENDINGS = ("_URL", "_FILE")

# Tables of figures that belong together: whole in a file, and never a variable.
_TABLES = ("calibration", "gateway.custom", "gateway.usd_per_strategy")

_LIVE, _GATEWAY = "live.", "gateway."
_APART: dict[str, type[msgspec.Struct]] = {_LIVE: LiveConfig, _GATEWAY: GatewayConfig}
"""Tables of their own, by prefix."""

T = TypeVar("T", bound=msgspec.Struct)


class Choice(msgspec.Struct, frozen=True):
    """A value somebody chose, and who: `flag --x`, `environment AFTERSHOCK_X`, `file x.toml`."""

    value: Any
    source: str


class Settings(msgspec.Struct, frozen=True):
    """A complete configuration, with the source of each dotted key."""

    config: EngineConfig
    sources: dict[str, str]

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Iterate over (dotted key, value, source) in the order of the configuration."""
        for key in config_keys():
            yield key, _value_at(self.config, key), self.sources[key]


class TableSettings(msgspec.Struct, Generic[T], frozen=True):
    """The settings of a table that stands apart, with the source of each dotted key."""

    config: T
    sources: dict[str, str]

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Iterate over (dotted key, value, source)."""
        for key, source in self.sources.items():
            yield key, getattr(self.config, key.partition(".")[2]), source


class Chosen(msgspec.Struct, frozen=True):
    """What flags, environment and file say; the inputs may still fill what is open."""

    choices: dict[str, Choice]

    def is_open(self, key: str) -> bool:
        """Tell whether nobody chose this setting."""
        return key not in self.choices

    def settle(self, inferred: Mapping[str, Choice] | None = None) -> Settings:
        """Fill open settings from the inputs, the rest from the defaults, and check everything.

        Args:
            inferred: Choices that the inputs imply; whoever chose otherwise wins.

        Raises:
            ConfigError: A value is of the wrong type or out of bounds; names the key and the source.
        """
        ours = {key: choice for key, choice in self.choices.items() if not key.startswith(tuple(_APART))}
        choices = {**(inferred or {}), **ours}
        tree: dict[str, Any] = {}
        for key, choice in choices.items():
            _put(tree, key, choice.value)
        try:
            config = msgspec.convert(tree, EngineConfig)
        except msgspec.ValidationError as error:
            raise _refusal(error, choices) from None
        sources = {key: choices[key].source if key in choices else "default" for key in config_keys()}
        return Settings(config, sources)

    def settle_live(self) -> TableSettings[LiveConfig]:
        """Fill what is open of the `[live]` table from its defaults, and check it.

        Raises:
            ConfigError: A value is of the wrong type or out of bounds; names the key and the source.
        """
        return self._settle_table(_LIVE, LiveConfig)

    def settle_gateway(self) -> TableSettings[GatewayConfig]:
        """Fill what is open of the `[gateway]` table from its defaults, and check it.

        Raises:
            ConfigError: A value is of the wrong type or out of bounds; names the key and the source.
        """
        return self._settle_table(_GATEWAY, GatewayConfig)

    def _settle_table(self, prefix: str, config: type[T]) -> TableSettings[T]:
        choices = {key: choice for key, choice in self.choices.items() if key.startswith(prefix)}
        tree = {key.removeprefix(prefix): choice.value for key, choice in choices.items()}
        try:
            settled = msgspec.convert(tree, config)
        except msgspec.ValidationError as error:
            raise _refusal(error, choices, prefix) from None
        sources = {key: choices[key].source if key in choices else "default" for key in _leaves(config, prefix)}
        return TableSettings(settled, sources)


def choose(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Chosen:
    """Collect what was chosen, the strongest source first.

    Args:
        flags: Dotted key to value; None where the flag was not given.
        environment: Variables, of which those named `AFTERSHOCK_*` count (`AFTERSHOCK_TRIGGER__WINDOW_S`).
        file: TOML file; None for none.

    Raises:
        ConfigError: The file can't be read, or a key or variable is unknown.
    """
    choices: dict[str, Choice] = {}
    if file is not None:
        choices.update(_from_file(file))
    choices.update(_from_environment(environment or {}))
    for key, value in (flags or {}).items():
        if value is not None:
            choices[key] = Choice(value, f"flag --{_flag_name(key)}")
    return Chosen(choices)


def config_keys() -> list[str]:
    """Return every setting as a dotted key, in the order of the configuration."""
    return list(_leaves(EngineConfig))


def live_keys() -> list[str]:
    """Return every setting of the `[live]` table as a dotted key."""
    return list(_leaves(LiveConfig, _LIVE))


def gateway_keys() -> list[str]:
    """Return every setting of the `[gateway]` table as a dotted key."""
    return list(_leaves(GatewayConfig, _GATEWAY))


def _all_keys() -> list[str]:
    return [*config_keys(), *live_keys(), *gateway_keys()]


def environment_name(key: str) -> str:
    """Return the variable of a dotted key: two underscores for the dot."""
    return ENV_PREFIX + key.replace(".", "__").upper()


_FLAG_NAMES = {
    "trigger.armed": "trigger",
    "trigger.window_s": "trigger-window",
    "trigger.min_move_bps": "trigger-bps",
    "review.mode": "review",
    "live.exchanges": "exchange",
    "live.symbols": "symbol",
    "live.option_venues": "option-venue",
    "live.direct": "direct",
    "live.assets": "asset",
}


def _flag_name(key: str) -> str:
    return _FLAG_NAMES.get(key, key.removeprefix(_LIVE).removeprefix(_GATEWAY).replace("_", "-"))


def _leaves(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(struct):
        default = field.default
        if isinstance(default, msgspec.Struct):
            yield from _leaves(type(default), f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def _table_of(key: str) -> tuple[msgspec.Struct, str] | None:
    """Return the defaults of the table that stands apart and holds a key, and the key within it."""
    for prefix, config in _APART.items():
        if key.startswith(prefix):
            return config(), key.removeprefix(prefix)
    return None


def _value_at(config: msgspec.Struct, key: str) -> Any:  # noqa: ANN401 - a setting may be of any type
    value: Any = config
    for name in key.split("."):
        value = getattr(value, name)
    return value


def _put(tree: dict[str, Any], key: str, value: object) -> None:
    *tables, name = key.split(".")
    for table in tables:
        tree = tree.setdefault(table, {})
    tree[name] = value


def _from_file(path: Path) -> Iterator[tuple[str, Choice]]:
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"can't read the configuration {path}: {error.strerror}; name a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    known = _all_keys()
    tables = {key.rpartition(".")[0] for key in known}
    for key, value in _flatten(document, tables):
        if key not in known:
            raise ConfigError(f"{path}: `{key}` is not a setting{_nearest(key, known)}")
        yield key, Choice(value, f"file {path}")


def _flatten(document: Mapping[str, Any], tables: set[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        key = prefix + name
        if isinstance(value, dict) and key not in _TABLES and (key in tables or value):
            yield from _flatten(value, tables, f"{key}.")
        else:
            yield key, value


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Choice]]:
    keys = {environment_name(key): key for key in _all_keys() if key not in _TABLES}
    for name in sorted(environment):
        rest = name.removeprefix(ENV_PREFIX)
        if rest == name or rest in _OTHER_NAMES or rest.endswith(_OTHER_ENDINGS):
            continue
        if name not in keys:
            raise ConfigError(f"the environment has {name}, which is not a setting{_nearest(name, list(keys))}")
        yield keys[name], Choice(_typed(keys[name], environment[name]), f"environment {name}")


def _typed(key: str, text: str) -> object:
    """Read a variable's text as the type of its setting; leave what does not fit for the check to refuse."""
    default = _value_at(EngineConfig(), key) if (table := _table_of(key)) is None else _value_at(*table)
    if isinstance(default, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(default, str):
        return text
    try:
        return msgspec.convert(text, type(default), strict=False)
    except msgspec.ValidationError:
        return text


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else "; `aftershock doctor` lists them all"


def _refusal(error: msgspec.ValidationError, choices: Mapping[str, Choice], prefix: str = "") -> ConfigError:
    """Turn msgspec's `... - at `$.trigger.window_s`` into a sentence that names key and source."""
    message, _, where = str(error).partition(" - at ")
    key = prefix + re.sub(r"\[\d+\]|\[\.\.\.\]", "", where.strip("`").removeprefix("$."))
    choice = choices.get(key)
    what = message.replace("`", "").replace("Expected", "expected")
    if choice is None:
        return ConfigError(f"setting `{key}`: {what}")
    return ConfigError(f"setting `{key}` ({choice.source}): {what}, but it is {choice.value!r}")
