"""Golden scenarios of the statistical edges: volatility that overshot (D), and a perpetual away from the others (E)."""

from __future__ import annotations

from tests.golden.inputs_cascades import CASCADE
from tests.golden.terms import EXPIRY_27_MAY_2022, NOON_21_APR_2023, QuoteAt, Scenario, chain, perpetual, row

_PUT = "BTC-27MAY22-29500-P"
_OTHERS: Scenario = {
    "BTC-27MAY22-27000-P": row(27000.0, "P", (0, 0.0018, 20.0, 0.0030, 20.0)),
    "BTC-27MAY22-33000-C": row(33000.0, "C", (0, 0.0018, 20.0, 0.0028, 20.0)),
}


def _overshot(title: str, quote: QuoteAt, **changes: object) -> Scenario:
    """Let the cascade of 16 burn out, and the put be quoted anew three seconds into it."""
    put = row(29500.0, "P", (0, 0.0190, 5.0, 0.0195, 3.0), quote)
    index = CASCADE["index"]
    underlying = [(at, round(price * 1.0006, 6)) for at, price in index]
    return {
        **CASCADE,
        "title": title,
        "kind": "overshoot",
        "config": {**CASCADE["config"], "edges": ["D"]},
        "options": chain("BTC", {**_OTHERS, _PUT: put}, expiry_s=EXPIRY_27_MAY_2022, underlying=underlying),
        "decides_ms": 405_350,
        "ends_ms": 405_360,
        "varied_from_ms": 403_400,
        **changes,
    }


_BINANCE = (0, 30005.0, 12.0, 30005.2, 8.0)
_OKX = (1, 30006.1, 900.0, 30006.3, 700.0)
_BYBIT = (2, 30004.5, 6.0, 30005.0, 4.0)
_DERIBIT = (3, 29998.0, 250_000.0, 29998.5, 150_000.0)


def _alone(title: str, venue: str, shocked: QuoteAt, **changes: object) -> Scenario:
    """Let one of four perpetuals leave the others, which stand still."""
    quiet = {
        "binance-futures": ("BTCUSDT", _BINANCE),
        "okex-swap": ("BTC-USDT-SWAP", _OKX),
        "bybit": ("BTCUSDT", _BYBIT),
        "deribit": ("BTC-PERPETUAL", _DERIBIT),
    }
    return {
        "title": title,
        "kind": "dislocation",
        "start_s": NOON_21_APR_2023,
        "config": {},
        "index": [(0, 30000.0)],
        "perpetuals": {
            name: perpetual(symbol, at[0], at, *([shocked] if name == venue else []), every_ms=100)
            for name, (symbol, at) in quiet.items()
        },
        "opens_ms": 70_300,
        "ends_ms": 70_340,
        **changes,
    }


STATISTICAL: Scenario = {
    "60_overshoot_sell": _overshot(
        "The cascade has burnt out and a put is bid far above where its volatility is expected: sell it",
        (403_400, 0.0255, 5.0, 0.0265, 3.0),
        target=(_PUT, "bid"),
        variants={"inside": 0.02486468957, "past": 0.024851346277},
    ),
    "61_overshoot_buy": _overshot(
        "The cascade has burnt out and a put is offered below where its volatility is expected: buy it",
        (403_400, 0.0180, 5.0, 0.0185, 3.0),
        target=(_PUT, "ask"),
        variants={"inside": 0.019485426778, "past": 0.019498750166},
    ),
    "61b_overshoot_while_it_burns": _overshot(
        "The same before the intensity has halved: nothing is looked at, and the trigger ends without a price",
        (403_400, 0.0180, 5.0, 0.0185, 3.0),
        decides_ms=None,
        ends_ms=405_300,
    ),
    "62_dislocation_buy": _alone(
        "Bybit alone falls by 20 bps and stays there for a quarter of a second: buy it, sell the cheapest other",
        "bybit",
        (70_002, 29944.0, 5.0, 29944.6, 1.5),
        target=("bybit", "ask"),
        varied_from_ms=70_002,
        variants={"inside": 29959.4044989, "past": 29960.00426503},
    ),
    "63_dislocation_sell": _alone(
        "OKX alone rises by 20 bps: sell it, as far as its contracts go, and buy the cheapest other",
        "okex-swap",
        (70_001, 30068.0, 120.0, 30068.2, 700.0),
        target=("okex-swap", "bid"),
        varied_from_ms=70_001,
        variants={"inside": 30050.14297461, "past": 30049.54255015},
    ),
}
