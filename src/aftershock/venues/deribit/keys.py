"""The pair of keys of Deribit's account, from arguments, the environment or files that only their owner may read."""

from __future__ import annotations

from collections.abc import Mapping

from aftershock.errors import ConfigError
from aftershock.venues.keys import checked_key, read_key

__all__ = ["Keys"]

_ID, _SECRET = "DERIBIT_CLIENT_ID", "DERIBIT_CLIENT_SECRET"


class Keys:
    """Read when they are needed: market data needs none."""

    def __init__(self, client_id: str | None, client_secret: str | None, environment: Mapping[str, str]) -> None:
        """Take both; else `DERIBIT_CLIENT_ID` and `DERIBIT_CLIENT_SECRET`, or the files that `..._FILE` name."""
        self._given = {_ID: client_id, _SECRET: client_secret}
        self._environment = environment

    @property
    def are_set(self) -> bool:
        """Tell whether there is a secret, good or not."""
        return bool(self._given[_SECRET]) or any(self._environment.get(name) for name in (_SECRET, f"{_SECRET}_FILE"))

    def pair(self) -> tuple[str, str]:
        """Return id and secret.

        Raises:
            ConfigError: One is missing, or can't be one.
        """
        client_id, secret = self._read(_ID), self._read(_SECRET)
        if not (client_id and secret):
            raise ConfigError(f"Deribit's account needs a key: set {_ID} and {_SECRET}")
        return client_id, secret

    def _read(self, name: str) -> str:
        given = self._given[name]
        return checked_key(given, name) if given else read_key(name, self._environment)
