"""What `doctor --online` says about services that answer, refuse, or are not there."""

from __future__ import annotations

import asyncio
import re

import pytest

from aftershock.app.checks import Check
from aftershock.app.doctor_online import reach
from aftershock.model.units import NS_PER_MS
from tests.connection.fakes import Hasty
from tests.sandbox.box import sandbox

pytestmark = pytest.mark.sockets


class Off(Hasty):
    """Its wall clock may be off."""

    def __init__(self, off_ms: int = 0) -> None:
        self._off_ns = off_ms * NS_PER_MS

    def wall_ns(self) -> int:
        return super().wall_ns() + self._off_ns


def asked(*faults: str, off_ms: int = 0, **changes: str) -> dict[str, Check]:
    async def main() -> list[Check]:
        async with sandbox(*faults, warm=False) as box:
            return await reach({**box.environment, **changes}, clock=Off(off_ms))

    return {check.name: check for check in asyncio.run(main())}


def test_services_that_answer_say_what_they_have_and_whose_clock_is_right() -> None:
    found = asked()

    assert found["Tardis API"].state == "ok"
    assert "exchanges" in found["Tardis API"].detail
    assert (found["Tardis key"].state, found["tardis-machine"].state) == ("ok", "ok")
    assert "may read" in found["Tardis key"].detail


def test_a_clock_that_is_off_is_a_warning_with_its_size() -> None:
    found = asked(off_ms=5_000)

    assert found["tardis-machine"].state == "warning"
    said = re.search(r"its clock is -(\d,\d{3}) ms off", found["tardis-machine"].detail)
    assert said is not None
    assert 4_900 < int(said[1].replace(",", "")) < 5_100


@pytest.mark.parametrize(
    ("fault", "key", "says"),
    [
        ("expired-key", "", "grants nothing"),
        ("powerless-key", "", "refused (403)"),
        ("", "TD.wrong", "refused (401)"),
    ],
)
def test_a_key_that_is_wrong_expired_or_powerless_is_told_apart_and_never_shown(
    fault: str, key: str, says: str
) -> None:
    faults = [fault] if fault else []
    found = asked(*faults, TARDIS_API_KEY=key) if key else asked(*faults)

    assert found["Tardis key"].state == "warning"
    assert says in found["Tardis key"].detail
    assert "TD." not in repr(found)


def test_services_that_are_not_there_are_named_with_what_to_do() -> None:
    nowhere = "http://127.0.0.1:9"
    found = asked(AFTERSHOCK_TARDIS_API_URL=f"{nowhere}/v1", AFTERSHOCK_TARDIS_MACHINE_HTTP_URL=nowhere)

    assert "npx tardis-machine" in found["tardis-machine"].detail
    assert "aftershock sandbox" in found["tardis-machine"].detail
    assert found["Tardis API"].state == "warning"


def test_the_key_of_deribit_tells_its_fees_or_is_refused_and_never_shown() -> None:
    found = asked()
    assert found["Deribit key"].state == "ok", found["Deribit key"].detail
    assert "options 1.875 bps" in found["Deribit key"].detail

    found = asked(DERIBIT_CLIENT_SECRET="a-wrong-secret")  # noqa: S106 - of a test
    assert found["Deribit"].state == "ok", "market data needs no key"
    assert found["Deribit key"].state == "warning"
    assert "does not take the key" in found["Deribit key"].detail
    assert "a-wrong-secret" not in repr(found)

    found = asked(DERIBIT_CLIENT_ID="", DERIBIT_CLIENT_SECRET="")
    assert found["Deribit key"].state == "info"


def test_providers_of_models_say_whether_they_take_the_key_and_nothing_is_paid_for() -> None:
    found = asked()

    assert found["model holysheep"].state == "ok"
    assert "lists deepseek-v3.2" in found["model holysheep"].detail

    refused = asked(HOLYSHEEP_API_KEY="cr_wrong")
    assert refused["model holysheep"].state == "warning"
    assert "refused (401)" in refused["model holysheep"].detail
    assert "cr_wrong" not in str(refused)


def test_without_a_key_no_provider_is_asked_and_it_says_what_that_means() -> None:
    found = asked(HOLYSHEEP_API_KEY="")

    assert found["models"].state == "info"
    assert "no provider has a key" in found["models"].detail
