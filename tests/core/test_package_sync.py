"""Only packages whose legs were confirmed together are tested, and every other is counted."""

from __future__ import annotations

import pytest

from aftershock.core.chain import Chain
from aftershock.core.config import EngineConfig
from aftershock.core.packages import PackageScanner
from aftershock.model.units import NAN
from tests.core.market import EXPIRY, LATER, T0, chain_of, millis, quote_values
from tests.core.package_quotes import NO_FEES, STRIKES, chain_with, future, symbol
from tests.core.package_quotes import scanned as scan_row

K1, K2 = STRIKES[:2]
LEGS = [symbol(strike, kind) for strike in (K1, K2) for kind in "CP"]
Counted = dict[str, tuple[int, int]]


def scanned(chain: Chain, row: int, now: int) -> Counted:
    """Scan from one row; return tests made and tests left out because legs are out of sync, by kind with any."""
    scanner = PackageScanner(EngineConfig(leg_span_ms=250.0))
    scan_row(scanner, chain, row, now)
    tests = {kind: (counts.checked, counts.desync) for kind, counts in scanner.counts.items()}
    return {kind: made for kind, made in tests.items() if any(made)}


def quoted_at(*times_ms: float, confirms_stream: bool) -> Chain:
    """Return two strikes whose four options were quoted at these times, in the order C, P, C, P."""
    chain = chain_of(LEGS, confirms_stream=confirms_stream)
    for row, at in sorted(enumerate(times_ms), key=lambda each: each[1]):
        chain.update(row, T0 + millis(at), quote_values(0.05, 0.06))
    return chain


def test_a_row_tests_its_own_packages_in_both_directions() -> None:
    chain = quoted_at(0, 0, 0, 0, confirms_stream=True)
    assert scanned(chain, 0, T0) == {"parity": (2, 0), "vertical": (2, 0), "box": (2, 0)}


@pytest.mark.parametrize(("apart_ms", "in_sync"), [(250, True), (250.001, False)])
def test_in_a_poll_legs_farther_apart_than_the_span_are_not_tested(apart_ms: float, *, in_sync: bool) -> None:
    chain = quoted_at(0, 0, 0, apart_ms, confirms_stream=False)
    found = scanned(chain, 3, T0 + millis(apart_ms))
    assert found == dict.fromkeys(found, (2, 0) if in_sync else (0, 2))


def test_in_a_poll_one_late_leg_spoils_only_its_own_packages() -> None:
    chain = quoted_at(0, 1000, 1000, 1000, confirms_stream=False)  # the lower call came a second before
    assert scanned(chain, 3, T0 + millis(1000)) == {"parity": (2, 0), "vertical": (2, 0), "box": (0, 2)}
    assert scanned(chain, 1, T0 + millis(1000)) == {"parity": (0, 2), "vertical": (2, 0), "box": (0, 2)}


def test_in_a_stream_old_quotes_are_in_sync_because_each_message_confirms_them() -> None:
    chain = quoted_at(0, 0, 0, 60_000, confirms_stream=True)
    assert scanned(chain, 3, T0 + millis(60_000)) == {"parity": (2, 0), "vertical": (2, 0), "box": (2, 0)}


def test_after_lost_messages_a_stream_leg_is_out_of_sync_until_its_own_row() -> None:
    chain = quoted_at(0, 0, 0, 0, confirms_stream=True)
    chain.forget_confirmations()
    chain.update(3, T0 + 1, quote_values(0.05, 0.06))
    assert scanned(chain, 3, T0 + 1) == {"parity": (0, 2), "vertical": (0, 2), "box": (0, 2)}
    chain.update(2, T0 + 2, quote_values(0.05, 0.06))
    assert scanned(chain, 3, T0 + 2)["parity"] == (2, 0)


def test_a_leg_that_was_never_quoted_is_out_of_sync() -> None:
    chain = chain_of(LEGS)
    chain.update(0, T0, quote_values(0.05, 0.06))
    assert scanned(chain, 0, T0) == {"parity": (0, 2), "vertical": (0, 2), "box": (0, 2)}


def test_a_test_without_a_price_on_a_side_it_needs_is_counted_as_unquoted() -> None:
    chain = chain_with({(K1, "C"): (0.05, NAN), (K1, "P"): (0.05, 0.06)})
    scanner = PackageScanner(EngineConfig())
    scanner.scan(chain, 0, T0, future(), NO_FEES)
    counts = scanner.counts["parity"]
    assert (counts.checked, counts.unquoted) == (2, 1)  # buying the call needs its ask, selling does not


def test_strikes_are_compared_with_their_three_neighbours_on_either_side() -> None:
    strikes = [50_000.0 + 1000 * i for i in range(11)]
    chain = chain_with({(strike, "C"): (0.05, 0.06) for strike in strikes})
    for row, neighbours in ((0, 3), (1, 4), (5, 6), (10, 3)):
        assert scanned(chain, row, T0)["vertical"] == (2 * neighbours, 0)


def test_options_of_another_expiry_are_no_legs() -> None:
    chain = chain_of([f"BTC-{EXPIRY}-60000-C", f"BTC-{LATER}-60000-P", f"BTC-{LATER}-61000-C"])
    for row in range(3):
        chain.update(row, T0, quote_values(0.05, 0.06))
    assert scanned(chain, 0, T0) == {}


def test_a_box_needs_all_four_options_listed() -> None:
    chain = chain_of(LEGS[:3])
    for row in range(3):
        chain.update(row, T0, quote_values(0.05, 0.06))
    assert "box" not in scanned(chain, 0, T0)
