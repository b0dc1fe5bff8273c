"""A server in a process of its own that sends market data at a fixed rate, whoever is slow: an open loop.

`python -m benchmarks.socket_load --rate R --seconds S` prints its port and when it begins, then serves
`/ws-stream-normalized` to one client and ends the stream after S seconds. Each message carries, in `timestamp` and in
`at`, the moment at which it was due: what it waited anywhere after that is in the reader's latency.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import sys
import time
from datetime import UTC, datetime

import numpy as np
from aiohttp import web

from aftershock.app.bench_market import INDEX, bench_chain
from aftershock.model.units import NS_PER_S, utc_ns

__all__ = ["QUIET_SHARE", "START_NS"]

START_NS = utc_ns(2026, 10, 1, 9) + 70 * NS_PER_S
"""When the stream begins, on the market's clock: after the quiet minute of `bench_market`."""
QUIET_SHARE = 0.4
"""After this share of the stream the price moves by 30 bps within six seconds."""
_TURN_S = 0.0002
_CONNECT_NS = 2 * NS_PER_S
_PERPS = (
    ("binance-futures", "BTCUSDT"),
    ("bybit", "BTCUSDT"),
    ("okex-swap", "BTC-USDT-SWAP"),
    ("deribit", "BTC-PERPETUAL"),
)
_PERP_EVERY, _INDEX_EVERY = 50, 1_999
_RAMP_S = 6.0


class Tape:
    """Messages in turn: every 50th a quote of a perpetual, now and then the index, all others tickers of 500 options.

    Texts of options are made beforehand, half of the chain requoted after the move; only times are filled in.
    """

    def __init__(self, seconds: float) -> None:
        chain = bench_chain()
        self._moves_s = QUIET_SHARE * seconds
        self._options = [
            [_option(chain.symbols[i], float(c.strike[i]), bool(c.is_call[i]), int(c.expiry_ns[i]), float(c.bid[i]),
                     float(c.ask[i])) for i in range(len(c.symbols))]
            for c in (chain, chain.requoted(INDEX * math.exp(30e-4), 10))
        ]  # fmt: skip
        self._rng = np.random.default_rng(1)
        self._number = 0

    def text(self, since_s: float, due_ns: int, stamp: str) -> str:
        """Return the next message."""
        self._number += 1
        moved = min(max((since_s - self._moves_s) / _RAMP_S, 0.0), 1.0)
        if self._number % _INDEX_EVERY == 0:
            body = (
                '{"type":"derivative_ticker","symbol":"BTC-PERPETUAL","exchange":"deribit",'
                f'"indexPrice":{INDEX * math.exp(30e-4 * moved):.2f}'
            )
        elif self._number % _PERP_EVERY == 0:
            venue, symbol = _PERPS[self._number // _PERP_EVERY % len(_PERPS)]
            level = INDEX * math.exp(30e-4 * moved + 1e-6 * float(self._rng.standard_normal()))
            body = (
                f'{{"type":"book_snapshot","symbol":"{symbol}","exchange":"{venue}","name":"quote","depth":1,'
                f'"interval":0,"bids":[{{"price":{level - 0.5:.1f},"amount":1000000}}],'
                f'"asks":[{{"price":{level + 0.5:.1f},"amount":1000000}}]'
            )
        else:
            options = self._options[moved >= 1.0]
            body = options[self._number % len(options)]
        return f'{body},"timestamp":"{stamp}","localTimestamp":"{stamp}","at":{due_ns}}}'


def _option(symbol: str, strike: float, is_call: bool, expiry_ns: int, bid: float, ask: float) -> str:
    expiry = f"{datetime.fromtimestamp(expiry_ns // NS_PER_S, tz=UTC):%Y-%m-%dT%H:%M:%S}.000Z"
    fields = {
        "type": "option_summary",
        "symbol": symbol,
        "exchange": "deribit",
        "optionType": "call" if is_call else "put",
        "strikePrice": strike,
        "expirationDate": expiry,
        "bestBidPrice": bid,
        "bestBidAmount": 10,
        "bestAskPrice": ask,
        "bestAskAmount": 10,
        "underlyingPrice": INDEX,
        "underlyingIndex": "index_price",
    }
    return json.dumps(fields)[:-1]


async def _serve(rate: float, seconds: float) -> None:
    tape, done = Tape(seconds), asyncio.Event()
    started = time.time_ns() + _CONNECT_NS

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await asyncio.sleep(max(started - time.time_ns(), 0) / NS_PER_S)
        shift, sent = started - START_NS, 0
        while sent < rate * seconds:
            now = time.time_ns()
            due = int(min((now - started) / NS_PER_S, seconds) * rate)
            while sent < due:
                since = sent / rate
                moment = START_NS + int(since * NS_PER_S)
                second = datetime.fromtimestamp(moment // NS_PER_S, tz=UTC)
                stamp = f"{second:%Y-%m-%dT%H:%M:%S}.{moment % NS_PER_S // 1000:06d}Z"
                await socket.send_str(tape.text(since, moment + shift, stamp))
                sent += 1
            time.sleep(_TURN_S)  # noqa: ASYNC251 - loops wait whole milliseconds, and there is nothing else to do
            await asyncio.sleep(0)
        sys.stdout.write(f"{sent}\n")
        sys.stdout.flush()
        await socket.close()
        done.set()
        return socket

    app = web.Application()
    app.router.add_get("/ws-stream-normalized", stream)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(f"{runner.addresses[0][1]} {started}\n")
    sys.stdout.flush()
    await done.wait()
    await runner.cleanup()


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    chosen = parser.parse_args()
    gc.disable()
    import uvloop

    uvloop.run(_serve(chosen.rate, chosen.seconds))


if __name__ == "__main__":
    main()
