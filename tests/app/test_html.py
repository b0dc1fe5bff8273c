"""The page stands alone and tells the same as the document."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from aftershock.app.html import page, write_html
from aftershock.app.replay import ReplayResult
from aftershock.errors import InputError
from tests.app.market import STALLED

VOID = {"meta", "br", "line", "path", "polyline"}


class Balance(HTMLParser):
    """Fails on a tag that is closed out of turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's call
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def test_the_page_shows_the_order_with_its_waterfall(replayed: ReplayResult) -> None:
    text = page(replayed, "a replay")

    assert STALLED in text
    assert "robust value" in text
    assert "not_evaluable" in text
    assert text.count("<svg") == 1


def test_the_page_is_well_formed_and_loads_nothing(replayed: ReplayResult) -> None:
    text = page(replayed, "a replay")
    balance = Balance()
    balance.feed(text)

    assert balance.open == []
    assert re.findall(r"https?:|<script|<link|src=|@import|url\(", text) == []


def test_text_from_the_data_is_escaped(replayed: ReplayResult) -> None:
    hostile = "<script>alert(1)</script>"
    signal = msgspec.structs.replace(replayed.outcome.signals[0], asset=hostile, signal_id=hostile)
    before = replayed.outcome.signals
    replayed.outcome.signals = [signal]
    try:
        assert "<script" not in page(replayed, hostile)
    finally:
        replayed.outcome.signals = before


def test_a_page_that_can_not_be_written_is_one_sentence(replayed: ReplayResult, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't write the report"):
        write_html(tmp_path / "none" / "page.html", replayed)
