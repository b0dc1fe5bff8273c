"""Static edges: what quotes arrived at a moment, and the packages, pairs and flags that they make once it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aftershock.core.calendar import CalendarScanner
from aftershock.core.cross_venue import CrossVenueScanner
from aftershock.core.desk import NEVER
from aftershock.core.packages import PackageScanner
from aftershock.model.events import Timer
from aftershock.model.signals import Alarm, EdgeType
from aftershock.model.units import NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.calendar import CalendarFlag
    from aftershock.core.chain import Chain, Expiry
    from aftershock.core.config import EngineConfig
    from aftershock.core.cross_venue import CrossPair, Forwards
    from aftershock.core.desk import TriggerDesk
    from aftershock.core.market import Market
    from aftershock.core.package import ExecutableForward, Package, PackageCounts
    from aftershock.core.static_observer import StaticObserver
    from aftershock.model.instruments import FeeSchedule, Instrument

__all__ = ["StaticWatch"]

_KEPT = 10_000


class _Touched(NamedTuple):
    """An option whose quote came at this moment."""

    asset: AssetState
    chain: Chain
    row: int
    now: int
    ts_event: int


class _Arrived:
    """Quotes of one expiry and type that came at this moment: what prices them, the last, and the rows of all."""

    __slots__ = ("fees", "forward", "last", "rows")

    def __init__(self, last: _Touched, forward: ExecutableForward, fees: FeeSchedule | None) -> None:
        self.last, self.forward, self.fees = last, forward, fees
        self.rows: list[int] = []


class StaticWatch:
    """Tests what arriving quotes are legs of, tells the desk what it found, and is then silent about it for a while.

    Attributes:
        moment: `ts_init` of quotes that are not tested yet; `NEVER` without any.
    """

    def __init__(self, config: EngineConfig, market: Market, desk: TriggerDesk) -> None:
        self._market = market
        self._desk = desk
        self._packages = PackageScanner(config)
        self._calendar = CalendarScanner(config)
        self._cross = CrossVenueScanner(config, market.fees)
        self._packages_on, self._pairs_on = "B" in config.edges, "C" in config.edges
        self._refractory_ns = int(config.trigger.refractory_s * NS_PER_S)
        self._touched: dict[tuple[tuple[str, str], int], _Touched] = {}
        self._silent_until: dict[tuple[str, ...], int] = {}
        self._limit = _KEPT
        self._observer: StaticObserver | None = None
        self.moment = NEVER

    @property
    def counts(self) -> dict[str, PackageCounts]:
        """Return the counters by kind; they go on counting."""
        return {**self._packages.counts, "calendar": self._calendar.counts, "cross_venue": self._cross.counts}

    def observe(self, observer: StaticObserver) -> None:
        """Let somebody see each moment and each gross edge; it changes nothing."""
        self._observer = observer
        self._packages.on_gross = self._calendar.on_gross = self._cross.on_gross = observer.on_gross

    def touch(self, asset: AssetState, chain: Chain, row: int, now: int, ts_event: int) -> None:
        """Note a quote; it is tested when its moment is over, because a chain half written is no arbitrage."""
        self._touched[chain.key, row] = _Touched(asset, chain, row, now, ts_event)
        self.moment = now

    def scan(self) -> None:  # noqa: C901  one pass over the quotes, for speed
        """Test every quote of the moment."""
        touched, self._touched = self._touched, {}
        if self._observer is not None and touched:
            self._observer.on_moment(self.moment, [(each.asset, each.chain, each.row) for each in touched.values()])
        self.moment = NEVER
        done: dict[tuple[str, str], dict[int, bool]] = {}
        pairs: dict[tuple[str, str], dict[tuple[int, int], bool]] = {}
        ladders: dict[tuple[Expiry, bool | None, bool], _Arrived] = {}
        forwards: Forwards = {}
        for each in touched.values():
            asset, chain, row, now, ts_event = each
            instrument = chain.instruments[row]
            expiry = chain.expiries.get(instrument.expiry_ns or 0)
            if expiry is None:
                continue
            before = done.setdefault(chain.key, {})
            if self._packages_on:
                key = (expiry, instrument.is_call, instrument.inverse)
                arrived = ladders.get(key)
                if arrived is None:
                    arrived = ladders[key] = self._arrived(each, expiry, instrument, forwards)
                arrived.last = each
                arrived.rows.append(row)
                forward, fees = arrived.forward, arrived.fees
                for package in self._packages.scan(chain, row, now, forward, fees, before):
                    self._on_package(each, package)
                tested = pairs.setdefault(chain.key, {})
                for flag in self._calendar.scan(chain, row, now, forward.index, fees, tested):
                    self._on_calendar(chain, flag, now)
            if self._pairs_on:
                for pair in self._cross.scan(asset, chain, row, now, done, forwards):
                    self._on_pair(asset, pair, now, ts_event)
            before[row] = True
        for arrived in ladders.values():
            self._scan_butterflies(arrived)

    def _arrived(self, first: _Touched, expiry: Expiry, instrument: Instrument, forwards: Forwards) -> _Arrived:
        forward = forwards.get(expiry)
        if forward is None:
            forward = forwards[expiry] = first.asset.package_forward(first.chain, expiry, first.now)
        return _Arrived(first, forward, self._market.fees.of(instrument, first.now))

    def _scan_butterflies(self, arrived: _Arrived) -> None:
        """Test the butterflies of one expiry and type: of those of one body, only the one that leaves most is news."""
        last, rows = arrived.last, arrived.rows
        best: dict[int, Package] = {}
        for package in self._packages.scan_butterflies(last.chain, rows, last.now, arrived.forward, arrived.fees):
            body = package.legs[0].row
            if body not in best or package.net_bps > best[body].net_bps:
                best[body] = package
        for package in best.values():
            self._on_package(last, package)

    def _on_package(self, found_at: _Touched, package: Package) -> None:
        """Take a package with a net edge: a data alarm first, then a static trigger."""
        asset, chain, _, now, ts_event = found_at
        legs = tuple(f"{side.value} {chain.instruments[row].symbol}" for row, side, _ in package.legs)
        # A body above the hull is above many chords at once: one of them is news, the others are the same.
        what = ("a body", legs[0]) if package.edge_type is EdgeType.BUTTERFLY else legs
        if self._is_news((chain.venue, *what), now):
            self._suspect(package.edge_type, chain.venue, legs, package.net_bps, now)
            self._desk.on_package(asset, chain, package, Timer(ts_event=ts_event, ts_init=now, key="static"))

    def _on_pair(self, asset: AssetState, pair: CrossPair, now: int, ts_event: int) -> None:
        """Take a pair of venues with a net edge, likewise."""
        legs = f"buy {pair.bought.instrument.instrument_id}", f"sell {pair.sold.instrument.instrument_id}"
        if self._is_news(legs, now):
            self._suspect(EdgeType.CROSS_VENUE, pair.venues, legs, pair.net_bps, now)
            self._desk.on_cross_venue(asset, pair, Timer(ts_event=ts_event, ts_init=now, key="static"))

    def _on_calendar(self, chain: Chain, flag: CalendarFlag, now: int) -> None:
        """Take two expiries whose total variance falls: an alarm, never more."""
        near, far = (chain.instruments[row].symbol for row in (flag.near, flag.far))
        if self._is_news((chain.venue, near, far), now):
            found = f"{EdgeType.CALENDAR.value} on {chain.venue}: {near} is bid above the ask of {far}"
            what = f"{found}, each over its forward: total variance falls, by {flag.net_bps:.3f} bps after fees"
            self._alarm(now, "calendar_flag", f"{what}; suspect the data first")

    def _suspect(self, edge: EdgeType, where: str, legs: tuple[str, ...], net_bps: float, now: int) -> None:
        found = f"{edge.value} on {where}: {', '.join(legs)}: {net_bps:.3f} bps after fees"
        self._alarm(now, "static_arbitrage", f"{found}; suspect the data first")

    def _alarm(self, now: int, code: str, detail: str) -> None:
        self._desk.effects.append(Alarm(ts_init=now, code=code, detail=detail))

    def _is_news(self, key: tuple[str, ...], now: int) -> bool:
        """Tell whether something was not spoken of within the refractory time, and note that it is now."""
        if now < self._silent_until.get(key, 0):
            return False
        if len(self._silent_until) >= self._limit:  # forget those that are over
            self._silent_until = {k: t for k, t in self._silent_until.items() if t > now}
            self._limit = max(_KEPT, 2 * len(self._silent_until))
        self._silent_until[key] = now + self._refractory_ns
        return True
