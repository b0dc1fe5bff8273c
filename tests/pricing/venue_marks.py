"""A venue's own marks and greeks next to ours, from rows of a recorded option chain."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aftershock.model.units import NS_PER_US, NS_PER_YEAR
from aftershock.pricing import greeks, rho_spot, vega_per_vol_point
from aftershock.pricing.arrays import FloatArray

IV_ROUNDING = 0.5e-4
"""Half of the last digit in which the venue prints its mark volatility, a fraction."""

PRICE_ROUNDING = 0.5e-4
"""Half of the last digit of its mark price, coin."""

GREEK_ROUNDING = 0.5e-5
"""Half of the last digit of its greeks."""


class VenueRows(NamedTuple):
    """Columns of a chain file that carry a mark; prices in coin, volatility a fraction, tau in years."""

    forward: FloatArray
    strike: FloatArray
    tau: FloatArray
    is_call: NDArray[np.bool_]
    mark_iv: FloatArray
    mark_price: FloatArray
    delta: FloatArray
    vega: FloatArray
    rho: FloatArray


class Comparison(NamedTuple):
    """Ours less the venue's, and how much of it the printed digits of the mark volatility explain.

    Prices in coin; vega for a vol point and rho for 0.01, as the venue has them.
    """

    price: FloatArray
    price_rounding: FloatArray
    delta: FloatArray
    delta_rounding: FloatArray
    vega: FloatArray
    rho: FloatArray


def read_rows(path: Path) -> VenueRows:
    """Read the rows of a gzipped chain file that have a forward and a mark."""
    with gzip.open(path, "rt", newline="") as lines:
        rows = [
            row for row in csv.DictReader(lines) if row["underlying_price"] and row["mark_iv"] and row["mark_price"]
        ]

    def column(name: str) -> FloatArray:
        return np.array([float(row[name] or "nan") for row in rows])

    left_us = np.array([int(row["expiration"]) - int(row["timestamp"]) for row in rows])
    return VenueRows(
        forward=column("underlying_price"),
        strike=column("strike_price"),
        tau=left_us * NS_PER_US / NS_PER_YEAR,
        is_call=np.array([row["type"] == "call" for row in rows]),
        mark_iv=column("mark_iv") / 100.0,
        mark_price=column("mark_price"),
        delta=column("delta"),
        vega=column("vega"),
        rho=column("rho"),
    )


def compare(rows: VenueRows) -> Comparison:
    """Price each row at its own forward and mark volatility, and subtract what the venue says."""
    terms = rows.forward, rows.strike, rows.tau
    at = greeks(*terms, rows.mark_iv, rows.is_call)
    deltas = [greeks(*terms, rows.mark_iv + step, rows.is_call).delta for step in (-IV_ROUNDING, IV_ROUNDING)]
    return Comparison(
        price=at.price / rows.forward - rows.mark_price,
        price_rounding=PRICE_ROUNDING + IV_ROUNDING * at.vega / rows.forward,
        delta=at.delta - rows.delta,
        delta_rounding=GREEK_ROUNDING + 0.5 * np.abs(deltas[1] - deltas[0]),
        vega=vega_per_vol_point(at.vega) - rows.vega,
        rho=rho_spot(*terms, rows.mark_iv, rows.is_call) / 100.0 - rows.rho,
    )
