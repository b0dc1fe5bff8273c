"""The simulated market as a session that can be written into a folder, with its hidden truth as lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from aftershock.app.plain import plain
from aftershock.app.simulation import Makers, World
from aftershock.model.events import Event
from aftershock.model.instruments import Instrument
from aftershock.model.units import iso_utc
from aftershock.sim.market.episode import Episode
from aftershock.sim.market.plan import EPISODES, SPACING_S, EpisodePlan
from aftershock.sim.market.session import Session

__all__ = ["MarketSession", "market_session"]

_REGIMES = ("calm", "active", "stress")


class MarketSession:
    """A session of the simulated market; its truth is told as far as its events were asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._truth: list[bytes] = []

    @property
    def plans(self) -> tuple[EpisodePlan, ...]:
        """Return what is planned, episode by episode."""
        return self._session.plans

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Return the terms of the options that the bundled table does not know."""
        return self._session.listing.instruments

    def events(self) -> Iterator[Event]:
        """Iterate over what arrives, one episode drawn after the other."""
        yield from self._session.events(lambda episode: self._truth.append(msgspec.json.encode(_truth(episode))))

    def truth(self) -> Iterator[bytes]:
        """Iterate over a line for each episode that was begun."""
        return iter(self._truth)


def market_session(seed: int, hours: float, world: World, makers: Makers) -> MarketSession:
    """Return the market of a seed: an episode for each whole 71 minutes, at least one, at most the seed's twenty."""
    count = min(max(int(hours * 3_600 // SPACING_S), 1), EPISODES)
    return MarketSession(Session(seed, world=world, makers=makers, count=count))


def _truth(episode: Episode) -> dict[str, Any]:
    """Return what is hidden in an episode; times are ISO 8601 in UTC, edges bps of the forward after every cost."""
    listing = episode.surface.listing
    return {
        "episode": episode.plan.index,
        "kind": episode.plan.kind,
        "start": iso_utc(episode.start_ns),
        "onset": iso_utc(episode.onset_ns),
        "end": iso_utc(episode.end_ns),
        "shock_bps": episode.path.shock_bps,
        "shock_ends": iso_utc(episode.path.shock_ends_ns),
        "regimes": _regimes(episode),
        "stickiness": episode.surface.stickiness,
        "planted": _dated(msgspec.to_builtins(episode.script)),
        "planted_on": [_option(episode, option) for option in episode.planted],
        "taker_fills": episode.taker_fills,
        "opportunities": [
            {
                "venue": listing.venues[each.option],
                "symbol": listing.symbols[each.option],
                "side": "ask" if each.asks else "bid",
                "start": iso_utc(each.start_ns),
                "end": iso_utc(each.end_ns),
                "peak_bps": each.peak_bps,
                "coins": each.coins,
            }
            for each in episode.truth.opportunities()
        ],
    }


def _option(episode: Episode, option: int) -> dict[str, str]:
    listing = episode.surface.listing
    return {"venue": listing.venues[option], "symbol": listing.symbols[option]}


def _regimes(episode: Episode) -> list[dict[str, str]]:
    """Return the regime at the start of the window and each change after it."""
    clock, regime = episode.clock, episode.path.regime
    changed = np.flatnonzero(np.diff(regime, prepend=-1))
    last = [int(i) for i in changed if clock[i] <= episode.start_ns][-1:]
    later = [int(i) for i in changed if clock[i] > episode.start_ns]
    return [{"from": iso_utc(int(clock[i])), "regime": _REGIMES[int(regime[i])]} for i in last + later]


def _dated(value: object) -> Any:  # noqa: ANN401 - JSON values have no common type
    """Return plain values with every `..._ns` as a time of that name, absent ones left out."""
    if isinstance(value, dict):
        return {
            key.removesuffix("_ns"): iso_utc(item) if key.endswith("_ns") else _dated(item)
            for key, item in value.items()
            if not (key.endswith("_ns") and item == 0)
        }
    if isinstance(value, (list, tuple)):
        return [_dated(item) for item in value]
    return plain(value)
