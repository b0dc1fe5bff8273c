"""What a second opinion was worth: the same markets with it and without, paired by trigger and by opportunity.

An opportunity is a trigger, a type of edge and its legs: the same in both runs. Deciding on it is *right* if an order
was sent and filled with money above zero, or if none was sent and the other run's order ended otherwise. What a
reviewer said is judged by the order of the run without one: what would have come of it, sent at once.
"""

from __future__ import annotations

import msgspec

from aftershock.study.compare import Comparison, McNemar
from aftershock.study.figure import Figure, Status
from aftershock.study.records import RunKey
from aftershock.study.reliability import Reliability

__all__ = ["Answers", "Cost", "Opinion", "Pairs", "ReviewReport", "Reviewing", "Stopped", "Waiting"]


class Reviewing(msgspec.Struct, frozen=True, kw_only=True):
    """Who was asked, and what an answer could do.

    Attributes:
        reviewer: `stand-in`, `recorded`, or a provider's name.
        mode: `veto` or `gate`.
        deadline_ms: How long an order waits for an answer.
    """

    reviewer: str
    mode: str
    deadline_ms: float


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """Questions and what came back.

    Attributes:
        requests: Questions; `answers` those answered in time.
        agreed, refused: Among the answers: the side asked about, HOLD.
        by_fallback: Questions without an answer in time, by reason.
        latency_p50_ms, latency_p99_ms: Of everything that was answered, late ones included; NaN without any.
    """

    requests: int
    answers: int
    agreed: int
    refused: int
    by_fallback: dict[str, int]
    latency_p50_ms: float
    latency_p99_ms: float


class Pairs(msgspec.Struct, frozen=True, kw_only=True):
    """Opportunities on which at least one of the two runs sent an order.

    Attributes:
        n: How many.
        both, only_without, only_with: Who sent one.
        mcnemar: Of 'decided rightly'; `first_only` (b) counts where only the run without a reviewer was right,
            `second_only` (c) where only the run with one was.
        status: `not_established` on too few triggers.
    """

    n: int
    both: int
    only_without: int
    only_with: int
    mcnemar: McNemar
    status: Status


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """Orders of the run without a reviewer that were not sent with one, for one cause.

    Attributes:
        cause: `refused` by the answer, `fallback` (refused because there was none), `gone` (the edge went while it
            waited), `risk_limit`, `other` (the runs had parted before).
        right, wrong: Had they been sent: filled with money above zero, or not.
        usd: What they brought without a reviewer.
    """

    cause: str
    right: int
    wrong: int
    usd: float


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """The stated probability against the edge label of the order that was asked about.

    Attributes:
        labelled: Answers whose order the other run sent, so that it has a label; `unlabelled` the others.
        brier, ece: Not reweighted.
        base_rate: Share of the labelled orders that were right.
        reliability: All of it, with its bins.
    """

    labelled: int
    unlabelled: int
    brier: Figure
    ece: Figure
    base_rate: Figure
    reliability: Reliability


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What the waiting cost.

    Attributes:
        held: Decisions that waited.
        mean_waited_ms: NaN without any.
        lost_bps: Net edge lost per decision that waited, its mean; `lost_bps_sum` the sum, where it is known.
        unpriced: Decisions whose edge could not be priced any more.
        gone: Share of those that waited whose edge was gone.
    """

    held: int
    mean_waited_ms: float
    lost_bps: Figure
    lost_bps_sum: float
    unpriced: int
    gone: Figure


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and money. NaN where something is not known.

    Attributes:
        requests, decisions: What the rates are over.
        input_tokens_per_1000_requests, output_tokens_per_1000_requests: Of the questions that were counted.
        uncounted: Questions of which nobody counted tokens.
        usd_per_1000_requests, usd_per_1000_decisions: All questions.
        usd_per_trigger: Beside `pnl_usd`.
        is_estimate: True if any of it is our own count.
    """

    requests: int
    decisions: int
    input_tokens_per_1000_requests: float
    output_tokens_per_1000_requests: float
    uncounted: int
    usd_per_1000_requests: float
    usd_per_1000_decisions: float
    usd_per_trigger: float
    is_estimate: bool


class ReviewReport(msgspec.Struct, frozen=True, kw_only=True):
    """One run with a reviewer against the same run without.

    Attributes:
        key: Of the run with one.
        reviewing: Who was asked.
        evidence: False unless every answer was a model's; `note` says why in a sentence.
        triggers, orders_without, orders_with: Counts.
        answers, pairs, stopped, opinion, waiting, cost: See there.
        by_trigger: With minus without, at the prior; `pnl_usd` is the incremental money per trigger.
        by_trigger_status: `not_established` on too few triggers.
    """

    key: RunKey
    reviewing: Reviewing
    evidence: bool
    note: str
    triggers: int
    orders_without: int
    orders_with: int
    answers: Answers
    pairs: Pairs
    stopped: tuple[Stopped, ...]
    opinion: Opinion
    waiting: Waiting
    cost: Cost
    by_trigger: Comparison
    by_trigger_status: Status
