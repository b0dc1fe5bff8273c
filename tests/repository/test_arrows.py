"""The import contracts of pyproject.toml refuse what they are meant to refuse."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.tree import ROOT

FOLDERS = [
    "app",
    "cli",
    "core",
    "journal",
    "model",
    "pricing",
    "review",
    "sim",
    "sim.market",
    "sim.servers",
    "study",
    "venues",
]

pytestmark = pytest.mark.subprocess


@pytest.fixture(name="skeleton")
def _skeleton(tmp_path: Path) -> Path:
    """Lay out the package's folders, empty, under the real contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    package = tmp_path / "src" / "aftershock"
    for folder in ["", *FOLDERS]:
        path = package.joinpath(*folder.split("."))
        path.mkdir(parents=True, exist_ok=True)
        (path / "__init__.py").touch()
    (package / "errors.py").touch()
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the linter on the package below a folder."""
    program = f"import sys; sys.path.insert(0, {str(folder / 'src')!r}); "
    program += "from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def add_import(folder: Path, importer: str, imported: str) -> None:
    """Let one folder of the package import another."""
    module = folder.joinpath("src", "aftershock", *importer.split("."), "planted.py")
    module.write_text(f"import aftershock.{imported}\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("model", "pricing"),
        ("pricing", "core"),
        ("core", "app"),
        ("core", "venues"),
        ("core", "journal"),
        ("core", "sim"),
        ("app", "cli"),
        ("venues", "pricing"),
        ("venues", "core"),
        ("venues", "journal"),
        ("journal", "pricing"),
        ("journal", "core"),
        ("sim.market", "core"),
        ("sim.market", "app"),
        ("sim.servers", "venues"),
        ("study", "core"),
        ("study", "sim"),
        ("study", "pricing"),
        ("core", "study"),
        ("sim", "study"),
    ],
)
def test_an_import_against_the_arrows_is_refused(skeleton: Path, importer: str, imported: str) -> None:
    add_import(skeleton, importer, imported)

    result = lint_imports(skeleton)

    assert result.returncode == 1, result.stdout + result.stderr
    assert f"aftershock.{importer}.planted" in result.stdout


def test_imports_along_the_arrows_are_allowed(skeleton: Path) -> None:
    for importer, imported in (
        ("cli", "app"),
        ("app", "core"),
        ("app", "venues"),
        ("app", "journal"),
        ("app", "sim.servers"),
        ("core", "pricing"),
        ("pricing", "model"),
        ("venues", "model"),
        ("journal", "model"),
        ("app", "study"),
        ("study", "model"),
        ("sim.market", "pricing"),
        ("sim.servers", "sim.market"),
        ("model", "errors"),
    ):
        module = skeleton.joinpath("src", "aftershock", *importer.split("."), f"to_{imported.replace('.', '_')}.py")
        module.write_text(f"import aftershock.{imported}\n", encoding="utf-8")

    result = lint_imports(skeleton)

    assert result.returncode == 0, result.stdout + result.stderr


def test_the_package_itself_keeps_the_arrows() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr
