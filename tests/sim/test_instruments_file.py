"""Contracts that the bundled table does not know travel beside the data, in the form of Tardis' instruments API."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aftershock.model.instruments import AmountUnit, Instrument, Kind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN, utc_ns
from aftershock.sim.market.instruments_file import unknown_to_the_table, write_instruments
from aftershock.venues.tardis.instruments_json import load
from tests.sim.tardis_events import union_margined

EXPIRY_NS = utc_ns(2026, 10, 9, 8)
BYBIT_OPTION = Instrument(
    venue="bybit-options",
    symbol="BTC-9OCT26-90000-C-USDT",
    kind=Kind.OPTION,
    underlying="BTC",
    quote="USDT",
    inverse=False,
    amount_unit=AmountUnit.COIN,
    contract_size=1.0,
    tick_size=5.0,
    lot_size=0.01,
    strike=90_000.0,
    is_call=True,
    expiry_ns=EXPIRY_NS,
)
OTHERS = (
    BYBIT_OPTION,
    Instrument(
        venue="okex-swap", symbol="PEPE-USDT-SWAP", kind=Kind.PERPETUAL, underlying="PEPE", quote="USDT", inverse=False,
        amount_unit=AmountUnit.CONTRACTS, contract_size=1e7, tick_size=1e-10,
    ),
    Instrument(
        venue="bybit", symbol="BTCUSD", kind=Kind.PERPETUAL, underlying="BTC", quote="USD", inverse=True,
        amount_unit=AmountUnit.USD, contract_size=1.0,
    ),
    Instrument(
        venue="deribit", symbol="BTC-FS-9OCT26", kind=Kind.FUTURE, underlying="BTC", quote="USD", inverse=True,
        amount_unit=AmountUnit.USD, expiry_ns=EXPIRY_NS + 123_456_789,
    ),
    Instrument(
        venue="kraken", symbol="XBT/USD", kind=Kind.SPOT, underlying="BTC", quote="USD", inverse=False,
        amount_unit=AmountUnit.COIN,
    ),
)  # fmt: skip


def known(venue: str, symbol: str) -> Instrument:
    found = InstrumentTable().resolve(venue, symbol)
    assert found is not None
    return found


def test_only_what_the_bundled_table_lacks_or_has_otherwise_is_unknown() -> None:
    bundled = known("deribit", "BTC-9OCT26-90000-C"), known("bybit", "BTCUSDT")
    finer = msgspec.structs.replace(bundled[0], tick_size=0.00005)
    assert unknown_to_the_table([*bundled, union_margined(), BYBIT_OPTION]) == [BYBIT_OPTION, union_margined()]
    assert unknown_to_the_table([finer]) == [finer]


def test_what_is_written_is_what_a_replay_loads(tmp_path: Path) -> None:
    instruments = [union_margined(), *OTHERS]
    write_instruments(tmp_path / "instruments.json", instruments)
    loaded = load(tmp_path / "instruments.json")
    assert repr(loaded.instruments) == repr(tuple(instruments))  # as text, NaN equals NaN
    assert loaded.notes == ()


def test_fees_stay_those_of_the_bundled_table(tmp_path: Path) -> None:
    write_instruments(tmp_path / "instruments.json", [union_margined()])
    loaded = load(tmp_path / "instruments.json")
    fee = InstrumentTable(loaded.instruments, loaded.fees).fee(union_margined(), EXPIRY_NS)
    assert fee is not None
    assert (fee.taker_rate, fee.cap_fraction) == (0.0003, 0.07)  # OKX's page: 3 bps, at most 7 % of the premium


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"amount_unit": AmountUnit.USD}, "count usd, but are read as coin"),
        ({"is_call": None}, "don't fit its kind, option"),
        ({"strike": NAN}, "don't fit its kind, option"),
        ({"kind": Kind.FUTURE}, "don't fit its kind, future"),
        ({"contract_size": 0.0}, "not positive"),
        ({"tick_size": -1.0}, "not positive"),
    ],
)
def test_terms_that_the_format_cannot_say_are_refused(tmp_path: Path, changes: dict[str, object], why: str) -> None:
    unsayable = msgspec.structs.replace(BYBIT_OPTION, **changes)
    if unsayable.kind is Kind.FUTURE:
        unsayable = msgspec.structs.replace(unsayable, amount_unit=AmountUnit.CONTRACTS)
    with pytest.raises(ValueError, match=why):
        write_instruments(tmp_path / "instruments.json", [unsayable])
