"""Backpack and Deribit: messages decoded per second beside ccxt.pro on the same frames, a chain, a book after a hole.

Frames are those of the sandbox, taken from its sockets once and then decoded again and again. ccxt runs in its own
environment (`make peers`); without it its column is empty.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiohttp

from aftershock.model.events import Restored
from aftershock.model.table import InstrumentTable
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.backpack.adapter import BackpackAdapter
from aftershock.venues.backpack.client import BackpackOptionsClient
from aftershock.venues.connection.book import BookUpdate
from aftershock.venues.connection.venue_plan import VenueAdapter
from aftershock.venues.connection.venue_stream import VenueStream
from aftershock.venues.deribit.adapter import DeribitAdapter
from aftershock.venues.deribit.client import DeribitClient
from aftershock.venues.tardis.live_report import LiveReport
from benchmarks.report import Report, Table, ratio, show

__all__ = ["main", "measure"]

_PYTHON = Path(__file__).resolve().parents[1] / ".venv-peers-ccxt" / "bin" / "python"
_TAKE_S = 8.0
_AGAIN = 20
_CHAINS = 20
_HOLES = 10
_CCXT = """
import asyncio, json, os, sys, time
import ccxt.pro
name, frames = os.environ["NAME"], json.load(open(os.environ["FRAMES"]))
async def main():
    urls = {"api": json.loads(os.environ["URLS"])}
    venue = getattr(ccxt.pro, name)({"urls": urls})
    await venue.load_markets()
    url = os.environ["WS"]
    client = venue.client(url)
    began = time.perf_counter()
    for _ in range(int(os.environ["AGAIN"])):
        for text in frames:
            venue.handle_message(client, json.loads(text))
    print(time.perf_counter() - began)
    await venue.close()
asyncio.run(main())
"""


async def _frames(url: str, hello: Sequence[object], seconds: float) -> list[str]:
    """Return what a socket sends in some seconds, answers apart."""
    found: list[str] = []
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        for each in hello:
            await socket.send_json(each)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            message = await socket.receive(timeout=seconds)
            if '"result"' not in message.data:
                found.append(message.data)
    return found


def _ours(adapter: VenueAdapter, frames: Sequence[str]) -> float:
    began = time.perf_counter()
    for _ in range(_AGAIN):
        for text in frames:
            adapter.decode(0, text, 1)
    return time.perf_counter() - began


async def _theirs(name: str, ws: str, urls: dict[str, object], frames: Sequence[str], folder: Path) -> float | None:
    if not _PYTHON.is_file():
        return None
    path = folder / f"{name}.json"
    path.write_text(json.dumps(list(frames)))
    variables = {"NAME": name, "FRAMES": str(path), "URLS": json.dumps(urls), "WS": ws, "AGAIN": str(_AGAIN)}
    done = await asyncio.to_thread(
        subprocess.run,
        [str(_PYTHON), "-c", _CCXT],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


async def _no_snapshot(_symbol: str) -> BookUpdate:
    raise NotImplementedError


async def _times(work: Callable[[], Awaitable[object]], count: int) -> list[float]:
    found = []
    for _ in range(count):
        began = time.perf_counter()
        await work()
        found.append(time.perf_counter() - began)
    return found


async def _holes(box: Sandbox, stream: VenueStream, fault: str) -> list[float]:
    """Return how long a book was no longer the venue's after a change was left out, from the next change on."""
    found: list[float] = []
    began, hits = 0.0, 0
    box.faults.switch_on(fault, 1)
    async for event in stream:
        if box.faults.hits.get(fault, 0) > hits and stream.book_gaps and not began:
            began = time.perf_counter()
        if isinstance(event, Restored) and event.stream.kind == "book_snapshot" and began:
            found.append(time.perf_counter() - began)
            began, hits = 0.0, box.faults.hits[fault]
            if len(found) == _HOLES:
                await stream.close()
                break
            box.faults.switch_on(fault, 1)
    return found


async def _measure(folder: Path, seconds: float) -> Report:
    async with Sandbox(5, warm_up_s=80, warm_up_takes_s=3) as box:
        await asyncio.sleep(4)
        backpack = BackpackOptionsClient(environment=box.environment)
        deribit = DeribitClient(environment=box.environment)
        options = {each.symbol: each for each in await backpack.instruments("BTC") if each.strike > 0}
        names = [f"{kind}.BTC_USDC_PERP" for kind in ("bookTicker", "trade", "depth", "markPrice")]
        channels = ["ticker.BTC-PERPETUAL.100ms", "trades.BTC-PERPETUAL.100ms", "book.BTC-PERPETUAL.100ms"]
        rpc = {"jsonrpc": "2.0", "id": 1, "method": "public/subscribe", "params": {"channels": channels}}
        taken = await asyncio.gather(
            _frames(box.urls["backpack_ws"], [{"method": "SUBSCRIBE", "params": names}], seconds),
            _frames(box.urls["deribit_ws"], [rpc], seconds),
        )
        reports = [LiveReport(path="bench", kind="native", format="live") for _ in range(2)]
        rest, http = box.urls["backpack_rest"], box.urls["deribit_http"].removesuffix("/api/v2")
        adapters: list[tuple[str, VenueAdapter, list[str], str, dict[str, object]]] = [
            ("backpack", BackpackAdapter(reports[0], options, _no_snapshot), taken[0], box.urls["backpack_ws"],
             {"public": rest, "private": rest, "ws": {"public": box.urls["backpack_ws"], "private": ""}}),
            ("deribit", DeribitAdapter(InstrumentTable(), reports[1]), taken[1], box.urls["deribit_ws"],
             {"rest": http, "ws": box.urls["deribit_ws"]}),
        ]  # fmt: skip
        rows = []
        for name, adapter, frames, ws, urls in adapters:
            ours, theirs = _ours(adapter, frames), await _theirs(name, ws, urls, frames, folder)
            count = len(frames) * _AGAIN
            rows.append(
                (name, "not installed" if theirs is None else ratio(theirs / ours), f"{count / ours:,.0f}/s",
                 "-" if theirs is None else f"{count / theirs:,.0f}/s", f"{len(frames):,}")
            )  # fmt: skip
        chains = {
            "backpack": await _times(lambda: backpack.get_options_chain("BTC"), 5),
            "deribit": await _times(lambda: deribit.chain("BTC"), _CHAINS),
        }
        sizes = {"backpack": len(options), "deribit": len(await deribit.chain("BTC"))}
        holes = {
            "backpack": await _holes(
                box, backpack.stream(perpetuals=False, options=False, books=("BTC_USDC_PERP",)), "backpack-depth-gap"
            ),
            "deribit": await _holes(
                box, deribit.stream(perpetuals=False, options=False, books=("BTC-PERPETUAL",)), "deribit-book-gap"
            ),
        }
        await backpack.close()
        await deribit.close()
    timed = [
        (
            name,
            f"{statistics.median(chains[name]) * 1e3:.0f} ms",
            f"{sizes[name]}",
            f"{statistics.median(holes[name]) * 1e3:.1f} ms",
            f"{max(holes[name]) * 1e3:.1f} ms",
        )
        for name in ("backpack", "deribit")
    ]
    return Report(
        name="venues",
        what="Frames of the sandbox's perpetual (quotes, prints, books, marks), decoded by our adapters to events and "
        "by ccxt.pro's own handlers to its structures. A chain: from the first REST request to every option with its "
        "prices (Backpack answers one request an option, Deribit one for all). A hole: one change of a book left out, "
        "from the change that shows it to the book that is the venue's again, loopback.",
        tables=(
            Table(
                title="Decoding", columns=("venue", "against ccxt.pro", "ours", "ccxt.pro", "frames"), rows=tuple(rows)
            ),
            Table(
                title="Chain and book",
                columns=("venue", "chain, median", "options", "hole, median", "hole, max"),
                rows=tuple(timed),
            ),
        ),
    )


def measure(seconds: float = _TAKE_S) -> Report:
    """Return the figures of both venues."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), seconds))


def main() -> None:
    """Print the report."""
    show(measure)


if __name__ == "__main__":
    main()
