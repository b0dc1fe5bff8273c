"""What the side of a liquidation means, tried against prices: counted for people, never used in a decision.

The venue does not document it. If it is the side of the forced order, a forced seller (`Ask`) trades at or below the
mark that was told before, a forced buyer (`Bid`) at or above it; if it is the side of the position, it is the other way
round.
"""

from __future__ import annotations

from aftershock.model.units import NS_PER_S

__all__ = ["LiquidationSides"]

_LONGEST_AGE_NS = 10 * NS_PER_S
_SELLS = {"Ask": True, "Bid": False}


class LiquidationSides:
    """Counts liquidations whose price agrees with their side as that of the forced order, and those that contradict it.

    Attributes:
        agree: At or beyond the mark, on the side's way.
        contradict: On the other side of the mark.
        untold: Those without a side, or without a mark of the last ten seconds before them: they say nothing.
    """

    def __init__(self) -> None:
        self.agree, self.contradict, self.untold = 0, 0, 0
        self._marks: dict[str, tuple[int, float]] = {}

    def mark(self, symbol: str, ts_event: int, price: float) -> None:
        """Note a mark price; `ts_event` is the venue's clock, ns UTC."""
        self._marks[symbol] = (ts_event, price)

    def printed(self, symbol: str, ts_event: int, side: str, price: float) -> None:
        """Count a liquidation."""
        told_ns, mark = self._marks.get(symbol, (0, 0.0))
        sells = _SELLS.get(side)
        if sells is None or not mark > 0 or not 0 <= ts_event - told_ns <= _LONGEST_AGE_NS:
            self.untold += 1
        elif (price <= mark) if sells else (price >= mark):
            self.agree += 1
        else:
            self.contradict += 1

    def text(self) -> str:
        """Return the counts in one sentence."""
        more = f", {self.untold} could not be compared" if self.untold else ""
        return (
            f"liquidations: {self.agree} of {self.agree + self.contradict} agree with their side as that of the forced "
            f"order, by the mark price before them{more}; unproven, so every one counts as of unknown side"
        )
