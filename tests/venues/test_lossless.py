"""Everything that a normalized message says can be had back from its event, for what Tardis' own mappers made."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aftershock.model.events import DerivativeTicker, Event, Liquidation, OptionQuotes, Trade
from aftershock.model.liquidations import Liquidated
from aftershock.model.symbols import parse_symbol
from aftershock.venues.tardis import FileSource
from aftershock.venues.tardis.iso_time import parse_iso_ns
from aftershock.venues.tardis.option_terms import IV_PER_FRACTION, OptionTerms
from tests.venues.files import read, write

KINDS = {"liquidation": 34, "option_summary": 27, "trade": 68, "derivative_ticker": 94}
SIDE = {Liquidated.SHORT: "buy", Liquidated.LONG: "sell", Liquidated.UNKNOWN: "unknown"}
OPTION_FIELDS = {
    "bid": "bestBidPrice",
    "bid_amount": "bestBidAmount",
    "bid_iv": "bestBidIV",
    "ask": "bestAskPrice",
    "ask_amount": "bestAskAmount",
    "ask_iv": "bestAskIV",
    "last_price": "lastPrice",
    "open_interest": "openInterest",
    "mark_price": "markPrice",
    "mark_iv": "markIV",
    "underlying_price": "underlyingPrice",
} | {name: name for name in ("delta", "gamma", "vega", "theta", "rho")}


def _messages(shared_data: Path) -> list[dict[str, Any]]:
    lines = (shared_data / "tardis-normalization-pairs" / "pairs.jsonl").read_text().splitlines()
    return [said for line in lines for said in json.loads(line)["normalized"] if said["type"] in KINDS]


def _numbers(**fields: float) -> dict[str, float]:
    return {name: value for name, value in fields.items() if not math.isnan(value)}


def _terms(opened: FileSource, venue: str, symbol: str) -> OptionTerms:
    parsed = parse_symbol(venue, symbol)
    if parsed is None:
        return opened.option_terms[venue, symbol]
    return OptionTerms(float(parsed.strike or 0), bool(parsed.is_call), parsed.expiry_ns or 0)


def _said(event: Event, opened: FileSource) -> dict[str, Any]:
    """Write an event back as the message it came from, times as integers."""
    base: dict[str, Any] = {"timestamp": event.ts_event, "localTimestamp": event.ts_init}
    if isinstance(event, OptionQuotes):
        venue, symbol = event.stream.venue, event.symbols[0]
        terms = _terms(opened, venue, symbol)
        base |= {"type": "option_summary", "exchange": venue, "symbol": symbol, "strikePrice": terms.strike}
        base |= {"optionType": "call" if terms.is_call else "put", "expirationDate": terms.expiry_ns}
        base |= {"underlyingIndex": event.underlying_index[0]}
        scale = IV_PER_FRACTION.get(venue, 1.0)
        values = {ours: float(event.columns[ours][0]) * (scale if ours.endswith("iv") else 1) for ours in OPTION_FIELDS}
        return base | _numbers(**{theirs: values[ours] for ours, theirs in OPTION_FIELDS.items()})
    assert isinstance(event, Trade | Liquidation | DerivativeTicker)
    base |= {"exchange": event.venue, "symbol": event.symbol}
    if isinstance(event, DerivativeTicker):
        base |= {"fundingTimestamp": event.funding_ts} if event.funding_ts else {}
        return (
            base
            | {"type": "derivative_ticker"}
            | _numbers(
                lastPrice=event.last_price,
                indexPrice=event.index_price,
                markPrice=event.mark_price,
                openInterest=event.open_interest,
                fundingRate=event.funding_rate,
                predictedFundingRate=event.predicted_funding_rate,
            )
        )
    said_id = event.trade_id if isinstance(event, Trade) else event.liquidation_id
    base |= {"id": said_id} if said_id else {}
    side = event.side if isinstance(event, Trade) else SIDE[event.liquidated]
    kind = "trade" if isinstance(event, Trade) else "liquidation"
    return base | {"type": kind, "price": event.price, "amount": event.amount, "side": side}


def _exact(said: dict[str, Any]) -> dict[str, Any]:
    """Return a message with its times as nanoseconds."""
    times = ("timestamp", "localTimestamp", "fundingTimestamp", "expirationDate")
    return {name: parse_iso_ns(value) if name in times else value for name, value in said.items()}


def test_every_normalized_message_can_be_written_back_from_its_event(shared_data: Path, tmp_path: Path) -> None:
    messages = _messages(shared_data)
    assert Counter(said["type"] for said in messages) == KINDS
    for said in messages:
        opened, (event,) = read(write(tmp_path / "m.ndjson", [json.dumps(said)]))
        back, expected = _said(event, opened), _exact(said)
        assert back.keys() == expected.keys()
        for name, value in expected.items():
            # Percent to fraction and back may move the last bit.
            wanted = pytest.approx(value, rel=2.3e-16, abs=0) if name.endswith("IV") else value
            assert back[name] == wanted, (name, said)
        assert opened.report.rows_dropped == 0
