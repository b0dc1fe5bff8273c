"""The side of a liquidation is tried against prices, for people to read; no decision sees it."""

from __future__ import annotations

import json

import pytest

from aftershock.model.events import Liquidation
from aftershock.model.liquidations import Liquidated
from aftershock.venues.backpack.codec import Decoder
from aftershock.venues.backpack.liquidation_sides import LiquidationSides
from aftershock.venues.tardis.report import FileReport

S = 1_000_000_000
NOW = 1_780_000_000 * S


@pytest.mark.parametrize(
    ("side", "price", "counts"),
    [
        ("Ask", 99.0, (1, 0, 0)), ("Ask", 100.0, (1, 0, 0)), ("Ask", 101.0, (0, 1, 0)),
        ("Bid", 101.0, (1, 0, 0)), ("Bid", 100.0, (1, 0, 0)), ("Bid", 99.0, (0, 1, 0)),
        ("", 99.0, (0, 0, 1)), ("Long", 99.0, (0, 0, 1)),
    ],
)  # fmt: skip
def test_a_forced_seller_trades_at_or_below_the_mark_and_a_forced_buyer_at_or_above(
    side: str, price: float, counts: tuple[int, int, int]
) -> None:
    sides = LiquidationSides()
    sides.mark("X", NOW, 100.0)
    sides.printed("X", NOW + S, side, price)
    assert (sides.agree, sides.contradict, sides.untold) == counts


@pytest.mark.parametrize(("symbol", "after_s"), [("Y", 1), ("X", -1), ("X", 11)])
def test_without_a_recent_mark_before_it_a_liquidation_says_nothing(symbol: str, after_s: int) -> None:
    sides = LiquidationSides()
    sides.mark("X", NOW, 100.0)
    sides.printed(symbol, NOW + after_s * S, "Ask", 99.0)
    assert (sides.agree, sides.contradict, sides.untold) == (0, 0, 1)


@pytest.mark.parametrize("mark", [float("nan"), 0.0])
def test_a_mark_that_is_none_says_nothing(mark: float) -> None:
    sides = LiquidationSides()
    sides.mark("X", NOW, mark)
    sides.printed("X", NOW, "Ask", 99.0)
    assert sides.untold == 1


def test_the_report_of_a_stream_has_the_latest_count_once_and_events_stay_of_unknown_side() -> None:
    report = FileReport(path="backpack", kind="native", format="live")
    reader = Decoder(report)

    def told(stream: str, **data: object) -> object:
        frame = {"stream": stream, "data": {"s": "X", "E": NOW // 1_000, "T": NOW // 1_000, **data}}
        return reader.decode(json.dumps(frame), NOW)[0]

    told("markPrice.X", p="100")
    for side, price in (("Ask", "99"), ("Bid", "101"), ("Ask", "101"), (None, "101")):
        event = told("liquidation", p=price, q="1", S=side)
        assert isinstance(event, Liquidation)
        assert event.liquidated is Liquidated.UNKNOWN
    (note,) = report.notes
    assert note == (
        "liquidations: 2 of 3 agree with their side as that of the forced order, by the mark price before them, "
        "1 could not be compared; unproven, so every one counts as of unknown side"
    )
