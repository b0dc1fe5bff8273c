"""All state of one underlying: forward, liquidations, chains, smiles and series."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from aftershock.core.dislocation import DislocationWatch
from aftershock.core.forward import Bases, Consolidated, ExpiryKey, ForwardBook, TopOfBook
from aftershock.core.package import ExecutableForward
from aftershock.core.parity_forward import parity_forward
from aftershock.core.series import LogPriceSeries
from aftershock.core.smiles import SmileBook
from aftershock.core.window import LiquidationWindow
from aftershock.model.units import NAN, NS_PER_MS, NS_PER_S

if TYPE_CHECKING:
    from aftershock.core.chain import Chain, Expiry
    from aftershock.core.config import EngineConfig
    from aftershock.core.fees import FeeBook
    from aftershock.core.streams import StreamStatus

__all__ = ["AssetState"]

ChainKey = tuple[str, str]


class AssetState:
    """One underlying coin.

    Attributes:
        book: Perpetuals, futures, index, carries.
        window: Liquidations.
        consolidated: Series of the consolidated forward.
        expiry_series: Series of one expiry's own forward.
        chains: By (venue, family).
        smiles: Quotes kept for fits, by expiry.
        refractory: By series name, the moment from which a trigger may open again.
        dislocations: Test of each perpetual against the others.
    """

    def __init__(self, name: str, config: EngineConfig, fees: FeeBook, streams: StreamStatus) -> None:
        self.name = name
        self._config = config
        self._fees = fees
        self._streams = streams
        self._max_age = int(config.option_max_age_ms * NS_PER_MS)
        self._span = int(config.leg_span_ms * NS_PER_MS)
        self.book = ForwardBook(config, streams)
        self.window = LiquidationWindow(config.trigger)
        self.consolidated = LogPriceSeries(config.trigger)
        self.expiry_series: dict[ExpiryKey, LogPriceSeries] = {}
        self.chains: dict[ChainKey, Chain] = {}
        self.smiles: dict[ExpiryKey, SmileBook] = {}
        self.last_snapshot: dict[ChainKey, int] = {}
        self.refractory: dict[str, int] = {}
        self.dislocations = DislocationWatch(config, fees, self.book)

    def forward(
        self, chain: Chain, expiry: Expiry, now: int, bases: Bases | None = None, held: Consolidated | None = None
    ) -> float:
        """Return the forward of one expiry, NaN if unknown.

        Args:
            chain: Whose expiry it is.
            expiry: The expiry.
            now: Our clock, ns.
            bases: Frozen ones inside a trigger.
            held: The consolidated series now, if the caller has it.
        """
        mode = self._config.forward
        if mode == "underlying":
            return expiry.underlying_price if now - expiry.underlying_ts <= self._max_age else NAN
        if mode == "parity":
            return parity_forward(chain, expiry, now, max_age_ns=self._max_age, span_ns=self._span)
        at = self.book.consolidated(now, bases) if held is None else held
        log_forward = at.log_price + self.book.carry((*chain.key, expiry.expiry_ns), now, bases)
        return math.exp(log_forward) if log_forward == log_forward else NAN  # noqa: PLR0124  not NaN

    def package_forward(self, chain: Chain, expiry: Expiry, now: int) -> ExecutableForward:
        """Return the executable forward of an expiry: its dated future if quoted, else the venue's mark."""
        top = self.book.futures.get((*chain.key, expiry.expiry_ns))
        if top is not None and now - top.confirmed <= self._span and top.microprice > 0 and self._quoted(top):
            schedule = self._fees.of(top.instrument, now)
            index = self.index(0.5 * (top.bid + top.ask))
            rate = NAN if schedule is None else schedule.taker_rate
            return ExecutableForward(
                top.bid, top.ask, executable=True, fee_rate=rate, index=index, confirmed=top.confirmed
            )
        mark = expiry.underlying_price
        return ExecutableForward(mark, mark, executable=False, fee_rate=0.0, index=self.index(mark), confirmed=now)

    def quoted_middle(self, forward: ExecutableForward, expiry: Expiry, now: int) -> float:
        """Return the middle of the dated future of an expiry if quoted, else the venue's mark while fresh, else NaN."""
        if not forward.executable and now - expiry.underlying_ts > self._max_age:
            return NAN
        return 0.5 * (forward.bid + forward.ask)

    def _quoted(self, top: TopOfBook) -> bool:
        return self._streams.quotes_up(top.instrument.venue, top.instrument.symbol)

    def index(self, forward: float) -> float:
        """Return the index price, or the forward while there is none."""
        return self.book.index_price if self.book.index_price > 0 else forward

    def record_smiles(self, chain: Chain, expiry: Expiry, now: int) -> None:
        """Keep the quotes as they stood before a row that now comes, for a later fit.

        In a stream the whole chain stands as of now. In a poll an expiry stands as of its last row, against the
        underlying price of that row: when a pass begins, the whole pass before it is kept.
        """
        if not chain.confirms_stream:
            book = self._smile_book(chain, expiry)
            if expiry.last_row and book.due(now, expiry.last_row):
                book.record(chain, expiry, expiry.last_row, expiry.underlying_price)
        elif chain.stream_confirmed and now - self.last_snapshot.get(chain.key, -NS_PER_S) >= NS_PER_S:
            self.last_snapshot[chain.key] = now
            held = self.book.consolidated(now) if self._config.forward == "quotes" else None
            for each in chain.expiries.values():
                self._smile_book(chain, each).record(chain, each, now, self.forward(chain, each, now, held=held))

    def _smile_book(self, chain: Chain, expiry: Expiry) -> SmileBook:
        key = (*chain.key, expiry.expiry_ns)
        if key not in self.smiles:
            self.smiles[key] = SmileBook()
        return self.smiles[key]

    def roll(self, chain: Chain, now: int) -> None:
        """Take out the expiries of a chain that are over, with all that was kept for them."""
        for expiry in chain.roll(now):
            key = (*chain.key, expiry.expiry_ns)
            self.smiles.pop(key, None)
            self.expiry_series.pop(key, None)
            self.book.drop_expiry(key)

    def forget(self) -> None:
        """Trust nothing that was collected, as after a clock step."""
        self.book.reset_bases()
        self.consolidated.clear()
        self.expiry_series.clear()
        self.smiles.clear()
        self.book.forget_quotes()
        self.dislocations.forget()
        for chain in self.chains.values():
            chain.forget_confirmations()
