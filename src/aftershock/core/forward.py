"""The forward of one asset: perpetuals of several venues, their bases, and the carry to each expiry.

Bases and carries are read as they stood before now, or before a trigger, so that a shock can't leak into them
(domain formula: ln F_T = median_v(ln M_v - b_v) + c_T).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from aftershock.core.lagged_mean import LaggedMean
from aftershock.model.units import BPS, NAN, NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.config import EngineConfig
    from aftershock.core.streams import StreamStatus
    from aftershock.model.events import Quote
    from aftershock.model.instruments import Instrument

__all__ = ["Bases", "Consolidated", "ForwardBook", "Perpetual", "TopOfBook"]

MAD_TO_SD = 1.4826

ExpiryKey = tuple[str, str, int]
"""Venue, family (`BTC`, `BTC_USDC`) and expiry: inverse and linear contracts never share a price."""


class TopOfBook(msgspec.Struct):
    """Best bid and ask of a perpetual or future; mutable state of the forward book."""

    instrument: Instrument
    bid: float = NAN
    bid_amount: float = NAN
    ask: float = NAN
    ask_amount: float = NAN
    confirmed: int = 0
    ts_event: int = 0

    def take(self, quote: Quote) -> None:
        """Write a quote."""
        self.bid, self.bid_amount = quote.bid, quote.bid_amount
        self.ask, self.ask_amount = quote.ask, quote.ask_amount
        self.confirmed, self.ts_event = quote.ts_init, quote.ts_event

    @property
    def microprice(self) -> float:
        """Return (bid * ask size + ask * bid size) / both sizes; NaN unless two-sided and uncrossed."""
        total = self.bid_amount + self.ask_amount
        if not (0 < self.bid < self.ask < math.inf and 0 < total < math.inf):
            return NAN
        return (self.bid * self.ask_amount + self.ask * self.bid_amount) / total

    def coins(self, *, to_sell: bool) -> float:
        """Return the size in coins at the price that a taker would get."""
        price, amount = (self.bid, self.bid_amount) if to_sell else (self.ask, self.ask_amount)
        return self.instrument.coins(amount, price)


class Perpetual(msgspec.Struct):
    """A venue's perpetual and its basis to the reference."""

    top: TopOfBook
    basis: LaggedMean
    log_price: float = NAN


class Bases(msgspec.Struct, frozen=True):
    """Bases by venue and carries by expiry as they stood at one moment; NaN where unknown."""

    basis: dict[str, float]
    carry: dict[ExpiryKey, float]


class Consolidated(msgspec.Struct, frozen=True):
    """The consolidated series at one moment.

    Attributes:
        log_price: Median over venues of ln M - basis; NaN with too few venues.
        dispersion_bps: 1.4826 times the median absolute deviation.
        venues: Number of venues in it.
        levels: Where each of them puts it: ln M - basis, by venue.
    """

    log_price: float
    dispersion_bps: float
    venues: int
    levels: dict[str, float] = {}


def median(values: list[float]) -> float:
    """Return the median of a non-empty list."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])


def dispersion_bps(values: list[float], centre: float) -> float:
    """Return 1.4826 times the median absolute deviation, in bps of the price."""
    return BPS * MAD_TO_SD * median([abs(x - centre) for x in values])


class ForwardBook:
    """Perpetuals, dated futures, index and carries of one asset.

    Attributes:
        listed: Counts how often a venue's perpetual was listed or replaced by another.
    """

    def __init__(self, config: EngineConfig, streams: StreamStatus) -> None:
        self._config = config
        self._streams = streams
        self._max_age = int(config.perp_max_age_ms * NS_PER_MS)
        self._lag = int(config.basis_lag_s * NS_PER_S)
        self._history = int(config.basis_history_s * NS_PER_S)
        self.perpetuals: dict[str, Perpetual] = {}
        self.listed = 0
        self._by_name: list[tuple[str, Perpetual]] = []
        self.futures: dict[ExpiryKey, TopOfBook] = {}
        self._carry: dict[ExpiryKey, LaggedMean] = {}
        self._index_max_age = int(config.index_max_age_ms * NS_PER_MS)
        self._index_confirmed = 0
        self.index_price = NAN
        self.index_venue = ""

    def on_index(self, venue: str, price: float, ts: int) -> bool:
        """Take an index price, and tell whether all means now start anew against it."""
        if not 0 < price < math.inf:
            return False
        anew = not self.index_price > 0
        if anew:
            self.reset_bases()  # until now they were against the median of the perpetuals
        self.index_price, self.index_venue, self._index_confirmed = price, venue, ts
        return anew

    def expire_index(self, now: int) -> bool:
        """Drop an index that went silent, and tell whether it did: means against a frozen index would drift apart."""
        if not self.index_price > 0 or now - self._index_confirmed <= self._index_max_age:
            return False
        self.lose_index()
        return True

    def lose_index(self) -> None:
        """Do without an index until it prints again; the perpetuals' median stands in, and all means start anew."""
        self.index_price = NAN
        self.reset_bases()

    def on_perpetual(self, instrument: Instrument, quote: Quote) -> bool:
        """Take a quote of a perpetual, and tell whether it may have moved the consolidated series."""
        venue = quote.venue
        if self._config.forward_venues and venue not in self._config.forward_venues:
            return False
        state = self.perpetuals.get(venue)
        if state is None:
            state = Perpetual(TopOfBook(instrument), LaggedMean(self._config.basis_tau_s))
            self.perpetuals[venue] = state
            self.listed += 1
        elif state.top.instrument.symbol != instrument.symbol:
            if instrument.inverse or not state.top.instrument.inverse:
                return False  # one perpetual per venue: the first, but a linear one replaces an inverse one
            state.basis = LaggedMean(self._config.basis_tau_s)
            self.listed += 1
        state.top.instrument = instrument
        state.top.take(quote)
        micro = state.top.microprice
        state.log_price = math.log(micro) if micro > 0 else NAN
        reference = self.log_reference(quote.ts_init)
        if state.log_price == state.log_price and reference == reference:  # noqa: PLR0124  not NaN
            state.basis.add(quote.ts_init, state.log_price - reference)
        return True

    def on_future(self, instrument: Instrument, quote: Quote) -> None:
        """Take a quote of a dated future; its microprice feeds the carry of its venue and expiry."""
        expiry_ns = instrument.expiry_ns
        if expiry_ns is None:
            return
        key = (quote.venue, instrument.family, expiry_ns)
        top = self.futures.setdefault(key, TopOfBook(instrument))
        top.take(quote)
        self._add_carry(key, top.microprice, quote.ts_init)

    def on_underlying(self, key: ExpiryKey, price: float, ts: int) -> None:
        """Take a venue's own underlying price of an expiry, where no dated future of it is quoted."""
        if key not in self.futures:
            self._add_carry(key, price, ts)

    def _add_carry(self, key: ExpiryKey, price: float, ts: int) -> None:
        reference = self.log_reference(ts)
        if price > 0 and reference == reference:  # noqa: PLR0124  not NaN
            if key not in self._carry:
                self._carry[key] = LaggedMean(self._config.carry_tau_s)
            self._carry[key].add(ts, math.log(price) - reference)

    def fresh(self, now: int) -> list[tuple[str, Perpetual]]:
        """Return the venues with a usable quote that is young enough, by name."""
        if len(self._by_name) != len(self.perpetuals):  # a venue keeps its state for good
            self._by_name = sorted(self.perpetuals.items())
        oldest, all_up = now - self._max_age, self._streams.all_up
        return [
            (venue, state)
            for venue, state in self._by_name
            if state.top.confirmed >= oldest
            and state.log_price == state.log_price
            and (all_up or self._streams.quotes_up(venue, state.top.instrument.symbol))
        ]

    def fresh_future(self, key: ExpiryKey, now: int) -> TopOfBook | None:
        """Return a dated future with a usable quote that is young enough, or None."""
        top = self.futures.get(key)
        if top is None or now - top.confirmed > self._max_age or not top.microprice > 0:
            return None
        return top if self._streams.quotes_up(top.instrument.venue, top.instrument.symbol) else None

    def log_reference(self, now: int) -> float:
        """Return ln of the index, or of the median fresh microprice while there is none; NaN without either."""
        if self.index_price > 0:
            # A silent one is dropped by `expire_index`; until then nothing is measured against it.
            return math.log(self.index_price) if now - self._index_confirmed <= self._index_max_age else NAN
        prices = [state.log_price for _, state in self.fresh(now)]
        return median(prices) if prices else NAN

    def bases(self, now: int) -> Bases:
        """Return the bases as they stood `basis_lag_s` ago, to be held for as long as a trigger is open."""
        as_of = now - self._lag
        return Bases(self._lagged_basis(as_of), {key: mean.at(as_of) for key, mean in self._carry.items()})

    def _lagged_basis(self, as_of: int) -> dict[str, float]:
        return {v: s.basis.at(as_of, history_ns=self._history) for v, s in self.perpetuals.items()}

    def carry(self, key: ExpiryKey, now: int, bases: Bases | None = None) -> float:
        """Return the carry of an expiry: frozen, or as it stood `basis_lag_s` ago; NaN if it was not known."""
        if bases is not None:
            return bases.carry.get(key, NAN)
        mean = self._carry.get(key)
        return NAN if mean is None else mean.at(now - self._lag)

    def consolidated(self, now: int, bases: Bases | None = None) -> Consolidated:
        """Return the consolidated series at a moment.

        Args:
            now: Our clock, ns.
            bases: Frozen ones; the lagged ones of now if absent.
        """
        as_of, history = now - self._lag, self._history
        levels = {}
        for venue, state in self.fresh(now):
            basis = state.basis.at(as_of, history_ns=history) if bases is None else bases.basis.get(venue, NAN)
            x = state.log_price - basis
            if x == x:  # noqa: PLR0124  not NaN
                levels[venue] = x
        if len(levels) < self._config.min_forward_venues:
            return Consolidated(NAN, NAN, len(levels), levels)
        logs = list(levels.values())
        centre = median(logs)
        return Consolidated(centre, dispersion_bps(logs, centre), len(logs), levels)

    def drop_expiry(self, key: ExpiryKey) -> None:
        """Forget the future and the carry of an expiry that is over."""
        self.futures.pop(key, None)
        self._carry.pop(key, None)

    def forget_quotes(self) -> None:
        """Trust no quote until its next message, and no index."""
        for state in self.perpetuals.values():
            state.top.confirmed = 0
        for top in self.futures.values():
            top.confirmed = 0
        self.index_price = NAN

    def reset_bases(self) -> None:
        """Start all means anew, as after a clock step."""
        for state in self.perpetuals.values():
            state.basis = LaggedMean(self._config.basis_tau_s)
        self._carry.clear()
