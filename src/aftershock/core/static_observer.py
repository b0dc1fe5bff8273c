"""What somebody who looks on sees of the static tests: the quotes of each moment, and each gross edge among them.

Nothing in the core looks on. Without an observer none of this is made; with one, effects and counters are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain
    from aftershock.core.package import ExecutableForward

__all__ = ["GrossEdge", "ObservedLeg", "OnGross", "StaticObserver"]


class ObservedLeg(NamedTuple):
    """One option: where it is kept, its side, and coins of it per coin of the whole."""

    chain: Chain
    row: int
    side: Side
    ratio: float = 1.0


class GrossEdge(NamedTuple):
    """A test whose gross edge is positive.

    Attributes:
        edge_type, action: What was tested; HOLD for a calendar, which is no order.
        legs: The options.
        gross: Per coin: in the price unit (packages), over the forward (calendar), in quote currency (two venues).
        cost: Likewise; NaN where it is not known, or not yet: an edge on two venues is told again once it is.
        forward: That a package was tested against; None for the others.
        future: Side and coins of the dated future of a package that needs one.
    """

    edge_type: EdgeType
    action: Action
    legs: tuple[ObservedLeg, ...]
    gross: float
    cost: float
    forward: ExecutableForward | None = None
    future: tuple[Side, float] | None = None


OnGross = Callable[[GrossEdge], None]


class StaticObserver(Protocol):
    """Who looks on."""

    def on_moment(self, now: int, quotes: Sequence[tuple[AssetState, Chain, int]]) -> None:
        """See the options that were quoted at a moment that is over, before they are tested."""

    def on_gross(self, edge: GrossEdge) -> None:
        """See a gross edge of that moment."""
