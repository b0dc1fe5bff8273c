"""Flags of a replay, each followed to the next real quote of all its options."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from aftershock.app.outcome import Effect
from aftershock.app.revalue import EdgeThen, SignalThen
from aftershock.core.asset import AssetState
from aftershock.core.chain import Chain
from aftershock.core.static_observer import GrossEdge
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType
from aftershock.model.units import NAN, NS_PER_S

__all__ = ["KINDS", "LEVELS", "Flag", "FlagBook", "Level"]

Level = Literal["gross", "net", "signal"]
LEVELS: tuple[Level, ...] = ("gross", "net", "signal")

KINDS: dict[EdgeType, str] = {
    EdgeType.STALE_QUOTE: "stale_quote",
    EdgeType.PARITY_INVERSE: "parity",
    EdgeType.PARITY_LINEAR: "parity",
    EdgeType.VERTICAL: "vertical",
    EdgeType.BUTTERFLY: "butterfly",
    EdgeType.BOX: "box",
    EdgeType.CALENDAR: "calendar",
    EdgeType.CROSS_VENUE: "cross_venue",
    EdgeType.VOL_OVERSHOOT: "vol_overshoot",
    EdgeType.DISLOCATION: "dislocation",
}
"""Kinds by the names under which the engine counts its tests."""

SILENCE_NS = 600 * NS_PER_S
"""Without an option quote for so long the market was not in sight, and the time is not covered."""

_Name = tuple[str, str]
_Key = tuple[object, ...]


class Flag(msgspec.Struct, kw_only=True):
    """One edge that was seen, and what became of it.

    Attributes:
        level: `gross` positive before costs, `net` after them, `signal` a BUY or SELL.
        kind: What was tested.
        action: Its side; HOLD for a calendar.
        legs: `buy SYMBOL` or `sell SYMBOL`, with the venue before it.
        ts_init: When it was seen, ns.
        gross_bps, net_bps: Then, of the forward; NaN where not known.
        next_ts: When all its options had been quoted again, ns; 0 if that never came.
        next_span_ns: Between the first and the last of these quotes.
        next_gross_bps, next_net_bps: What was left then; NaN where an option had no price.
        survived: Whether the edge of its level was still positive; None without a next quote.
        quotes_survived: So many times in a row all options were quoted again and it was.
    """

    level: Level
    kind: str
    action: str
    legs: tuple[str, ...]
    ts_init: int
    gross_bps: float
    net_bps: float
    next_ts: int = 0
    next_span_ns: int = 0
    next_gross_bps: float = NAN
    next_net_bps: float = NAN
    survived: bool | None = None
    quotes_survived: int = 0

    @property
    def wait_s(self) -> float:
        """Return the time to the next quote, seconds; NaN if it never came."""
        return (self.next_ts - self.ts_init) / NS_PER_S if self.next_ts else NAN


class _Followed:
    """A flag, its options, and which of them were quoted since."""

    def __init__(
        self, flag: Flag, names: Sequence[_Name], again: Callable[[_Followed, int], tuple[float, float]]
    ) -> None:
        self.flag, self.names, self._again = flag, tuple(dict.fromkeys(names)), again
        self.where: dict[_Name, tuple[AssetState, Chain, int]] = {}
        self._since = flag.ts_init
        self._seen: dict[_Name, int] = {}

    def quoted(self, name: _Name, now: int) -> None:
        if now > self._since:
            self._seen.setdefault(name, now)

    def look(self, now: int) -> bool:
        """Judge the flag if all its options were quoted again; return False once it is gone."""
        if len(self._seen) < len(self.names):
            return True
        flag = self.flag
        gross, net = self._again(self, now)
        left = gross if flag.level == "gross" else net
        if flag.survived is None:
            flag.next_ts, flag.next_span_ns = now, now - min(self._seen.values())
            flag.next_gross_bps, flag.next_net_bps = gross, net
            flag.survived = left > 0
        flag.quotes_survived += left > 0
        self._seen.clear()
        self._since = now
        return left > 0


class FlagBook:
    """Sees a replay's moments, gross edges and effects, and follows what it flags.

    One edge is one flag for as long as it lasts: seen again while it is followed, it is no other. Of butterflies of one
    body and moment only the one that leaves most is a flag.

    Attributes:
        flags: In the order in which they were seen.
        moments: Number of moments with an option quote.
        first_ts, last_ts: The first and the last of them, ns.
        covered_ns: Time between moments that were not too far apart.
        not_followed: Decisions whose legs are no options.
    """

    def __init__(self) -> None:
        self.flags: list[Flag] = []
        self.moments = self.first_ts = self.last_ts = self.covered_ns = 0
        self.not_followed = 0
        self._followed: dict[_Key, _Followed] = {}
        self._by_name: dict[_Name, list[_Key]] = {}
        self._assets: dict[_Name, AssetState] = {}
        self._found: dict[_Key, tuple[EdgeThen, GrossEdge]] = {}

    def on_moment(self, now: int, quotes: Sequence[tuple[AssetState, Chain, int]]) -> None:
        """Look again at what all options of were quoted since; called on the state at the end of the moment."""
        self.flush()
        if self.moments:
            self.covered_ns += now - self.last_ts if now - self.last_ts <= SILENCE_NS else 0
        else:
            self.first_ts = now
        self.moments, self.last_ts = self.moments + 1, now
        due: dict[_Key, bool] = {}
        for asset, chain, row in quotes:
            self._assets[chain.key] = asset
            name = (chain.venue, chain.instruments[row].symbol)
            for key in self._by_name.get(name, ()):
                followed = self._followed[key]
                followed.where[name] = (asset, chain, row)
                followed.quoted(name, now)
                due[key] = True
        for key in due:
            if not self._followed[key].look(now):
                self._drop(key)

    def on_gross(self, edge: GrossEdge) -> None:
        """Keep an edge of the moment that was seen last, the best of its kind."""
        then = EdgeThen(edge, self._assets[edge.legs[0].chain.key], self.last_ts)
        legs: tuple[object, ...] = tuple((leg.chain.venue, _symbol(leg.chain, leg.row), leg.side) for leg in edge.legs)
        key = (edge.edge_type, *(legs[:1] if edge.edge_type is EdgeType.BUTTERFLY else legs))
        known = self._found.get(key)
        if known is None or _better(then, known[0]):
            self._found[key] = then, edge

    def on_effect(self, effect: Effect) -> None:
        """Flag a decision that is not HOLD."""
        if not isinstance(effect, ArbitrageSignal) or effect.action is Action.HOLD or effect.edge_type is None:
            return
        if effect.edge_type is EdgeType.DISLOCATION:
            self.not_followed += 1
            return
        then = SignalThen(effect)
        names = [(leg.venue, leg.symbol) for leg in effect.legs]

        def again(followed: _Followed, _now: int) -> tuple[float, float]:
            return then.again([followed.where[name][1:] for name in names])

        flag = Flag(
            level="signal",
            kind=KINDS[effect.edge_type],
            action=effect.action.value,
            legs=tuple(f"{leg.side.value} {leg.venue} {leg.symbol}" for leg in effect.legs),
            ts_init=effect.ts_init,
            gross_bps=then.gross_bps,
            net_bps=then.net_bps,
        )
        self._follow(("signal", effect.signal_id), flag, names, again)

    def flush(self) -> None:
        """Make flags of what was found at the last moment; to be called once more at the end."""
        found, self._found = self._found, {}
        for key, (then, edge) in found.items():
            self._flag(("gross", key), "gross", then, edge)
            if then.net_bps > 0:
                self._flag(("net", key), "net", then, edge)

    def _flag(self, key: _Key, level: Level, then: EdgeThen, edge: GrossEdge) -> None:
        if key in self._followed:
            return

        def again(followed: _Followed, now: int) -> tuple[float, float]:
            return then.again(followed.where[followed.names[0]][0], now)

        flag = Flag(
            level=level,
            kind=KINDS[edge.edge_type],
            action=edge.action.value,
            legs=tuple(f"{leg.side.value} {leg.chain.venue} {_symbol(leg.chain, leg.row)}" for leg in edge.legs),
            ts_init=self.last_ts,
            gross_bps=then.gross_bps,
            net_bps=then.net_bps,
        )
        self._follow(key, flag, [(leg.chain.venue, _symbol(leg.chain, leg.row)) for leg in edge.legs], again)

    def _follow(
        self, key: _Key, flag: Flag, names: Sequence[_Name], again: Callable[[_Followed, int], tuple[float, float]]
    ) -> None:
        self.flags.append(flag)
        followed = self._followed[key] = _Followed(flag, names, again)
        for name in followed.names:
            self._by_name.setdefault(name, []).append(key)

    def _drop(self, key: _Key) -> None:
        for name in self._followed.pop(key).names:
            self._by_name[name].remove(key)


def _symbol(chain: Chain, row: int) -> str:
    return chain.instruments[row].symbol


def _better(one: EdgeThen, other: EdgeThen) -> bool:
    """Compare after costs where they are known of either, else before them."""
    if math.isnan(one.net_bps) or math.isnan(other.net_bps):
        known = math.isnan(other.net_bps) and not math.isnan(one.net_bps)
        return known or (math.isnan(one.net_bps) and math.isnan(other.net_bps) and one.gross_bps > other.gross_bps)
    return one.net_bps > other.net_bps
