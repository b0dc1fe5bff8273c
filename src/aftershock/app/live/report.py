"""The final report of a live run, as one document."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec

from aftershock.app.live.paper import PaperVenue
from aftershock.app.live.reviewer import ReviewFigures
from aftershock.app.live.stages import StageTimes
from aftershock.app.live.tally import Tally
from aftershock.app.numerics import code_version, numerics_id
from aftershock.app.plain import plain, ranked
from aftershock.app.settings import Settings
from aftershock.core.engine import Engine
from aftershock.core.marks import Mark, mark
from aftershock.core.stats import EngineStats
from aftershock.errors import AftershockError
from aftershock.model.units import NAN, NANO

__all__ = ["SCHEMA_VERSION", "LiveResult", "PaperResult", "paper_result"]

SCHEMA_VERSION = 1


class PaperResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run's paper trades came to; the account begins empty, so cash is what trading moved.

    Attributes:
        orders: Approved, hedges and unwinds included.
        packages: What became of entries, by status.
        cash, fees: By `venue currency`.
        positions: Open, by instrument id: coins, or dollars of a contract that counts them.
        open_value_usd: What closing them would pay now, before fees; NaN if one has no price.
        fees_usd: All fees, coin at its index price now.
        profit_usd: Cash and open positions, after fees; NaN if a position or a coin has no price.
        unquoted: Positions without a price to close at.
    """

    orders: int
    packages: dict[str, int]
    cash: dict[str, float]
    fees: dict[str, float]
    positions: dict[str, float]
    open_value_usd: float
    fees_usd: float
    profit_usd: float
    unquoted: tuple[str, ...]


class LiveResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a live run gave.

    Attributes:
        settings: Of the engine.
        tally: What it said.
        stats: Its counts.
        stages: Where the time went.
        paper: What its paper trades came to.
        gaps: Gaps that the engine was told of; `reconnects` connections made again.
        events_in: Events delivered by sources, those lost to a full queue (`events_lost`) included.
        seconds: Length of the run.
        signal_number: Of the signal that ended it, 0 without one.
        failure: What a source gave up for.
        journal: Folder, if one was written.
        sources: Their names.
        review: What second opinions came to.
    """

    settings: Settings
    tally: Tally
    stats: EngineStats
    stages: StageTimes
    paper: PaperResult
    gaps: int
    reconnects: int
    events_in: int
    events_lost: int
    seconds: float
    signal_number: int
    failure: AftershockError | None
    journal: Path | None
    sources: tuple[str, ...]
    review: ReviewFigures = ReviewFigures()

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `run`."""
        config = self.settings.config
        return {
            "schema_version": SCHEMA_VERSION,
            "version": code_version(),
            "numerics": numerics_id(),
            "mode": "paper",
            "sources": list(self.sources),
            "seconds": self.seconds,
            "interrupted": self.signal_number != 0,
            "failure": None if self.failure is None else str(self.failure),
            "rows": {"total": self.events_in - self.events_lost, "option_rows": self.stats.option_rows},
            "events_in": self.events_in,
            "events_lost": self.events_lost,
            "gaps": self.gaps,
            "reconnects": self.reconnects,
            "clocks": config.clocks,
            "options_feed": config.options_feed,
            "forward": config.forward,
            "settings": {key: {"value": plain(value), "source": source} for key, value, source in self.settings.rows()},
            **self.tally.document(),
            "evaluations": self.stats.evaluations,
            "packages": plain(self.stats.packages),
            "not_evaluable": ranked(self.stats.not_evaluable),
            "liquidations": plain(self.stats.liquidations),
            "unknown_instruments": ranked(self.stats.unknown_instruments),
            "latency_ns": self.stages.document(),
            "paper": plain(self.paper),
            "review": self.review.document(),
            "journal": None if self.journal is None else str(self.journal),
        }


def paper_result(engine: Engine, tally: Tally, paper: PaperVenue, now: int) -> PaperResult:
    """Return what the paper trades came to, at the quotes that are known now."""
    account = engine.account
    quotes = {}
    for place, position in account.positions.items():
        bid, ask = paper.top(*place)
        quotes[place] = Mark(bid=bid, ask=ask, forward=_coin_usd(engine, position.instrument.underlying))
    marked = mark(account, quotes, now)
    balances = account.balances()
    fees = {key: amount / NANO for key, amount in account.fees.items()}
    return PaperResult(
        orders=tally.approved,
        packages=ranked(tally.results_by_status),
        cash={" ".join(key): amount for key, amount in balances.items()},
        fees={" ".join(key): amount for key, amount in sorted(fees.items())},
        positions={p.instrument.instrument_id: p.quantity for p in account.positions.values() if p.size},
        open_value_usd=marked.value_usd,
        fees_usd=_usd(engine, fees),
        profit_usd=_usd(engine, balances) + marked.value_usd,
        unquoted=marked.unquoted,
    )


def _usd(engine: Engine, amounts: dict[tuple[str, str], float]) -> float:
    return math.fsum(amount * _coin_usd(engine, currency) for (_, currency), amount in amounts.items() if amount)


def _coin_usd(engine: Engine, currency: str) -> float:
    """Return the index price of a coin, 1 for a dollar and its stand-ins; NaN for a coin without an index."""
    if currency.startswith("USD"):
        return 1.0
    asset = engine.assets.get(currency)
    return NAN if asset is None else asset.index(NAN)
