"""The adapter checklist names tests that exist."""

from __future__ import annotations

import re

from tests.repository.tree import ROOT

NAMED = re.compile(r"`(tests/[\w/]+(?:\.py|/))(?:::(\w+))?`")


def test_every_test_that_the_checklist_names_exists() -> None:
    text = (ROOT / "docs" / "adapter-checklist.md").read_text(encoding="utf-8")
    named = NAMED.findall(text)

    assert len(named) > 20
    for path, function in named:
        file = ROOT / path
        assert file.exists(), path
        if function:
            assert f"def {function}(" in file.read_text(encoding="utf-8"), f"{path}::{function}"
