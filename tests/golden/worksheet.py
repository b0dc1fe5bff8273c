"""Computes what the engine must say in each golden scenario, by docs/decision.md and without the package.

python -m tests.golden.worksheet            writes expected.json and WORKSHEET.md
python -m tests.golden.worksheet --solve    prints the prices 0.1 bps within and past each threshold
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.golden.expectations import expectation
from tests.golden.inputs import SCENARIOS
from tests.golden.render import section
from tests.golden.solve import DISTANCE_BPS, price_for
from tests.golden.timeline import variant

if TYPE_CHECKING:
    from tests.golden.expectations import Expected

FOLDER = Path(__file__).parent
_HEAD = """# Golden scenarios by hand

Written by `python -m tests.golden.worksheet` from the literals in `inputs*.py`, with 40-digit arithmetic and without
the package; `docs/decision.md` has the formulas. t is milliseconds from the scenario's start. Each perpetual stands at
a constant ratio to the index until the shock, so that every basis and carry is that constant, whatever the weights;
only in 38 the means are on their way.

Readings where the formulas leave a choice:

- The smile's snapshot is taken when rows arrive; forward and time to expiry are those of that moment.
- The value's time to expiry is that of the event that completes the decision.
- F of a package is the middle of the dated future's bid and ask, or the venue's mark without one; rates of a linear
  option and of delivery are of the index, the rate of a linear future of F.
- F of a pair is the mark of the chain settled in coin, of Deribit's where both are; its action is BUY, of its first
  leg.
- A hedge venue's dollars become coins at the price of the side that is hit.
- A HOLD for want of any candidate carries the largest net edge over the evaluations, and its first failing check.
"""


def outcomes() -> dict[str, dict[str, Expected]]:
    """Return what each scenario and variant must lead to."""
    return {
        name: {which: expectation(variant(scenario, which)) for which in ("main", *scenario.get("variants", {}))}
        for name, scenario in SCENARIOS.items()
    }


def documents() -> dict[str, str]:
    """Return the text of both files by name."""
    expected = outcomes()
    lines = [line for name, scenario in SCENARIOS.items() for line in section(name, scenario, expected[name])]
    return {
        "expected.json": json.dumps(expected, indent=1, allow_nan=False) + "\n",
        "WORKSHEET.md": _HEAD + "\n" + "\n".join(_without_doubled_blanks(lines)),
    }


def _without_doubled_blanks(lines: list[str]) -> list[str]:
    return [line for before, line in zip(["", *lines], [*lines, ""], strict=True) if before or line]


def main() -> None:
    """Write the files, or print the solved prices."""
    if "--solve" in sys.argv[1:]:
        for name, scenario in SCENARIOS.items():
            if "variants" in scenario:
                prices = {which: price_for(scenario, which) for which in DISTANCE_BPS}
                sys.stdout.write(f"{name} {prices}\n")
        return
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
