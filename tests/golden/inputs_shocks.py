"""Golden scenarios of edge A: quotes that stand still while the perpetuals move."""

from __future__ import annotations

from tests.golden.terms import Scenario, chain, perpetual, row, shock

# Reference 30000: each venue stands at its own basis, then goes up by about 60 bps, one after the other.
_BINANCE = (0, 30005.0, 12.0, 30005.2, 8.0)
_OKX = (1, 30006.1, 900.0, 30006.3, 700.0)
_BYBIT = (2, 30004.5, 6.0, 30005.0, 4.0)
_DERIBIT = (3, 29998.0, 250_000.0, 29998.5, 150_000.0)
UP: Scenario = {
    "binance-futures": perpetual("BTCUSDT", 0, _BINANCE, (70_000, 30186.0, 10.0, 30186.4, 10.0)),
    "okex-swap": perpetual("BTC-USDT-SWAP", 1, _OKX, (70_001, 30187.5, 800.0, 30187.9, 800.0)),
    "bybit": perpetual("BTCUSDT", 2, _BYBIT, (70_002, 30185.0, 5.0, 30185.6, 5.0)),
}
UP_FOUR: Scenario = {
    **UP,
    "deribit": perpetual("BTC-PERPETUAL", 3, _DERIBIT, (70_003, 30178.0, 2e5, 30179.0, 2e5)),
}
DOWN: Scenario = {
    "binance-futures": perpetual("BTCUSDT", 0, _BINANCE, (70_000, 29825.0, 9.0, 29825.6, 11.0)),
    "okex-swap": perpetual("BTC-USDT-SWAP", 1, _OKX, (70_001, 29825.4, 500.0, 29825.8, 900.0)),
    "bybit": perpetual("BTCUSDT", 2, _BYBIT, (70_002, 29826.0, 5.0, 29826.8, 5.0)),
}
UP_FAR: Scenario = {
    "binance-futures": perpetual("BTCUSDT", 0, _BINANCE, (70_000, 30458.0, 10.0, 30458.6, 10.0)),
    "okex-swap": perpetual("BTC-USDT-SWAP", 1, _OKX, (70_001, 30459.6, 800.0, 30460.0, 800.0)),
    "bybit": perpetual("BTCUSDT", 2, _BYBIT, (70_002, 30457.0, 5.0, 30457.6, 5.0)),
}
# Two and a half more basis points, nine seconds later.
UP_TWICE: Scenario = {
    venue: {**feed, "quotes": [*feed["quotes"], (78_800 + feed["offset_ms"], bid, 5.0, bid + 0.6, 5.0)]}
    for (venue, feed), bid in zip(UP.items(), (30201.0, 30203.0, 30200.5), strict=True)
}
# Makers take these quotes away between the snapshot of the smile and the shock.
_PULLED = (68_500, None, None, None, None)

CALL_ROWS: Scenario = {
    "BTC-28APR23-28000-P": row(28000.0, "P", (0, 0.0050, 20.0, 0.0070, 20.0)),
    "BTC-28APR23-31000-C": row(31000.0, "C", (0, 0.0135, 5.0, 0.0140, 1.9)),
    "BTC-28APR23-34000-C": row(34000.0, "C", (0, 0.0004, 20.0, 0.0012, 20.0)),
}
# A raw SVI in total variance, and Black-76 on it give or take 3, 1.5, 1, 1, 0.45, 1.2 and 2 vol points, on the forward
# and at the time of the snapshot.
_SVI = ["0.003", "0.02", "-0.3", "0.01", "0.08"]
_SVI_ROWS: Scenario = {
    "BTC-28APR23-25000-P": row(25000.0, "P", (0, 0.0005165341839467064, 30.0, 0.0009178256080259059, 30.0), _PULLED),
    "BTC-28APR23-27000-P": row(27000.0, "P", (0, 0.0030640925622103313, 30.0, 0.003718823040575353, 30.0), _PULLED),
    "BTC-28APR23-28500-P": row(28500.0, "P", (0, 0.009685260978362895, 30.0, 0.010512948195223444, 30.0), _PULLED),
    "BTC-28APR23-29500-P": row(29500.0, "P", (0, 0.019236374295692374, 30.0, 0.020284442535105543, 30.0), _PULLED),
    "BTC-28APR23-30500-C": row(30500.0, "C", (0, 0.019681722679825753, 12.0, 0.02016313806924992, 12.0)),
    "BTC-28APR23-32000-C": row(32000.0, "C", (0, 0.0060883918255836425, 30.0, 0.006956153656908356, 30.0), _PULLED),
    "BTC-28APR23-34000-C": row(34000.0, "C", (0, 0.0010133059987425578, 30.0, 0.0015222806953908666, 30.0), _PULLED),
}
PUT_ROWS: Scenario = {
    "BTC-28APR23-27000-P": row(27000.0, "P", (0, 0.0018, 20.0, 0.0030, 20.0)),
    "BTC-28APR23-29500-P": row(29500.0, "P", (0, 0.0190, 5.0, 0.0195, 3.0)),
    "BTC-28APR23-33000-C": row(33000.0, "C", (0, 0.0018, 20.0, 0.0028, 20.0)),
}

SHOCKS: dict[str, Scenario] = {
    "01_stale_ask_inverse_call": shock(
        "A call's ask stands still while four perpetual venues go up: buy it",
        perpetuals=UP_FOUR,
        options=chain("BTC", CALL_ROWS),
        opens_ms=70_002,
        target=("BTC-28APR23-31000-C", "ask"),
        variants={"inside": 0.015468364943, "past": 0.015512613031},
    ),
    "02_stale_bid_inverse_call": shock(
        "A call's bid stands still while three venues go down: sell it; a dated future gives the carry",
        perpetuals=DOWN,
        future=perpetual("BTC-28APR23", 100, (100, 30019.0, 40_000.0, 30021.0, 80_000.0), every_ms=300),
        options=chain("BTC", _SVI_ROWS),
        svi=_SVI,
        target=("BTC-28APR23-30500-C", "bid"),
        varied_from_ms=68_500,  # after the snapshot: the smile stays on its curve
        variants={"inside": 0.019274713837, "past": 0.01925472496},
    ),
    "03_stale_ask_inverse_put": shock(
        "A put's ask stands still while three venues go down: buy it",
        perpetuals=DOWN,
        options=chain("BTC", PUT_ROWS),
        target=("BTC-28APR23-29500-P", "ask"),
        variants={"inside": 0.021905949826, "past": 0.021947000551},
    ),
    "04_stale_bid_inverse_put": shock(
        "A put's bid stands still while three venues go up: sell it; one strike, so that the smile is a constant",
        perpetuals=UP,
        options=chain("BTC", {"BTC-28APR23-30000-P": row(30000.0, "P", (0, 0.0270, 1.3, 0.0280, 2.0))}),
        target=("BTC-28APR23-30000-P", "bid"),
        variants={"inside": 0.025124496915, "past": 0.025084737303},
    ),
    "05_stale_ask_linear_call": shock(
        "A linear call's ask stands still while prices and the index go up; two strikes, so that the smile is a line",
        perpetuals=UP,
        index=[(0, 30000.0), (70_000, 30170.0)],
        options=chain(
            "BTC_USDC",
            {
                "BTC_USDC-28APR23-28500-P": row(28500.0, "P", (0, 240.0, 2.0, 320.0, 2.0)),
                "BTC_USDC-28APR23-30500-C": row(30500.0, "C", (0, 585.0, 2.0, 595.0, 0.77)),
            },
        ),
        target=("BTC_USDC-28APR23-30500-C", "ask"),
        variants={"inside": 668.53481581, "past": 669.88443228},
    ),
    "06_stale_bid_linear_put": shock(
        "A linear put's bid stands still while prices go up: sell it",
        perpetuals=UP,
        options=chain(
            "BTC_USDC",
            {
                "BTC_USDC-28APR23-27000-P": row(27000.0, "P", (0, 60.0, 2.0, 85.0, 2.0)),
                "BTC_USDC-28APR23-29000-P": row(29000.0, "P", (0, 412.0, 9.0, 416.0, 9.0)),
                "BTC_USDC-28APR23-33000-C": row(33000.0, "C", (0, 55.0, 2.0, 85.0, 2.0)),
            },
        ),
        target=("BTC_USDC-28APR23-29000-P", "bid"),
        variants={"inside": 410.2695249, "past": 409.14071576},
    ),
    "18_fee_cap": shock(
        "A cheap call's ask stands still: the fee is 12.5 % of the premium, not 3 bps",
        perpetuals=UP_FAR,
        options=chain(
            "BTC",
            {
                "BTC-28APR23-28000-P": row(28000.0, "P", (0, 0.0050, 20.0, 0.0070, 20.0), _PULLED),
                "BTC-28APR23-33000-C": row(33000.0, "C", (0, 0.0018, 5.0, 0.0019, 5.0)),
            },
        ),
        target=("BTC-28APR23-33000-C", "ask"),
        varied_from_ms=68_500,  # after the snapshot, so that the cap binds at the threshold too
        variants={"inside": 0.002294140921, "past": 0.002311927495},
    ),
    "39_band_grows_with_the_move_buy": shock(
        "The volatility may have fallen by 200 points per unit of the move, more than the half point it always may",
        config={"trigger": {"min_move_bps": 40.0}, "vol_down_per_move": 200.0},
        perpetuals=UP,
        options=chain("BTC", CALL_ROWS),
    ),
    "40_band_grows_with_the_move_sell": shock(
        "The volatility may have risen by 300 points per unit of the move, more than the point it always may",
        config={"trigger": {"min_move_bps": 40.0}, "vol_up_per_move": 300.0},
        perpetuals=UP,
        options=chain("BTC", {"BTC-28APR23-30000-P": row(30000.0, "P", (0, 0.0270, 1.3, 0.0280, 2.0))}),
    ),
    "37_frozen_bases": shock(
        "The stale ask comes back 9.5 s after the trigger: bases and carry are those from before it",
        perpetuals=UP_TWICE,
        options=chain(
            "BTC",
            {
                **CALL_ROWS,
                "BTC-28APR23-31000-C": row(
                    31000.0, "C", (0, 0.0135, 5.0, 0.0140, 1.9), _PULLED, (79_500, 0.0140, 5.0, 0.0145, 1.9)
                ),
            },
            underlying=[(0, 30018.0), (70_500, 30198.0)],
        ),
        decides_ms=79_500,
        fed_ms=78_802,
        ends_ms=79_510,
    ),
    "38_drifting_bases": shock(
        "The index steps up by 4 bps thirty seconds before the shock: bases and carry are on their way there",
        index=[(0, 30000.0), (40_000, 30012.0)],
        perpetuals={venue: {**feed, "every_ms": 250} for venue, feed in UP.items()},
        options=chain("BTC", CALL_ROWS),
        target=("BTC-28APR23-31000-C", "ask"),
        variants={"inside": 0.01547617223, "past": 0.015520425759},
    ),
}
