"""`--instruments` takes what Tardis' instruments API answers."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import InputError
from aftershock.model.instruments import AmountUnit, Kind
from aftershock.model.table import InstrumentTable
from aftershock.model.units import utc_ns
from aftershock.venues.tardis.instruments_json import LoadedInstruments, load

SWAP: dict[str, Any] = {
    "id": "PEPE-USDT-SWAP",
    "exchange": "okex-swap",
    "baseCurrency": "PEPE",
    "quoteCurrency": "USDT",
    "type": "perpetual",
    "active": True,
    "availableSince": "2023-05-01T00:00:00.000Z",
    "priceIncrement": 1e-9,
    "amountIncrement": "0.1",
    "minTradeAmount": 0.1,
    "makerFee": 0.0002,
    "takerFee": "0.0005",
    "inverse": False,
    "contractMultiplier": 10_000_000,
}
OPTION: dict[str, Any] = {
    "id": "BTC-30JUN23-25000-C",
    "exchange": "bybit-options",
    "baseCurrency": "BTC",
    "quoteCurrency": "USDC",
    "type": "option",
    "expiry": "2023-06-30T08:00:00.000Z",
    "priceIncrement": "5",
    "amountIncrement": 0.01,
    "minTradeAmount": 0.01,
    "strikePrice": "25000",
    "optionType": "call",
    "takerFee": 0.0003,
    "makerFee": 0.0002,
}


def _load(tmp_path: Path, *entries: object, span: tuple[int, int] | None = None) -> LoadedInstruments:
    path = tmp_path / "instruments.json"
    path.write_text(json.dumps(entries[0] if len(entries) == 1 else list(entries)))
    return load(path, span)


def test_a_perpetual_gets_its_multiplier_and_steps_from_numbers_or_strings(tmp_path: Path) -> None:
    (swap,) = _load(tmp_path, SWAP).instruments
    assert (swap.kind, swap.amount_unit, swap.contract_size) == (Kind.PERPETUAL, AmountUnit.CONTRACTS, 1e7)
    assert (swap.tick_size, swap.lot_size) == (1e-9, 0.1)
    assert swap.coins(2, 1e-5) == 2e7


def test_an_option_gets_the_terms_that_its_name_does_not_give(tmp_path: Path) -> None:
    loaded = _load(tmp_path, SWAP, OPTION)
    table = InstrumentTable(loaded.instruments, loaded.fees)
    option = table.resolve("bybit-options", "BTC-30JUN23-25000-C")
    assert option is not None
    assert (option.strike, option.is_call, option.expiry_ns) == (25000, True, utc_ns(2023, 6, 30, 8))
    assert (option.amount_unit, option.inverse, option.quote) == (AmountUnit.COIN, False, "USDC")


def test_fees_of_the_file_keep_the_caps_of_the_bundled_table(tmp_path: Path) -> None:
    loaded = _load(tmp_path, SWAP, OPTION | {"takerFee": 0.0001})
    table = InstrumentTable(loaded.instruments, loaded.fees)
    fee = table.fee(loaded.instruments[1], utc_ns(2026, 1, 1))
    assert fee is not None
    assert (fee.taker_rate, fee.cap_fraction) == (0.0001, 0.07)


def test_the_highest_of_several_fees_is_used_and_said(tmp_path: Path) -> None:
    loaded = _load(tmp_path, SWAP, SWAP | {"id": "X-USDT-SWAP", "takerFee": 0.001})
    assert [fee.taker_rate for fee in loaded.fees] == [0.001]
    assert loaded.notes == ("okex-swap has several perpetual fees: the highest is used",)


def test_an_unknown_multiplier_is_not_one(tmp_path: Path) -> None:
    (swap,) = _load(tmp_path, {k: v for k, v in SWAP.items() if k != "contractMultiplier"}).instruments
    assert math.isnan(swap.coins(1, 1))


def test_a_quanto_contract_is_not_convertible_and_said_to_be_so(tmp_path: Path) -> None:
    loaded = _load(tmp_path, SWAP | {"quanto": True})
    assert math.isnan(loaded.instruments[0].coins(1, 1))
    assert "quanto" in loaded.notes[0]


CHANGES = [
    {"until": "2023-06-01T00:00:00.000Z", "contractMultiplier": "1000000"},
    {"until": "2023-08-01T00:00:00.000Z", "contractMultiplier": 2_000_000},
    {"until": "2023-09-01T00:00:00.000Z", "makerFee": 0.1},
]


@pytest.mark.parametrize(
    ("span", "size"),
    [
        ((utc_ns(2023, 5, 2), utc_ns(2023, 5, 3)), 1e6),
        ((utc_ns(2023, 6, 2), utc_ns(2023, 7, 1)), 2e6),
        ((utc_ns(2023, 8, 2), utc_ns(2023, 10, 1)), 1e7),
    ],
)
def test_a_multiplier_that_changed_is_the_one_of_the_time_replayed(
    tmp_path: Path, span: tuple[int, int], size: float
) -> None:
    loaded = _load(tmp_path, SWAP | {"changes": CHANGES}, span=span)
    assert loaded.instruments[0].contract_size == size
    assert loaded.notes == ()


@pytest.mark.parametrize("span", [None, (utc_ns(2023, 5, 2), utc_ns(2023, 6, 2))])
def test_a_multiplier_that_changed_in_between_converts_nothing_and_is_said(
    tmp_path: Path, span: tuple[int, int] | None
) -> None:
    loaded = _load(tmp_path, SWAP | {"changes": CHANGES}, span=span)
    assert math.isnan(loaded.instruments[0].contract_size)
    assert loaded.notes == ("PEPE-USDT-SWAP changed its contract multiplier: its amounts are not converted",)


def test_kinds_without_a_place_in_the_model_are_left_out_and_said(tmp_path: Path) -> None:
    loaded = _load(tmp_path, SWAP, SWAP | {"id": "A", "type": "combo"}, SWAP | {"id": "B", "type": "combo"})
    assert len(loaded.instruments) == 1
    assert loaded.notes == ("combo instruments are left out, e.g. A",)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is no list of Tardis instruments"),
        ("7", "is no list of Tardis instruments"),
        ('[{"id": "X"}]', "missing required field `exchange`"),
        (json.dumps(SWAP | {"contractMultiplier": "ten"}), "contractMultiplier of PEPE-USDT-SWAP is no number"),
        (json.dumps(SWAP | {"contractMultiplier": 0}), "not positive"),
        (json.dumps(SWAP | {"takerFee": "nan"}), "fee of PEPE-USDT-SWAP is no number"),
        (json.dumps([SWAP, SWAP]), "has PEPE-USDT-SWAP.okex-swap twice"),
        (json.dumps(OPTION | {"optionType": "C"}), "lacks strikePrice or optionType"),
        (json.dumps(OPTION | {"expiry": None}), "lacks expiry"),
        (json.dumps(OPTION | {"expiry": "June"}), "is no ISO time"),
    ],
)
def test_what_is_no_list_of_instruments_is_refused_in_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "instruments.json"
    path.write_text(content)
    with pytest.raises(InputError) as refusal:
        load(path)
    assert sentence in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        load(tmp_path / "none.json")


@given(
    content=st.one_of(
        st.binary(max_size=60),
        st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode()),
    )
)
def test_no_bytes_raise_anything_but_an_input_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "instruments.json"
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        load(path)
