"""Numerics id: what decides the last bits of a number, so that two runs know whether bytes may be compared."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from typing import cast

import numpy as np

from aftershock.model.table import InstrumentTable
from aftershock.model.venues_table import AMOUNT_UNITS, CONTRACT_SIZES, OPTION_TERMS

__all__ = ["PRICING_PATH", "code_version", "numerics", "numerics_id", "table_digest"]

PRICING_PATH = "numpy"
"""The only pricing path so far; a compiled kernel will be another."""


def code_version() -> str:
    """Return the installed version, or `unknown` where the package runs from a bare folder."""
    try:
        return version("aftershock")
    except PackageNotFoundError:
        return "unknown"


def numerics() -> dict[str, str]:
    """Return what a journal's head keeps: pricing path, NumPy, and the vector instructions it dispatches to.

    NumPy's own exp and log round differently with and without AVX-512, so its version alone would promise too much.
    """
    return {"pricing": PRICING_PATH, "numpy": np.__version__, "simd": _simd()}


def numerics_id() -> str:
    """Return the same on one line."""
    parts = numerics()
    return f"{parts['pricing']} numpy-{parts['numpy']} {parts['simd']}"


def table_digest(table: InstrumentTable) -> str:
    """Return a digest of the bundled tables and of what the user gave, before anything was looked up."""
    sizes = [sorted((*key, value) for key, value in part.items()) for part in (AMOUNT_UNITS, CONTRACT_SIZES)]
    terms = sorted((*key, *value) for key, value in OPTION_TERMS.items())
    text = repr((table.rows(), sizes, terms)).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _simd() -> str:
    extensions = cast("dict[str, dict[str, list[str]]]", np.show_config(mode="dicts")).get("SIMD Extensions", {})
    return "+".join(extensions.get("found", [])) or "baseline"
