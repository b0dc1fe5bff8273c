"""History that goes wrong on its way: where a naive client would take it for whole, and what ours says."""

from __future__ import annotations

import asyncio
import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp import web

from aftershock.app.download import Downloaded, DownloadRequest, download
from aftershock.errors import InputError, UnreachableError, UsageError
from aftershock.model.events import Event
from aftershock.sim.servers.sandbox import Sandbox
from aftershock.venues.connection.fetch import Fetcher, QuotaError
from aftershock.venues.tardis.client import TardisClient
from aftershock.venues.tardis.subscription import Subscription
from tests.connection.fakes import Hasty, serving
from tests.sandbox.box import sandbox

pytestmark = pytest.mark.sockets

FTX = Subscription(exchange="ftx", symbols=("BTC-PERP",), data_types=("trade", "liquidation"))


def run(main: Callable[[Sandbox], object], *faults: str, times: int | None = None) -> None:
    async def inside() -> None:
        async with sandbox(*faults, times=times, warm=False) as box:
            await main(box)  # type: ignore[misc]

    asyncio.run(inside())


async def fetch(box: Sandbox, folder: Path, *, raw: bool = False, key: bool = False) -> Downloaded:
    environment = dict(box.environment)
    if not key:
        del environment["TARDIS_API_KEY"]
    request = DownloadRequest(
        exchange="ftx",
        kinds=() if raw else ("trades",),
        channels=("trades",) if raw else (),
        symbols=() if raw else ("PERPETUALS",),
        first="2022-11-01",
        last="2022-11-02",
        folder=folder,
    )
    return await download(request, environment, clock=Hasty())


def naive(box: Sandbox, path: str) -> bytes:
    with urllib.request.urlopen(f"{box.urls['tardis_api']}/{path}") as answer:  # noqa: S310 - loopback
        return bytes(answer.read())


FILE = "ftx/trades/2022/11/01/PERPETUALS.csv.gz"


def test_a_file_cut_short_is_fetched_again_and_never_appears_under_its_name(tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        with pytest.raises(EOFError):
            gzip.decompress(await asyncio.to_thread(naive, box, FILE))

        box.faults.switch_on("cut-body")
        failed = await fetch(box, tmp_path)
        assert failed.count("failed") == 1
        assert "cut short" in failed.outcomes[0].reason
        assert [path.name for path in tmp_path.iterdir()] == ["downloads.jsonl"]

        box.faults.switch_on("cut-body", 1)
        assert (await fetch(box, tmp_path)).count("fetched") == 1
        assert (await fetch(box, tmp_path)).count("kept") == 1

    run(main, "cut-body")


def test_a_flipped_byte_is_found(tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        failed = await fetch(box, tmp_path)
        assert failed.count("failed") == 1
        assert "damaged" in failed.outcomes[0].reason

    run(main, "bad-checksum")


def test_a_bomb_is_refused_before_it_fills_memory_or_disk(tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        failed = await fetch(box, tmp_path)
        assert failed.count("failed") == 1
        assert "no data set" in failed.outcomes[0].reason

    run(main, "gzip-bomb")


@pytest.mark.parametrize("fault", ["rate-limit", "server-error"])
def test_a_server_that_is_busy_is_asked_again_after_the_time_that_it_names(fault: str, tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        with pytest.raises(urllib.error.HTTPError):
            await asyncio.to_thread(naive, box, FILE)

        done = await fetch(box, tmp_path)
        assert done.count("fetched") == 1
        assert box.faults.hits[fault] == 3

    run(main, fault, times=3)


def test_a_quota_that_is_used_up_is_no_busy_server(tmp_path: Path) -> None:
    """Waiting an hour inside a download helps nobody."""

    async def main(box: Sandbox) -> None:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            fetcher = Fetcher(session, who="Tardis", clock=Hasty(), headers={})
            with pytest.raises(QuotaError, match=r"quota is used up.*in 60 minutes"):
                await fetcher.get(
                    f"{box.urls['tardis_datasets']}/{FILE}", tmp_path / "x", resume=True, on_bytes=lambda _: None
                )
        assert box.faults.hits["quota"] == 1

    run(main, "quota")


@pytest.mark.parametrize(("fault", "says"), [("expired-key", "401"), ("powerless-key", "403")])
def test_a_key_that_may_not_read_is_told_once_with_the_server_s_words(fault: str, says: str, tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        try:
            ended = (await fetch(box, tmp_path, key=True)).failure
        except UnreachableError as error:  # before any file
            ended = error
        assert isinstance(ended, UnreachableError)
        assert says in str(ended)
        assert box.key not in str(ended)

    run(main, fault)


def test_a_quota_that_ends_on_the_way_leaves_what_is_whole_and_says_what_is_left(tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        request = DownloadRequest(
            exchange="ftx", kinds=("trades", "liquidations", "quotes"), symbols=("PERPETUALS",), first="2022-11-01",
            last="2022-11-02", folder=tmp_path, jobs=1,
        )  # fmt: skip

        box.faults.skip_first("quota", 2)
        done = await download(request, box.environment, clock=Hasty())
        assert isinstance(done.failure, QuotaError)
        assert (done.count("fetched"), done.left) == (1, 2)
        assert done.document()["failure"]

    run(main, "quota")


def test_a_day_that_is_not_exported_yet_is_refused_before_it_is_asked_for(tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        request = DownloadRequest(
            exchange="ftx", kinds=("trades",), symbols=("PERPETUALS",), first="2022-11-01", last="2022-11-09",
            folder=tmp_path,
        )  # fmt: skip
        with pytest.raises(UsageError, match="until 2022-11-02, and 2022-11-02 is not ready"):
            await download(request, box.environment)

    run(main)


def test_days_beyond_the_free_ones_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        environment = {k: v for k, v in box.environment.items() if k != "TARDIS_API_KEY"}
        request = DownloadRequest(
            exchange="ftx", kinds=("trades",), symbols=("PERPETUALS",), first="2022-11-01", last="2022-11-03",
            folder=tmp_path,
        )  # fmt: skip
        with pytest.raises(UsageError, match=r"2022-11-02 needs a key: set TARDIS_API_KEY"):
            await download(request, environment)
        assert not list(tmp_path.iterdir())

    run(main, "api-silence")


def test_a_slice_that_does_not_say_how_long_it_is_is_no_slice(tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        failed = await fetch(box, tmp_path, raw=True)
        assert failed.count("failed") == 24
        assert "x-slice-size" in failed.outcomes[0].reason
        assert not list(tmp_path.glob("*.ndjson.gz"))

    run(main, "no-slice-size")


@pytest.mark.parametrize("fault", ["api-html", "api-garbage"])
def test_what_is_no_answer_of_the_api_is_told_so(fault: str, tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        with pytest.raises(UnreachableError, match="no JSON"):
            await fetch(box, tmp_path)

    run(main, fault)


def test_an_api_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        with pytest.raises(UnreachableError, match="does not answer within 30 s"):
            await fetch(box, tmp_path)

    run(main, "api-silence")


def test_a_replay_that_breaks_off_inside_its_answer_is_no_whole_one() -> None:
    """Naive: each line is a message. The last one is an object without a type, and up to 31 before it are lost."""

    async def main(box: Sandbox) -> None:
        client = TardisClient(environment=box.environment)
        found: list[Event] = []
        replay = client.replay([FTX], "2022-11-01", "2022-11-01T00:05Z", over="http")

        async def read() -> None:
            async for event in replay:
                found.append(event)  # noqa: PERF401 - what came before the error counts

        with pytest.raises(UnreachableError, match="broke the replay off after 32 messages"):
            await read()
        assert len(found) == 32
        assert "broke" in replay.report.incomplete

    run(main, "failure-in-200")


def test_raw_feeds_hold_native_messages_of_each_hour_and_are_kept(tmp_path: Path) -> None:
    async def main(box: Sandbox) -> None:
        done = await fetch(box, tmp_path, raw=True)
        assert (done.count("fetched"), done.count("empty")) == (1, 23)
        lines = gzip.decompress(next(tmp_path.glob("*T0000_60m.ndjson.gz")).read_bytes()).decode().splitlines()
        assert json.loads(lines[0][29:])["channel"] == "trades"
        assert (await fetch(box, tmp_path, raw=True)).count("kept") == 24

    run(main)


def test_hours_that_are_not_over_are_never_taken_for_whole(tmp_path: Path) -> None:
    class Early(Hasty):
        """Shows half past two in the night that is recorded."""

        def wall_ns(self) -> int:
            return int(datetime(2022, 11, 1, 2, 5, tzinfo=UTC).timestamp()) * 1_000_000_000

    request = DownloadRequest(
        exchange="ftx", channels=("trades",), first="2022-11-01", last="2022-11-02", folder=tmp_path
    )

    async def main(box: Sandbox) -> None:
        done = await download(request, box.environment, clock=Early())
        assert (done.count("fetched") + done.count("empty"), done.count("failed")) == (1, 23)
        assert "not over yet" in next(each.reason for each in done.outcomes if each.status == "failed")

        day = datetime.now(UTC).date() + timedelta(days=1)
        later = msgspec.structs.replace(request, first=f"{day}", last=f"{day + timedelta(days=1)}")
        with pytest.raises(UsageError, match="is over"):
            await download(later, box.environment)

    run(main)


@pytest.mark.parametrize("asked", ["symbol", "channel"])
def test_names_from_outside_can_not_write_on_the_terminal(asked: str, tmp_path: Path) -> None:
    listed = {
        "id": "ftx",
        "availableChannels": ["trades\x1b[2J"],
        "datasets": {"exportedUntil": "2023-01-01", "symbols": [{"id": "BTC\x1b[2J", "dataTypes": ["trades"]}]},
    }
    request = DownloadRequest(
        exchange="ftx", kinds=("trades",) if asked == "symbol" else (), symbols=("BTC",),
        channels=("trades",) if asked == "channel" else (), first="2022-11-01", last="2022-11-02", folder=tmp_path,
    )  # fmt: skip

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(listed)

    async def main() -> None:
        async with serving(answer) as host:
            await download(request, {"AFTERSHOCK_TARDIS_API_URL": f"http://{host}"})

    with pytest.raises(UsageError) as raised:
        asyncio.run(main())
    assert str(raised.value).isprintable()


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")

    async def main(box: Sandbox) -> None:
        with pytest.raises(InputError, match="can't be used"):
            await fetch(box, file)

    run(main)
