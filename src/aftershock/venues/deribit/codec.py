"""From Deribit's notifications to events: pure. What Tardis' normalizers make of the same bytes, this makes too.

Sides of liquidations: T means that the taker was liquidated, so the forced order has the trade's direction; M and MT
that the maker was, so it has the other one.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from aftershock.model.events import DerivativeTicker, Event, Liquidation, Trade
from aftershock.model.liquidations import liquidated_side
from aftershock.model.table import InstrumentTable
from aftershock.model.units import NS_PER_MS
from aftershock.venues.connection.book import BookUpdate, Delta, Snapshot
from aftershock.venues.deribit.messages import (
    BookData,
    Frame,
    IndexData,
    InstrumentState,
    MarkPrice,
    QuoteData,
    TickerData,
    TradeData,
    decode_frame,
)
from aftershock.venues.deribit.rows import OPTION_ENDS, VENUE, mark_row, name_of, number, option_row, top
from aftershock.venues.deribit.tickers import Tickers
from aftershock.venues.tardis.report import Broken, FileReport

__all__ = ["Decoded", "Decoder"]

_OTHER = {"buy": "sell", "sell": "buy"}
_LIQUIDATED = {"T": False, "M": True, "MT": True}
"""Whether the forced order's side is the other one than the trade's."""


Decoded = Event | BookUpdate


class Decoder:
    """Decodes frames and counts what it does not use.

    Attributes:
        report: What became of the messages.
        unanswered: Heartbeats that want `public/test` in answer, since they were last taken.
        answers: What the venue answered to requests since they were last taken.
        states: What became of instruments, likewise.
        channel: First word of the channel of the last notification: `ticker`, `markprice`.
    """

    def __init__(self, table: InstrumentTable, report: FileReport) -> None:
        self.report, self.unanswered, self.channel = report, 0, ""
        self.answers: list[Frame] = []
        self.states: list[InstrumentState] = []
        self._table, self._tickers = table, Tickers()
        self._channels: dict[str, Callable[[msgspec.Raw, int], list[Decoded]]] = {
            "ticker": self._ticker,
            "incremental_ticker": self._change,
            "quote": self._quote,
            "trades": self._trades,
            "book": self._book,
            "markprice": self._marks,
            "deribit_price_index": self._index,
            "instrument": self._instrument,
        }

    def decode(self, text: str | bytes, ts_init: int) -> list[Decoded]:
        """Return the events of one frame, options row by row; a frame that can't be read is counted.

        Args:
            text: As the socket delivered it.
            ts_init: When, ns UTC.
        """
        self.report.rows += 1
        try:
            frame = decode_frame(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            self._drop(Broken.JSON, text)
            return []
        if frame.method == "heartbeat":
            self.unanswered += frame.params.type == "test_request"
            return []
        if frame.method != "subscription":
            self.report.leave("answer" if frame.error is None else f"error {frame.error.code}")
            self.answers.append(frame)
            return []
        name = self.channel = frame.params.channel.partition(".")[0]
        use = self._channels.get(name)
        if use is None:
            self.report.leave(name)
            return []
        try:
            found = use(frame.params.data, ts_init)
        except msgspec.MsgspecError:
            self._drop(Broken.FIELD, text)
            return []
        for each in found:
            self.report.saw(ts_init, ts_init, two_clocks=each.ts_event != ts_init)
        return found

    def lost(self) -> None:
        """Forget what later messages only say the changes of."""
        self._tickers.forget()

    def _drop(self, reason: Broken, text: str | bytes) -> None:
        shown = text if isinstance(text, str) else text[:200].decode("utf-8", errors="replace")
        self.report.drop(reason, self.report.rows, shown)

    # --- channels ---------------------------------------------------------------------------------------------------

    def _ticker(self, raw: msgspec.Raw, ts_init: int) -> list[Decoded]:
        return self._state(msgspec.json.decode(raw, type=TickerData), ts_init)

    def _change(self, raw: msgspec.Raw, ts_init: int) -> list[Decoded]:
        """Decode what changed of a ticker, out of which the whole of it is made."""
        data = self._tickers.whole(raw)
        if data is None:
            self.report.leave("change of an unknown ticker")
            return []
        return self._state(data, ts_init)

    def _state(self, data: TickerData, ts_init: int) -> list[Decoded]:
        symbol = name_of(data.instrument_name)
        if symbol.endswith(OPTION_ENDS):
            return [option_row(data, symbol, ts_init)]
        stamps = {"ts_event": data.timestamp * NS_PER_MS, "ts_init": ts_init}
        ticker = DerivativeTicker(
            **stamps,
            venue=VENUE,
            symbol=symbol,
            last_price=number(data.last_price),
            index_price=number(data.index_price),
            mark_price=number(data.mark_price),
            open_interest=number(data.open_interest),
            funding_rate=number(data.current_funding),
        )
        return [ticker, top(data, symbol, ts_init)]

    def _quote(self, raw: msgspec.Raw, ts_init: int) -> list[Decoded]:
        data = msgspec.json.decode(raw, type=QuoteData)
        return [top(data, name_of(data.instrument_name), ts_init)]

    def _trades(self, raw: msgspec.Raw, ts_init: int) -> list[Decoded]:
        found: list[Decoded] = []
        for data in msgspec.json.decode(raw, type=list[TradeData]):
            symbol, ts_event = name_of(data.instrument_name), data.timestamp * NS_PER_MS
            if data.direction not in _OTHER or not data.price > 0 or not data.amount >= 0:
                self._drop(Broken.SIDE if data.direction not in _OTHER else Broken.NO_PRICE, f"{data}")
                continue
            found.append(
                Trade(
                    ts_event=ts_event,
                    ts_init=ts_init,
                    venue=VENUE,
                    symbol=symbol,
                    price=data.price,
                    amount=data.amount,
                    side=data.direction,
                    trade_id=data.trade_id,
                )
            )
            if data.liquidation:
                found.append(self._liquidation(data, symbol, ts_event, ts_init))
        return found

    def _liquidation(self, data: TradeData, symbol: str, ts_event: int, ts_init: int) -> Liquidation:
        maker = _LIQUIDATED.get(data.liquidation)
        side = "unknown" if maker is None else _OTHER[data.direction] if maker else data.direction
        coverage = self._table.coverage(VENUE, ts_event)
        return Liquidation(
            ts_event=ts_event,
            ts_init=ts_init,
            venue=VENUE,
            symbol=symbol,
            price=data.price,
            amount=data.amount,
            liquidated=liquidated_side(side),
            price_kind=coverage.price_kind,
            completeness=coverage.completeness,
            liquidation_id=data.trade_id,
        )

    def _book(self, raw: msgspec.Raw, ts_init: int) -> list[Decoded]:
        data = msgspec.json.decode(raw, type=BookData)
        bids, asks = (
            tuple((price, 0.0 if what == "delete" else amount) for what, price, amount in side)
            for side in (data.bids, data.asks)
        )
        update: Snapshot | Delta
        if data.prev_change_id is None or data.type == "snapshot":
            update = Snapshot(data.change_id, bids, asks)
        else:
            update = Delta(data.prev_change_id + 1, data.change_id, bids, asks)
        return [BookUpdate(name_of(data.instrument_name), data.timestamp * NS_PER_MS, ts_init, update)]

    def _marks(self, raw: msgspec.Raw, ts_init: int) -> list[Decoded]:
        """Decode all marks of an index at once; such a row has no quotes."""
        return [mark_row(data, ts_init) for data in msgspec.json.decode(raw, type=list[MarkPrice])]

    def _instrument(self, raw: msgspec.Raw, _ts_init: int) -> list[Decoded]:
        """Take what became of an instrument: no event, but perhaps a reason to subscribe."""
        data = msgspec.json.decode(raw, type=InstrumentState)
        name_of(data.instrument_name)
        self.states.append(data)
        return []

    def _index(self, raw: msgspec.Raw, ts_init: int) -> list[Decoded]:
        """Decode an index as that of the perpetual which follows it."""
        data = msgspec.json.decode(raw, type=IndexData)
        coin = data.index_name.partition("_")[0].upper()
        return [
            DerivativeTicker(
                ts_event=data.timestamp * NS_PER_MS,
                ts_init=ts_init,
                venue=VENUE,
                symbol=f"{coin}-PERPETUAL",
                index_price=data.price,
            )
        ]
