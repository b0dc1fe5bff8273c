"""Which streams went silent: the one place that knows."""

from __future__ import annotations

from aftershock.model.events import StreamId

__all__ = ["StreamStatus", "carries_options", "carries_quotes"]


def carries_quotes(stream: StreamId, symbol: str) -> bool:
    """Tell whether a stream of a venue carries an instrument's best quotes; an empty part stands for all."""
    kind = stream.kind
    return (not kind or kind == "quotes" or kind.startswith("book_")) and stream.symbol in ("", symbol)


def carries_options(stream: StreamId, underlying: str) -> bool:
    """Tell whether a stream of a venue carries the option chain of a coin."""
    return stream.kind in ("", "option_quotes") and stream.symbol in ("", underlying)


class StreamStatus:
    """Streams that stopped confirming their state, until they are restored."""

    def __init__(self) -> None:
        self._down: dict[StreamId, str] = {}

    def stale(self, stream: StreamId, why: str) -> None:
        """Note that a stream went silent."""
        self._down[stream] = why

    def restored(self, stream: StreamId) -> None:
        """Note that a stream is whole again; a venue-wide note covers all its streams."""
        if stream.kind or stream.symbol:
            self._down.pop(stream, None)
        else:
            self._down = {each: why for each, why in self._down.items() if each.venue != stream.venue}

    @property
    def all_up(self) -> bool:
        """Tell whether every stream confirms its state."""
        return not self._down

    def quotes_up(self, venue: str, symbol: str) -> bool:
        """Tell whether an instrument's quotes are confirmed."""
        return not self._down or not any(s.venue == venue and carries_quotes(s, symbol) for s in self._down)

    def options_up(self, venue: str, underlying: str) -> bool:
        """Tell whether a coin's option chain is confirmed."""
        return not any(s.venue == venue and carries_options(s, underlying) for s in self._down)
