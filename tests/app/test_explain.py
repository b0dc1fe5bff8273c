"""One decision, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.app.explain import explain, waterfall
from aftershock.app.inputs import Given
from aftershock.app.replay import ReplayOptions, ReplayResult, replay
from aftershock.app.settings import choose
from aftershock.app.words import EDGES, REASONS, TRIGGERS
from aftershock.errors import InputError, UsageError
from aftershock.model.signals import Action, EdgeType, Reason, TriggerKind
from tests.app.market import STALLED


def test_the_best_decision_comes_with_its_trigger_and_order(journal: Path) -> None:
    found = explain(journal, "best")

    assert found.signal.action is Action.BUY
    assert found.trigger is not None
    assert found.trigger.trigger_id == found.signal.trigger_id
    assert found.closed is not None
    assert found.approved is not None
    assert found.approved.intent.legs[0].symbol == STALLED
    assert found.refused is None


def test_the_last_decision_is_the_last_one(journal: Path, replayed: ReplayResult) -> None:
    assert explain(journal, "last").signal.signal_id == replayed.outcome.signals[-1].signal_id


def test_a_decision_is_found_by_its_id_or_the_beginning_of_it(journal: Path, replayed: ReplayResult) -> None:
    degraded = next(s.signal_id for s in replayed.outcome.signals if s.signal_id.startswith("cascade"))

    assert explain(journal, degraded).signal.signal_id == degraded
    assert explain(journal, degraded[:12]).signal.signal_id == degraded


def test_a_beginning_that_fits_two_decisions_is_refused_with_both(journal: Path) -> None:
    with pytest.raises(UsageError, match="3 decisions start with"):
        explain(journal, "")


def test_an_unknown_id_is_refused_with_one_that_exists(journal: Path, replayed: ReplayResult) -> None:
    with pytest.raises(UsageError, match=replayed.outcome.signals[-1].signal_id):
        explain(journal, "nothing")


def test_a_journal_without_decisions_says_so(market: list[Path], tmp_path: Path) -> None:
    replay(ReplayOptions(given=[Given(market[4])], chosen=choose(), journal=tmp_path / "journal"))

    with pytest.raises(UsageError, match="no decision"):
        explain(tmp_path / "journal", "last")


def test_a_folder_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a journal"):
        explain(tmp_path, "last")


def test_the_waterfall_adds_up(journal: Path) -> None:
    lines = {line.name: line for line in waterfall(explain(journal, "best").signal)}

    assert lines["robust value"].usd - lines["executable price"].usd == pytest.approx(lines["gross edge"].usd)
    net = lines["gross edge"].usd + lines["option fees"].usd + lines["hedge"].usd
    assert net == pytest.approx(lines["net edge"].usd)
    assert lines["net edge"].bps > lines["threshold"].bps


def test_a_decision_in_which_nothing_was_priced_has_no_waterfall(journal: Path) -> None:
    assert waterfall(explain(journal, "cascade").signal) == []


def test_the_document_says_the_reason_in_words(journal: Path) -> None:
    document = explain(journal, "best").document()

    assert document["in_words"]["reason"] == REASONS[Reason.EDGE]
    assert document["signal"]["trigger_id"] == document["trigger"]["trigger_id"]
    assert document["waterfall"][0]["name"] == "robust value"


def test_every_reason_edge_and_trigger_has_its_words() -> None:
    assert set(REASONS) == set(Reason)
    assert set(EDGES) == set(EdgeType)
    assert set(TRIGGERS) == set(TriggerKind)
