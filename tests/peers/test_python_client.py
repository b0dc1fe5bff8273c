"""The real Python client `tardis-dev` on our API: it downloads, replays, and reads what we list."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aftershock.venues.tardis.datasets import verify
from tests.peers.conftest import Running

pytestmark = [pytest.mark.sockets, pytest.mark.subprocess, pytest.mark.slow]

PeerPython = Callable[[str], str]


def test_it_replays_native_messages_of_the_free_day_without_a_key(peer_python: PeerPython, tmp_path: Path) -> None:
    out = peer_python(f"""
import asyncio, json, os
from tardis_dev import Channel, replay
async def main():
    flow = replay("ftx", "2022-11-01", "2022-11-01T00:03:00", [Channel("trades", ["BTC-PERP"])],
                  endpoint=os.environ["API"], cache_dir={str(tmp_path)!r}, with_disconnects=True)
    async for each in flow:
        print(json.dumps([each.local_timestamp.isoformat(), each.message]))
asyncio.run(main())
""")
    lines = [json.loads(line) for line in out.splitlines()]
    assert len(lines) > 50
    assert [stamp for stamp, _ in lines] == sorted(stamp for stamp, _ in lines)
    assert any(fill["liquidation"] for _, message in lines for fill in message["data"])


def test_it_is_told_that_a_day_which_is_not_free_needs_a_key(peer_python: PeerPython, tmp_path: Path) -> None:
    out = peer_python(f"""
import asyncio, os, urllib.error
from tardis_dev import replay
async def main():
    try:
        async for _ in replay("ftx", "2022-11-02", "2022-11-02T00:02:00", endpoint=os.environ["API"],
                              cache_dir={str(tmp_path)!r}):
            pass
    except urllib.error.HTTPError as error:
        print(error.code)
asyncio.run(main())
""")
    assert out.strip() == "401"


def test_it_reads_exchanges_and_instruments(served: Running, peer_python: PeerPython) -> None:
    out = peer_python("""
import json, os
from tardis_dev import get_exchange_details, get_instrument_info
details = get_exchange_details("deribit", endpoint=os.environ["API"])
found = get_instrument_info("okex-options", api_key=os.environ["KEY"], endpoint=os.environ["API"])
print(json.dumps([len(details["availableSymbols"]), len(found)]))
""")
    symbols, instruments = json.loads(out)
    listing = served.box.market.listing
    assert instruments == listing.venues.count("okex-options")
    assert symbols == listing.venues.count("deribit") + 1 + len(listing.futures)


def test_it_and_our_downloader_fetch_the_same_files(served: Running, peer_python: PeerPython, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    peer_python(f"""
import os
from tardis_dev import download_datasets
download_datasets(exchange="deribit", data_types=["trades", "quotes", "options_chain"],
                  symbols=["PERPETUALS", "OPTIONS"], from_date="2022-11-01", to_date="2022-11-02",
                  endpoint=os.environ["API"], download_dir={str(theirs)!r})
""")
    kinds = ("trades", "quotes", "options_chain")
    command = [sys.executable, "-m", "aftershock", "download", "deribit", "--from", "2022-11-01", "--to", "2022-11-02"]
    command += [word for kind in kinds for word in ("--type", kind)]
    command += ["--symbol", "PERPETUALS", "--symbol", "OPTIONS", "--out", str(ours)]
    environment = {**os.environ, **served.box.environment, "SSL_CERT_FILE": str(served.certificate)}
    subprocess.run(command, env=environment, check=True, capture_output=True)

    names = {f"deribit_{kind}_2022-11-01_{symbol}.csv.gz" for symbol in ("PERPETUALS", "OPTIONS") for kind in kinds}
    assert {path.name for path in ours.glob("*.csv.gz")} == names
    for name in names:
        assert gzip.decompress((ours / name).read_bytes()) == gzip.decompress((theirs / name).read_bytes()), name
    assert verify(ours / "deribit_options_chain_2022-11-01_OPTIONS.csv.gz", "options_chain").rows > 1_000


def test_it_downloads_data_sets_that_hold_what_the_api_replays(peer_python: PeerPython, tmp_path: Path) -> None:
    peer_python(f"""
import os
from tardis_dev import download_datasets
download_datasets(exchange="ftx", data_types=["trades", "liquidations"], symbols=["PERPETUALS", "BTC-PERP"],
                  from_date="2022-11-01", to_date="2022-11-02", endpoint=os.environ["API"],
                  download_dir={str(tmp_path)!r})
""")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "ftx_liquidations_2022-11-01_BTC-PERP.csv.gz",
        "ftx_liquidations_2022-11-01_PERPETUALS.csv.gz",
        "ftx_trades_2022-11-01_BTC-PERP.csv.gz",
        "ftx_trades_2022-11-01_PERPETUALS.csv.gz",
    ]
    one, group = (gzip.decompress((tmp_path / name).read_bytes()) for name in names[:2])
    assert one == group
    assert one.startswith(b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n")
    assert one.count(b"\n") > 5
