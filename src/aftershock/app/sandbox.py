"""The sandbox as a process: served until somebody stops it, or started beside us and stopped with us."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, Queue
from types import TracebackType
from typing import Any, Self

import msgspec

from aftershock.app.live.run import with_fast_loop
from aftershock.errors import ConfigError, UnreachableError, UsageError
from aftershock.venues.connection.library import need_aiohttp

__all__ = ["SandboxOptions", "SandboxProcess", "serve_sandbox"]

_READY_S = 30.0
_STOP_S = 5.0
_PARENT_S = 0.5
_MOST_FILES = 16_384


class SandboxOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve.

    Attributes:
        seed: Of the market; `makers` and `kinds` as `EndlessMarket` takes them, no kinds for its own.
        faults: By name.
        shock_after_s, warm_up_s, warm_up_takes_s, begins_in_s: As `Sandbox` takes them.
        machine_port: Of the machine's HTTP side, its WebSocket one above; 0 for any.
        api_port: Of the HTTP API; 0 for any.
        gateway_port: Of the model gateway; 0 for any.
        gateway_latency_ms: Every answer of the model takes so long; None draws one for each.
        parent: Process with which it ends, however that ends; 0 for none.
    """

    seed: int = 1
    makers: str = "slow"
    kinds: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    shock_after_s: float = 60.0
    warm_up_s: float = 0.0
    warm_up_takes_s: float = 5.0
    begins_in_s: float = 0.0
    machine_port: int = 0
    api_port: int = 0
    gateway_port: int = 0
    gateway_latency_ms: float | None = None
    parent: int = 0

    def arguments(self) -> list[str]:
        """Return the command line that asks for it."""
        flags: dict[str, object] = {
            "--seed": self.seed,
            "--makers": self.makers,
            "--shock-after": self.shock_after_s,
            "--warm-up": self.warm_up_s,
            "--warm-up-takes": self.warm_up_takes_s,
            "--begins-in": self.begins_in_s,
            "--machine-port": self.machine_port,
            "--api-port": self.api_port,
            "--gateway-port": self.gateway_port,
            "--parent": self.parent,
        }
        if self.gateway_latency_ms is not None:
            flags["--gateway-latency"] = self.gateway_latency_ms
        listed = [("--kind", kind) for kind in self.kinds] + [("--fault", fault) for fault in self.faults]
        return [str(word) for pair in [*flags.items(), *listed] for word in pair]


def serve_sandbox(options: SandboxOptions, on_ready: Callable[[dict[str, Any]], None]) -> int:
    """Serve until SIGINT or SIGTERM, and return its number.

    Args:
        options: What to serve.
        on_ready: Gets addresses and keys once all ports are bound.

    Raises:
        UsageError: A fault is unknown.
        ConfigError: A port is taken.
    """
    need_aiohttp()
    return with_fast_loop(_serve(options, on_ready))


async def _serve(options: SandboxOptions, on_ready: Callable[[dict[str, Any]], None]) -> int:
    from aftershock.sim.market.endless import KINDS
    from aftershock.sim.servers.faults import UnknownFaultError
    from aftershock.sim.servers.sandbox import Sandbox

    try:
        sandbox = Sandbox(
            options.seed,
            faults=options.faults,
            makers=options.makers,  # type: ignore[arg-type]  # the command line knows both names
            shock_after_s=options.shock_after_s,
            warm_up_s=options.warm_up_s,
            warm_up_takes_s=options.warm_up_takes_s,
            begins_in_s=options.begins_in_s,
            kinds=options.kinds or KINDS,
            gateway_latency_ms=options.gateway_latency_ms,
        )
    except UnknownFaultError as error:
        raise UsageError(str(error)) from error
    stopped: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, _end, stopped, number)
    machine = options.machine_port
    ports = {"machine_http": machine, "machine_ws": machine + 1 if machine else 0, "tardis_api": options.api_port,
             "gateway": options.gateway_port}  # fmt: skip
    _allow_files()
    try:
        await sandbox.start(ports)
    except OSError as error:
        taken = ", ".join(str(port) for port in ports.values() if port)
        raise ConfigError(
            f"the sandbox can't bind its ports ({error.strerror or error}): free {taken}, or give 0 for any"
        ) from error
    try:
        on_ready(sandbox.describe())
        playing = asyncio.ensure_future(sandbox.wait())
        orphaned = asyncio.ensure_future(_orphaned(options.parent, stopped))
        await asyncio.wait((stopped, playing), return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            playing.result()
        playing.cancel()
        orphaned.cancel()
    finally:
        await sandbox.stop()
    return stopped.result() if stopped.done() else 0


def _allow_files() -> None:
    """Take as many open files as the system gives, up to what thousands of connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(_MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def _orphaned(parent: int, stopped: asyncio.Future[int]) -> None:
    """End it when the process that it serves is gone."""
    while parent:
        await asyncio.sleep(_PARENT_S)
        if os.getppid() != parent:
            _end(stopped, 0)


def _end(stopped: asyncio.Future[int], number: int) -> None:
    if not stopped.done():
        stopped.set_result(number)


class SandboxProcess:
    """A sandbox in a process of its own, so that its work is not in our figures; it ends with the context.

    Attributes:
        described: Its JSON line.
    """

    def __init__(self, options: SandboxOptions, command: Sequence[str] = ()) -> None:
        """Take what to serve; `command` starts the program, else this interpreter does."""
        self.described: dict[str, Any] = {}
        options = msgspec.structs.replace(options, parent=os.getpid())
        self._command = [*(command or (sys.executable, "-m", "aftershock")), "sandbox", *options.arguments()]
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait for its line.

        Raises:
            UnreachableError: It did not start.
        """
        # A session of its own: Ctrl-C is for us, and we stop it.
        self._child = subprocess.Popen(  # noqa: S603 - our own program
            self._command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True, env=_environment()
        )
        lines: Queue[bytes] = Queue()
        threading.Thread(target=_read_line, args=(self._child, lines), daemon=True).start()
        try:
            self.described = msgspec.json.decode(lines.get(timeout=_READY_S), type=dict[str, Any])
        except (Empty, msgspec.MsgspecError):
            self._stop()
            raise UnreachableError("the sandbox did not start: run `aftershock sandbox` to see why") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(ProcessLookupError):
            child.terminate()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _read_line(child: subprocess.Popen[bytes], lines: Queue[bytes]) -> None:
    if child.stdout is not None:
        lines.put(child.stdout.readline())


def _environment() -> dict[str, str]:
    """Return our variables without those of Aftershock: nobody's settings change the sandbox."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AFTERSHOCK_")}
