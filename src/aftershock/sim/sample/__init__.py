"""A quarter of an hour of a made-up Bitcoin market as Tardis CSV files; its truth is written apart."""

from __future__ import annotations

from aftershock.sim.sample.write import TRUTH_FILE, write_sample

__all__ = ["TRUTH_FILE", "write_sample"]
