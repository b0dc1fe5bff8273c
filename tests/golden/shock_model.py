"""What the walk of an edge A passes on: the world before the shock, the moment of the decision, an edge."""

from __future__ import annotations

from typing import NamedTuple

from tests.golden.arithmetic import Number, Option, Smile
from tests.golden.forward_walk import Hedge


class SmilePoint(NamedTuple):
    """One out-of-the-money quote of the snapshot."""

    symbol: str
    bid_iv: Number
    ask_iv: Number
    k: Number
    mid_iv: Number


class Before(NamedTuple):
    """The world before the shock."""

    at_ms: int
    forward: Number
    tau: Number
    points: list[SmilePoint]
    smile: Smile


class Valued(NamedTuple):
    """One of the nine scenarios of an option."""

    ratio: int
    shift_points: Number
    sigma: Number
    option: Option


class Moment(NamedTuple):
    """What holds for every option when a decision is made."""

    at_ms: int
    forward: Number
    tau: Number
    reference: Number
    hedges: list[Hedge]
    dispersed: bool


class Edge(NamedTuple):
    """One side of one option, held against its robust value; money in USD per coin."""

    symbol: str
    side: str
    price: Number
    price_usd: Number
    nine: list[Valued]
    chosen: Valued
    gross: Number
    fee: Number
    hedge: Hedge | None
    hedge_delta: Number
    hedge_cost: Number
    net: Number
    exit_cost: Number
    spread_bps: Number
    sizes: dict[str, Number]
    quantity: Number
    reasons: list[str]


class Band(NamedTuple):
    """The move since the snapshot and the shifts of volatility that it allows, vol points."""

    move: Number
    up: Number
    down: Number
