"""What a venue sends again after a reconnect is used once; what is true twice is used twice."""

from __future__ import annotations

from aftershock.venues.connection.resent import Resent

NAME = ("liquidation", "bybit", "BTCUSDT")
ROW = ("2022-11-01T00:00:00Z", "sell", 20_000.0, 1.0)


def test_an_id_counts_once_whatever_connection_it_comes_over() -> None:
    resent = Resent()
    assert not resent.repeats(0, "7", NAME, ROW)
    assert resent.repeats(1, "7", NAME, ROW)
    assert not resent.repeats(0, "7", ("trade", *NAME[1:]), ROW)


def test_equal_rows_without_id_are_both_true_on_one_connection() -> None:
    resent = Resent()
    assert [resent.repeats(0, "", NAME, ROW) for _ in range(2)] == [False, False]


def test_equal_rows_without_id_are_repeats_after_a_reconnect_as_often_as_they_came() -> None:
    resent = Resent()
    for _ in range(2):
        resent.repeats(0, "", NAME, ROW)
    resent.reconnected(0)
    assert [resent.repeats(0, "", NAME, ROW) for _ in range(3)] == [True, True, False]


def test_a_row_that_is_sent_again_after_each_reconnect_still_counts_once() -> None:
    resent = Resent()
    assert not resent.repeats(0, "", NAME, ROW)
    for _ in range(5):
        resent.reconnected(0)
        assert resent.repeats(0, "", NAME, ROW)


def test_memory_is_bounded() -> None:
    resent = Resent()
    for number in range(200_000):
        resent.repeats(0, "", NAME, (number,))
        if number % 1000 == 0:
            resent.reconnected(0)
    resent.reconnected(0)
    assert len(resent._earlier) == len(resent._order) == 65_536
