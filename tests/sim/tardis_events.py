"""Events that Tardis' CSV files can carry, drawn at random, and a form in which they compare bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from aftershock.model.events import (
    OPTION_COLUMNS,
    DerivativeTicker,
    Event,
    Liquidation,
    OptionQuotes,
    Quote,
    StreamId,
    Trade,
)
from aftershock.model.instruments import AmountUnit, Instrument, Kind
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN, utc_ns
from aftershock.sim.market.tardis_files import WrittenFile
from aftershock.venues.tardis import merge, open_source

_T = TypeVar("_T")

LEAST_US, END_US = 10**15, 2**63 // 1000
T0 = utc_ns(2026, 10, 1, 9)
PRESENT = st.floats(min_value=5e-324, allow_infinity=False)
ABSENT = st.just(NAN)
PRICES = PRESENT | ABSENT
AMOUNTS = st.floats(min_value=0.0, allow_infinity=False) | st.just(-0.0)
SIGNED = st.floats(allow_nan=False, allow_infinity=False) | ABSENT
TIMES = st.integers(LEAST_US, END_US - 1).map(lambda micros: micros * 1000)
IDS = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters=',"\N{REPLACEMENT CHARACTER}'), max_size=20
)

OPTIONS = {
    "deribit": ("BTC-9OCT26-90000-C", "BTC-9OCT26-90000-P", "SOL_USDC-9OCT26-0d98-C", "ETH-30OCT26-4000-C"),
    "okex-options": ("BTC-USD-261009-90000-C", "BTC-USD_UM-261009-90000-P"),
}
LISTED = {"bybit": "BTCUSDT", "deribit": "BTC-PERPETUAL", "okex-swap": "BTC-USDT-SWAP", "ftx": "BTC/USD"}
COVERAGE = {
    "ftx": (PriceKind.FILL, Completeness.ALL),
    "deribit": (PriceKind.FILL, Completeness.ALL),
    "okex-swap": (PriceKind.BANKRUPTCY, Completeness.THROTTLED),
}
"""What liquidations of a venue are, at any time."""


def union_margined(symbol: str = "BTC-USD_UM-261009-90000-P") -> Instrument:
    """Return an OKX option settled in USD, of which the bundled table knows neither size nor steps."""
    return Instrument(
        venue="okex-options",
        symbol=symbol,
        kind=Kind.OPTION,
        underlying="BTC",
        quote="USD",
        inverse=False,
        amount_unit=AmountUnit.CONTRACTS,
        contract_size=0.01,
        tick_size=5.0,
        lot_size=1.0,
        strike=float(symbol.split("-")[3]),
        is_call=symbol.endswith("C"),
        expiry_ns=utc_ns(2026, 10, 9, 8),
    )


def quotes(times: st.SearchStrategy[int] = TIMES) -> st.SearchStrategy[Event]:
    listed = st.sampled_from([*LISTED.items(), ("deribit", "BTC-9OCT26-90000-C"), ("deribit", "BTC-30OCT26")])
    return st.builds(
        lambda at, **fields: Quote(venue=at[0], symbol=at[1], **fields),
        listed,
        ts_event=TIMES,
        ts_init=times,
        bid=PRICES,
        bid_amount=AMOUNTS | ABSENT,
        ask=PRICES,
        ask_amount=AMOUNTS | ABSENT,
    )


def tickers(times: st.SearchStrategy[int] = TIMES) -> st.SearchStrategy[Event]:
    return st.builds(
        lambda at, **fields: DerivativeTicker(venue=at[0], symbol=at[1], **fields),
        st.sampled_from(list(LISTED.items())),
        ts_event=TIMES,
        ts_init=times,
        last_price=SIGNED,
        index_price=SIGNED,
        mark_price=SIGNED,
        open_interest=AMOUNTS | ABSENT,
        funding_rate=SIGNED,
        predicted_funding_rate=SIGNED,
        funding_ts=TIMES | st.just(0),
    )


def trades(times: st.SearchStrategy[int] = TIMES, ids: st.SearchStrategy[str] = IDS) -> st.SearchStrategy[Event]:
    return st.builds(
        lambda at, **fields: Trade(venue=at[0], symbol=at[1], **fields),
        st.sampled_from(list(LISTED.items())),
        ts_event=TIMES,
        ts_init=times,
        price=PRESENT,
        amount=AMOUNTS,
        side=st.sampled_from(("buy", "sell", "unknown")),
        trade_id=ids,
    )


def liquidations(times: st.SearchStrategy[int] = TIMES, ids: st.SearchStrategy[str] = IDS) -> st.SearchStrategy[Event]:
    return st.builds(
        lambda venue, **fields: Liquidation(
            venue=venue,
            symbol=LISTED[venue],
            price_kind=COVERAGE[venue][0],
            completeness=COVERAGE[venue][1],
            **fields,
        ),
        st.sampled_from(list(COVERAGE)),
        ts_event=TIMES,
        ts_init=times,
        price=PRESENT,
        amount=AMOUNTS,
        liquidated=st.sampled_from(Liquidated),
        liquidation_id=ids,
    )


@st.composite
def option_batches(draw: st.DrawFn, times: st.SearchStrategy[int] = TIMES) -> Event:
    """Draw rows of one stream, whose times don't decrease."""
    venue = draw(st.sampled_from(list(OPTIONS)))
    underlying = draw(st.sampled_from(sorted({symbol[:3] for symbol in OPTIONS[venue]})))
    symbols = [symbol for symbol in OPTIONS[venue] if symbol.startswith(underlying)]
    rows = draw(st.lists(st.sampled_from(symbols), min_size=1, max_size=4))
    signed = ("delta", "gamma", "vega", "theta", "rho")
    volatility = SIGNED if venue != "deribit" else SIGNED.map(lambda percent: percent / 100)
    kinds = {**dict.fromkeys(signed, SIGNED), "bid": PRICES, "ask": PRICES}
    kinds |= dict.fromkeys(("bid_iv", "ask_iv", "mark_iv"), volatility)

    def column(cells: st.SearchStrategy[_T]) -> list[_T]:
        return draw(st.lists(cells, min_size=len(rows), max_size=len(rows)))

    row_ts_init = np.array(sorted(column(times)), dtype=np.int64)
    row_ts_event = np.array(column(TIMES), dtype=np.int64)
    return OptionQuotes(
        ts_event=int(row_ts_event[-1]),
        ts_init=int(row_ts_init[-1]),
        stream=StreamId(venue, "option_quotes", underlying),
        symbols=rows,
        row_ts_event=row_ts_event,
        row_ts_init=row_ts_init,
        columns={name: np.array(column(kinds.get(name, AMOUNTS | ABSENT))) for name in OPTION_COLUMNS},
        underlying_index=column(IDS),
    )


def bits(events: Iterable[Event]) -> list[str]:
    """Return events as text, batches taken apart to rows: every float exact, -0.0 apart from 0.0."""
    texts = []
    for event in events:
        if not isinstance(event, OptionQuotes):
            texts.append(repr(event))
            continue
        columns = [event.columns[name].tolist() for name in OPTION_COLUMNS]
        stamps = event.row_ts_event.tolist(), event.row_ts_init.tolist()
        rows = zip(event.symbols, *stamps, *columns, event.underlying_index, strict=True)
        texts += [repr((event.stream, *row)) for row in rows]
    return texts


def read_back(files: Sequence[WrittenFile]) -> list[Event]:
    """Read data sets as a replay does; no row may be dropped, moved or noted."""
    table = InstrumentTable()
    sources = [open_source(file.path, index=i, table=table) for i, file in enumerate(files)]
    events = list(merge(sources))
    for source, file in zip(sources, files, strict=True):
        assert (source.kind, source.report.rows) == (file.kind, file.rows)
        assert (source.report.dropped, source.report.out_of_order) == ({}, 0)
        assert (source.report.notes, source.report.incomplete) == ([], "")
    return events
