"""A table of records seen at one prior: weights, and the figures that everything else is made of."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from aftershock.study.arrays import BoolArray, FloatArray, per_cluster
from aftershock.study.bootstrap import Resampler, Statistic, ratio
from aftershock.study.intervals import Interval, weighted_share
from aftershock.study.table import Table
from aftershock.study.weights import mean_weight_per_weight, reweight

__all__ = ["Sample"]


class Sample:
    """Records with the weights of a prior.

    Args:
        table: Records.
        prior: Share of triggers with a true opportunity; None for the mix as it was simulated.
        resampler: Draws of the same table, if they exist already.

    Raises:
        UsageError: The prior is not between 0 and 1.
    """

    def __init__(self, table: Table, prior: float | None, resampler: Resampler | None = None) -> None:
        self.table = table
        self.prior = prior
        self.weight = reweight(table.groups, prior)
        self.order_weight = self.weight[table.cluster]
        self._resampler = resampler

    @cached_property
    def resampler(self) -> Resampler:
        """Draws of the triggers, made when first needed."""
        return self._resampler or Resampler(self.table.groups)

    @property
    def complete(self) -> bool:
        """Whether there are positives and negatives: without both no figure holds at the prior."""
        return bool(self.table.positive.any()) and not bool(self.table.positive.all())

    def at(self, prior: float | None) -> Sample:
        """Return the same records at another prior."""
        return Sample(self.table, prior, self.resampler)

    def trigger_share(self, hit: BoolArray, among: BoolArray) -> Interval:
        """Return the weighted share of triggers that hit, among some of them."""
        return weighted_share(hit[among], self.weight[among])

    def order_share(self, hit: BoolArray, among: BoolArray) -> Interval:
        """Return the weighted share of orders that hit, among some of them; a trigger's orders are one draw.

        A miss is taken to weigh at least what a trigger without a true opportunity weighs: that is where the
        misses are that have not been seen yet.
        """
        negative = self.weight[~self.table.positive]
        return weighted_share(
            hit[among],
            self.order_weight[among],
            self.table.cluster[among],
            miss_unit=mean_weight_per_weight(negative),
        )

    def order_mean(self, values: FloatArray, among: BoolArray) -> Interval:
        """Return the weighted mean over some orders, bootstrapped by trigger; values outside `among` may be NaN."""
        return self.resampler.interval(self.order_sums(values, among), ratio)

    def order_sums(self, values: FloatArray, among: BoolArray) -> FloatArray:
        """Return the weighted sum and the weight of some orders by trigger, shape (triggers, 2)."""
        weight = np.where(among, self.order_weight, 0.0)
        value = np.where(among, values, 0.0)
        return np.column_stack([self._by_trigger(weight * value), self._by_trigger(weight)])

    def bootstrap(self, sums: FloatArray, statistic: Statistic) -> Interval:
        """Return a statistic of sums by trigger, shape (triggers, k)."""
        return self.resampler.interval(sums, statistic)

    def _by_trigger(self, values: FloatArray) -> FloatArray:
        return per_cluster(values, self.table.cluster, len(self.table.triggers))
