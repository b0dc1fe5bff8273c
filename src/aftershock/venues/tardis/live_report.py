"""What became of a live stream so far."""

from __future__ import annotations

from aftershock.venues.tardis.report import FileReport

__all__ = ["LiveReport"]


class LiveReport(FileReport, kw_only=True):
    """As of a file: messages are its rows, and `path` names the server.

    Attributes:
        disconnects: Times that the recorder lost a venue.
        unreadable: Messages that were no JSON; each is a gap, too.
        overflowed: Messages that came faster than they were used; each lies in a gap, too.
        not_text: Messages that were no text; each is a gap, too.
    """

    disconnects: int = 0
    unreadable: int = 0
    overflowed: int = 0
    not_text: int = 0
