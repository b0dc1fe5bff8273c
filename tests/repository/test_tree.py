"""The repository's files keep the habits that nobody would check by eye."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.repository.tree import ROOT, text_files

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE = ROOT / "src" / "aftershock"

# Written in halves, so that this file does not hold what it looks for.
HOSTS = ["pyp" + r"i\.org", "pythonhoste" + "d", "npmj" + r"s\.", "deb" + r"\.debian\.org"]
FOLDERS = ["/wor" + "k/", "/roo" + "t/", "/hom" + r"e/\w", "/User" + r"s/\w", r"[A-Z]:\\User" + "s"]
OF_ONE_MACHINE = re.compile("|".join(HOSTS + FOLDERS))


def test_no_file_names_a_registry_host_or_a_folder_of_one_machine() -> None:
    found = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path, text in text_files()
        for number, line in enumerate(text.splitlines(), start=1)
        if OF_ONE_MACHINE.search(line)
    ]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    ["see " + "https://pyp" + "i.org/simple", "cd /wor" + "k/x", "'/roo" + "t/.cache'", "/hom" + "e/me/data"],
)
def test_the_search_for_one_machines_names_finds_them(line: str) -> None:
    assert OF_ONE_MACHINE.search(line)


def test_every_folder_of_the_package_opens_with_one_sentence_on_what_lives_there() -> None:
    folders = sorted({module.parent for module in PACKAGE.rglob("*.py")})

    wrong = [folder.relative_to(PACKAGE).as_posix() for folder in folders if not _opens_with_a_sentence(folder)]

    assert folders
    assert wrong == []


def _opens_with_a_sentence(folder: Path) -> bool:
    init = folder / "__init__.py"
    docstring = ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) if init.exists() else None
    first_paragraph = (docstring or "").split("\n\n")[0]
    return len(first_paragraph.split()) >= 4 and first_paragraph.endswith(".")


def test_every_ignored_lint_rule_says_why() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    linted = tomllib.loads(text)["tool"]["ruff"]["lint"]
    rules = [*linted["ignore"], *(rule for group in linted["per-file-ignores"].values() for rule in group)]

    unexplained = [rule for rule in rules if not re.search(rf'^ *"{rule}", # \S.{{10,}}$', text, re.MULTILINE)]

    assert rules
    assert unexplained == []


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    assert f"[{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
