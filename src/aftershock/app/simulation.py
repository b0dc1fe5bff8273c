"""A simulated market written into a folder: data as Tardis files, its truth beside them, and how to replay it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from aftershock.app.inputs import Given, open_inputs
from aftershock.app.plain import ranked
from aftershock.app.settings import Choice
from aftershock.errors import InputError, UsageError
from aftershock.model.events import Event
from aftershock.model.instruments import Instrument
from aftershock.model.order import total_order
from aftershock.model.units import iso_utc
from aftershock.sim.market.instruments_file import unknown_to_the_table, write_instruments
from aftershock.sim.market.tardis_files import TardisFiles, Written, WrittenFile
from aftershock.sim.tardis import HEADERS

__all__ = ["Makers", "Request", "Session", "SessionFactory", "Simulation", "World", "simulate"]

SCHEMA_VERSION = 1
README_FILE, TRUTH_FILE, INSTRUMENTS_FILE = "README.md", "TRUTH.jsonl", "instruments.json"

World: TypeAlias = Literal["base", "shifted"]
Makers: TypeAlias = Literal["fast", "slow"]

_TITLE = "# SYNTHETIC data"
_DATA_SET = re.compile(rf"[a-z0-9-]+_(?:{'|'.join(HEADERS)})_\d{{4}}-\d\d-\d\d_[A-Z]+\.csv\.gz")
_README = """{title}

Nothing in this folder happened. `aftershock {command}` made it up: seed {seed}, {hours:g} hours, world `{world}`,
{makers} makers. The files have the shape of Tardis' CSV data sets and the names of real venues, so that the same
readers take them. They say nothing about any market.

`{truth}` is the hidden truth, for judging decisions afterwards. `aftershock replay` refuses to read it.
"""


class Session(Protocol):
    """A simulated market on its way."""

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Return the terms of everything that is quoted."""
        ...

    def events(self) -> Iterator[Event]:
        """Iterate over what a subscriber receives, by receive time; called once."""
        ...

    def truth(self) -> Iterator[bytes]:
        """Iterate over the hidden truth, a JSON text of one line each; called after the events."""
        ...


class SessionFactory(Protocol):
    """Whoever can make a session."""

    def __call__(self, seed: int, hours: float, world: World, makers: Makers) -> Session:
        """Return a market; equal arguments give equal events and truth."""
        ...


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to simulate, and where to put it.

    Attributes:
        seed: Of everything that is drawn.
        hours: Length.
        world: `base`, or `shifted` for the world that nothing was tuned on.
        makers: How fast the market makers are.
        folder: New or empty.
        force: Replace an earlier simulation in that folder.
        command: Which command of ours made it.
    """

    seed: int
    hours: float
    world: World
    makers: Makers
    folder: Path
    force: bool = False
    command: str = "simulate"


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """What was written.

    Attributes:
        request: What was asked for.
        written: The data.
        instruments: File of the contracts that the bundled table does not know; None if it knows all.
        truth_lines: Lines of the truth.
        implied: Settings that a replay infers from the data, with its reasons; empty without data.
        interrupted: True if somebody stopped it.
    """

    request: Request
    written: Written
    instruments: Path | None
    truth_lines: int
    implied: dict[str, Choice]
    interrupted: bool

    @property
    def replay_command(self) -> str:
        """Return what to type for a replay; empty if there is nothing to replay."""
        if not self.written.files:
            return ""
        words = ["aftershock", "replay", f"{shlex.quote(str(self.request.folder))}/*.csv.gz"]
        if self.instruments is not None:
            words += ["--instruments", shlex.quote(str(self.instruments))]
        return " ".join(words)

    @property
    def truth(self) -> Path:
        """Return the file of the truth."""
        return self.request.folder / TRUTH_FILE

    def document(self) -> dict[str, Any]:
        """Return the JSON document of `simulate`."""
        request = self.request
        return {
            "schema_version": SCHEMA_VERSION,
            "synthetic": True,
            "seed": request.seed,
            "hours": request.hours,
            "world": request.world,
            "makers": request.makers,
            "folder": str(request.folder),
            "interrupted": self.interrupted,
            "rows": {"total": self.written.rows, "files": [_file(file) for file in self.written.files]},
            "not_carried": ranked(self.written.not_carried),
            "volatilities_left_empty": self.written.volatilities_left_empty,
            "instruments": None if self.instruments is None else str(self.instruments),
            "truth": {"file": str(self.truth), "lines": self.truth_lines},
            "implied": {key: {"value": choice.value, "source": choice.source} for key, choice in self.implied.items()},
            "replay": self.replay_command or None,
        }


def simulate(
    session: Session,
    request: Request,
    *,
    on_progress: Callable[[int, int], None] = lambda _rows, _ts: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Simulation:
    """Write a session into a folder; its events are put into the total order first.

    Args:
        session: Fresh.
        request: What it was made from, and the folder.
        on_progress: Gets the number of rows so far and the receive time reached, after each event.
        should_stop: Asked between moments; once true, the files end there.

    Raises:
        UsageError: The folder holds something.
        InputError: It can't be written.
    """
    folder = request.folder
    try:
        _make_room(request)
        written, interrupted = _write_events(session, folder, on_progress, should_stop)
        unknown = unknown_to_the_table(session.instruments)
        instruments = folder / INSTRUMENTS_FILE if unknown else None
        if instruments is not None:
            write_instruments(instruments, unknown)
        truth_lines = _write_truth(session, request)
    except OSError as error:
        where = error.filename or folder
        raise InputError(f"can't write {where}: {error.strerror or error}; name another folder with --out") from error
    given = [Given(file.path) for file in written.files]
    return Simulation(
        request=request,
        written=written,
        instruments=instruments,
        truth_lines=truth_lines,
        implied=open_inputs(given, instruments).imply() if given else {},
        interrupted=interrupted,
    )


def _make_room(request: Request) -> None:
    """Make sure that the folder holds nothing but a note on what it will hold."""
    folder = request.folder
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: name a folder with --out")
    if folder.is_dir() and any(folder.iterdir()):
        if not _holds_a_simulation(folder):
            raise UsageError(f"{folder} holds files that no simulation wrote: name a new or empty folder with --out")
        if not request.force:
            raise UsageError(f"{folder} already holds a simulation: name another folder, or replace it with --force")
        for path in folder.iterdir():
            if path.name in {TRUTH_FILE, INSTRUMENTS_FILE} or _DATA_SET.fullmatch(path.name):
                path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    # First of all files, so that a simulation that was killed is known as one.
    readme = _README.format(
        title=_TITLE,
        command=request.command,
        truth=TRUTH_FILE,
        seed=request.seed,
        hours=request.hours,
        world=request.world,
        makers=request.makers,
    )
    (folder / README_FILE).write_text(readme, encoding="utf-8")


def _holds_a_simulation(folder: Path) -> bool:
    readme = folder / README_FILE
    return readme.is_file() and readme.read_bytes().startswith(_TITLE.encode())


def _write_events(
    session: Session, folder: Path, on_progress: Callable[[int, int], None], should_stop: Callable[[], bool]
) -> tuple[Written, bool]:
    reached = 0
    with TardisFiles(folder, session.instruments) as files:
        for event in total_order(session.events()):
            if event.ts_init > reached and should_stop():
                return files.finish(), True
            reached = event.ts_init
            files.add(event)
            on_progress(files.rows, reached)
        return files.finish(), False


def _write_truth(session: Session, request: Request) -> int:
    """Write the truth under a first line by which readers of data refuse the file; return the number of its lines."""
    head = {
        "SYNTHETIC": "the hidden truth of a simulated market; no data",
        "command": request.command,
        "seed": request.seed,
        "hours": request.hours,
        "world": request.world,
        "makers": request.makers,
    }
    lines = 0
    with (request.folder / TRUTH_FILE).open("wb") as file:
        for line in chain([msgspec.json.encode(head)], session.truth()):
            file.write(line.rstrip(b"\r\n") + b"\n")
            lines += 1
    return lines


def _file(file: WrittenFile) -> dict[str, Any]:
    return {
        "file": str(file.path),
        "venue": file.venue,
        "kind": file.kind,
        "group": file.group,
        "rows": file.rows,
        "bytes": file.bytes,
        "first": iso_utc(file.first_ts),
        "last": iso_utc(file.last_ts),
    }
