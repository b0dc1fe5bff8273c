"""Made-up markets, called synthetic wherever they show; no engine and no venue codec may be used here."""

from __future__ import annotations
