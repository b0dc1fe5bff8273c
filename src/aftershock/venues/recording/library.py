"""The optional library that columnar files need."""

from __future__ import annotations

from importlib.util import find_spec

from aftershock.errors import ConfigError

__all__ = ["need_pyarrow"]


def need_pyarrow() -> None:
    """Check that pyarrow is installed.

    Raises:
        ConfigError: It is not; says what to type.
    """
    if find_spec("pyarrow") is None:
        raise ConfigError(
            "recordings and Parquet files need pyarrow, which is not installed: pip install 'aftershock[data]'"
        )
