"""Tardis: its files and its messages as events of the model. No order, price or decision is made here."""

from __future__ import annotations

from aftershock.venues.tardis.merge import Merged, merge
from aftershock.venues.tardis.report import Broken, Example, FileReport
from aftershock.venues.tardis.source import FileSource, open_source

__all__ = ["Broken", "Example", "FileReport", "FileSource", "Merged", "merge", "open_source"]
