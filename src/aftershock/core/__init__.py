"""The judge: chain, window, trigger, forward, edges, rules, risk and engine; no I/O, no clock, no randomness."""

from __future__ import annotations
