"""The edge to the venues: codecs between their wire and our model, and clients; nothing here decides anything."""

from __future__ import annotations
