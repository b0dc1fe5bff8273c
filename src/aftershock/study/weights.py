"""Weights that turn the mix of triggers that was simulated into a prior: what share is real in deployment.

The simulated mix holds far more opportunities and decoys than any market. At a prior pi the triggers with a true
opportunity weigh pi together; the others 1 - pi: half of it equally over the decoy plans, half on the rest (plain
triggers, and planted ones whose edge was gone in time). Within each of these groups all triggers weigh the same,
and an order weighs what its trigger weighs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from aftershock.errors import UsageError
from aftershock.study.arrays import FloatArray

__all__ = ["POSITIVE", "REST", "effective_size", "group_of", "group_shares", "mean_weight_per_weight", "reweight"]

POSITIVE, REST = "positive", "rest"


def group_of(plan: str, *, positive: bool) -> str:
    """Return the group of a trigger: `positive`, the name of its decoy plan, or `rest`."""
    if positive:
        return POSITIVE
    return plan if plan.startswith("D") else REST


def group_shares(groups: Sequence[str], prior: float) -> dict[str, float]:
    """Return the weight of each group that occurs.

    Where negatives have no decoys, or nothing but decoys, the half without triggers goes to the other half. Where
    positives or negatives are missing altogether nothing can stand in for them: the weights then sum to less than
    one, and no figure of both can be established.

    Raises:
        UsageError: The prior is not between 0 and 1.
    """
    if not 0.0 < prior < 1.0:
        raise UsageError(f"a prior is the share of triggers with a true opportunity, above 0 and below 1, not {prior}")
    present = sorted(set(groups))
    decoys = [group for group in present if group not in {POSITIVE, REST}]
    has_rest = REST in present
    for_decoys = (1.0 - prior) * (0.5 if has_rest else 1.0)
    for_rest = (1.0 - prior) * (0.5 if decoys else 1.0)
    shares = {group: for_decoys / len(decoys) for group in decoys}
    if has_rest:
        shares[REST] = for_rest
    if POSITIVE in present:
        shares[POSITIVE] = prior
    return shares


def reweight(groups: Sequence[str], prior: float | None) -> FloatArray:
    """Return the weight of each trigger at a prior, or equal weights for the mix as it was simulated.

    Args:
        groups: Group of each trigger, of shape (n,).
        prior: Share of positives; None leaves the mix alone.

    Raises:
        UsageError: The prior is not between 0 and 1.
    """
    if prior is None:
        return np.full(len(groups), 1.0 / max(len(groups), 1))
    shares, counts = group_shares(groups, prior), Counter(groups)
    return np.array([shares[group] / counts[group] for group in groups], dtype=np.float64)


def effective_size(weights: FloatArray) -> float:
    """Return Kish's effective sample size, (sum w)^2 / sum w^2: as many equal weights know as much."""
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0


def mean_weight_per_weight(weights: FloatArray) -> float:
    """Return sum w^2 / sum w: the weight of the draw on which a unit of weight sits, on average; 0 for none."""
    total = float(weights.sum())
    return float(np.square(weights).sum()) / total if total > 0.0 else 0.0
