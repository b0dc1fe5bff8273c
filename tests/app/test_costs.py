"""What second opinions cost: the article's claims taken apart, and recordings of every kind."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.app.article_prompt import article_prompt
from aftershock.app.cost_claims import CLAIMS, common_tokens, reasons
from aftershock.app.costs import CHAINS, compare, our_prompt
from aftershock.app.costs_report import CostReport
from aftershock.app.recorded_costs import Asked, read_costs
from aftershock.errors import InputError
from aftershock.model.units import utc_ns
from aftershock.review.prices import PriceTable
from aftershock.review.record import ReviewRecord, Verdict
from aftershock.review.usage import Usage

NOW = utc_ns(2026, 11, 27)
BUNDLED = PriceTable.bundled()


# --- the article ----------------------------------------------------------------------------------------------------


def test_one_count_of_input_tokens_and_no_output_gives_every_cost_of_the_article() -> None:
    assert common_tokens() == [190]
    assert [round(claim.tokens) for claim in CLAIMS] == [190, 190, 190, 192]


def test_the_article_s_prompt_has_its_words_and_its_chain_sixteen_fields() -> None:
    text = article_prompt(3)
    chain = json.loads(text.split("OPTIONS CHAIN (Backpack):\n")[1].split("\n\nMARKET CONTEXT")[0])

    assert text.startswith("Analyze cross-market arbitrage opportunity:\n\nLQUIDATION DATA (FTX-Restart):\n{\n  ")
    assert [len(option) for option in chain["options"]] == [16, 16, 16]
    assert "OPTIONS CHAIN (Backpack):\n{}\n" in article_prompt(0)


def test_every_reason_is_worked_out_from_the_table() -> None:
    said = "\n".join(reasons(compare(BUNDLED, NOW)))

    for part in (
        "190 tokens of input and none of output",
        "0.00008 / 0.42 * 1e6 = 190",
        "2.6 times what it says",
        "1,000 tokens of input each",
        "5.25 times",
        "list price of output for 4 of 4 models",
        "deepseek-v3.2 1.5, gpt-4.1 4.0, claude-sonnet-4.5 5.0, gemini-2.5-flash 8.3",
    ):
        assert part in said


def test_with_other_prices_other_reasons_are_given_and_none_is_made_up(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    row = 'cached = "1"\nsource = "mine"\nvalid_from = 2026-01-01\n'
    file.write_text(
        f'version = "mine"\n[[price]]\nprovider = "openai"\nmodel = "gpt-4.1"\ninput = "4"\noutput = "9"\n{row}'
    )

    found = compare(PriceTable.from_file(file), NOW)
    said = "\n".join(reasons(found))

    assert [offer.provider for offer in found.offers] == ["openai"]
    assert "list price of output" not in said
    assert "gpt-4.1 2.0" in said
    assert "its own prices" not in said


def test_our_question_keeps_the_promise_of_its_price_and_the_article_s_does_not() -> None:
    """At most $0.25 per 1,000 requests at the article's prices, without credit for what was read before."""
    offer = compare(BUNDLED, NOW).offers[0]
    by_prompt = {cost.prompt: cost.usd_per_1000 for cost in offer.costs}

    assert (offer.table, offer.provider) == ("article", "holysheep")
    assert by_prompt["ours"] <= 0.25
    assert by_prompt["article, 16"] > 0.42
    assert list(by_prompt) == [*(f"article, {n}" for n in CHAINS), "ours"]


def test_peak_hours_and_what_is_no_longer_sold_are_rows_of_their_own() -> None:
    notes = {(offer.model, offer.note) for offer in compare(BUNDLED, NOW).offers if offer.provider == "deepseek"}

    assert notes == {("deepseek-v3.2", "no longer sold"), ("deepseek-flash", ""), ("deepseek-flash", "peak hours")}


# --- recordings -----------------------------------------------------------------------------------------------------


def record(number: int = 1, **fields: Any) -> ReviewRecord:
    shown = {
        "provider": "openai",
        "model": "gpt-4.1",
        "answered_by": "gpt-4.1",
        "status": 200,
        "usage": Usage(input_tokens=400, output_tokens=20),
        "cost_usd": 0.00096,
        "total_ms": 300.0,
        "first_byte_ms": 250.0,
        "verdict": Verdict(action="BUY", probability=0.7),
    }
    return ReviewRecord(request_id=f"t{number}/review", trigger_id=f"t{number}", ts_ns=NOW, **{**shown, **fields})


def recording(path: Path, *records: ReviewRecord | bytes) -> Path:
    path.write_bytes(b"".join((r if isinstance(r, bytes) else msgspec.json.encode(r)) + b"\n" for r in records))
    return path


def only(path: Path, *records: ReviewRecord | bytes, decisions: int | None = None) -> Asked:
    (asked,) = read_costs([recording(path, *records)], BUNDLED, decisions).models()
    return asked


def test_a_recording_is_paid_for_again_by_what_the_providers_counted(tmp_path: Path) -> None:
    asked = only(
        tmp_path / "r", record(), record(2, usage=Usage(input_tokens=400, cached_tokens=300, output_tokens=20))
    )

    assert (asked.requests, asked.answers, asked.counted) == (2, 2, 2)
    assert asked.usd["published"] == pytest.approx(0.00096 + (100 * 2 + 300 * 0.5 + 20 * 8) / 1e6)
    assert asked.usd["article"] == pytest.approx(2 * (400 * 8 + 20 * 24) / 1e6)
    assert asked.recorded_usd == pytest.approx(2 * 0.00096)
    assert asked.total.summary()["max"] == 300_000_000


def test_costs_are_told_for_a_thousand_requests_and_decisions(tmp_path: Path) -> None:
    document = only(tmp_path / "r", record(), record(2)).document(50)

    assert document["usd_per_1000_requests"]["published"] == pytest.approx(0.96)
    assert document["usd_per_1000_decisions"]["published"] == pytest.approx(2 * 0.96 / 50)
    assert only(tmp_path / "r", record()).document(None)["usd_per_1000_decisions"] is None


def test_prices_are_those_of_the_moment_of_each_request(tmp_path: Path) -> None:
    flash = {"provider": "deepseek", "model": "deepseek-flash", "usage": Usage(input_tokens=1_000_000, output_tokens=0)}
    night = record(1, **flash)
    peak = msgspec.structs.replace(night, ts_ns=NOW + 2 * 3_600 * 10**9)  # Friday, 10:00 in Beijing

    asked = only(tmp_path / "r", night, peak)

    assert asked.usd["published"] == pytest.approx(0.15 + 0.30)
    assert math.isnan(asked.usd["article"]), "the article has no such model"


def test_an_estimate_and_a_worst_case_are_flagged_and_an_error_is_free(tmp_path: Path) -> None:
    body = json.dumps({"max_tokens": 80, "messages": [{"role": "user", "content": "1234 " * 100}]})
    asked = only(
        tmp_path / "r",
        record(1, usage=Usage(input_tokens=400, output_tokens=20, is_estimate=True)),
        record(2, usage=None, status=0, cost_usd=0.005, verdict=None, fallback="deadline", request=body),
        record(3, usage=None, status=429, cost_usd=0.0, verdict=None, fallback="http"),
        record(4, usage=None, status=0, cost_usd=0.0, verdict=None, fallback="unreachable"),
    )

    assert (asked.counted, asked.estimated, asked.at_worst, asked.free) == (0, 1, 1, 2)
    assert asked.usd["published"] == pytest.approx(0.00096 + (1.25 * 300 * 2 + 80 * 8) / 1e6, rel=0.01)
    assert dict(asked.fallbacks) == {"deadline": 1, "http": 1, "unreachable": 1}


def test_what_was_not_sent_costs_nothing_and_is_counted(tmp_path: Path) -> None:
    file = recording(
        tmp_path / "r",
        record(1, provider="", model="", usage=None, verdict=None, fallback="budget"),
        record(2, from_cache=True, usage=None, cost_usd=0.0),
    )

    found = read_costs([file], BUNDLED)

    assert (found.not_sent, found.from_cache, found.models(), found.prompt()) == (1, 1, [], None)


def test_a_model_without_a_price_has_an_unknown_cost_which_json_shows_as_null(tmp_path: Path) -> None:
    found = read_costs(
        [recording(tmp_path / "r", record(model="other", answered_by="swapped", cost_usd=None))], BUNDLED
    )
    document = CostReport(compare(BUNDLED, NOW), found).document()

    (model,) = document["recordings"]["models"]
    assert model["usd"] == {"article": None, "published": None, "recorded": None}
    assert model["other_models"] == {"swapped": 1}
    assert b"NaN" not in msgspec.json.encode(document)


IMPOSSIBLE = [
    record(usage=Usage(input_tokens=-1, output_tokens=0)),
    record(usage=Usage(input_tokens=10, cached_tokens=11, output_tokens=0)),
    record(usage=Usage(input_tokens=10, output_tokens=10**30)),
    record(cost_usd=-1.0),
    record(total_ms=1e300),
    record(total_ms=-5.0),
    msgspec.structs.replace(record(), ts_ns=1 << 70),
    msgspec.structs.replace(record(), ts_ns=-1),
]


@pytest.mark.parametrize("bad", IMPOSSIBLE)
def test_a_record_that_can_t_be_is_left_out_and_counted(tmp_path: Path, bad: ReviewRecord) -> None:
    # JSON text by the standard library: its integers have no end.
    line = json.dumps(msgspec.to_builtins(bad)).encode()
    found = read_costs([recording(tmp_path / "r", record(), line)], BUNDLED)

    assert found.faults.total() == 1
    assert found.examples[0].endswith(("figures that can't be", "is no record of a gateway"))
    assert sum(each.requests for each in found.models()) == 1


def test_bad_lines_are_counted_by_reason_and_the_first_are_shown(tmp_path: Path) -> None:
    file = recording(tmp_path / "r", record(), b"no json", b'{"format": 1}', *[b"[]"] * 10)
    with file.open("ab") as end:
        end.write(msgspec.json.encode(record(2))[:50])

    found = read_costs([file], BUNDLED)

    assert found.lines == 14
    assert found.faults == {"the line is no record of a gateway": 12, "the line was cut off": 1}
    assert len(found.examples) == 5


def test_another_file_is_refused_and_an_empty_recording_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no recording of the gateway: none of its 2 lines is a record"):
        read_costs([recording(tmp_path / "csv", b"a,b", b"1,2")], BUNDLED)
    assert read_costs([recording(tmp_path / "empty")], BUNDLED).lines == 0
    with pytest.raises(InputError, match="can't read the recording"):
        read_costs([tmp_path / "none"], BUNDLED)


def test_the_same_file_twice_is_read_once(tmp_path: Path) -> None:
    file = recording(tmp_path / "r", record())

    assert only(file, record()).requests == 1
    assert read_costs([file, file], BUNDLED).lines == 1


def test_the_mean_request_of_recordings_is_priced_at_every_provider(tmp_path: Path) -> None:
    found = read_costs(
        [recording(tmp_path / "r", record(), record(2, usage=Usage(input_tokens=500, output_tokens=30)))], BUNDLED
    )
    mean = found.prompt()
    assert mean is not None
    assert (mean.input_tokens, mean.output_tokens, mean.is_estimate) == (450, 25, False)

    offers = compare(BUNDLED, NOW, [mean]).offers

    openai = next(o for o in offers if (o.table, o.provider) == ("published", "openai"))
    assert openai.costs[-1].usd_per_1000 == pytest.approx(1_000 * (450 * 2 + 25 * 8) / 1e6)


_counts = st.integers(0, 100_000)


@given(st.lists(st.tuples(_counts, _counts, _counts), min_size=1, max_size=8))
def test_the_sum_over_requests_is_the_mean_times_their_number(
    tmp_path_factory: pytest.TempPathFactory, counts: list[tuple[int, int, int]]
) -> None:
    usages = [Usage(input_tokens=a + b, cached_tokens=b, output_tokens=c) for a, b, c in counts]
    file = tmp_path_factory.getbasetemp() / "mean"
    found = read_costs([recording(file, *(record(i, usage=u) for i, u in enumerate(usages)))], BUNDLED)
    mean, price = found.prompt(), BUNDLED.price("openai", "gpt-4.1", NOW)
    assert mean is not None
    assert price is not None

    assert mean.usd(price) * len(usages) == pytest.approx(found.models()[0].usd["published"], rel=1e-9, abs=1e-15)


def test_our_question_is_counted_from_its_own_text() -> None:
    assert our_prompt().characters is not None
