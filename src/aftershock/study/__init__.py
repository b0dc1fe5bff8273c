"""Labelled records to honest figures: pure functions of records; no engine, no simulator, no files, no clock."""

from __future__ import annotations
