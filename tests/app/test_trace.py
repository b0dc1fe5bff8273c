"""The coarse trace of prices stays small however long a run is."""

from __future__ import annotations

from aftershock.app.chain_build import Chains
from aftershock.app.trace import PriceTrace
from aftershock.core.chain import Chain
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_S
from tests.app.market import EXPIRY_US


def chains(price: float) -> Chains:
    chain = Chain("deribit", "BTC", confirms_stream=True)
    instrument = InstrumentTable().resolve("deribit", "BTC-9OCT26-90000-C")
    assert instrument is not None
    chain.list_instrument(instrument)
    chain.expiries[EXPIRY_US * 1_000].underlying_price = price
    return {("deribit", "BTC"): chain}


def test_a_trace_is_taken_once_a_second_at_first() -> None:
    trace = PriceTrace()
    trace.take(10 * NS_PER_S, chains(90_000.0))

    assert not trace.due(10 * NS_PER_S + NS_PER_S // 2)
    assert trace.due(11 * NS_PER_S)
    assert trace.points == {"BTC": [(10 * NS_PER_S, 90_000.0)]}


def test_a_long_run_leaves_at_most_a_thousand_points_over_its_whole_length() -> None:
    trace, built = PriceTrace(), chains(90_000.0)
    taken = 0
    for second in range(20_000):
        if trace.due(second * NS_PER_S):
            trace.take(second * NS_PER_S, built)
            taken += 1

    points = trace.points["BTC"]
    assert 400 < len(points) <= 1_000
    assert taken < 10_000
    assert points[0][0] == 0
    assert points[-1][0] > 19_900 * NS_PER_S


def test_an_asset_without_a_price_leaves_no_point() -> None:
    trace = PriceTrace()

    trace.take(0, chains(float("nan")))

    assert trace.points == {}
