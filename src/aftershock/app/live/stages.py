"""Where the time goes between a socket and a decision, stage by stage."""

from __future__ import annotations

from aftershock.app.latency import LatencyHistogram

__all__ = ["StageTimes"]


class StageTimes:
    """Durations by stage, integer nanoseconds.

    Attributes:
        receive: From the socket to the queue, where the source says when its socket delivered.
        queue: In the queue.
        process: In the engine, of every event; `deciding` of those that made it evaluate an opportunity or decide.
        effect: From the engine's answer until everybody had it: journal, signals, orders.
        total: From the queue's entrance until everybody had the answer.
        decision: The same, from the event that completed a decision.
    """

    def __init__(self) -> None:
        self.receive = LatencyHistogram()
        self.queue = LatencyHistogram()
        self.process = LatencyHistogram()
        self.deciding = LatencyHistogram()
        self.effect = LatencyHistogram()
        self.total = LatencyHistogram()
        self.decision = LatencyHistogram()

    def by_name(self) -> dict[str, LatencyHistogram]:
        """Return the stages in the order of an event's way; `total` and `decision` are sums along it."""
        return {
            "receive": self.receive,
            "queue": self.queue,
            "process": self.process,
            "effect": self.effect,
            "total": self.total,
            "decision": self.decision,
        }

    def document(self) -> dict[str, object]:
        """Return `latency_ns`: as a replay has it, and `stages`."""
        stages = {name: each.summary() for name, each in self.by_name().items()}
        return {**self.deciding.summary(), "all": self.process.summary(), "stages": stages}
