"""The document, the text and the page tell the same, and stand alone."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser

import msgspec
import pytest

from aftershock.errors import UsageError
from aftershock.study.html import evaluation_page
from aftershock.study.records import RunKey
from aftershock.study.report_data import Evaluation, document, evaluate_runs, run_document, run_report
from aftershock.study.svg import nice_ticks
from aftershock.study.text import evaluation_text, run_text
from tests.study.synthetic import Strategy, always_hold, coin, leaking, market, noisy, oracle, trigger

METRICS = {
    *("accuracy", "accuracy_always_hold", "fpr", "precision_fill", "precision_order", "recall_detect"),
    *("recall_capture", "recall_offered", "f1", "mcc", "brier", "ece", "pnl_bps_per_fill", "pnl_usd"),
}
VOID = {"meta", "br", "path", "polyline", "polygon", "rect"}


def key(strategy: str, **changes: object) -> RunKey:
    values: dict[str, object] = {"world": "base", "makers": "slow", "latency_ms": 20.0, "feed_lag_ms": 0.0}
    return RunKey(**{"strategy": strategy, **values, **changes})  # type: ignore[arg-type] # a test names what it changes


@pytest.fixture(name="evaluation", scope="module")
def _evaluation() -> Evaluation:
    strategies: dict[str, Strategy] = {
        "always_hold": always_hold,
        "engine": noisy,
        "oracle": oracle,
        "coin": coin,
    }
    runs = [(key(name), market(strategy, 800)) for name, strategy in strategies.items()]
    runs.append((key("engine", world="shifted"), market(noisy, 800, seed=21)))
    return evaluate_runs(runs, seeds="0-39")


def test_the_document_has_the_names_of_the_contract(evaluation: Evaluation) -> None:
    found = document(evaluation)

    assert found["schema_version"] == 1
    assert {"seeds", "prior", "realised_prevalence", "metrics", "by_type", "by_decoy", "baselines"} <= found.keys()
    assert set(found["metrics"]) == METRICS
    for figure in found["metrics"].values():
        assert {"value", "low", "high", "n", "status"} == figure.keys()
        assert figure["status"] in {"ok", "not_established"}
    assert sorted(found["by_decoy"]) == sorted(f"D{n}" for n in range(1, 20))
    assert all({"orders", "n"} <= row.keys() for row in found["by_decoy"].values())
    assert set(found["metrics_by_prior"]) == {"0.1", "0.01"}


def test_the_document_holds_null_and_never_nan(evaluation: Evaluation) -> None:
    text = json.dumps(document(evaluation), allow_nan=False)

    assert json.loads(text)["baselines"]["always_hold"]["metrics"]["precision_fill"]["value"] is None


def test_the_engine_is_the_main_run_and_its_rivals_stand_beside_it(evaluation: Evaluation) -> None:
    found = document(evaluation)

    assert found["run"]["strategy"] == "engine"
    assert list(found["baselines"]) == ["always_hold", "oracle", "coin"]
    assert found["baselines"]["oracle"]["minus_main"]["differences"]["accuracy"]["value"] > 0.0
    assert [run["run"]["world"] for run in found["runs"]] == ["base"] * 4 + ["shifted"]


def test_a_run_alone_is_as_in_the_list(evaluation: Evaluation) -> None:
    assert run_document(evaluation.main) == document(evaluation)["runs"][1]


def test_goals_are_judged_at_their_own_prior_whatever_is_asked_for() -> None:
    records = market(noisy, 200)
    one, other = run_report(key("engine"), records), run_report(key("engine"), records, prior=0.05)

    assert one.goals == other.goals
    assert [found.prior for found in other.metrics] == [0.05, 0.10, 0.01]


def test_runs_are_evaluated_alike_in_any_order_of_their_records() -> None:
    records = market(noisy, 200)
    found = [json.dumps(run_document(run_report(key("engine"), some))) for some in (records, records[::-1])]

    assert found[0] == found[1]


def test_two_runs_of_one_key_are_refused() -> None:
    with pytest.raises(UsageError, match="two runs are of base slow 20 ms engine"):
        evaluate_runs([(key("engine"), market(noisy, 20))] * 2, seeds="0-0")


def test_no_run_is_refused() -> None:
    with pytest.raises(UsageError, match="no run"):
        evaluate_runs([], seeds="0-0")


def test_the_text_says_the_goals_first(evaluation: Evaluation) -> None:
    text = evaluation_text(evaluation)
    titles = [line for line in text.splitlines() if line and not line.startswith(" ")]

    assert titles[2].startswith("goals")
    assert [title.split()[0] for title in titles[3:8]] == ["figures,", "realised", "by", "by", "why"]
    assert "nan" not in re.sub(r"[a-z_]*nan[a-z_]+", "", text.lower())
    assert "not established: only" in text
    assert "all runs" in text
    assert "goals of engine in each run" in text


def test_the_text_warns_of_a_leak() -> None:
    text = run_text(run_report(key("engine"), market(leaking, 400)))

    assert "SUSPECT" in text


def test_the_text_of_a_run_without_orders_is_whole() -> None:
    text = run_text(run_report(key("always_hold"), market(always_hold, 100)))

    assert "no order was sent" in text
    assert "no fill had a stated confidence" in text
    assert "no order was on a true opportunity" in text


class Page(HTMLParser):
    """Fails on a tag that is closed out of turn; collects the labels of the plots."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.plots: list[dict[str, str]] = []
        self.labels: list[tuple[int, float, float, str, str]] = []
        self._label: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "svg":
            self.plots.append(given)
        self._label = given if tag == "text" else None
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._label = None
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._label is not None:
            x, y = float(self._label["x"]), float(self._label["y"])
            self.labels.append((len(self.plots) - 1, x, y, self._label["text-anchor"], data))


@pytest.fixture(name="page", scope="module")
def _page(evaluation: Evaluation) -> str:
    return evaluation_page(evaluation)


def test_the_page_is_well_formed_and_loads_nothing(page: str) -> None:
    parsed = Page()
    parsed.feed(page)

    assert parsed.open == []
    assert re.findall(r"https?:|<script|<link|src=|@import|url\(", page) == []
    assert len(parsed.plots) == 5


def test_the_page_reads_in_light_and_dark(page: str) -> None:
    dark = page.partition("prefers-color-scheme:dark")[2]

    assert dark
    body = page.partition("</style>")[2]
    assert re.findall(r"#[0-9a-f]{3,6}\b|rgb\(", body) == []


def test_labels_of_a_plot_stay_inside_and_apart(page: str) -> None:
    parsed = Page()
    parsed.feed(page)
    boxes: dict[int, list[tuple[float, float, float, str]]] = {}
    for plot, x, y, anchor, text in parsed.labels:
        # Six units a letter is generous for 11 units of type.
        width = 6.0 * len(text)
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        boxes.setdefault(plot, []).append((left, left + width, y, text))

    assert len(boxes) == 5
    for plot, labels in boxes.items():
        right, bottom = (float(end) for end in parsed.plots[plot]["viewbox"].split()[2:])
        for i, (left, end, y, text) in enumerate(labels):
            assert left >= -1.0, text
            assert end <= right + 14.0, text
            assert 0.0 < y <= bottom, text
            for other_left, other_end, other_y, other in labels[:i]:
                assert abs(y - other_y) >= 9.0 or end <= other_left or other_end <= left, f"{text} on {other}"


def test_the_page_holds_no_absent_number_in_a_drawing(page: str) -> None:
    drawings = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))

    assert re.findall(r"\b(nan|inf)\b", drawings) == []


def test_text_from_the_records_is_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    records = [trigger(0, hostile), trigger(1, "S1", positive=True, hold_reasons={hostile: 1})]
    page = evaluation_page(evaluate_runs([(key(hostile), records)], seeds=hostile), hostile)

    assert "<script" not in page


def test_the_page_of_a_run_without_orders_is_whole() -> None:
    page = evaluation_page(evaluate_runs([(key("always_hold"), market(always_hold, 40))], seeds="0-1"))
    parsed = Page()
    parsed.feed(page)

    assert parsed.open == []
    assert len(parsed.plots) == 1


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-3.0, 7.5, [-5.0, 0.0, 5.0, 10.0]), (2.0, 2.0, [2.0])],
)
def test_ticks_are_round_numbers_that_cover_the_data(low: float, high: float, expected: list[float]) -> None:
    assert nice_ticks(low, high) == expected


def test_counts_of_a_run_are_those_of_its_records() -> None:
    records = market(noisy, 100)
    records[0] = msgspec.structs.replace(records[0], outside_orders=3, decisions=5, evaluations=100)
    found = run_report(key("engine"), records)

    assert (found.triggers, found.decisions, found.evaluations, found.outside_orders) == (100, 104, 99 * 12 + 100, 3)
    assert found.orders == sum(len(record.orders) for record in records)
    assert found.fills == sum(order.filled > 0 for record in records for order in record.orders)
    assert not math.isnan(found.realised_prevalence.value)
