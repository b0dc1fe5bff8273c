"""A histogram of durations in integer nanoseconds: constant memory, quantiles within one part in 128."""

from __future__ import annotations

__all__ = ["LatencyHistogram"]

# Durations below 2**_EXACT_BITS have a bucket each; above, every power of two has 2**(_EXACT_BITS - 1) of them.
_EXACT_BITS = 8
_HALF = 1 << (_EXACT_BITS - 1)


class LatencyHistogram:
    """Counts durations; a quantile is the upper end of its bucket, never more than the largest duration seen."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.max_ns = 0

    def add(self, duration_ns: int) -> None:
        """Count one duration; a negative one, which a monotonic clock can't give, counts as 0."""
        duration_ns = max(duration_ns, 0)
        shift = duration_ns.bit_length() - _EXACT_BITS
        bucket = duration_ns if shift <= 0 else shift * _HALF + (duration_ns >> shift)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.count += 1
        self.max_ns = max(self.max_ns, duration_ns)

    def quantile_ns(self, share: float) -> int | None:
        """Return the smallest bucket end that `share` of the durations do not exceed; None without any."""
        if self.count == 0:
            return None
        needed = max(1, -int(-share * self.count // 1))
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= needed:
                return min(_upper_end(bucket), self.max_ns)
        return self.max_ns

    def summary(self) -> dict[str, int | None]:
        """Return `p50`, `p99` and `max` in nanoseconds and the number of events; None where there were none."""
        return {
            "p50": self.quantile_ns(0.50),
            "p99": self.quantile_ns(0.99),
            "max": self.max_ns if self.count else None,
            "events": self.count,
        }


def _upper_end(bucket: int) -> int:
    if bucket < 2 * _HALF:
        return bucket
    shift, mantissa = divmod(bucket, _HALF)
    shift, mantissa = shift - 1, mantissa + _HALF
    return ((mantissa + 1) << shift) - 1
