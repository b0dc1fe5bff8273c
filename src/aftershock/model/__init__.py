"""The nouns: instruments, events, signals, orders. Frozen, free of I/O, and importing nothing of ours."""

from __future__ import annotations
