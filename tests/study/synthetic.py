"""Records made up for the tests: triggers whose truth is set, and strategies known to be good, bad or cheating."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from aftershock.study.records import LATENCIES_MS, OpportunityRecord, OrderRecord, TriggerRecord, latency_key

LATENCY = "20"
DECOYS = tuple(f"D{number}" for number in range(1, 20))
NAN = math.nan


def order(**changes: object) -> OrderRecord:
    """Return an order that filled a coin at a gain of 4 bps, but for what is changed."""
    values: dict[str, object] = {
        "edge": "A",
        "action": "BUY",
        "venue": "deribit",
        "symbols": ("BTC-1JAN30-50000-C",),
        "spread_bps": 5.0,
        "confidence": 0.9,
        "p_fill": 0.5,
        "p_profit_h": 0.8,
        "quantity": 1.0,
        "filled": 1.0,
        "partial_loss_usd": 0.0,
        "forward": 50_000.0,
        "edge_bps": 4.0,
        "edge_usd": 20.0,
        "realised_bps": {"1s": 4.0, "10s": 3.0, "60s": 2.0, "10m": -1.0},
        "waterfall_bps": {"claimed_gross": 9.0, "option_fee": -3.0, "hedge": -1.0, "value_error": -1.0},
        "decided_ms": 120.0,
        "lead_ms": 10.0,
        "by_latency_bps": {latency_key(ms): 4.0 if ms <= 100.0 else NAN for ms in LATENCIES_MS},
    }
    return OrderRecord(**{**values, **changes})  # type: ignore[arg-type] # a test says what it changes, by name


def missed(**changes: object) -> OrderRecord:
    """Return an order that did not fill."""
    values: dict[str, object] = {"filled": 0.0, "edge_bps": NAN, "edge_usd": 0.0, "realised_bps": {}}
    values |= {"waterfall_bps": {}, "by_latency_bps": {latency_key(ms): NAN for ms in LATENCIES_MS}}
    return order(**{**values, **changes})


def lost(**changes: object) -> OrderRecord:
    """Return an order that filled at a loss of 2 bps."""
    values: dict[str, object] = {"edge_bps": -2.0, "edge_usd": -10.0, "lead_ms": NAN}
    values["waterfall_bps"] = {"claimed_gross": 9.0, "option_fee": -3.0, "hedge": -1.0, "value_error": -7.0}
    values["by_latency_bps"] = {latency_key(ms): -2.0 for ms in LATENCIES_MS}
    return order(**{**values, **changes})


def opportunity(**changes: object) -> OpportunityRecord:
    """Return a planted opportunity of 4 bps that was alive in time."""
    values: dict[str, object] = {
        "edge": "A",
        "planted": "S1",
        "venue": "deribit",
        "symbols": ("BTC-1JAN30-50000-C",),
        "action": "BUY",
        "start_ms": 100.0,
        "end_ms": 400.0,
        "peak_bps": 4.0,
        "size_coins": 1.0,
        "alive": {LATENCY: True},
        "captured": False,
    }
    return OpportunityRecord(**{**values, **changes})  # type: ignore[arg-type] # as above


def trigger(index: int, plan: str = "plain", *, positive: bool = False, **changes: object) -> TriggerRecord:
    """Return a trigger without orders; 20 to a seed."""
    values: dict[str, object] = {
        "seed": index // 20,
        "index": index % 20,
        "plan": plan,
        "opportunities": (opportunity(planted=plan if plan.startswith("S") else ""),) if positive else (),
        "t_ref_ms": 100.0 if positive else NAN,
        "positive": {LATENCY: positive},
        "triggers": 1,
        "decisions": 1,
        "evaluations": 12,
        "hold_reasons": {"no_edge": 1},
        "orders": (),
    }
    return TriggerRecord(**{**values, **changes})  # type: ignore[arg-type] # as above


Strategy = Callable[[np.random.Generator, bool], tuple[OrderRecord, ...]]


def market(strategy: Strategy, count: int = 400, seed: int = 7) -> list[TriggerRecord]:
    """Let a strategy see triggers: half planted (nine in ten of them alive in time), a quarter plain, a quarter decoys.

    Args:
        strategy: Given chance and the truth (which only cheats may use), returns orders.
        count: Triggers.
        seed: Of the market and of the strategy's chance.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    triggers = []
    for index in range(count):
        plan = ("S1", "plain", "S4", DECOYS[(index // 4) % len(DECOYS)])[index % 4]
        positive = plan.startswith("S") and bool(generator.random() < 0.9)
        orders = strategy(generator, positive)
        made = trigger(index, plan, positive=positive, orders=orders)
        triggers.append(made)
    return triggers


def oracle(_: np.random.Generator, positive: bool) -> tuple[OrderRecord, ...]:
    """Order exactly where there is something."""
    return (order(),) if positive else ()


def always_hold(_: np.random.Generator, __: bool) -> tuple[OrderRecord, ...]:
    """Never order."""
    return ()


def coin(generator: np.random.Generator, positive: bool) -> tuple[OrderRecord, ...]:
    """Toss a coin; what it orders is worth something where there is something."""
    if generator.random() < 0.5:
        return ()
    return (order(),) if positive else (lost(),)


def leaking(_: np.random.Generator, positive: bool) -> tuple[OrderRecord, ...]:
    """Order where there is something, before anybody could have seen it."""
    return (order(lead_ms=-35.0),) if positive else ()


def noisy(generator: np.random.Generator, positive: bool) -> tuple[OrderRecord, ...]:
    """Act like an engine: a claimed edge that is right more often the larger it is, with a calibrated confidence."""
    made: list[OrderRecord] = []
    if generator.random() > (0.8 if positive else 0.01):
        return ()
    for _ in range(1 + int(generator.random() < 0.2)):
        claimed = float(generator.exponential(6.0))
        sure = 1.0 - 0.5 * math.exp(-claimed / 4.0)
        words = {"spread_bps": claimed, "confidence": sure, "edge": ("A", "C", "B1")[int(generator.integers(3))]}
        if generator.random() < 0.3:
            made.append(missed(**words))
        elif positive and generator.random() < sure:
            edge = claimed * float(generator.uniform(0.2, 1.2))
            decay = {latency_key(ms): edge if ms < generator.exponential(150.0) else NAN for ms in LATENCIES_MS}
            steps = {"claimed_gross": claimed + 4.0, "option_fee": -3.0, "hedge": -1.0, "value_error": edge - claimed}
            made.append(order(**words, edge_bps=edge, edge_usd=5.0 * edge, by_latency_bps=decay, waterfall_bps=steps))
        else:
            made.append(lost(**words))
    return tuple(made)
