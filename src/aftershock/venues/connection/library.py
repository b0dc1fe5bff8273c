"""The optional library that sockets need."""

from __future__ import annotations

from importlib.util import find_spec

from aftershock.errors import ConfigError

__all__ = ["need_aiohttp"]


def need_aiohttp() -> None:
    """Check that aiohttp is installed.

    Raises:
        ConfigError: It is not; says what to type.
    """
    if find_spec("aiohttp") is None:
        raise ConfigError("live data needs aiohttp, which is not installed: pip install 'aftershock[live]'")
