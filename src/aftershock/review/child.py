"""The gateway's own process: its parsing, waiting and collecting of garbage never hold up market data."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from aftershock.errors import AftershockError
from aftershock.model.units import NAN
from aftershock.review.gateway import Gateway
from aftershock.review.job import Outcome
from aftershock.review.lane import Lane
from aftershock.review.messages import Ask, Ended, Paid, Ready, Said, Start, Stop, ToGateway, encode, read_frame
from aftershock.review.purse import open_purse
from aftershock.review.record import ReviewRecord
from aftershock.review.recording import Recorder
from aftershock.review.transport import AiohttpTransport

__all__ = ["main", "serve"]

_MOST_FILES = 16_384
"""A connection is a file: so many requests may be out."""
_DECODER = msgspec.msgpack.Decoder(ToGateway)


class _Service:
    """The gateway of one program, with all that it holds open."""

    def __init__(self, start: Start, writer: asyncio.StreamWriter) -> None:
        """Open everything.

        Raises:
            AftershockError: The recording, the ledger or the prices can't be used.
        """
        config = start.config
        self._writer = writer
        self._purse = open_purse(config)
        self._recorder = Recorder(Path(config.recording)) if config.recording else None
        self._transport = AiohttpTransport()
        lanes = [
            Lane(provider, key, config.model if number == 0 else "")
            for number, (provider, key) in enumerate(start.providers)
        ]
        self._gateway = Gateway(lanes, config, self._transport, self._purse, self._tell, on_record=self._keep)
        self._probing = asyncio.ensure_future(self._begin(probes=config.probe))

    async def listen(self, reader: asyncio.StreamReader) -> float:
        """Take questions until the program says stop or is gone; return its patience."""
        while (frame := await read_frame(reader)) is not None:
            message = _DECODER.decode(frame)
            if isinstance(message, Ask):
                self._gateway.submit(message.request, message.deadline_ns)
            elif isinstance(message, Stop):
                return message.patience_s
        return 0.0

    async def close(self, patience_s: float) -> Ended:
        """Let go of everything and return the last word."""
        self._probing.cancel()
        await asyncio.gather(self._probing, return_exceptions=True)
        gateway = self._gateway
        await gateway.stop(patience_s)
        await self._transport.close()
        self._purse.close()
        if self._recorder is not None:
            self._recorder.close()
        return Ended(tuple(gateway.report()), gateway.late, _sentence(gateway.failure))

    async def _begin(self, *, probes: bool) -> None:
        lanes = await self._gateway.probe() if probes else self._gateway.report()
        self._writer.write(encode(Ready(tuple(lanes))))

    def _tell(self, outcome: Outcome) -> None:
        self._writer.write(encode(Said(outcome)))

    def _keep(self, record: ReviewRecord) -> None:
        if record.provider and not record.from_cache:
            is_estimate = record.usage is None or record.usage.is_estimate
            self._writer.write(
                encode(Paid(NAN if record.cost_usd is None else record.cost_usd, is_estimate=is_estimate))
            )
        if self._recorder is not None:
            self._recorder.add(record)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one program until it says so or is gone."""
    frame = await read_frame(reader)
    start = None if frame is None else _DECODER.decode(frame)
    if not isinstance(start, Start):
        return
    try:
        service = _Service(start, writer)
    except AftershockError as error:
        await _end(writer, Ended((), 0, str(error)))
        return
    await _end(writer, await service.close(await service.listen(reader)))


async def _end(writer: asyncio.StreamWriter, ended: Ended) -> None:
    with suppress(ConnectionError):
        writer.write(encode(ended))
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def _sentence(error: BaseException | None) -> str:
    if error is None:
        return ""
    return str(error) if isinstance(error, AftershockError) else f"the gateway failed with {type(error).__name__}"


async def _serve_socket(number: int) -> None:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=number))
    await serve(reader, writer)


def main() -> None:
    """Serve the socket that the first argument names; the program that started us decides when to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, _MOST_FILES)), hard))
    factory = None
    with suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve_socket(int(sys.argv[1])))


if __name__ == "__main__":
    main()
