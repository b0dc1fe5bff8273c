"""Who wins when a setting is given twice, and what a wrong one is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from aftershock.app.settings import Choice, choose, config_keys, environment_name, live_keys
from aftershock.core.config import EngineConfig
from aftershock.errors import ConfigError
from tests.app.market import CALIBRATION


def toml(folder: Path, text: str) -> Path:
    path = folder / "aftershock.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(tmp_path: Path) -> None:
    file = toml(tmp_path, "min_spread_bps = 1\norder_coins = 2\nsd_basis_bps = 4\n[trigger]\nwindow_s = 60\n")
    variables = {"AFTERSHOCK_ORDER_COINS": "3", "AFTERSHOCK_TRIGGER__WINDOW_S": "90", "PATH": "x"}

    settings = choose({"trigger.window_s": 120.0, "forward": None}, variables, file).settle()

    config = settings.config
    assert (config.min_spread_bps, config.order_coins, config.trigger.window_s) == (1.0, 3.0, 120.0)
    assert settings.sources["trigger.window_s"] == "flag --trigger-window"
    assert settings.sources["order_coins"] == "environment AFTERSHOCK_ORDER_COINS"
    assert settings.sources["min_spread_bps"] == f"file {file}"
    assert settings.sources["forward"] == "default"


def test_what_the_inputs_imply_fills_only_what_nobody_chose() -> None:
    implied = {"forward": Choice("underlying", "inferred"), "clocks": Choice("one", "inferred")}

    settings = choose({"forward": "parity"}).settle(implied)

    assert (settings.config.forward, settings.config.clocks) == ("parity", "one")
    assert settings.sources["clocks"] == "inferred"


def test_without_any_choice_the_configuration_is_the_default_one() -> None:
    assert choose().settle().config == EngineConfig()


def test_every_setting_has_a_variable_of_its_own() -> None:
    names = [environment_name(key) for key in config_keys() if key != "calibration"]

    assert len(names) == len(set(names)) > 40
    assert "AFTERSHOCK_TRIGGER__MIN_MOVE_BPS" in names


def test_lists_in_a_variable_are_separated_by_commas() -> None:
    variables = {"AFTERSHOCK_FORWARD_VENUES": "bybit, deribit", "AFTERSHOCK_TRIGGER__ARMED": "cascade"}

    config = choose({}, variables).settle().config

    assert config.forward_venues == ("bybit", "deribit")
    assert config.trigger.armed == ("cascade",)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e300", '"x"', "true"])
def test_a_number_out_of_bounds_is_refused_with_key_and_file(tmp_path: Path, value: str) -> None:
    file = toml(tmp_path, f"[trigger]\nmin_move_bps = {value}\n")

    with pytest.raises(ConfigError, match=r"`trigger\.min_move_bps`.*aftershock\.toml"):
        choose({}, {}, file).settle()


@pytest.mark.parametrize("value", ["nan", "inf", "x", "", "-3"])
def test_a_number_out_of_bounds_is_refused_with_its_variable(value: str) -> None:
    with pytest.raises(ConfigError, match=r"`min_spread_bps`.*AFTERSHOCK_MIN_SPREAD_BPS"):
        choose({}, {"AFTERSHOCK_MIN_SPREAD_BPS": value}).settle()


@pytest.mark.parametrize(
    ("text", "named", "hint"),
    [
        ("min_spread = 1", "`min_spread`", "min_spread_bps"),
        ("[triggers]\nwindow_s = 1", r"`triggers\.window_s`", r"trigger\.window_s"),
        ("[trigger]\nwindow = 1", r"`trigger\.window`", r"trigger\.window_s"),
        ("zzz = 1", "`zzz`", "doctor"),
        ("[risk]\n[risk.deep]\nx = 1", r"`risk\.deep\.x`", "doctor"),
    ],
)
def test_an_unknown_key_is_refused_with_what_may_have_been_meant(
    tmp_path: Path, text: str, named: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=f"{named}.*{hint}"):
        choose({}, {}, toml(tmp_path, text))


def test_a_misspelt_variable_is_refused_rather_than_ignored() -> None:
    with pytest.raises(ConfigError, match=r"AFTERSHOCK_MIN_SPRED_BPS.*AFTERSHOCK_MIN_SPREAD_BPS"):
        choose({}, {"AFTERSHOCK_MIN_SPRED_BPS": "1"})


def test_variables_of_other_purposes_are_left_alone() -> None:
    variables = {"AFTERSHOCK_DATA": "x", "AFTERSHOCK_REQUIRE": "data", "AFTERSHOCK_TARDIS_URL": "http://x"}

    assert choose({}, variables).choices == {}


@pytest.mark.parametrize("text", ["a = ", "= 1", "\x00"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"aftershock\.toml is not TOML"):
        choose({}, {}, toml(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't read the configuration"):
        choose({}, {}, tmp_path / "none.toml")


def test_a_wrong_choice_of_words_is_refused_with_those_allowed() -> None:
    with pytest.raises(ConfigError, match="`forward`"):
        choose({}, {"AFTERSHOCK_FORWARD": "guess"}).settle()


def test_a_calibration_is_a_table_of_the_file_as_a_whole(tmp_path: Path) -> None:
    file = toml(tmp_path, CALIBRATION)

    settings = choose({}, {}, file).settle()

    calibration = settings.config.calibration
    assert calibration is not None
    assert (calibration.name, len(calibration.types)) == ("seeds 1 to 10", 1)
    assert settings.sources["calibration"] == f"file {file}"


def test_a_calibration_that_does_not_ascend_is_refused_with_its_place(tmp_path: Path) -> None:
    file = toml(tmp_path, CALIBRATION.replace("[2.0, 6.0]", "[6.0, 2.0]"))

    with pytest.raises(ConfigError, match=r"calibration.*spread_bps must be finite and ascend"):
        choose({}, {}, file).settle()


def test_a_calibration_cannot_come_from_a_variable() -> None:
    with pytest.raises(ConfigError, match="AFTERSHOCK_CALIBRATION, which is not a setting"):
        choose({}, {"AFTERSHOCK_CALIBRATION": "x"})


def test_the_live_table_is_apart_from_what_the_engine_decides_by(tmp_path: Path) -> None:
    file = toml(tmp_path, 'order_coins = 2\n[live]\nexchanges = ["bybit"]\nseconds = 60\n')

    chosen = choose({"live.seconds": 5.0}, {"AFTERSHOCK_LIVE__OPTION_VENUES": "deribit, okex-options"}, file)

    assert chosen.settle().config == EngineConfig(order_coins=2.0)
    live = chosen.settle_live()
    assert (live.config.exchanges, live.config.seconds) == (("bybit",), 5.0)
    assert live.config.option_venues == ("deribit", "okex-options")
    assert live.sources["live.seconds"] == "flag --seconds"
    assert live.sources["live.option_venues"] == "environment AFTERSHOCK_LIVE__OPTION_VENUES"
    assert live.sources["live.exchanges"] == f"file {file}"
    assert live.sources["live.journal"] == "default"
    assert [key for key, _, _ in live.rows()] == live_keys()


@pytest.mark.parametrize("value", ["nan", "inf", "-1", '"x"', "1e9"])
def test_a_live_setting_out_of_bounds_is_refused_with_its_place(tmp_path: Path, value: str) -> None:
    file = toml(tmp_path, f"[live]\nseconds = {value}\n")

    with pytest.raises(ConfigError, match=r"`live\.seconds` \(file .*aftershock\.toml\)"):
        choose({}, {}, file).settle_live()
