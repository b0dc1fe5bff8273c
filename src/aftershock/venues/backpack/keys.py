"""The pair of keys of Backpack's account, from arguments or the environment, as a signer."""

from __future__ import annotations

from collections.abc import Mapping

from aftershock.errors import ConfigError
from aftershock.venues.backpack.signing import Signer
from aftershock.venues.keys import checked_key, read_key

__all__ = ["Keys"]


class Keys:
    """Becomes a signer when one is needed: whoever only reads market data needs no keys that hold."""

    def __init__(self, api_key: str | None, secret_key: str | None, environment: Mapping[str, str]) -> None:
        """Take public and secret key, base64; else `BACKPACK_API_KEY` and `BACKPACK_SECRET_KEY`."""
        self._api_key, self._secret_key, self._environment = api_key, secret_key, environment
        self._signer: Signer | None = None

    @property
    def are_set(self) -> bool:
        """Tell whether there is a secret key, good or not."""
        names = ("BACKPACK_SECRET_KEY", "BACKPACK_SECRET_KEY_FILE")
        return bool(self._secret_key) or any(self._environment.get(name) for name in names)

    def signer(self) -> Signer:
        """Return the signer.

        Raises:
            ConfigError: There are no keys, one can't be one, or they are no pair.
        """
        if self._signer is None:
            secret = self._read(self._secret_key, "BACKPACK_SECRET_KEY")
            public = self._read(self._api_key, "BACKPACK_API_KEY")
            if not secret:
                raise ConfigError("Backpack's account needs a key: set BACKPACK_API_KEY and BACKPACK_SECRET_KEY")
            signer = Signer(secret)
            if public and public != signer.public_key:
                raise ConfigError("BACKPACK_API_KEY is not the public half of BACKPACK_SECRET_KEY: copy one pair")
            self._signer = signer
        return self._signer

    def _read(self, given: str | None, name: str) -> str:
        return checked_key(given, name) if given else read_key(name, self._environment)
