from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftershock.errors import ConfigError
from aftershock.model.review import Fallback
from aftershock.review.answer import Failure
from aftershock.review.budget import Budget, BudgetRefusal, Caps, Reservation
from aftershock.review.config import GatewayConfig
from aftershock.review.ledger import Ledger
from aftershock.review.prices import PICO, PriceTable
from aftershock.review.purse import open_purse
from aftershock.review.tokens import estimate_tokens
from aftershock.review.usage import Usage


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


NOW = ns("2026-11-27T03:00:00")
WIDE = Caps(minute=1e6, day=1e6, trigger=1e6)


# --- prices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "model", "table", "usage", "usd"),
    [
        ("holysheep", "deepseek-v3.2", "article", Usage(input_tokens=190, output_tokens=0), 0.00007980),
        ("openai", "gpt-4.1", "article", Usage(input_tokens=190, output_tokens=0), 0.00152),
        ("anthropic", "claude-sonnet-4.5", "article", Usage(input_tokens=190, output_tokens=0), 0.00285),
        ("openai", "gpt-4.1", "published", Usage(input_tokens=1_000, cached_tokens=600, output_tokens=50), 0.0015),
        ("google", "gemini-2.5-flash", "published", Usage(input_tokens=1_000_000, output_tokens=1_000_000), 2.80),
    ],
)
def test_a_cost_is_what_the_table_says(provider: str, model: str, table: str, usage: Usage, usd: float) -> None:
    price = PriceTable.bundled().price(provider, model, NOW, table)

    assert price is not None
    assert price.cost_usd(usage) == pytest.approx(usd, rel=1e-12)
    assert price.source


@pytest.mark.parametrize(
    ("moment", "peak"),
    [
        ("2026-11-27T01:00:00", True),  # Friday, 9:00 in Beijing
        ("2026-11-27T00:59:59", False),
        ("2026-11-27T04:00:00", False),  # 12:00
        ("2026-11-27T06:00:00", True),  # 14:00
        ("2026-11-27T10:00:00", False),  # 18:00
        ("2026-11-28T02:00:00", False),  # Saturday
        ("2026-11-29T02:00:00", False),
        ("2026-11-30T02:00:00", True),
    ],
)
def test_peak_hours_are_those_of_the_provider(moment: str, peak: bool) -> None:
    price = PriceTable.bundled().price("deepseek", "deepseek-flash", ns(moment))

    assert price is not None
    assert price.cost_usd(Usage(input_tokens=1_000_000, output_tokens=0)) == (0.30 if peak else 0.15)
    assert price.name.endswith("peak") is peak


def test_a_model_that_is_no_longer_sold_has_no_price() -> None:
    table = PriceTable.bundled()

    assert table.price("deepseek", "deepseek-v3.2", ns("2026-07-23T00:00:00")) is not None
    assert table.price("deepseek", "deepseek-v3.2", ns("2026-07-24T00:00:00")) is None
    assert table.price("nobody", "nothing", NOW) is None


ROW = """
[[price]]
provider = "me"
model = "mine"
valid_from = 2026-01-01
input = "1"
cached = "0.5"
output = "2"
source = "my contract"
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version =", "is not TOML"),
        (ROW, "version"),
        (f'version = "1"\n{ROW}{ROW}', "two prices of me mine hold on 2026-01-01"),
        (f'version = "1"\n{ROW}'.replace('"1"\ncached', '"nan"\ncached'), "is no price"),
        (f'version = "1"\n{ROW}'.replace('"1"\ncached', '"-1"\ncached'), "is no price"),
        (f'version = "1"\n{ROW}'.replace('"1"\ncached', '"0.0000001"\ncached'), "is no price"),
        (f'version = "1"\n{ROW}'.replace('"1"\ncached', "1\ncached"), "Expected `str`".replace("`", "")),
        (f'version = "1"\n{ROW}discount = "0.1"\n', "discount"),
        (f'version = "1"\n{ROW}valid_to = 2025-01-01\n', "valid_to must be after valid_from"),
    ],
)
def test_a_wrong_table_is_refused_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)

    with pytest.raises(ConfigError, match="prices") as refused:
        PriceTable.from_file(file)

    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_no_answer_within_its_limits_costs_more_than_was_set_aside(read: int, cached: int, written: int) -> None:
    price = PriceTable.bundled().price("openai", "gpt-4.1", NOW)
    assert price is not None
    usage = Usage(input_tokens=read, cached_tokens=min(read, cached), output_tokens=written)

    assert price.cost_usd(usage) <= price.worst_case_usd(read, written)


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_numbers_take_more_tokens_than_a_quarter_of_their_characters() -> None:
    """In JSON of figures a token is two or three characters, so `len // 4` counts far too few."""
    text = '["BUY","A","cascade",1,"C",12.3,2,15.8,0.5,0.52,41.3,310,0,420,12.5,14.2,0.4,1.25,-86.9,0.512,0.548,-42,18]'

    assert len(text) // 4 < estimate_tokens(text)
    assert 1.4 < len(text) / estimate_tokens(text) < 2.5


@given(st.text(max_size=300))
def test_no_text_is_free_and_none_takes_more_tokens_than_bytes(text: str) -> None:
    tokens = estimate_tokens(text)

    assert (tokens > 0) == bool(text)
    assert tokens <= len(text.encode())


# --- caps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caps", "cap"),
    [
        (Caps(minute=0.02, day=1, trigger=1), "per minute"),
        (Caps(minute=1, day=0.02, trigger=1), "per day"),
        (Caps(minute=1, day=1, trigger=0.02), "per trigger"),
        (Caps(minute=1, day=1, trigger=1, strategy={"A": 0.02}), "of A"),
    ],
)
def test_each_cap_stops_the_request_that_could_exceed_it_and_names_itself(caps: Caps, cap: str) -> None:
    budget = Budget(caps)
    for _ in range(2):
        assert isinstance(budget.reserve(0.01, "t", "A", NOW), Reservation)

    refused = budget.reserve(0.01, "t", "A", NOW)

    assert isinstance(refused, BudgetRefusal)
    assert refused.cap == cap
    assert refused.value == pytest.approx(0.03)
    assert isinstance(budget.reserve(0.01, "other", "B", NOW + 86_400_000_000_000), Reservation)


def test_a_minute_and_a_day_pass() -> None:
    budget = Budget(Caps(minute=0.01, day=0.02, trigger=1))
    assert isinstance(budget.reserve(0.01, "a", "A", NOW), Reservation)
    assert isinstance(budget.reserve(0.01, "a", "A", NOW + 59 * 10**9), BudgetRefusal)
    assert isinstance(budget.reserve(0.01, "a", "A", NOW + 60 * 10**9), Reservation)
    assert isinstance(budget.reserve(0.01, "a", "A", NOW + 180 * 10**9), BudgetRefusal)
    assert isinstance(budget.reserve(0.01, "a", "A", NOW + 86_400 * 10**9), Reservation)


@pytest.mark.parametrize("usd", [float("nan"), float("inf"), -0.01])
def test_money_that_is_none_is_refused(usd: float) -> None:
    assert isinstance(Budget(WIDE).reserve(usd, "t", "A", NOW), BudgetRefusal)


_steps = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "release"]),
        st.floats(0, 0.05),
        st.sampled_from(["t1", "t2", "t3"]),
        st.sampled_from(["A", "B1"]),
        st.integers(0, 40 * 10**9),
    ),
    max_size=60,
)


@given(_steps)
def test_what_is_spent_and_set_aside_never_exceeds_a_cap(steps: list[tuple[str, float, str, str, int]]) -> None:
    caps = Caps(minute=0.1, day=0.3, trigger=0.12, strategy={"A": 0.2})
    budget, now = Budget(caps), NOW
    held: list[tuple[Reservation, int]] = []
    ledger: list[Reservation] = []
    for what, usd, trigger, strategy, later in steps:
        now += later
        if what == "reserve" or not held:
            reserved = budget.reserve(usd, trigger, strategy, now)
            if isinstance(reserved, Reservation):
                held.append((reserved, reserved.pico))
                ledger.append(reserved)
        else:
            reserved, most = held.pop()
            budget.settle(reserved, min(most, int(usd * PICO)) if what == "settle" else 0)
        for key in ("t1", "t2", "t3"):
            assert sum(each.pico for each in ledger if each.trigger_id == key) <= 0.12 * PICO
        minute = [each.pico for each in ledger if each.at_ns > now - 60 * 10**9]
        assert sum(minute) <= 0.1 * PICO
        assert sum(each.pico for each in ledger if each.strategy == "A") <= 0.2 * PICO
        assert budget.day_usd == pytest.approx(sum(each.pico for each in ledger) / PICO)


# --- the file -------------------------------------------------------------------------------------------------------


def opened(path: Path, now: int = NOW, caps: Caps = WIDE) -> Ledger:
    return Ledger(Budget(caps), path, now)


def spend(ledger: Ledger, usd: float, paid: float | None, now: int = NOW, trigger: str = "t") -> None:
    reserved = ledger.reserve(usd, "p", "m", trigger_id=trigger, strategy="A", now_ns=now)
    assert isinstance(reserved, Reservation)
    if paid is not None:
        ledger.settle(reserved, paid, "p", "m")


def test_a_restart_gives_nobody_a_new_budget(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    caps = Caps(minute=1, day=0.05, trigger=1)
    first = opened(path, caps=caps)
    spend(first, 0.03, 0.02)
    spend(first, 0.02, None)  # killed before it was settled
    first.close()

    again = opened(path, NOW + 10**9, caps)

    assert again.unsettled == 1
    assert again.budget.day_usd == pytest.approx(0.04)
    refused = again.reserve(0.02, "p", "m", trigger_id="x", strategy="A", now_ns=NOW + 2 * 10**9)
    assert isinstance(refused, BudgetRefusal)
    assert refused.cap == "per day"
    again.close()


def test_days_that_are_over_shrink_to_a_line_and_are_not_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    first = opened(path)
    for number in range(200):
        spend(first, 0.01, 0.001, trigger=str(number))
    first.close()
    long = path.stat().st_size

    again = opened(path, NOW + 86_400 * 10**9)

    assert again.budget.day_usd == 0
    (spent,) = again.spent(NOW + 86_400 * 10**9)
    assert spent.today == 0
    assert spent.ever == pytest.approx(0.2)
    assert path.stat().st_size < long / 50
    again.close()


def test_two_gateways_do_not_share_a_budget_unknowingly(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    first = opened(path)
    with pytest.raises(ConfigError, match="another process has the ledger"):
        opened(path)
    first.close()
    opened(path).close()


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes")

    with pytest.raises(ConfigError, match="is no ledger"):
        opened(path)
    assert path.read_text() == "my notes"


def test_a_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    opened(path).close()

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_write_that_was_torn_at_any_byte_loses_no_line_before_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    first = opened(path)
    spend(first, 0.03, 0.02)
    first.close()
    whole = len(path.read_bytes())
    first = opened(path)
    spend(first, 0.05, 0.04)
    first.close()
    content = path.read_bytes()
    assert len(content) > whole

    for length in range(whole, len(content) + 1):
        path.write_bytes(content[:length])
        again = opened(path)
        spent = round(again.budget.day_usd, 6)
        again.close()
        assert spent in (0.02, 0.07, 0.06), "only the first; the second at its most; the second as paid"
        assert spent == 0.02 or length > whole + 100
    assert spent == 0.06


# --- the purse ------------------------------------------------------------------------------------------------------


def test_a_model_without_a_price_is_not_asked_unless_somebody_says_so() -> None:
    refused = open_purse(GatewayConfig()).reserve("me", "mine", 400, 80, trigger_id="t", strategy="A")
    allowed = open_purse(GatewayConfig(unpriced=True)).reserve("me", "mine", 400, 80, trigger_id="t", strategy="A")

    assert isinstance(refused, Failure)
    assert refused.fallback is Fallback.BUDGET
    assert not isinstance(allowed, Failure)
    cost = allowed.settle(Usage(input_tokens=400, output_tokens=20))
    assert cost != cost  # noqa: PLR0124  NaN: nobody knows


def test_a_purse_pays_what_was_counted_and_gives_the_rest_back() -> None:
    purse = open_purse(GatewayConfig(usd_per_day=0.0011))
    for _ in range(3):
        hold = purse.reserve("openai", "gpt-4.1", 100, 40, trigger_id="t", strategy="A")
        assert not isinstance(hold, Failure)
        assert hold.settle(Usage(input_tokens=100, output_tokens=4)) == pytest.approx(0.000232)
        assert hold.price.startswith("published")
    assert isinstance(purse.reserve("openai", "gpt-4.1", 100, 40, trigger_id="t", strategy="A"), Failure)
