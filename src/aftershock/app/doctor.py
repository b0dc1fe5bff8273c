"""What can be known before a run: versions, settings with their sources, folders, keys, and what is not there yet."""

from __future__ import annotations

import os
import platform
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aftershock.app.checks import Check
from aftershock.app.live.config import LiveConfig
from aftershock.app.numerics import PRICING_PATH, code_version, numerics_id
from aftershock.app.plain import plain
from aftershock.app.settings import Settings, TableSettings, choose
from aftershock.errors import ConfigError
from aftershock.review.config import GatewayConfig
from aftershock.review.providers import BUNDLED

__all__ = ["FACTS", "KEYS", "NOT_YET", "Examination", "examine"]

KEYS = (
    "TARDIS_API_KEY",
    "BACKPACK_API_KEY",
    "BACKPACK_SECRET_KEY",
    *dict.fromkeys(name for provider in BUNDLED.values() for name in provider.keys),
)
"""Each also as `<name>_FILE`, a file that only its owner may read."""

NOT_YET = (
    "live trading: orders are approved for paper only",
    "the compiled pricing kernel",
)

FACTS = (
    "Tardis has no exchange `ftx-restart`: FTX's data is `ftx`, from 2019-08-01 to 2022-11-13",
    "Backpack lists no options, and its API has no field for a strike: Deribit is the real option chain",
)

_NEEDED_FOR = {
    "TARDIS_API_KEY": "live data needs none, history does, but for first days of months",
    **{name: f"{each.name} gives second opinions with it" for each in BUNDLED.values() for name in each.keys},
    "BACKPACK_API_KEY": "market data needs none; the account's fees do",
    "BACKPACK_SECRET_KEY": "market data needs none; the account's fees do",
}
_OLDEST_PYTHON = (3, 11)


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """All findings; `settings`, and those of a live run and of the gateway, are None where they are refused."""

    checks: tuple[Check, ...]
    settings: Settings | None
    live: TableSettings[LiveConfig] | None = None
    gateway: TableSettings[GatewayConfig] | None = None

    @property
    def healthy(self) -> bool:
        """Whether nothing failed."""
        return all(check.state != "failed" for check in self.checks)

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Iterate over (dotted key, value, source) of every setting."""
        for part in (self.settings, self.live, self.gateway):
            if part is not None:
                yield from part.rows()

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "schema_version": 1,
            "healthy": self.healthy,
            "checks": [plain(check) for check in self.checks],
            "settings": {key: {"value": plain(value), "source": source} for key, value, source in self.rows()},
            "not_yet": list(NOT_YET),
            "facts": list(FACTS),
        }


def examine(
    environment: Mapping[str, str], config_file: Path | None, journal: Path | None, online: Sequence[Check] = ()
) -> Examination:
    """Check everything that can be checked without touching the network.

    Args:
        environment: Variables of the process.
        config_file: TOML file, if any.
        journal: Folder that journals will be written to, if any; a file is written there and removed.
        online: What the network said, if it was asked.
    """
    settings, live, gateway, configuration = _configuration(environment, config_file)
    checks = [_python(), *_numerics(), configuration]
    if journal is not None:
        checks.append(_writable(journal))
    checks.append(_data_folder(environment))
    checks += [_key(name, environment) for name in KEYS]
    checks += online
    return Examination(checks=tuple(checks), settings=settings, live=live, gateway=gateway)


def _python() -> Check:
    found = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        return Check("python", "failed", f"{found}: 3.11 or newer is needed")
    return Check("python", "ok", f"{found}, {platform.machine()}")


def _numerics() -> Iterator[Check]:
    yield Check("aftershock", "info", code_version())
    yield Check("numpy", "ok", np.__version__)
    yield Check("pricing path", "info", PRICING_PATH)
    yield Check("numerics id", "info", f"{numerics_id()}: journals of this id are compared byte for byte")


def _configuration(
    environment: Mapping[str, str], file: Path | None
) -> tuple[Settings | None, TableSettings[LiveConfig] | None, TableSettings[GatewayConfig] | None, Check]:
    try:
        chosen = choose({}, environment, file)
        settings, live, gateway = chosen.settle(), chosen.settle_live(), chosen.settle_gateway()
    except ConfigError as error:
        return None, None, None, Check("configuration", "failed", str(error))
    sources = [source for part in (settings, live, gateway) for source in part.sources.values()]
    changed = sum(source != "default" for source in sources)
    origin = "no file" if file is None else str(file)
    return (
        settings,
        live,
        gateway,
        Check("configuration", "ok", f"{origin}; {changed} of {len(sources)} settings changed"),
    )


def _writable(folder: Path) -> Check:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        return Check("journal folder", "failed", f"{folder} can't be written: {error.strerror}; name another folder")
    return Check("journal folder", "ok", f"{folder} can be written")


def _data_folder(environment: Mapping[str, str]) -> Check:
    name = environment.get("AFTERSHOCK_DATA", "")
    if not name:
        return Check("data folder", "info", "AFTERSHOCK_DATA is not set: only the tests on recorded data need it")
    folder = Path(name)
    if not folder.is_dir():
        return Check("data folder", "warning", f"AFTERSHOCK_DATA names {folder}, which is not a folder")
    return Check("data folder", "ok", f"{folder}, {sum(1 for _ in folder.iterdir())} entries")


def _key(name: str, environment: Mapping[str, str]) -> Check:
    """Say where a key would come from; its text is never read from a variable, nor shown."""
    if environment.get(name):
        return Check(name, "ok", "set in the environment")
    path = environment.get(f"{name}_FILE", "")
    if not path:
        return Check(name, "info", f"not set; {_NEEDED_FOR.get(name, 'nothing that is delivered needs it')}")
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        return Check(name, "warning", f"{name}_FILE names a file that can't be read: {error.strerror}")
    if not stat.S_ISREG(mode) or not os.access(path, os.R_OK):
        return Check(name, "warning", f"{name}_FILE names something that is no readable file")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return Check(name, "warning", f"{name}_FILE can be read by others (mode {mode & 0o777:03o}): chmod 600")
    return Check(name, "ok", f"in the file that {name}_FILE names")
