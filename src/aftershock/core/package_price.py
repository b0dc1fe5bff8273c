"""What a static package costs and leaves, from the quotes of its legs: when it is found, and again later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aftershock.core.package import ExecutableForward, Legs, Package
from aftershock.model.orders import Side
from aftershock.model.signals import Action, EdgeType
from aftershock.model.units import BPS, NAN

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain
    from aftershock.model.instruments import FeeSchedule

__all__ = ["package_again", "package_cost", "priced_package"]

_BUY, _SELL = Side.BUY, Side.SELL
_PARITY = (EdgeType.PARITY_INVERSE, EdgeType.PARITY_LINEAR)
_BID, _ASK = 0, 2  # positions in Chain.cells


def package_cost(
    chain: Chain,
    forward: ExecutableForward,
    fees: FeeSchedule | None,
    legs: Legs,
    future: tuple[Side, float] | None,
    delivered: int,
) -> float:
    """Return fees of options, delivery and future, in the option's price unit; NaN while the option fee is unknown.

    Args:
        chain: Of the legs.
        forward: Of their expiry.
        fees: Of the options.
        legs: The options.
        future: Side and coins of the dated future; None for none.
        delivered: Most coins that can end in the money together.
    """
    if fees is None:
        return NAN
    inverse = chain.instruments[legs[0].row].inverse
    notional = 1.0 if inverse else forward.index
    cost = delivered * fees.delivery_rate * notional
    for leg in legs:
        cost += leg.ratio * min(fees.taker_rate * notional, fees.cap_fraction * _price(chain, leg.row, leg.side))
    if future is not None:
        cost += forward.fee_rate * future[1] * (1.0 if inverse else _middle(forward))
    return cost


def priced_package(
    chain: Chain,
    forward: ExecutableForward,
    edge_type: EdgeType,
    action: Action,
    legs: Legs,
    gross: float,
    cost: float,
    future: tuple[Side, float] | None,
) -> Package:
    """Return a package with its figures; `gross` and `cost` in the option's price unit."""
    inverse, middle = chain.instruments[legs[0].row].inverse, _middle(forward)
    to_usd, unit = (middle, 1.0) if inverse else (1.0, middle)
    confirmed = [chain.confirmed(leg.row) for leg in legs]
    if future is not None:
        confirmed.append(forward.confirmed)
    return Package(
        edge_type=edge_type,
        action=action,
        legs=legs,
        gross_bps=BPS * gross / unit,
        cost_bps=BPS * cost / unit,
        fee_usd=cost * to_usd,
        price_usd=_paid(chain, legs) * to_usd,
        forward=forward,
        future_side=None if future is None else future[0],
        future_coins=0.0 if future is None else future[1],
        span_ns=max(confirmed) - min(confirmed),
        oldest=min(confirmed),
    )


def package_again(chain: Chain, was: Package, asset: AssetState, fees: FeeSchedule | None, now: int) -> Package:
    """Return the same legs at the quotes of now, whatever they leave: NaN where a price is gone.

    Args:
        chain: Of the legs.
        was: The package as it was found.
        asset: Its coin.
        fees: Of the options, now.
        now: Our clock, ns.
    """
    first = chain.instruments[was.legs[0].row]
    expiry = chain.expiries.get(first.expiry_ns or 0)
    if expiry is None or (first.expiry_ns or 0) <= now:
        forward = ExecutableForward(NAN, NAN, executable=False, fee_rate=NAN, index=NAN, confirmed=now)
    else:
        forward = asset.package_forward(chain, expiry, now)
    worth, coins = _worth(chain, was, forward)
    future = None if was.future_side is None else (was.future_side, coins)
    gross = worth - _paid(chain, was.legs)
    cost = package_cost(chain, forward, fees, was.legs, future, 1 if was.edge_type in _PARITY else 2)
    return priced_package(chain, forward, was.edge_type, was.action, was.legs, gross, cost, future)


def _worth(chain: Chain, package: Package, forward: ExecutableForward) -> tuple[float, float]:
    """Return what a package pays at least, in the option's price unit, and the coins of future that it needs."""
    legs, buying, middle = package.legs, package.action is Action.BUY, _middle(forward)
    first, last = (chain.instruments[legs[at].row] for at in (0, 1))
    inverse = first.inverse
    if package.edge_type in _PARITY:
        strike, price = first.strike, forward.bid if buying else forward.ask
        worth = 1.0 - strike / price if inverse else price - strike
        return worth if buying else -worth, strike / middle if inverse else 1.0
    low, high = sorted((first.strike, last.strike))
    width = high - low
    if package.edge_type is EdgeType.BOX:
        worth = width / (forward.ask if buying else forward.bid) if inverse else width
        return worth if buying else -worth, width / middle
    if package.edge_type is EdgeType.VERTICAL and not buying:
        if not inverse:
            return -width, 0.0
        return -(1.0 - low / high) if first.is_call else -width / forward.bid, width / middle
    return 0.0, 0.0


def _price(chain: Chain, row: int, side: Side) -> float:
    price: float = chain.cells[_ASK if side is _BUY else _BID][row]
    return price


def _paid(chain: Chain, legs: Legs) -> float:
    """Return what the legs cost together, in the option's price unit."""
    return sum(leg.ratio * (1.0 if leg.side is _BUY else -1.0) * _price(chain, leg.row, leg.side) for leg in legs)


def _middle(forward: ExecutableForward) -> float:
    return 0.5 * (forward.bid + forward.ask)
