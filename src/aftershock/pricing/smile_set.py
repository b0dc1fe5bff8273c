"""The smiles of several expiries, evaluated for all their options in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aftershock.pricing.arrays import FloatArray
from aftershock.pricing.smile import Smile, SmileMethod

__all__ = ["SmileSet"]


class SmileSet:
    """Raw SVI slices as columns of parameters; the few expiries with a simpler fit are evaluated one by one."""

    def __init__(self, smiles: Sequence[Smile | None]) -> None:
        """Take one smile per expiry, None where there is none."""
        self._columns = np.full((6, len(smiles)), np.nan)
        self._others: list[tuple[int, Smile]] = []
        for at, smile in enumerate(smiles):
            if smile is not None and smile.method is SmileMethod.SVI:
                self._columns[:, at] = (*smile.params, smile.tau)
            elif smile is not None:
                self._others.append((at, smile))

    def iv(self, k: FloatArray, expiry: NDArray[np.int64]) -> FloatArray:
        """Return volatilities as `Smile.iv` gives them.

        Args:
            k: float64[n], ln(K/F).
            expiry: int64[n], which smile.
        """
        a, b, rho, m, sigma, tau = self._columns[:, expiry]
        with np.errstate(all="ignore"):
            z = k - m
            iv: FloatArray = np.sqrt((a + b * (rho * z + np.sqrt(z * z + sigma * sigma))) / tau)
        for at, smile in self._others:
            here = expiry == at
            if here.any():
                iv[here] = smile.iv(k[here])
        return iv
