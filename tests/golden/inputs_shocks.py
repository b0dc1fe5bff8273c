"""Golden scenarios of edge A: quotes that stand still while the perpetuals move, and two cascades."""

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
_PULLED = (68_500, None, None, None, None)

CALL_ROWS: Scenario = {
    "BTC-28APR23-28000-P": row(28000.0, "P", (0, 0.0050, 20.0, 0.0070, 20.0)),
    "BTC-28APR23-31000-C": row(31000.0, "C", (0, 0.0135, 5.0, 0.0140, 1.9)),
    "BTC-28APR23-34000-C": row(34000.0, "C", (0, 0.0004, 20.0, 0.0012, 20.0)),
}

SHOCKS: dict[str, Scenario] = {
    "01_stale_ask_inverse_call": shock(
        "A call's ask stands still while four perpetual venues go up: buy it",
        perpetuals=UP_FOUR,
        options=chain("BTC", CALL_ROWS),
        opens_ms=70_002,
        target=("BTC-28APR23-31000-C", "ask"),
        variants={},
    ),
}
