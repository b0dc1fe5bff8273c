"""Benchmarks: ratios against a named baseline in one run, and where they were measured; nothing here is installed."""

from __future__ import annotations
