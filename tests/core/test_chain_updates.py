"""A batch written by array assignment leaves the chain as its rows one by one would."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aftershock.core.chain import FLOAT_COLUMNS, Chain
from aftershock.model.units import NAN
from tests.core.market import EXPIRY, LATER, T0, Row, chain_of, option_quotes, quote_values

SYMBOLS = [
    f"BTC-{expiry}-{strike}-{kind}"
    for expiry in (EXPIRY, LATER)
    for strike in range(40_000, 60_000, 1_000)
    for kind in "CP"
]
# Few values, so that repetitions are common; absent ones among them.
PRICE = st.sampled_from([NAN, 0.01, 0.011, 0.02])
ROWS = st.lists(
    st.builds(
        Row,
        ts=st.integers(0, 3),
        symbol=st.sampled_from(SYMBOLS[:6]),
        bid=PRICE,
        ask=PRICE,
        bid_amount=PRICE,
        ask_amount=PRICE,
        mark_iv=PRICE,
        underlying=st.sampled_from([NAN, 50_000.0, 50_001.0]),
    ),
    min_size=1,
    max_size=40,
)


def written_row_by_row(chain: Chain, rows: list[Row]) -> None:
    for row in rows:
        batch = option_quotes([row])
        found = chain.row(row.symbol)
        assert found is not None
        chain.update(found, row.ts, tuple(float(batch.columns[name][0]) for name in FLOAT_COLUMNS))


def written_as_batch(chain: Chain, rows: list[Row]) -> None:
    found = [chain.row(row.symbol) for row in rows]
    chain.update_batch(option_quotes(rows), np.array(found, dtype=np.int64))


def state(chain: Chain) -> dict[str, list[object]]:
    """Return all that an update may change, NaN as text because it differs from itself."""
    n = len(chain)
    columns = {name: [str(value) for value in getattr(chain, name)[:n].tolist()] for name in FLOAT_COLUMNS}
    expiries = [[str(e.underlying_price), e.underlying_ts] for e in chain.expiries.values()]
    stamps = {"changed": chain.ts_changed[:n].tolist(), "confirmed": chain.own_confirmed[:n].tolist()}
    return {**columns, **stamps, "expiries": expiries, "stream": [chain.stream_confirmed]}


@given(rows=ROWS)
def test_a_batch_and_its_rows_one_by_one_leave_the_same_chain(rows: list[Row]) -> None:
    for i, row in enumerate(rows):
        row.ts = T0 + 10 * i + row.ts
    single, batch = chain_of(SYMBOLS), chain_of(SYMBOLS)
    written_row_by_row(single, rows)
    written_as_batch(batch, rows)
    assert state(single) == state(batch)


def test_an_instrument_twice_in_a_batch_keeps_the_later_quote_and_the_time_of_its_last_change() -> None:
    chain = chain_of(SYMBOLS[:2])
    again = [Row(ts=T0 + i, symbol=SYMBOLS[0], bid=bid, ask=0.02) for i, bid in enumerate((0.01, 0.011, 0.011))]
    written_as_batch(chain, again)
    assert chain.bid[0] == 0.011
    assert (chain.ts_changed[0], chain.own_confirmed[0]) == (T0 + 1, T0 + 2)


def test_a_chain_grows_past_its_first_capacity_without_losing_a_quote() -> None:
    symbols = [f"BTC-{EXPIRY}-{strike}-{kind}" for strike in range(10_000, 60_000, 250) for kind in "CP"]
    chain = chain_of([])
    for i, symbol in enumerate(symbols):
        chain.list_instrument(chain_of([symbol]).instruments[0])
        chain.update(i, T0 + i, quote_values(bid=0.001 * i, ask=1.0 + i))
    assert len(chain) == len(symbols) == 400
    assert chain.bid[:400].tolist() == [0.001 * i for i in range(400)]
    assert chain.own_confirmed[:400].tolist() == [T0 + i for i in range(400)]
    assert [chain.row(symbol) for symbol in symbols] == list(range(400))


def test_views_taken_before_growth_do_not_receive_later_quotes() -> None:
    """What reads a chain must ask it again: a kept array would go stale in silence."""
    chain = chain_of(SYMBOLS[:1])
    before = chain.bid
    for symbol in [f"BTC-{EXPIRY}-{strike}-C" for strike in range(100_000, 100_100)]:
        chain.list_instrument(chain_of([symbol]).instruments[0])
    chain.update(0, T0, quote_values(bid=0.5, ask=0.6))
    assert chain.bid[0] == 0.5
    assert before is not chain.bid


def test_each_expiry_lists_its_strikes_in_order_with_the_row_of_call_and_put() -> None:
    chain = chain_of([f"BTC-{EXPIRY}-60000-P", f"BTC-{EXPIRY}-50000-C", f"BTC-{LATER}-1000-C", f"BTC-{EXPIRY}-60000-C"])
    assert list(chain.expiries) == sorted(chain.expiries)
    nearest = next(iter(chain.expiries.values()))
    assert (nearest.strikes, nearest.calls, nearest.puts) == ([50_000.0, 60_000.0], [1, 3], [-1, 0])
    assert nearest.rows.tolist() == [1, 3, 0]
