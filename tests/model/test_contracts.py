"""Native amounts, coins and notional of every contract shape; a size that nobody gives stays unknown."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.model.instruments import AmountUnit, Instrument, Kind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NAN

POSITIVE = st.floats(1e-6, 1e9)
TABLE = InstrumentTable()


def _instrument(
    unit: AmountUnit, size: float = NAN, *, inverse: bool = False, kind: Kind = Kind.PERPETUAL
) -> Instrument:
    return Instrument(
        venue="x",
        symbol="Y",
        kind=kind,
        underlying="BTC",
        quote="USD",
        inverse=inverse,
        amount_unit=unit,
        contract_size=size,
    )


SHAPES = [
    _instrument(AmountUnit.COIN),
    _instrument(AmountUnit.USD, inverse=True),
    _instrument(AmountUnit.CONTRACTS, 0.01),
    _instrument(AmountUnit.CONTRACTS, 100.0, inverse=True),
    _instrument(AmountUnit.CONTRACTS, 0.01, inverse=True, kind=Kind.OPTION),
]


@pytest.mark.parametrize(
    ("venue", "symbol", "amount", "price", "coins", "notional"),
    [
        ("ftx", "BTC-PERP", 2.0, 20_000.0, 2.0, 40_000.0),
        ("deribit", "BTC-PERPETUAL", 25_000.0, 20_000.0, 1.25, 25_000.0),
        ("okex-swap", "BTC-USDT-SWAP", 150.0, 20_000.0, 1.5, 30_000.0),
        ("okex-swap", "BTC-USD-SWAP", 300.0, 20_000.0, 1.5, 30_000.0),
        ("okex-swap", "DOGE-USDT-SWAP", 3.0, 0.1, 3000.0, 300.0),
        ("okex-options", "BTC-USD-241227-90000-C", 50.0, 80_000.0, 0.5, 40_000.0),
        ("bitmex", "XBTUSD", 1.0, 1.0, NAN, NAN),
    ],
)
def test_amounts_of_known_contracts_convert(
    venue: str, symbol: str, amount: float, price: float, coins: float, notional: float
) -> None:
    instrument = TABLE.resolve(venue, symbol)
    if math.isnan(coins):
        assert instrument is None
        return
    assert instrument is not None
    assert instrument.coins(amount, price) == pytest.approx(coins, rel=1e-15)
    assert instrument.notional_usd(amount, price) == pytest.approx(notional, rel=1e-15)


@pytest.mark.parametrize("instrument", SHAPES)
@given(amount=POSITIVE, price=POSITIVE)
def test_an_amount_converts_to_coins_and_back(instrument: Instrument, amount: float, price: float) -> None:
    coins = instrument.coins(amount, price)
    assert instrument.native_amount(coins, price) == pytest.approx(amount, rel=1e-12)
    assert instrument.notional_usd(amount, price) == pytest.approx(coins * price, rel=1e-12)


@pytest.mark.parametrize("instrument", [shape for shape in SHAPES if shape.inverse and shape.kind is not Kind.OPTION])
@pytest.mark.parametrize("price", [0.0, -1.0, NAN])
def test_dollars_without_a_price_are_not_coins(instrument: Instrument, price: float) -> None:
    assert math.isnan(instrument.coins(100.0, price))


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("inverse", [True, False])
def test_an_unknown_multiplier_is_never_one(kind: Kind, inverse: bool) -> None:
    instrument = _instrument(AmountUnit.CONTRACTS, inverse=inverse, kind=kind)
    assert math.isnan(instrument.coins(1.0, 20_000.0))
    assert math.isnan(instrument.notional_usd(1.0, 20_000.0))
    assert math.isnan(instrument.native_amount(1.0, 20_000.0))


@pytest.mark.parametrize(
    ("venue", "symbol"), [("okex-swap", "PEPE-USDT-SWAP"), ("okex-futures", "SOL-USD-241227"), ("okex", "BTC-USD-SWAP")]
)
def test_a_contract_that_is_not_in_the_table_has_an_unknown_size(venue: str, symbol: str) -> None:
    instrument = TABLE.resolve(venue, symbol)
    assert instrument is not None
    assert instrument.amount_unit is AmountUnit.CONTRACTS
    assert math.isnan(instrument.coins(1.0, 20_000.0))


def test_instruments_that_the_user_gives_go_before_the_bundled_ones() -> None:
    bundled = TABLE.resolve("okex-swap", "BTC-USDT-SWAP")
    assert bundled is not None
    mine = Instrument(
        venue="okex-swap",
        symbol="BTC-USDT-SWAP",
        kind=Kind.PERPETUAL,
        underlying="BTC",
        quote="USDT",
        inverse=False,
        amount_unit=AmountUnit.CONTRACTS,
        contract_size=0.5,
    )
    assert InstrumentTable((mine,)).resolve("okex-swap", "BTC-USDT-SWAP") is mine
    assert bundled.contract_size == 0.01


@pytest.mark.parametrize(
    ("venue", "symbol"), [("deribit", "BTC-31APR23-30000-C"), ("nowhere", "BTC-PERP"), ("ftx", "")]
)
def test_a_symbol_that_is_not_understood_resolves_to_nothing(venue: str, symbol: str) -> None:
    assert TABLE.resolve(venue, symbol) is None


def test_an_option_resolves_with_its_terms() -> None:
    option = TABLE.resolve("deribit", "SOL_USDC-28APR23-21d5-P")
    assert option is not None
    assert (option.strike, option.is_call, option.inverse, option.quote) == (21.5, False, False, "USDC")
    assert option.instrument_id == "SOL_USDC-28APR23-21d5-P.deribit"
