"""Signatures of Backpack's API, against vectors of the documentation and of other people's clients."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import ConfigError
from aftershock.venues.backpack.signing import Signer, batch_text, signed_text

# 00 01 02 ... 1f, a seed for tests all over the world
SEED = base64.b64encode(bytes(range(32))).decode()
PUBLIC = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
CANCEL = "instruction=orderCancel&orderId=28&symbol=BTC_USDT&timestamp=1614550000000&window=5000"
CANCEL_SIGNED = "80cYcHmUHbvcO3IonY2y+nObqUTRkZrNbRsPB30r+NjqgKfP5DIFKryC0ea11fMcweyoymFT+S2cGbPACyinDw=="
SUBSCRIBE_SIGNED = "Uf+mBpqN/y/EzT77rzrj7ga4mdvZmzq4XW+Lh+9B0K0wLMFJrInMKcACIpSpVaPNzrFEpPhINxEP2rNI3E92CA=="


def test_a_request_is_signed_as_the_documentation_signs_it() -> None:
    text = signed_text("orderCancel", {"symbol": "BTC_USDT", "orderId": 28}, 1_614_550_000_000, 5_000)
    headers = Signer(SEED).headers("orderCancel", {"orderId": 28, "symbol": "BTC_USDT"}, 1_614_550_000_000)

    assert text == CANCEL
    assert headers == {
        "X-API-Key": PUBLIC,
        "X-Timestamp": "1614550000000",
        "X-Window": "5000",
        "X-Signature": CANCEL_SIGNED,
    }


def test_a_subscription_carries_key_signature_time_and_window() -> None:
    assert Signer(SEED).subscription(1_614_550_000_000) == [PUBLIC, SUBSCRIBE_SIGNED, "1614550000000", "5000"]


def test_a_batch_repeats_the_instruction_for_each_order_and_keeps_their_order() -> None:
    orders = [
        {"symbol": "SOL_USDC_PERP", "side": "Bid", "orderType": "Limit", "price": "141", "quantity": "12"},
        {"symbol": "SOL_USDC_PERP", "side": "Bid", "orderType": "Limit", "price": "140", "quantity": "11"},
    ]

    text = batch_text("orderExecute", orders, 1_750_793_021_519, 5_000)

    assert text == (
        "instruction=orderExecute&orderType=Limit&price=141&quantity=12&side=Bid&symbol=SOL_USDC_PERP"
        "&instruction=orderExecute&orderType=Limit&price=140&quantity=11&side=Bid&symbol=SOL_USDC_PERP"
        "&timestamp=1750793021519&window=5000"
    )


def test_booleans_are_small_letters_and_what_is_absent_is_left_out() -> None:
    text = signed_text("orderExecute", {"postOnly": True, "reduceOnly": False, "clientId": None, "price": "1"}, 1, 2)

    assert text == "instruction=orderExecute&postOnly=true&price=1&reduceOnly=false&timestamp=1&window=2"


@given(st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.booleans()))
def test_the_order_of_parameters_does_not_matter(params: dict[str, str | int | bool]) -> None:
    backwards = dict(reversed(params.items()))

    assert signed_text("x", params, 1, 2) == signed_text("x", backwards, 1, 2)


@pytest.mark.parametrize("secret", ["", "no base64!", base64.b64encode(b"short").decode(), SEED[:-4]])
def test_what_is_no_key_is_refused_without_showing_it(secret: str) -> None:
    with pytest.raises(ConfigError, match="no base64 of 32 bytes") as raised:
        Signer(secret)
    assert not secret or secret not in str(raised.value)


def test_a_signer_never_shows_its_key() -> None:
    assert SEED not in repr(Signer(SEED))
    assert SEED not in repr(vars(Signer(SEED)))


def test_a_window_beyond_the_venue_s_is_refused() -> None:
    with pytest.raises(ConfigError):
        Signer(SEED, window_ms=60_001)
