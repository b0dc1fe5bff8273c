"""The repository's own files, found without git, so that a source archive is tested like a clone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

_HIDDEN_FOLDERS_OF_OURS = (".ci", ".github")
_MADE_BY_TOOLS = ("__pycache__", "build", "dist", "htmlcov", "node_modules")


def text_files() -> Iterator[tuple[str, str]]:
    """Yield the relative path and the text of every file that belongs to the repository."""
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(name for name in subfolders if _is_ours(name))
        for name in sorted(names):
            path = Path(folder, name)
            try:
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def _is_ours(folder: str) -> bool:
    if folder.startswith("."):
        return folder in _HIDDEN_FOLDERS_OF_OURS
    return folder not in _MADE_BY_TOOLS and not folder.endswith(".egg-info")
