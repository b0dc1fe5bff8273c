"""The simulated market with its hidden truth: nothing here may be seen by what decides, except through the feeds."""

from __future__ import annotations
