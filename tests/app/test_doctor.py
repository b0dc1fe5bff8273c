"""What the doctor finds, and what it never shows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aftershock.app.doctor import KEYS, Examination, examine

SECRET = "sk-very-secret-value"  # noqa: S105 - the point is that it never shows


def state(found: Examination, name: str) -> tuple[str, str]:
    check = next(check for check in found.checks if check.name == name)
    return check.state, check.detail


def test_a_sound_installation_is_healthy(tmp_path: Path) -> None:
    found = examine({}, None, tmp_path / "journals")

    assert found.healthy
    assert state(found, "journal folder")[0] == "ok"
    assert list((tmp_path / "journals").iterdir()) == []


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_found_and_never_shown(name: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET, encoding="utf-8")
    file.chmod(0o600)
    direct, by_file = examine({name: SECRET}, None, None), examine({f"{name}_FILE": str(file)}, None, None)

    assert state(direct, name) == ("ok", "set in the environment")
    assert state(by_file, name)[0] == "ok"
    assert SECRET not in json.dumps([direct.document(), by_file.document()])


def test_a_key_file_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET, encoding="utf-8")
    file.chmod(0o644)

    found = examine({"OPENAI_API_KEY_FILE": str(file)}, None, None)

    assert state(found, "OPENAI_API_KEY") == (
        "warning",
        "OPENAI_API_KEY_FILE can be read by others (mode 644): chmod 600",
    )
    assert found.healthy


def test_a_key_file_that_is_missing_is_a_warning(tmp_path: Path) -> None:
    found = examine({"TARDIS_API_KEY_FILE": str(tmp_path / "none")}, None, None)

    assert state(found, "TARDIS_API_KEY")[0] == "warning"


def test_a_refused_configuration_makes_it_unhealthy_and_says_why(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("min_spread_bps = nan\n", encoding="utf-8")
    by_file = examine({}, file, None)
    by_variable = examine({"AFTERSHOCK_NONSENSE": "1"}, None, None)

    assert not by_file.healthy
    assert "min_spread_bps" in state(by_file, "configuration")[1]
    assert "AFTERSHOCK_NONSENSE" in state(by_variable, "configuration")[1]
    assert by_file.document()["settings"] == {}


def test_each_setting_is_listed_with_its_source() -> None:
    settings = examine({"AFTERSHOCK_ORDER_COINS": "2.5"}, None, None).document()["settings"]

    assert settings["order_coins"] == {"value": 2.5, "source": "environment AFTERSHOCK_ORDER_COINS"}
    assert settings["trigger.window_s"] == {"value": 30.0, "source": "default"}


def test_a_journal_folder_that_can_not_be_made_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    found = examine({}, None, tmp_path / "file" / "journals")

    assert not found.healthy
    assert state(found, "journal folder")[0] == "failed"


def test_it_says_what_does_not_exist() -> None:
    document = examine(dict(os.environ), None, None).document()

    assert any("ftx-restart" in fact for fact in document["facts"])
    assert any("Backpack lists no options" in fact for fact in document["facts"])
    assert any("live" in line for line in document["not_yet"])


def test_settings_of_a_live_run_are_listed_with_their_source() -> None:
    found = examine({"AFTERSHOCK_LIVE__SECONDS": "60"}, None, None)
    rows = {key: (value, source) for key, value, source in found.rows()}
    assert rows["live.seconds"] == (60.0, "environment AFTERSHOCK_LIVE__SECONDS")
    assert rows["live.trading"] == ("paper", "default")
    assert found.document()["settings"]["live.seconds"]["value"] == 60.0


def test_a_live_setting_out_of_bounds_fails_the_examination() -> None:
    found = examine({"AFTERSHOCK_LIVE__SECONDS": "nan"}, None, None)
    assert not found.healthy
