"""Other people's software beside a sandbox: skipped where it is not installed, unless AFTERSHOCK_REQUIRE lists it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from aftershock.sim.servers.sandbox import Sandbox
from tests.conftest import REPOSITORY, required

T = TypeVar("T")
NODE = REPOSITORY / "tests" / "peers" / "node"
PYTHON = REPOSITORY / ".venv-peers" / "bin" / "python"


def _missing(what: str, why: str) -> None:
    if what in required():
        pytest.fail(f"{why} (AFTERSHOCK_REQUIRE lists {what})")
    pytest.skip(why)


def environment_of(name: str) -> Path:
    """Return the interpreter of an environment of others' software, as the Makefile names it."""
    python = REPOSITORY / f".venv-peers-{name}" / "bin" / "python"
    if not python.is_file():
        _missing("peers", f"the clients of {name} are not installed: `make peers`")
    return python


def in_environment(name: str, code: str, variables: dict[str, str]) -> str:
    """Run code in the environment of some software of others, and return what it printed.

    Args:
        name: Of the environment, as the Makefile has it.
        code: What to run.
        variables: More variables for it.
    """
    done = subprocess.run(
        [str(environment_of(name)), "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


class Running:
    """A sandbox in a thread of its own, its API over TLS: the real normalizers speak nothing else.

    Attributes:
        box: It.
        certificate: Of its API.
    """

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "cert.pem"
        key = folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out",
             str(self.certificate), "-days", "30", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True,
            capture_output=True,
        )  # fmt: skip
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate, key)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.box = Sandbox(5, warm_up_s=100, warm_up_takes_s=2)
        self._call(self.box.start(tls=tls))

    def stop(self) -> None:
        self._call(self.box.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a running sandbox."""
    if shutil.which("openssl") is None:
        _missing("peers", "no openssl to make a certificate with: install it")
    running = Running(tmp_path_factory.mktemp("tls"))
    try:
        yield running
    finally:
        running.stop()


class Oracle:
    """The real normalizers as a machine.

    Attributes:
        http_url, ws_url: Its addresses.
        sent: File of the lines that its live streams sent.
    """

    def __init__(self, ports: dict[str, int], sent: Path) -> None:
        self.http_url, self.ws_url = f"http://127.0.0.1:{ports['http']}", f"ws://127.0.0.1:{ports['ws']}"
        self.sent = sent


@pytest.fixture(scope="module")
def oracle(served: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """Start the real Tardis normalizers on the sandbox's API and venue sockets."""
    if shutil.which("node") is None:
        _missing("node", "no node: install Node.js 20 or newer")
    if not (NODE / "node_modules" / "tardis-dev").is_dir():
        _missing("peers", "the Tardis normalizers are not installed: `make peers`")
    folder = tmp_path_factory.mktemp("oracle")
    urls = served.box.urls
    environment = {
        **os.environ,
        "NODE_EXTRA_CA_CERTS": str(served.certificate),
        "UPSTREAM": urls["tardis_api"],
        "CACHE": str(folder / "cache"),
        "SENT": str(folder / "sent"),
        "TM_API_KEY": served.box.key,
        "WSS_URL_FTX": urls["ftx_ws"],
        "WSS_URL_DERIBIT": urls["deribit_recorder_ws"],
    }
    with subprocess.Popen(["node", str(NODE / "oracle.cjs")], env=environment, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        try:
            yield Oracle(json.loads(child.stdout.readline()), folder / "sent")
        finally:
            child.kill()


@pytest.fixture(scope="module")
def peer_python(served: Running) -> Callable[[str], str]:
    """Return how to run code beside the real Python client; the code gets the sandbox's addresses."""
    if not PYTHON.is_file():
        _missing("peers", "the real Python client is not installed: `make peers`")

    def run(code: str) -> str:
        environment = {**os.environ, "SSL_CERT_FILE": str(served.certificate), "KEY": served.box.key,
                       "API": served.box.urls["tardis_api"]}  # fmt: skip
        done = subprocess.run([str(PYTHON), "-c", code], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module", name="box")
def _box() -> Iterator[Sandbox]:
    """Serve the market in a thread of its own, past its fast minute: these clients have the machine's clock."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    box = Sandbox(5, warm_up_s=60, warm_up_takes_s=2)

    async def begin() -> None:
        await box.start()
        await asyncio.sleep(3)

    asyncio.run_coroutine_threadsafe(begin(), loop).result(30)
    try:
        yield box
    finally:
        asyncio.run_coroutine_threadsafe(box.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
