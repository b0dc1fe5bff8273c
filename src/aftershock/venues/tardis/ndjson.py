"""Files of tardis-machine's normalized messages, one JSON text a line, in the total order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter

import msgspec
import numpy as np

from aftershock.model.events import Gap, StreamId
from aftershock.model.order import in_order, option_place, place
from aftershock.model.table import InstrumentTable
from aftershock.venues.connection.recent_ids import RecentIds
from aftershock.venues.connection.text import printable
from aftershock.venues.tardis.arrival import Arrival
from aftershock.venues.tardis.codec import (
    DataMessage,
    OptionRow,
    message_ns,
    option_quotes,
    option_terms,
    to_event,
)
from aftershock.venues.tardis.lines import LineReader
from aftershock.venues.tardis.messages import (
    EXPECTABLE,
    BrokenMessageError,
    DisconnectMessage,
    ErrorMessage,
    FailureMessage,
    LiquidationMessage,
    OptionMessage,
    TradeMessage,
    UnusedMessage,
    decode,
)
from aftershock.venues.tardis.option_terms import OptionNames, is_readable
from aftershock.venues.tardis.piece import MAX_BATCH, Piece, option_piece, piece_of
from aftershock.venues.tardis.report import Broken, FileReport

__all__ = ["MessageReader", "packed"]

_REPLACED = "\N{REPLACEMENT CHARACTER}"
_TORN = "the last line is cut short"


class MessageReader:
    """Read one file of messages.

    Attributes:
        accepts: Tells which messages are used; the others are counted.
    """

    def __init__(
        self,
        lines: LineReader | None,
        report: FileReport,
        table: InstrumentTable,
        arrival: Arrival,
        names: OptionNames,
        only: str | None,
        limit: int | None,
    ) -> None:
        """Prepare to read.

        Args:
            lines: The file; None for messages that are handed in by `line`.
            report: Where messages are counted.
            table: Says what a venue's liquidation feed means.
            arrival: High-water mark of receive times.
            names: Keeps the terms of options whose names can't be parsed.
            only: Kind of file that the user asked for; messages of other types are then unused.
            limit: Messages to stop after, if not None.
        """
        self._lines = lines
        self._report = report
        self._table = table
        self._arrival = arrival
        self._names = names
        self.accepts: Callable[[DataMessage], bool] = lambda _: True
        self._wanted = None if only is None else EXPECTABLE[only]
        self._limit = limit
        self._recent = RecentIds()
        self._gaps: dict[str, tuple[int, str]] = {}

    def pieces(self) -> Iterator[Piece]:
        """Yield the events in the total order, option rows in batches."""
        return packed(in_order(self._in_file_order(), attrgetter("place")))

    def _in_file_order(self) -> Iterator[Piece]:
        if self._lines is None:
            return
        for block in self._lines.blocks():
            for number, line in enumerate(block.lines, block.first_line):
                if not line.strip():
                    continue
                if self._limit is not None and self._report.rows >= self._limit:
                    return  # as if the file went on: what ends with it is not known yet
                try:
                    yield from self.line(line, number)
                except BrokenMessageError as error:
                    if block.unterminated:
                        self._report.rows -= 1
                        self._report.incomplete = _TORN
                    else:
                        self._report.drop(error.reason, number, line)
        self._report.incomplete = self._report.incomplete or self._lines.incomplete
        yield from self.open_gaps()

    def line(self, line: str, number: int) -> Iterator[Piece]:
        """Yield the events of one message, at receive times that never go back; they are not yet in the total order.

        Raises:
            BrokenMessageError: It is no message; it is counted, but not yet as dropped.
        """
        self._report.rows += 1
        if _REPLACED in line:
            raise BrokenMessageError(Broken.ENCODING)
        message = decode(line)
        if isinstance(message, DisconnectMessage):
            self._disconnected(message)
        elif isinstance(message, ErrorMessage):
            self._report.errors += 1
            self._report.note(f"the recorder reported for {message.exchange}: {message.details[:200]}")
        elif isinstance(message, FailureMessage):
            self._report.rows -= 1
            self._report.incomplete = f"tardis-machine broke off: {printable(message.message)}"
        elif isinstance(message, UnusedMessage):
            if message.exchange in self._gaps:
                yield from self._advance(message.exchange, message_ns(message.local_timestamp))
            self._report.leave(message.type)
        else:
            yield from self._data(message, line, number)

    def _data(self, message: DataMessage, line: str, number: int) -> Iterator[Piece]:
        raw_ts = message_ns(message.local_timestamp)
        if self._repeats(message):
            self._report.drop(Broken.DUPLICATE, number, line)
            return
        event = to_event(message, raw_ts, self._table)  # refuses a broken message before the clock moves
        yield from self._advance(message.exchange, raw_ts)
        ts_init = self._arrival.latest
        if self._wanted is not None and message.__struct_config__.tag not in self._wanted:
            self._report.leave(str(message.__struct_config__.tag))
            return
        if not self.accepts(message):
            self._report.leave("not asked for")
            return
        if ts_init != raw_ts:
            event = msgspec.structs.replace(event, ts_init=ts_init)
        if isinstance(message, OptionMessage) and not is_readable(message.exchange, message.symbol):
            self._names.remember(message.exchange, message.symbol, option_terms(message))
        self._report.saw(ts_init, ts_init, two_clocks=message.timestamp != message.local_timestamp)
        at = option_place(ts_init, event.stream) if isinstance(event, OptionRow) else place(event)
        yield Piece(at, event, self._report.rows)

    def _advance(self, exchange: str, raw_ts: int) -> Iterator[Piece]:
        """Move the clock to a message; yield its step back, and the gap that the message ends."""
        step = self._arrival.advance(raw_ts, self._report.rows)
        if step is not None:
            yield step
        if exchange in self._gaps:
            yield self._gap(exchange, self._arrival.latest)

    def _repeats(self, message: DataMessage) -> bool:
        if not isinstance(message, TradeMessage | LiquidationMessage):
            return False
        return self._recent.repeats(
            message.id,
            message.__struct_config__.tag,
            message.exchange,
            message.symbol,
            message.timestamp,
            message.side,
            message.price,
            message.amount,
        )

    def _disconnected(self, message: DisconnectMessage) -> None:
        """Remember a gap from the last message before it; its end is the exchange's next message."""
        from_ts = message_ns(message.local_timestamp)
        detail = f"disconnected from {', '.join(message.symbols[:10])}" if message.symbols else "disconnected"
        self._gaps.setdefault(message.exchange, (from_ts, detail))

    def _gap(self, exchange: str, ts_init: int) -> Piece:
        from_ts, detail = self._gaps.pop(exchange)
        event = Gap(
            ts_event=min(from_ts, ts_init),
            ts_init=ts_init,
            stream=StreamId(exchange, "", ""),
            from_ts=min(from_ts, ts_init),
            to_ts=ts_init,
            detail=detail,
        )
        return piece_of(event, self._report.rows)

    def open_gaps(self) -> Iterator[Piece]:
        """Yield the gaps that the messages end in."""
        if not self._gaps:
            return
        end = max(self._arrival.latest, *(from_ts for from_ts, _ in self._gaps.values()))
        for exchange in sorted(self._gaps):
            yield self._gap(exchange, end)


def packed(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join option rows that follow each other in one stream to batches."""
    held: list[tuple[OptionRow, int]] = []
    for piece in pieces:
        event = piece.event
        if held and (not isinstance(event, OptionRow) or event.stream != held[0][0].stream or len(held) == MAX_BATCH):
            yield _batch(held)
            held = []
        if isinstance(event, OptionRow):
            held.append((event, piece.row))
        else:
            yield piece
    if held:
        yield _batch(held)


def _batch(held: list[tuple[OptionRow, int]]) -> Piece:
    return option_piece(option_quotes([row for row, _ in held]), np.maximum.accumulate([number for _, number in held]))
