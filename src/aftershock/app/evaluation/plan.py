"""What is to be run: markets, strategies, latencies; and what each name of a strategy means."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import msgspec

from aftershock.app.evaluation.recorded import Memory, Recorded
from aftershock.app.evaluation.reviewed import ReviewedStrategy
from aftershock.app.evaluation.reviewers import Reviewer, StandIn
from aftershock.app.evaluation.strategies import (
    AlwaysHold,
    Article,
    Coin,
    EngineStrategy,
    Leak,
    Oracle,
    PriceMove,
    Strategy,
)
from aftershock.core.calibration import Calibration
from aftershock.core.config import EngineConfig
from aftershock.errors import UsageError
from aftershock.model.units import NS_PER_MS
from aftershock.sim.market.listing import Listing
from aftershock.sim.market.params import MakerName, World, WorldName
from aftershock.sim.market.session import Session
from aftershock.study.records import RunKey

__all__ = [
    "ABLATIONS",
    "BASELINES",
    "MUST_BE_ZERO",
    "RECORDED",
    "STAND_IN",
    "STRATEGIES",
    "Job",
    "Review",
    "engine_config",
    "make_session",
    "make_strategy",
]

BASELINES = ("always_hold", "article", "price_move")
ABLATIONS = ("price_only", "random_time", "no_robust_values", "single_venue_forward", "no_hedge", "greedy_takers")
_JUDGES = ("oracle", "coin", "leak")
STRATEGIES = ("engine", *BASELINES, *ABLATIONS, *_JUDGES)
MUST_BE_ZERO = ("D7", "D8", "D9", "D12", "D13", "D20")
"""Decoys of data quality: not one order may be sent on them."""

STAND_IN, RECORDED = "stand-in", "recorded"
"""Reviewers that send nothing; any other name is a provider's."""

_VENUES = 4
_REEVALUATE_BPS = 0.5
"""A tenth of the costs of the cheapest trade: smaller moves of the forward wait half a second."""
_FEED_MS = World().feed_ms


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """Who gives a second opinion; what it may do stands in the engine's own configuration.

    Attributes:
        reviewer: `stand-in`, `recorded`, or a provider's name.
        latency_ms: Of the stand-in.
        recording: File that the answers come from (`recorded`), or go to (a provider).
        recording_sha256: Of the file that they come from.
        model: That a provider is asked for; empty for its own.
    """

    reviewer: str
    latency_ms: float = 0.0
    recording: str = ""
    recording_sha256: str = ""
    model: str = ""

    @property
    def is_live(self) -> bool:
        """Tell whether somebody is really asked."""
        return self.reviewer not in (STAND_IN, RECORDED)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One seed through one strategy; everything that its records depend on.

    Attributes:
        seed: Of the market.
        world, makers, strategy: As in `RunKey`.
        latencies_ms: Order latencies; the strategy lives with the first.
        feed_ms: Median way of the feeds; None for the world's own.
        decoys: If given, the seed's extra episodes of these kinds alone.
        count: Episodes of the seed.
        config: Of the engine, before what the strategy changes.
        review: Who gives the engine a second opinion; None for nobody.
    """

    seed: int
    world: WorldName
    makers: MakerName
    latencies_ms: tuple[float, ...]
    strategy: str
    config: EngineConfig
    feed_ms: float | None = None
    decoys: tuple[str, ...] = ()
    count: int = 20
    review: Review | None = None

    @property
    def name(self) -> str:
        """Return what the run is called: the strategy, and whom it asks."""
        return self.strategy if self.review is None else f"{self.strategy}+{self.review.reviewer}"

    @property
    def keys(self) -> tuple[RunKey, ...]:
        """Return the run that the records of each latency belong to."""
        return tuple(
            RunKey(
                world=self.world,
                makers=self.makers,
                latency_ms=latency,
                feed_lag_ms=_FEED_MS if self.feed_ms is None else self.feed_ms,
                strategy=self.name,
            )
            for latency in self.latencies_ms
        )


def engine_config(calibration: Calibration | None = None, **more: object) -> EngineConfig:
    """Return the engine's configuration for simulated markets: two clocks, a stream of options, four venues."""
    return msgspec.structs.replace(
        EngineConfig(
            forward="quotes",
            options_feed="stream",
            clocks="two",
            liquidation_venues=_VENUES,
            calibration=calibration,
            reevaluate_bps=_REEVALUATE_BPS,
            max_quiet_move_bps=10.0,
            max_feed_lag_ms=400.0,
            min_peers=3,
            maker_lag_ms=5_000.0,
            static_needs_trigger=True,
        ),
        **more,
    )


def ablated(config: EngineConfig, strategy: str) -> EngineConfig:
    """Return the configuration of an ablation: one thing taken away, the rest as it is."""
    replace = msgspec.structs.replace
    if strategy == "price_only":
        return replace(config, trigger=replace(config.trigger, armed=("price-move",)))
    if strategy == "random_time":
        return replace(config, trigger=replace(config.trigger, armed=("probe",)))
    if strategy == "no_robust_values":
        return replace(
            config, stickiness_low=1.0, stickiness_high=1.0, vol_up_points=0.0, vol_up_per_move=0.0,
            vol_down_points=0.0, vol_down_per_move=0.0,
        )  # fmt: skip
    if strategy == "single_venue_forward":
        return replace(config, forward_venues=("binance-futures",), min_forward_venues=1)
    return config


def make_session(job: Job) -> Session:
    """Return the market of a job."""
    return Session(
        job.seed,
        world=job.world,
        makers=job.makers,
        count=job.count,
        decoys=job.decoys,
        feed_ms=job.feed_ms,
        greedy=job.strategy == "greedy_takers",
    )


def make_strategy(job: Job, session: Session, reviewer: Reviewer | None = None) -> Strategy:
    """Return who is judged.

    Args:
        job: What is run.
        session: Its market.
        reviewer: Whom a job asks whose reviewer is a provider.

    Raises:
        UsageError: Nobody has that name.
        InputError: The recording that a job names can't be read.
    """
    listing, latency = session.listing, int(job.latencies_ms[0] * NS_PER_MS)
    simple: dict[str, Callable[[Listing], Strategy]] = {
        "always_hold": AlwaysHold, "article": Article, "price_move": PriceMove, "coin": Coin,
    }  # fmt: skip
    if job.strategy in simple:
        return simple[job.strategy](listing)
    if job.strategy in {"oracle", "leak"}:
        return (Oracle if job.strategy == "oracle" else Leak)(listing, latency)
    if job.review is not None:
        scope = f"{job.world}/{job.makers}/{job.seed}/{'decoys' if job.decoys else 'seed'}/"
        asked = reviewer if job.review.is_live and reviewer is not None else _reviewer(job.review)
        return ReviewedStrategy(ablated(job.config, job.strategy), listing, asked, scope)
    if job.strategy == "engine" or job.strategy in ABLATIONS:
        return EngineStrategy(ablated(job.config, job.strategy), listing)
    raise UsageError(f"no strategy is called {job.strategy!r}: choose among {', '.join(STRATEGIES)}")


@lru_cache(maxsize=1)
def _reviewer(review: Review) -> Reviewer:
    if review.reviewer == STAND_IN:
        return StandIn(review.latency_ms)
    if review.reviewer != RECORDED:
        raise UsageError(f"the reviewer {review.reviewer} has to be asked, and nobody was given to ask")
    memory = Memory()
    memory.read(Path(review.recording))
    return Recorded(memory)
