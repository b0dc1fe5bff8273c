"""`aftershock sandbox` as a user starts it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.cli.conftest import Run


def test_every_fault_is_listed_with_what_it_does(aftershock: Run) -> None:
    ran = aftershock("sandbox", "--list-faults")

    assert ran.code == 0
    assert "reset-mid-message" in ran.out
    assert "gzip-bomb" in ran.out


def test_a_fault_that_does_not_exist_is_refused_with_those_that_do(aftershock: Run) -> None:
    ran = aftershock("sandbox", "--fault", "meteor")

    assert ran.code == 2
    assert "no fault `meteor`" in ran.err
    assert "disconnects" in ran.err


@pytest.mark.parametrize("command", [("demo", "--seconds"), ("sandbox", "--shock-after"), ("sandbox", "--warm-up")])
def test_a_time_that_is_no_number_is_refused(aftershock: Run, command: tuple[str, str]) -> None:
    for text in ("nan", "inf", "-1", "soon"):
        ran = aftershock(*command, text)
        assert ran.code == 2
        assert text in ran.err


@pytest.mark.sockets
def test_a_port_in_use_is_named(aftershock: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ran = aftershock("sandbox", "--api-port", port)

    assert ran.code == 2
    assert str(port) in ran.err
    assert "in use" in ran.err


@pytest.mark.subprocess
@pytest.mark.sockets
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_line_of_addresses_and_serves_until_it_is_stopped(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "aftershock", "sandbox", "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        line = json.loads(child.stdout.readline())
        assert {"tardis_api", "tardis_machine_http", "tardis_machine_ws", "gateway", "keys", "token"} <= set(line)
        assert line["keys"]["gateway"].startswith("cr_")
        with urllib.request.urlopen(f"{line['tardis_api']}/exchanges/ftx-restart") as answer:  # noqa: S310 - loopback
            assert json.load(answer)["name"].startswith("simulated")
        child.send_signal(number)
        out, err = child.communicate(timeout=10)
    assert child.returncode == 128 + number
    assert out == ""
    assert "SIMULATED" in err
