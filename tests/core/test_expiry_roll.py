"""What was kept for an expiry goes with it."""

from __future__ import annotations

from aftershock.core.config import EngineConfig
from aftershock.core.engine import Engine
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_DAY, NS_PER_S
from tests.core.market import Row, option_quotes, run

EXPIRY_HOUR_NS = 8 * 3600 * NS_PER_S


def test_nothing_is_kept_of_expiries_that_are_over_though_nobody_prints_them_any_more() -> None:
    engine = Engine(EngineConfig(forward="underlying", options_feed="poll", clocks="one"), InstrumentTable())
    first_day = 20_514 * NS_PER_DAY  # 2026-03-02
    for day in range(20):
        for second in range(3):
            now = first_day + day * NS_PER_DAY + EXPIRY_HOUR_NS + (second + 1) * NS_PER_S
            names = [f"BTC-{3 + day}MAR26-60000-C", "BTC-26MAR26-60000-C"]
            run(engine, [option_quotes([Row(ts=now, symbol=name, underlying=60_000.0) for name in names])])
    asset = engine.assets["BTC"]
    alive = list(engine.chains["deribit", "BTC"].expiries)
    assert len(alive) == 2
    assert [key[2] for key in sorted(asset.expiry_series)] == alive
    assert [key[2] for key in sorted(asset.smiles)] == alive
