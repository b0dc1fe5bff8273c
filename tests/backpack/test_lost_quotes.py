"""What the adapter says of an option after messages were lost: nothing from before."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from aftershock.model.events import OPTION_COLUMNS, Event
from aftershock.model.instruments import AmountUnit, Instrument, Kind
from aftershock.venues.backpack.adapter import BackpackAdapter
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.packed import OptionRow
from aftershock.venues.tardis.report import FileReport

CALL = "BTC_USDC_260626_90000_C"
NOW = 1_780_000_000_000_000_000


def adapter() -> BackpackAdapter:
    async def snapshot(_symbol: str) -> BookUpdate:
        raise AssertionError

    option = Instrument(
        venue="backpack", symbol=CALL, kind=Kind.OPTION, underlying="BTC", quote="USDC", inverse=False,
        amount_unit=AmountUnit.CONTRACTS, contract_size=0.01, strike=90_000.0, is_call=True, expiry_ns=NOW * 2,
    )  # fmt: skip
    return BackpackAdapter(FileReport(path="Backpack", kind="native", format="live"), {CALL: option}, snapshot)


def row(events: Sequence[object]) -> dict[str, float]:
    (event,) = events
    assert isinstance(event, OptionRow)
    assert isinstance(event, Event)
    return dict(zip(OPTION_COLUMNS, event.values, strict=True))


def said(kind: str, **data: object) -> str:
    return json.dumps({"stream": f"{kind}.{CALL}", "data": {"s": CALL, "E": NOW // 1_000, "T": NOW // 1_000, **data}})


def test_a_mark_after_a_loss_does_not_repeat_the_quote_from_before_it() -> None:
    reader = adapter()
    top = said("bookTicker", b="1200", B="3", a="1300", A="4")
    mark = said("markPrice", p="1250", underlyingPrice="91000")
    reader.decode(0, top, NOW)
    before = row(reader.decode(0, mark, NOW))
    assert (before["bid"], before["ask"]) == (1200.0, 1300.0)

    reader.lost(1)
    assert row(reader.decode(0, mark, NOW))["bid"] == 1200.0, "another connection's loss"
    reader.lost(0)
    after = row(reader.decode(0, mark, NOW))
    assert all(math.isnan(after[name]) for name in ("bid", "bid_amount", "ask", "ask_amount"))
    assert after["mark_price"] == 1250.0

    assert row(reader.decode(0, top, NOW))["bid"] == 1200.0
