"""What is installed is pinned, hashed, the same everywhere, and comes from wherever the user's pip looks."""

from __future__ import annotations

import itertools
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from tests.repository.tree import ROOT, text_files

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = ROOT / "requirements"
LOCKS = sorted(path.name for path in REQUIREMENTS.glob("*.txt"))
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>\S+)(?P<rest>[^\\]*)\\$")
ADDRESS = re.compile(r"https?:|file:|git\+|^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b")


def pins(lock: str) -> dict[str, str]:
    """Return each pinned name with its version and marker."""
    lines = (REQUIREMENTS / lock).read_text(encoding="utf-8").splitlines()
    found = [match for line in lines if (match := PIN.match(line))]
    return {match["name"]: match["version"] + match["rest"].rstrip() for match in found}


def wanted(source: str) -> list[str]:
    """Return the requirements of one .in file, without its comments and references."""
    lines = (REQUIREMENTS / source).read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith(("#", "-"))]


def bare_name(requirement: str) -> str:
    """Return `numpy` for `numpy>=2.2`."""
    return re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0].lower()


def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_there_is_a_lock_for_running_and_one_for_developing() -> None:
    assert {"run.txt", "dev.txt"} <= set(LOCKS)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_nothing_but_pins_with_hashes(lock: str) -> None:
    text = (REQUIREMENTS / lock).read_text(encoding="utf-8")
    statements = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)).splitlines()

    loose = [line for line in statements if not re.match(r"^\S+==\S+.* --hash=sha256:[0-9a-f]{64}", line)]

    assert loose == []
    assert len(statements) == len(pins(lock))


@pytest.mark.parametrize("path", sorted(REQUIREMENTS.iterdir()), ids=lambda path: path.name)
def test_requirements_name_no_place_to_download_from(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if ADDRESS.search(line)] == []


def test_developing_adds_tools_and_changes_no_run_time_version() -> None:
    # A marker may differ: what one Python alone needs to run, every Python may need to develop.
    run, dev = (
        {name: pin.split(";")[0].strip() for name, pin in pins(lock).items()} for lock in ("run.txt", "dev.txt")
    )

    assert {name: dev.get(name) for name in run} == run


def test_run_time_requirements_are_those_of_the_package_and_its_build_backend() -> None:
    package = project()["project"]
    expected = [
        *package["dependencies"],
        *package["optional-dependencies"]["live"],
        *project()["build-system"]["requires"],
    ]

    assert sorted(wanted("run.in")) == sorted(expected)


def test_every_wanted_requirement_is_pinned() -> None:
    for source, lock in (("run.in", "run.txt"), ("dev.in", "dev.txt")):
        assert {bare_name(requirement) for requirement in wanted(source)} <= set(pins(lock))


def test_no_package_with_the_gateways_name_is_required() -> None:
    extras = project()["project"].get("optional-dependencies", {})
    declared = [*project()["project"]["dependencies"], *itertools.chain.from_iterable(extras.values())]
    lists = [*REQUIREMENTS.iterdir(), *ROOT.glob("package*.json")]

    texts = [*declared, *(path.read_text(encoding="utf-8") for path in lists)]

    assert [text for text in texts if "holysheep" in text.lower()] == []


def test_no_lock_file_records_a_registry() -> None:
    names = [path for path, _ in text_files()]
    node_locks = [text for path, text in text_files() if path.endswith("package-lock.json")]

    assert not [path for path in names if path.endswith("uv.lock")]
    assert not [text for text in node_locks if '"resolved"' in text]


def test_the_dependency_page_has_a_line_for_everything_asked_for() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()

    missing = [
        name
        for source in sorted(REQUIREMENTS.glob("*.in"))
        for name in map(bare_name, wanted(source.name))
        if f"**{name}**" not in page
    ]

    assert missing == []
