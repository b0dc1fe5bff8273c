"""`make` says in one sentence what a machine lacks, and asks the network for nothing twice."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.repository.tree import ROOT

pytestmark = pytest.mark.subprocess


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Path:
    """Copy what set-up reads into a folder with a space in its name and nothing installed."""
    checkout = tmp_path / "a checkout"
    checkout.mkdir()
    shutil.copytree(ROOT / "requirements", checkout / "requirements")
    peers = checkout / "tests" / "peers" / "node"
    peers.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "peers" / "node" / "package-lock.json", peers)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)
    return checkout


def interpreter(folder: Path, script: str) -> Path:
    """Write a program that answers to `make` in Python's place."""
    path = folder / "other-python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make as a user would: knowing nothing of a make that runs this test."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def pretend_installed(folder: Path) -> float:
    """Leave the stamps of a finished set-up, newer than what they depend on; return their time."""
    moment = time.time() + 10
    (folder / ".venv").mkdir()
    for name in ("created", "run", "package", "dev"):
        stamp = folder / ".venv" / f"{name}.stamp"
        stamp.touch()
        os.utime(stamp, (moment, moment))
    environments = [folder / f".venv-peers{name}" for name in ("", "-bpx", "-ccxt", "-openai", "-sdk")]
    for peers in (*environments, folder / "tests" / "peers" / "node" / "node_modules"):
        peers.mkdir(parents=True)
        stamp = peers / "peers.stamp"
        stamp.touch()
        os.utime(stamp, (moment, moment))
    return moment


def test_a_python_that_is_too_old_is_refused_in_one_sentence(checkout: Path) -> None:
    pretend = "import sys; sys.version_info = (3, 10, 13, 'final', 0); exec(sys.argv.pop(1))"
    old = interpreter(checkout.parent, f'exec "{sys.executable}" -c "{pretend}" "$2"')

    result = make(checkout, "demo", f"PYTHON={old}")

    assert result.returncode == 2
    assert "older than Python 3.11" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (checkout / ".venv").exists()


def test_a_missing_venv_module_is_named_with_its_cure(checkout: Path) -> None:
    bare = interpreter(checkout.parent, f'case "$2" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')

    result = make(checkout, "test", f"PYTHON={bare}")

    assert result.returncode == 2
    assert "apt-get install python3-venv" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_python_is_named(checkout: Path) -> None:
    result = make(checkout, "demo", "PYTHON=no-such-python")

    assert result.returncode == 2
    assert "'no-such-python' does not run" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_help_lists_every_target_and_needs_no_python(checkout: Path) -> None:
    result = make(checkout, "PYTHON=no-such-python")

    assert result.returncode == 0
    targets = set(re.findall(r"^make ([a-z]+) ", result.stdout, flags=re.MULTILINE))
    assert {"demo", "test", "check", "lock", "bench", "clean", "help"} <= targets


def test_what_is_installed_is_not_installed_again(checkout: Path) -> None:
    pretend_installed(checkout)

    planned = make(checkout, "--dry-run", "demo", "test").stdout

    assert "aftershock demo" in planned
    assert "-m pytest" in planned
    assert "-m pip" not in planned
    assert "-m venv" not in planned
    assert "npm" not in planned


def test_a_changed_pin_is_installed_with_its_hashes(checkout: Path) -> None:
    installed = pretend_installed(checkout)
    os.utime(checkout / "requirements" / "run.txt", (installed + 10, installed + 10))

    planned = make(checkout, "--dry-run", "demo").stdout

    assert "--require-hashes --only-binary :all: -r requirements/run.txt" in planned
    assert "dev.txt" not in planned
    assert "-m venv" not in planned
