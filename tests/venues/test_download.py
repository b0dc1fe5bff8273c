"""Downloads that break off and go on, against a server that cuts bodies and may continue them."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import InputError, UnreachableError, UsageError
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.fetch import Fetcher
from aftershock.venues.connection.http import RefusedError, get_json
from aftershock.venues.recording import open_columnar
from aftershock.venues.tardis.columnar import to_parquet
from aftershock.venues.tardis.datasets import DataSet, days, file_symbol, verify
from aftershock.venues.tardis.download import Downloader, Outcome
from aftershock.venues.tardis.raw_feed import Slice, check_slice
from aftershock.venues.tardis.source import open_source
from tests.connection.fakes import Hasty, serving

HEAD = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
TEXT = HEAD + "".join(f"ftx,BTC-PERP,1667260{n:09d},1667260{n:09d},{n},sell,{20_000 + n},0.5\n" for n in range(20_000))
BODY = gzip.compress(TEXT.encode(), mtime=0)
WANTED = DataSet("ftx", "trades", date(2022, 11, 1), "PERPETUALS")


class Server:
    """Cuts the first so many bodies in the middle; continues them if it `ranges`."""

    def __init__(self, cuts: int, *, ranges: bool) -> None:
        self.cuts, self.ranges = cuts, ranges
        self.sent = 0
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.headers.get("Range", ""))
        first = int(self.asked[-1][6:-1]) if self.ranges and self.asked[-1] else 0
        part = BODY[first:]
        headers = {"Content-Length": str(len(part))}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(BODY) - 1}/{len(BODY)}"
        response = web.StreamResponse(status=206 if first else 200, headers=headers)
        await response.prepare(request)
        cut, self.cuts = self.cuts > 0, self.cuts - 1
        part = part[: len(part) // 2] if cut else part
        self.sent += len(part)
        await response.write(part)
        if cut and request.transport is not None:
            await asyncio.sleep(0.01)
            request.transport.close()
        return response

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/{path:.*}", self.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def fetch(server: Server, folder: Path, attempts: int = 6, *, columnar: bool = False) -> list[Outcome]:
    async def main() -> list[Outcome]:
        async with server.running() as url, aiohttp.ClientSession(auto_decompress=False) as session:
            fetcher = Fetcher(session, who="Tardis", clock=Hasty(), headers={}, attempts=attempts)
            downloader = Downloader(folder, url, fetcher, jobs=2, columnar=columnar)
            await downloader.data_sets([WANTED])
            return downloader.outcomes

    return asyncio.run(main())


@pytest.mark.sockets
def test_a_server_that_can_is_asked_for_the_rest_only(tmp_path: Path) -> None:
    server = Server(cuts=2, ranges=True)

    (done,) = fetch(server, tmp_path)

    assert (done.status, done.rows) == ("fetched", 20_000)
    assert (tmp_path / WANTED.file_name).read_bytes() == BODY
    assert server.sent == len(BODY)
    assert server.asked[0] == ""
    assert all(each.startswith("bytes=") for each in server.asked[1:])


@pytest.mark.sockets
def test_a_server_that_can_not_is_asked_anew(tmp_path: Path) -> None:
    server = Server(cuts=2, ranges=False)

    (done,) = fetch(server, tmp_path)

    assert done.status == "fetched"
    assert (tmp_path / WANTED.file_name).read_bytes() == BODY


@pytest.mark.sockets
def test_a_run_that_was_given_up_goes_on_where_it_stopped(tmp_path: Path) -> None:
    (failed,) = fetch(Server(cuts=9, ranges=True), tmp_path, attempts=1)
    assert failed.status == "failed"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["downloads.jsonl", f"{WANTED.file_name}.part"]

    server = Server(cuts=0, ranges=True)
    (done,) = fetch(server, tmp_path)
    assert done.status == "fetched"
    assert server.sent < len(BODY)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["downloads.jsonl", WANTED.file_name]


@pytest.mark.sockets
def test_what_an_earlier_run_left_of_another_file_is_found_out(tmp_path: Path) -> None:
    (tmp_path / f"{WANTED.file_name}.part").write_bytes(b"of another day" * 10)

    (done,) = fetch(Server(cuts=0, ranges=True), tmp_path)

    assert done.status == "fetched"
    assert (tmp_path / WANTED.file_name).read_bytes() == BODY


@pytest.mark.sockets
def test_a_kept_file_is_kept_only_while_it_is_what_was_verified(tmp_path: Path) -> None:
    fetch(Server(cuts=0, ranges=True), tmp_path)
    path = tmp_path / WANTED.file_name
    assert fetch(Server(cuts=0, ranges=True), tmp_path)[0].status == "kept"

    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))

    (done,) = fetch(Server(cuts=0, ranges=True), tmp_path)
    assert done.status == "fetched"
    assert path.read_bytes() == BODY


@pytest.mark.sockets
def test_two_downloads_never_work_in_one_folder(tmp_path: Path) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            fetcher = Fetcher(session, who="Tardis", clock=Hasty(), headers={})
            first = Downloader(tmp_path, "http://127.0.0.1:9", fetcher, jobs=1)
            with pytest.raises(InputError, match="another download is at work"):
                Downloader(tmp_path, "http://127.0.0.1:9", fetcher, jobs=1)
            await first.data_sets([])
            Downloader(tmp_path, "http://127.0.0.1:9", fetcher, jobs=1)._lock.close()

    asyncio.run(main())


@pytest.mark.sockets
def test_what_came_whole_and_was_not_read_yet_is_not_asked_for_again(tmp_path: Path) -> None:
    """A large file takes a while to verify: whoever stops then has its bytes."""
    (tmp_path / f"{WANTED.file_name}.received").write_bytes(BODY)
    server = Server(cuts=0, ranges=False)

    (done,) = fetch(server, tmp_path)

    assert (done.status, done.rows, server.asked) == ("fetched", 20_000, [])


@pytest.mark.sockets
def test_a_file_that_can_not_be_made_columnar_is_kept_as_it_came_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyarrow")
    text = TEXT[:400].rsplit("\n", 1)[0] + "\nftx,BTC-PERP,1667260000000001,1667260000000001,1,sell,inf,1\n"
    monkeypatch.setattr(f"{__name__}.BODY", gzip.compress(text.encode(), mtime=0))

    (done,) = fetch(Server(cuts=0, ranges=False), tmp_path, columnar=True)

    assert (done.status, done.columnar) == ("fetched", "")
    assert "price holds what is no market data" in done.reason


def test_whoever_stops_does_not_wait_for_a_large_file_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(BODY)
    stopped = threading.Event()

    def going_on() -> None:
        stopped.set()
        raise InterruptedError

    with pytest.raises(InterruptedError):
        verify(path, "trades", going_on)
    assert stopped.is_set()


def answering(*answers: tuple[int, bytes]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Give each answer once, the last for ever; a body may name the key that came."""
    left = list(answers)

    async def answer(request: web.Request) -> web.Response:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        key = request.headers.get("Authorization", "").encode()
        return web.Response(status=status, body=body.replace(b"KEY", key))

    return answer


def ask(answer: Callable[[web.Request], Awaitable[web.Response]], into: Path) -> bytes:
    async def main() -> bytes:
        headers = {"Authorization": "Bearer TD.0123456789abcdef"}
        async with serving(answer) as host, aiohttp.ClientSession(auto_decompress=False) as session:
            fetcher = Fetcher(session, who="Tardis", clock=Hasty(), headers=headers)
            await fetcher.get(f"http://{host}/x", into, resume=True, on_bytes=lambda _: None)
        return into.read_bytes()

    return asyncio.run(main())


@pytest.mark.sockets
@pytest.mark.parametrize("passing", [(520, b"cloud"), (400, b'{"message": "date must be in ISO 8601 format"}')])
def test_a_network_that_stumbles_is_asked_again(passing: tuple[int, bytes], tmp_path: Path) -> None:
    assert ask(answering(passing, passing, (200, b"whole")), tmp_path / "x") == b"whole"


@pytest.mark.sockets
@pytest.mark.parametrize("status", [400, 404, 416])
def test_a_refusal_is_one_whether_or_not_something_is_here(status: int, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=f"HTTP {status}"):
        ask(answering((status, b"no")), tmp_path / "x")


@pytest.mark.sockets
@pytest.mark.parametrize("body", [b'{"message": "key KEY is unknown"}', b"<html>KEY</html>"])
def test_a_server_that_repeats_the_key_does_not_get_it_shown(body: bytes, tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        ask(answering((401, body)), tmp_path / "x")
    assert "0123456789" not in str(refused.value)

    async def main(status: int) -> None:
        async with serving(answering((status, body))) as host:
            headers = {"Authorization": "Bearer TD.0123456789abcdef"}
            await get_json(f"http://{host}/x", who="Tardis", clock=Hasty(), headers=headers)

    for status in (401, 200) if body.startswith(b"<") else (401,):
        with pytest.raises(UnreachableError) as raised:
            asyncio.run(main(status))
        assert "0123456789" not in str(raised.value)


def test_slices_of_different_selections_never_have_one_name() -> None:
    start = datetime(2022, 11, 1, tzinfo=UTC)
    chosen = [(), ("BTC-PERP",), ("ETH-PERP",), ("BTC-PERP", "ETH-PERP"), ("BTC/PERP",)]
    slices = [Slice("ftx", ("trades",), symbols, start, 60) for symbols in chosen]
    slices += [Slice("ftx", channels, (), start, 60) for channels in (("a/b",), ("a-b",), ("a", "b"), ("a+b",))]

    assert len({each.file_name for each in slices}) == len(slices)
    assert slices[0].file_name == "ftx_trades_2022-11-01T0000_60m.ndjson.gz"
    assert slices[1].file_name.startswith("ftx_trades_BTC-PERP_")
    assert not any("/" in each.file_name for each in slices)


LINE = b'2022-11-01T00:00:05.098533Z  {"channel": "trades"}\n'.replace(b"Z  ", b"0Z ")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (gzip.compress(LINE) + gzip.compress(LINE)[:-9], "cut short|damaged"),
        (gzip.compress(LINE) + b"<html>", "damaged"),
        (gzip.compress(LINE[:-1]), "cut short"),
        (gzip.compress(LINE + b"{}\n"), "no recording"),
        (gzip.compress(LINE + b" " * (80 << 20)), "200 times its size"),
    ],
    ids=["second member torn", "something behind the end", "half a line", "no recording", "bomb"],
)
def test_a_slice_is_whole_to_its_last_byte_or_none(body: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "slice.gz"
    path.write_bytes(gzip.compress(LINE) + gzip.compress(b"\n" + LINE))
    assert check_slice(path) == 2

    path.write_bytes(body)
    with pytest.raises(InputError, match=says):
        check_slice(path)


@pytest.mark.parametrize(
    "row",
    [
        "ftx,BTC-PERP,1667260000123,1667260000123,1,sell,1,1",
        "ftx,BTC-PERP,1667260000123456789,1667260000123456789,1,sell,1,1",
        "ftx,B,{0},{0},1,sell,inf,1",
    ],
)
def test_what_the_reader_of_the_csv_would_drop_is_not_made_columnar(tmp_path: Path, row: str) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "ftx_trades_2022-11-01_PERPETUALS.csv.gz"
    path.write_bytes(
        gzip.compress((TEXT[:400].rsplit("\n", 1)[0] + "\n" + row.format(1667260000123456) + "\n").encode())
    )

    with pytest.raises(InputError, match="no market data"):
        to_parquet(path, "trades")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@given(cut=st.integers(1, len(BODY) - 1))
def test_a_file_cut_anywhere_is_never_whole(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "x.csv.gz"
    path.write_bytes(BODY[:cut])

    with pytest.raises(InputError):
        verify(path, "trades")


def test_a_file_of_another_kind_is_refused_and_an_empty_one_is_a_day_without_data(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(BODY)
    with pytest.raises(InputError, match="holds no quotes"):
        verify(path, "quotes")
    assert verify(path, "trades").rows == 20_000

    path.write_bytes(gzip.compress(b"", mtime=0))
    assert verify(path, "quotes").rows == 0
    path.write_bytes(gzip.compress(TEXT[:100].encode(), mtime=0) + gzip.compress(TEXT[100:].encode(), mtime=0))
    assert verify(path, "trades").rows == 20_000


def test_a_parquet_file_holds_the_rows_of_its_csv_with_times_in_nanoseconds(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "ftx_trades_2022-11-01_PERPETUALS.csv.gz"
    path.write_bytes(BODY)

    table = pq.read_table(to_parquet(path, "trades"))

    assert table.num_rows == 20_000
    assert table.column_names == ["exchange", "symbol", "ts_event", "ts_init", "id", "side", "price", "amount"]
    assert table["ts_event"][7].as_py() == 1_667_260_000_000_007_000
    assert table["price"][7].as_py() == 20_007.0
    assert table.schema.metadata[b"aftershock.kind"] == b"trades"


def test_a_parquet_file_replays_as_its_csv(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "ftx_trades_2022-11-01_PERPETUALS.csv.gz"
    path.write_bytes(BODY)
    table = InstrumentTable()

    columnar = list(open_columnar(to_parquet(path, "trades"), index=0, table=table))

    assert columnar == list(open_source(path, index=0, table=table))
    assert len(columnar) == 20_000


def test_days_and_symbols_are_written_as_tardis_names_files() -> None:
    assert [f"{day}" for day in days("2024-02-28", "2024-03-02")] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert file_symbol("BTC/USD") == "BTC-USD"
    assert WANTED.path == "ftx/trades/2022/11/01/PERPETUALS.csv.gz"
    for wrong in (("2024-03-02", "2024-03-01"), ("2024-03-01", "2024-03-01"), ("yesterday", "2024-03-01")):
        with pytest.raises(UsageError):
            days(*wrong)
