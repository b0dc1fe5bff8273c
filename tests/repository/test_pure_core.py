"""The pure folders are pure, and the check that says so sees what it is meant to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.repository.purity import violations

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "aftershock"

IMPURE = {
    "wall clock": "import time",
    "a clock by name": "from time import time_ns",
    "now": "import datetime\nstamp = datetime.datetime.now(datetime.UTC)",
    "utcnow": "from datetime import datetime as moment\nstamp = moment.utcnow()",
    "today": "from datetime import date\nday = date.today",
    "clock of NumPy": "import numpy as np\nstamp = np.datetime64('now')",
    "random": "import random",
    "random of NumPy": "import numpy as np\nx = np.random.default_rng(0)",
    "random of NumPy by name": "from numpy.random import default_rng",
    "secrets": "import secrets",
    "uuid": "from uuid import uuid4",
    "os": "import os.path",
    "sys": "import sys",
    "io": "import io",
    "pathlib": "from pathlib import Path",
    "socket": "import socket",
    "urllib": "import urllib.request",
    "subprocess": "import subprocess",
    "asyncio": "import asyncio",
    "threading": "from threading import Lock",
    "logging": "import logging",
    "import in a function": "def f() -> None:\n    import os",
    "import at run time": "module = __import__('os')",
    "open": "text = open('x').read()",
    "print": "print(1)",
    "input": "x = input()",
    "eval": "x = eval('1')",
    "exec": "exec('x = 1')",
    "address as a key": "x = sorted([], key=id)",
    "hash of a string": "x = hash('x')",
    "file of NumPy": "import numpy as np\nx = np.load('x')",
    "set call": "x = set()",
    "frozenset call": "x = frozenset((1, 2))",
    "set display": "x = {1, 2}",
    "set comprehension": "x = {i for i in (1, 2)}",
    "set from dict views": "x = {}\ny = x.keys() - {}.keys()",
    "matrix product": "def f(a, b):\n    return a @ b",
    "matrix product in place": "def f(a, b):\n    a @= b",
    "dot": "import numpy as np\nx = np.dot([1], [1])",
    "dot as a method": "def f(a, b):\n    return a.dot(b)",
    "dot by name": "from numpy import dot",
    "matmul": "import numpy as np\nx = np.matmul",
    "einsum": "import numpy as np\nx = np.einsum('i,i', [1], [1])",
    "vdot": "import numpy as np\nx = np.vdot([1], [1])",
    "inner": "import numpy as np\nx = np.inner([1], [1])",
    "tensordot": "import numpy as np\nx = np.tensordot([1], [1], 1)",
    "linalg": "import numpy as np\nx = np.linalg.solve([[1]], [1])",
    "linalg by name": "from numpy.linalg import solve",
    "correlate": "import numpy as np\nx = np.correlate([1], [1])",
    "assert": "def f(x):\n    assert x",
}

PURE = """
from __future__ import annotations
import math
from collections.abc import Callable
import msgspec
import numpy as np
from aftershock.model import units
class Clock(msgspec.Struct, frozen=True):
    now: int
def age(clock: Clock, table: dict[str, int]) -> float:
    total = np.sum(np.exp(np.array([1.0, 2.0]) * 2.0), dtype=np.float64)
    return math.fsum(value - clock.now for _, value in sorted(table.items())) + float(total)
"""


@pytest.mark.parametrize("source", IMPURE.values(), ids=IMPURE.keys())
def test_the_check_catches(source: str) -> None:
    assert violations(source, in_model=True)


def test_the_check_lets_ordinary_pure_code_pass() -> None:
    assert violations(PURE) == []


def test_calendar_conversions_are_for_the_model_alone() -> None:
    source = "from datetime import UTC, datetime\nexpiry = datetime(2026, 1, 2, 8, tzinfo=UTC).timestamp()"

    assert violations(source, in_model=True) == []
    assert [found.what for found in violations(source)] == ["import datetime"]


def test_a_violation_names_its_line() -> None:
    assert [str(found) for found in violations("x = 1\n\nx = {1}")] == ["3: set display: a set has no order"]


@pytest.mark.parametrize("folder", ["model", "pricing", "core"])
def test_a_pure_folder_has_no_clock_chance_io_set_or_blas(folder: str) -> None:
    modules = sorted((PACKAGE / folder).rglob("*.py"))

    found = [
        f"{module.relative_to(PACKAGE)}:{violation}"
        for module in modules
        for violation in violations(module.read_text(encoding="utf-8"), in_model=folder == "model")
    ]

    assert modules
    assert not found, "\n".join(found)


def test_the_errors_that_pure_code_raises_are_pure_too() -> None:
    assert violations((PACKAGE / "errors.py").read_text(encoding="utf-8")) == []
