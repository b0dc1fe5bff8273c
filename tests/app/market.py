"""A minute and a half of a tiny market as Tardis CSV: quiet, then 40 bps up while one call's maker stands still."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable
from pathlib import Path

from aftershock.model.units import NS_PER_YEAR, utc_ns
from aftershock.pricing import price

START_US = utc_ns(2026, 10, 1, 9) // 1_000
EXPIRY_US = utc_ns(2026, 10, 9, 8) // 1_000
SECOND = 1_000_000
MOVE_AT_S = 60
SECONDS = 75
LEVEL = 90_000.0
MOVED = LEVEL * math.exp(40e-4)
STALLED = "BTC-9OCT26-90000-C"
STRIKES = range(80_000, 100_001, 2_500)
PERPS = (("binance-futures", "BTCUSDT"), ("bybit", "BTCUSDT"), ("okex-swap", "BTC-USDT-SWAP"))

OPTION_HEAD = (
    "exchange,symbol,timestamp,local_timestamp,type,strike_price,expiration,open_interest,last_price,bid_price,"
    "bid_amount,bid_iv,ask_price,ask_amount,ask_iv,mark_price,mark_iv,underlying_index,underlying_price,delta,gamma,"
    "vega,theta,rho"
)
QUOTE_HEAD = "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"
PRINT_HEAD = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
TICKER_HEAD = (
    "exchange,symbol,timestamp,local_timestamp,funding_timestamp,funding_rate,predicted_funding_rate,open_interest,"
    "last_price,index_price,mark_price"
)


def write_market(folder: Path) -> list[Path]:
    """Write options, perpetual quotes, an index and a few liquidations; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    return [
        write(folder / "deribit_options_chain.csv.gz", OPTION_HEAD, options()),
        *(
            write(folder / f"{venue}_quotes.csv", QUOTE_HEAD, perpetual(venue, symbol, i))
            for i, (venue, symbol) in enumerate(PERPS)
        ),
        write(folder / "deribit_derivative_ticker.csv", TICKER_HEAD, index()),
        write(folder / "okex-swap_liquidations.csv", PRINT_HEAD, liquidations()),
    ]


def write(path: Path, head: str, rows: Iterable[str]) -> Path:
    """Write a CSV file, compressed if its name says so."""
    text = "\n".join([head, *rows]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def write_instrument(folder: Path, *, multiplier: int) -> Path:
    """Write the terms of the contract whose size nobody knows, as Tardis' instruments endpoint gives them."""
    entry = {
        "id": "PEPE-USDT-SWAP",
        "exchange": "okex-swap",
        "baseCurrency": "PEPE",
        "quoteCurrency": "USDT",
        "type": "perpetual",
        "contractMultiplier": multiplier,
    }
    path = folder / "instruments.json"
    path.write_text(json.dumps([entry]), encoding="utf-8")
    return path


def options() -> Iterable[str]:
    """Yield the whole chain each half second, spread over it."""
    for half in range(2 * SECONDS):
        at = START_US + half * SECOND // 2
        level = MOVED if half >= 2 * MOVE_AT_S else LEVEL
        for i, (symbol, strike, is_call) in enumerate(listed()):
            ts = at + 10_000 + i * 2_000
            forward = LEVEL if symbol == STALLED else level
            bid, ask = quotes(forward, strike, is_call, ts)
            kind = "call" if is_call else "put"
            yield (
                f"deribit,{symbol},{ts},{ts + 5_000},{kind},{strike},{EXPIRY_US},100,,{bid},20,,{ask},20,,,50,"
                f"BTC-9OCT26,{level:.2f},,,,,"
            )


def listed() -> Iterable[tuple[str, int, bool]]:
    """Yield (symbol, strike, is call)."""
    for strike in STRIKES:
        for kind in "CP":
            yield f"BTC-9OCT26-{strike}-{kind}", strike, kind == "C"


def quotes(forward: float, strike: float, is_call: bool, ts_us: int) -> tuple[float, float]:
    """Return coin prices at 49.6 and 50.4 percent, on the tick grid."""
    tau = (EXPIRY_US - ts_us) * 1_000 / NS_PER_YEAR
    low, high = (float(price(forward, strike, tau, sigma, is_call)) / forward for sigma in (0.496, 0.504))
    return round(math.floor(low * 1e4) / 1e4, 4), round(math.ceil(high * 1e4) / 1e4, 4)


def perpetual(venue: str, symbol: str, offset: int) -> Iterable[str]:
    """Yield a venue's best bid and ask, five times a second."""
    for fifth in range(5 * SECONDS):
        ts = START_US + fifth * SECOND // 5 + offset * 1_000
        level = MOVED if fifth >= 5 * MOVE_AT_S else LEVEL
        yield f"{venue},{symbol},{ts},{ts + 5_000},50000,{level + 0.5:.2f},{level - 0.5:.2f},50000"


def index() -> Iterable[str]:
    """Yield the index price once a second."""
    for second in range(SECONDS):
        ts = START_US + second * SECOND + 3_000
        level = MOVED if second >= MOVE_AT_S else LEVEL
        yield f"deribit,BTC-PERPETUAL,{ts},{ts + 5_000},,,,,,{level:.2f},{level:.2f}"


def liquidations() -> Iterable[str]:
    """Yield forced buys around the move, and one of a contract whose size nobody knows."""
    for i in range(4):
        ts = START_US + (MOVE_AT_S + i) * SECOND
        yield f"okex-swap,BTC-USDT-SWAP,{ts},{ts + 20_000},,buy,{MOVED:.1f},500"
    ts = START_US + (MOVE_AT_S + 5) * SECOND
    yield f"okex-swap,PEPE-USDT-SWAP,{ts},{ts + 20_000},,sell,0.00001,700"


CALIBRATION = """
[calibration]
name = "seeds 1 to 10"

[[calibration.types]]
edge = "A"
action = "BUY"
threshold_bps = 3.0
spread_bps = [2.0, 6.0]
confidence = [0.4, 0.8]
p_fill = [0.5, 0.3]
p_profit_h = [0.2, 0.4]
gain_bps = 6.0
loss_bps = 4.0
sd_bps = 10.0
fills = 321
"""
