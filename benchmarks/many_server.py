"""A server in a process of its own that sends each of its connections one numbered message a second.

`python -m benchmarks.many_server --seconds S` prints its port; after SIGTERM, how many messages it sent in all.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time

from aiohttp import web

__all__: list[str] = []


async def _serve(every_s: float) -> None:
    sent, stopped = 0, asyncio.Event()

    async def stream(request: web.Request) -> web.WebSocketResponse:
        nonlocal sent
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        reader = asyncio.ensure_future(_read(socket))
        number = 0
        while not socket.closed:
            if stopped.is_set():
                break
            number += 1
            await socket.send_str(f'{{"type":"trade","exchange":"x","number":{number},"at":{time.time_ns()}}}')
            sent += 1
            await asyncio.sleep(every_s)
        await reader
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", stream)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=8_192).start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await stopped.wait()
    sys.stdout.write(f"{sent}\n")
    sys.stdout.flush()
    await runner.cleanup()


async def _read(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


def main() -> None:
    """Serve."""
    import uvloop

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=float, default=1.0)
    uvloop.run(_serve(parser.parse_args().every))


if __name__ == "__main__":
    main()
