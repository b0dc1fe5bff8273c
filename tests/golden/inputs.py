"""All golden scenarios by name. Only literals: the engine's events and the worksheet's arithmetic both start here."""

from __future__ import annotations

from tests.golden.inputs_cascades import CASCADES
from tests.golden.inputs_guards import GUARDS
from tests.golden.inputs_packages import PACKAGES
from tests.golden.inputs_pairs import PAIRS
from tests.golden.inputs_shocks import SHOCKS
from tests.golden.inputs_statistical import STATISTICAL
from tests.golden.terms import Scenario

SCENARIOS: dict[str, Scenario] = dict(
    sorted({**SHOCKS, **PACKAGES, **CASCADES, **GUARDS, **PAIRS, **STATISTICAL}.items())
)
