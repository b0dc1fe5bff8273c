"""What one trade of a contract moves: size and money as integers, so that whatever is added can be taken away again.

A size is counted in billionths (`NANO`): of a coin for options and linear contracts, of a dollar for contracts that are
a number of dollars (inverse perpetuals and futures). Money is counted in billionths of the settlement currency. Each
amount is computed in doubles, rounded once, and from there on only added and subtracted.

The flow of a trade is what it would move if the contract were paid in full: price times size for what is bought,
negative, and for a number of dollars size/price in coin, with the other sign, because who is long dollars of an inverse
contract gets N/F now and owes N/S later. The sum of the flows of a closed position is its profit in every case.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aftershock.model.orders import Side
from aftershock.model.units import MICRO, NANO, nano

if TYPE_CHECKING:
    from aftershock.model.instruments import Instrument
    from aftershock.model.orders import Fill

__all__ = ["coins_of", "flow_of", "is_usable", "share", "signed", "size_of"]


def size_of(instrument: Instrument, coins: float, price: float) -> int:
    """Return the size of a trade, without its sign.

    Dollars are rounded to the millionth first: `coins` is then dollars divided by a price, and gives them back exactly
    up to a thousand million.
    """
    return round(coins * price * MICRO) * (NANO // MICRO) if instrument.counts_dollars else nano(coins)


def signed(side: Side, size: int) -> int:
    """Return a size as a change of position: a sale is negative."""
    return size if side is Side.BUY else -size


def coins_of(instrument: Instrument, size: int, price: float) -> float:
    """Return the coins of a size; dollars are coins at a price."""
    return size / NANO / price if instrument.counts_dollars else size / NANO


def flow_of(instrument: Instrument, size: int, price: float) -> int:
    """Return the flow of a change of position at a price, billionths of the settlement currency."""
    return round(size / price) if instrument.counts_dollars else -round(size * price)


def share(amount: int, part: int, whole: int) -> int:
    """Return the part of an amount that belongs to a part of a whole, rounded half up; all of it for the whole."""
    return (2 * amount * part + whole) // (2 * whole)


def is_usable(fill: Fill) -> bool:
    """Tell whether a fill has a size and a price that can be booked."""
    return 0 < fill.quantity < math.inf and 0 < fill.price < math.inf
