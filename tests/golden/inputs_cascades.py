"""Golden scenarios of liquidation cascades: full, within three sigmas, and degraded for want of inputs."""

from __future__ import annotations

from tests.golden.inputs_shocks import CALL_ROWS, UP_FOUR
from tests.golden.terms import (
    EXPIRY_27_MAY_2022,
    NOON_20_MAY_2022,
    NOON_21_APR_2023,
    QuoteAt,
    Scenario,
    chain,
    perpetual,
    row,
)

_SHOCK_S = 400
# The index and every venue alternate between two levels 2 bps apart, once a second: sigma is that, bases stand still.
_STEP = 1.0002


def _alternating(bid: float, bid_amount: float, ask: float, ask_amount: float, offset_ms: int) -> list[QuoteAt]:
    return [
        (
            1_000 * second + offset_ms,
            round(bid * _STEP ** (second % 2), 6),
            bid_amount,
            round(ask * _STEP ** (second % 2), 6),
            ask_amount,
        )
        for second in range(_SHOCK_S + 1)
    ]


def _levels(price: float) -> list[tuple[int, float]]:
    return [(1_000 * second, round(price * _STEP ** (second % 2), 6)) for second in range(_SHOCK_S + 1)]


def _venues(binance: QuoteAt, ftx: QuoteAt, bybit: QuoteAt) -> Scenario:
    quiet = {
        ("binance-futures", "BTCUSDT", 0): (30005.0, 12.0, 30005.2, 8.0),
        ("ftx", "BTC-PERP", 1): (30002.0, 7.0, 30003.0, 3.0),
        ("bybit", "BTCUSDT", 2): (30004.5, 6.0, 30005.0, 4.0),
    }
    return {
        venue: perpetual(symbol, offset, *_alternating(*quote, offset), shocked, every_ms=250)
        for ((venue, symbol, offset), quote), shocked in zip(quiet.items(), (binance, ftx, bybit), strict=True)
    }


_PUTS_2022: Scenario = {
    "BTC-27MAY22-27000-P": row(27000.0, "P", (0, 0.0018, 20.0, 0.0030, 20.0)),
    "BTC-27MAY22-29500-P": row(29500.0, "P", (0, 0.0190, 5.0, 0.0195, 3.0)),
    "BTC-27MAY22-33000-C": row(33000.0, "C", (0, 0.0018, 20.0, 0.0028, 20.0)),
}
CASCADE: Scenario = {
    "title": "Longs are liquidated on two venues that print fills, after 400 s of history: buy the stale put",
    "kind": "stale_quote",
    "start_s": NOON_20_MAY_2022,
    "config": {"trigger": {"armed": ["cascade"]}, "liquidation_venues": 2},
    "index": _levels(30000.0),
    "perpetuals": _venues(
        (400_250, 29825.0, 9.0, 29825.6, 11.0),
        (400_251, 29822.6, 6.0, 29823.0, 5.0),
        (400_252, 29826.0, 5.0, 29826.8, 5.0),
    ),
    "options": chain("BTC", _PUTS_2022, expiry_s=EXPIRY_27_MAY_2022, underlying=_levels(30018.0)),
    "liquidations": [
        (400_300, "deribit", "BTC-PERPETUAL", 29815.0, 2_000_000.0, "long", "fill", "all"),
        (400_310, "ftx", "BTC-PERP", 29820.0, 30.0, "long", "fill", "all"),
    ],
    "opens_ms": 400_310,
    "ends_ms": 400_320,
}
_TWO_BANKRUPTCIES = [
    (10_000, "okex-swap", "BTC-USDT-SWAP", 29900.0, 4_000.0, "long", "bankruptcy", "throttled"),
    (11_000, "okex-swap", "BTC-USDT-SWAP", 29890.0, 6_000.0, "long", "bankruptcy", "throttled"),
]
_DEGRADED: Scenario = {
    "title": "One venue prints bankruptcy prices and no perpetual is quoted: one HOLD, for want of a forward",
    "kind": "degraded",
    "start_s": NOON_21_APR_2023,
    "config": {"trigger": {"armed": ["cascade"]}},
    "index": [(0, 30000.0)],
    "options": chain("BTC", CALL_ROWS),
    "liquidations": _TWO_BANKRUPTCIES,
    "opens_ms": 11_000,
    "ends_ms": 11_100,
    "missing": ["forward", "history"],
}

CASCADES: dict[str, Scenario] = {
    "16_cascade": {
        **CASCADE,
        "target": ("BTC-27MAY22-29500-P", "ask"),
        "variants": {"inside": 0.022064742059, "past": 0.022105820907},
    },
    "16b_cascade_within_three_sigmas": {
        **CASCADE,
        "title": "The same liquidations on a move of 29 bps, where three sigmas over 30 s are 33: nothing opens",
        "kind": "quiet",
        "perpetuals": _venues(
            (400_250, 29918.0, 9.0, 29918.4, 11.0),
            (400_251, 29915.6, 6.0, 29916.0, 5.0),
            (400_252, 29917.6, 5.0, 29918.2, 5.0),
        ),
    },
    "17_degraded": _DEGRADED,
    "17b_degraded_without_chain": {
        **{key: value for key, value in _DEGRADED.items() if key != "options"},
        "title": "The same without an option chain: one HOLD, for want of a chain",
    },
    "17c_degraded_for_want_of_history": {
        **_DEGRADED,
        "title": "The same with perpetuals that have 70 s of history: one HOLD, a condition could not be tested",
        "perpetuals": UP_FOUR,
        "liquidations": [
            (69_010, "okex-swap", "BTC-USDT-SWAP", 29900.0, 4_000.0, "short", "bankruptcy", "throttled"),
            (70_010, "okex-swap", "BTC-USDT-SWAP", 29890.0, 6_000.0, "short", "bankruptcy", "throttled"),
        ],
        "opens_ms": 70_010,
        "ends_ms": 70_020,
        "missing": ["history"],
    },
}
