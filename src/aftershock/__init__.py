"""Options still priced for the world before a liquidation: public names only."""

from __future__ import annotations

from aftershock.app.facade import ArbitrageEngine
from aftershock.app.holysheep import HolySheepAPIClient
from aftershock.core.aligner import OptionsChainAligner
from aftershock.model.signals import ArbitrageSignal
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.tardis.client import TardisClient

__all__ = [
    "ArbitrageEngine",
    "ArbitrageSignal",
    "BackpackOptionsClient",
    "HolySheepAPIClient",
    "OptionsChainAligner",
    "TardisClient",
    "__version__",
]

__version__ = "0.1.0"
