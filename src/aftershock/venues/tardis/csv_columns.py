"""Tardis' CSV kinds, told apart by the names of their columns."""

from __future__ import annotations

from pathlib import Path

import msgspec

from aftershock.errors import InputError
from aftershock.model.events import OPTION_COLUMNS
from aftershock.venues.tardis.report import excerpt

__all__ = ["BOOK_LEVELS", "OPTION_CELLS", "CsvKind", "kind_of_header", "kind_of_path", "same_kind"]

_COMMON = ("exchange", "symbol", "timestamp", "local_timestamp")
_PRINT = ("side", "price", "amount")
_TOP = ("bid_price", "bid_amount", "ask_price", "ask_amount")
_TICKER = (
    "last_price",
    "index_price",
    "mark_price",
    "open_interest",
    "funding_rate",
    "predicted_funding_rate",
    "funding_timestamp",
)
_TERMS = ("type", "strike_price", "expiration")

OPTION_CELLS = tuple({"bid": "bid_price", "ask": "ask_price"}.get(name, name) for name in OPTION_COLUMNS)
"""CSV columns of an option row, in the order of `OPTION_COLUMNS`."""

BOOK_LEVELS = ("bids[{}].price", "bids[{}].amount", "asks[{}].price", "asks[{}].amount")
"""Columns of one level of a book, by its number from 0."""

_NEEDED = {
    "options_chain": (*_COMMON, *_TERMS, "bid_price", "ask_price"),
    "derivative_ticker": (*_COMMON, "mark_price"),
    "book_snapshot": (*_COMMON, *(name.format(0) for name in BOOK_LEVELS)),
    "quotes": (*_COMMON, *_TOP),
    "liquidations": (*_COMMON, *_PRINT),
    "trades": (*_COMMON, *_PRINT),
}
_OPTIONAL = {
    "options_chain": (*OPTION_CELLS, "underlying_index"),
    "derivative_ticker": _TICKER,
    "liquidations": ("id",),
    "trades": ("id",),
}
# A kind is what the first of these lines says whose columns are all there.
_SIGNATURES = (
    ("options_chain", ("strike_price",)),
    ("options_chain", ("mark_iv",)),
    ("book_updates", ("is_snapshot",)),
    ("book_snapshot", ("asks[0].price",)),
    ("book_snapshot", ("bids[0].price",)),
    ("derivative_ticker", ("funding_rate",)),
    ("derivative_ticker", ("mark_price", "index_price")),
    ("quotes", ("bid_price", "ask_price")),
    ("print", ("side", "price")),
    ("print", ("price", "amount")),
    ("print", ("side", "amount")),
)
_ALIASES = {"options": "options_chain", "book_ticker": "quotes"}
_FOLDERS_ABOVE = 5
"""Tardis keeps a day's file at <exchange>/<kind>/<year>/<month>/<day>/<symbol>.csv.gz."""


class CsvKind(msgspec.Struct, frozen=True):
    """What a header says.

    Attributes:
        kind: As in `FileReport.kind`.
        width: Number of cells in a row.
        columns: Position by name, of the columns that are used.
        absent: Columns of that kind that the file does not have, and can do without.
        depth: Levels of a book snapshot.
    """

    kind: str
    width: int
    columns: dict[str, int]
    absent: tuple[str, ...] = ()
    depth: int = 0


def same_kind(expected: str, found: str) -> bool:
    """Tell whether a file of the kind found may be given where another is expected."""
    expected, found = _ALIASES.get(expected, expected), _ALIASES.get(found, found)
    return expected == found or (expected == "book_snapshot" and found.startswith("book_snapshot_"))


def kind_of_path(path: Path) -> str:
    """Return `liquidations`, `trades`, `book_ticker` or empty: what the path says where columns can't.

    The file's name counts first, then the folders of Tardis' layout from the nearest one on.
    """
    words = path.name.lower().replace(".", "_").replace("-", "_").split("_")
    said = {word for word in words if word in {"liquidations", "trades"}}
    if "book_ticker" in path.name.lower():
        said.add("book_ticker")
    if said:
        return said.pop() if len(said) == 1 else ""
    for folder in path.parts[-2 : -2 - _FOLDERS_ABOVE : -1]:
        if folder.lower() in {"liquidations", "trades", "book_ticker"}:
            return folder.lower()
    return ""


def kind_of_header(cells: list[str], path: Path, expect: str | None) -> CsvKind:
    """Recognise a header.

    Args:
        cells: Names of the columns, in any order.
        path: The file, for messages, and for what its columns don't say.
        expect: Kind that the user gave, if any.

    Raises:
        InputError: No kind has such columns, some are missing, or it is not the kind expected.
    """
    names = [cell.strip() for cell in cells]
    family = next((kind for kind, marks in _SIGNATURES if all(mark in names for mark in marks)), "")
    said = expect or kind_of_path(path)
    if not family and said and "symbol" in names:
        family = _ALIASES.get(said, said)
    if family == "book_updates":
        raise InputError(
            f"{path} holds incremental book updates, which are not replayed: give book snapshots or quotes"
        )
    if not family:
        shown = excerpt(",".join(names))
        raise InputError(
            f"{path} is no Tardis CSV file: its first line ({shown!r}) names no columns of a known kind; "
            "check that it is the file you meant"
        )
    kind = _print_kind(path, expect) if family == "print" else family
    if expect is not None and not same_kind(expect, kind):
        raise InputError(
            f"{path} holds {kind}, not {expect}: give it under the option for {kind}, or without an option"
        )
    if kind == "quotes" and "book_ticker" in {expect, kind_of_path(path)}:
        kind = "book_ticker"
    return _columns(_ALIASES.get(kind, kind), kind, names, path)


def _print_kind(path: Path, expect: str | None) -> str:
    """Tell trades and liquidations apart, whose columns are the same."""
    if expect is not None:
        return expect if expect in {"liquidations", "trades"} else "trades or liquidations"
    said = kind_of_path(path)
    if said in {"liquidations", "trades"}:
        return said
    raise InputError(
        f"{path} holds trades or liquidations, whose columns are the same: say which with --trades or --liquidations"
    )


def _columns(family: str, kind: str, names: list[str], path: Path) -> CsvKind:
    depth = 0
    wanted = [*_NEEDED[family], *_OPTIONAL.get(family, ())]
    if family == "book_snapshot":
        while all(name.format(depth) in names for name in BOOK_LEVELS):
            wanted += [name.format(depth) for name in BOOK_LEVELS]
            depth += 1
        kind = f"book_snapshot_{depth}"
    missing = [name for name in _NEEDED[family] if name not in names]
    if missing:
        raise InputError(
            f"{path} looks like {family} but has no column {', '.join(missing)}: give the file as Tardis has it"
        )
    twice = next((name for name in wanted if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path} has two columns {twice}: remove one of them")
    columns = {name: names.index(name) for name in wanted if name in names}
    absent = tuple(name for name in dict.fromkeys(wanted) if name not in names)
    return CsvKind(kind, len(names), columns, absent, depth)
