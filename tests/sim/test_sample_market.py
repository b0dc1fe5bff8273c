"""The made-up market is sane when calm, and what is planted in it can be seen in the files themselves."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from statistics import median

import pytest

from tests.sim.tardis_rows import Row, Sample, micros, price

OPTION_FEE, FEE_CAP, FUTURE_FEE, DELIVERY_FEE = 0.0003, 0.125, 0.0005, 0.00015
LOOK_EVERY_US = 5_000_000


def normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def black76_coin(row: Row, sigma: float) -> float:
    forward, strike = float(row["underlying_price"]), float(row["strike_price"])
    years = (int(row["expiration"]) - int(row["timestamp"])) / (365 * 86_400e6)
    root = sigma * math.sqrt(years)
    d1 = math.log(forward / strike) / root + root / 2
    if row["type"] == "call":
        return normal(d1) - strike / forward * normal(d1 - root)
    return strike / forward * normal(root - d1) - normal(-d1)


def first_shock_us(sample: Sample) -> int:
    return micros(sample.truth()["shocks"][0]["from"]) - 1_000_000


@pytest.fixture(scope="session")
def quiet_rows(sample: Sample) -> list[Row]:
    before = first_shock_us(sample)
    return [row for row in sample.rows("options_chain") if int(row["local_timestamp"]) < before]


def standing_chains(rows: list[Row]) -> Iterator[tuple[int, dict[str, dict[float, dict[str, Row]]]]]:
    """Yield every few seconds the last row of each option, by expiry, strike and type."""
    chain: dict[str, dict[float, dict[str, Row]]] = defaultdict(lambda: defaultdict(dict))
    due = int(rows[0]["local_timestamp"]) + LOOK_EVERY_US
    for row in rows:
        now = int(row["local_timestamp"])
        if now >= due:
            yield now, chain
            due += LOOK_EVERY_US
        chain[row["expiration"]][float(row["strike_price"])][row["type"]] = row


def fee(coin_price: float) -> float:
    return min(OPTION_FEE, FEE_CAP * coin_price)


def sell_for(*legs: tuple[Row, str]) -> float:
    """Return coin received for selling at bids and buying at asks, after fees; -inf if a side is empty."""
    total = 0.0
    for row, side in legs:
        quoted = price(row, "bid_price" if side == "sell" else "ask_price")
        if quoted is None:
            return -math.inf
        total += (quoted if side == "sell" else -quoted) - fee(quoted)
    return total


def test_calm_option_prices_lie_between_intrinsic_value_and_the_upper_bound(quiet_rows: list[Row]) -> None:
    for row in quiet_rows:
        ratio = float(row["strike_price"]) / float(row["underlying_price"])
        is_call = row["type"] == "call"
        bid, ask = price(row, "bid_price"), price(row, "ask_price")
        assert ask is not None
        assert ask > max(0.0, 1 - ratio if is_call else ratio - 1) - 1e-9, row
        assert bid is None or 0 < bid < min(ask, 1.0 if is_call else ratio), row


def test_calm_quotes_stand_around_the_venues_mark(quiet_rows: list[Row]) -> None:
    outside = 0
    for row in quiet_rows:
        bid, ask = price(row, "bid_price"), price(row, "ask_price")
        mark = float(row["mark_price"])
        outside += (bid is not None and bid > mark + 1e-6) or (ask is not None and ask < mark - 1e-6)

    assert outside == 0


def test_prices_are_on_the_venues_ticks(sample: Sample) -> None:
    for row in sample.rows("options_chain"):
        for column in ("bid_price", "ask_price"):
            quoted = price(row, column)
            if quoted is not None:
                ticks = quoted / (0.0005 if quoted >= 0.005 else 0.0001)
                assert abs(ticks - round(ticks)) < 1e-6, row


def test_mark_price_is_black_76_of_mark_volatility_in_percent(sample: Sample) -> None:
    for row in sample.rows("options_chain"):
        coin = black76_coin(row, float(row["mark_iv"]) / 100)
        # A hundredth of a volatility point, and clocks that are cut to the millisecond.
        allowed = 0.006 * float(row["vega"]) / float(row["underlying_price"]) + 2e-6
        assert abs(coin - float(row["mark_price"])) < allowed, row


def test_quoted_volatilities_give_back_the_quotes(sample: Sample) -> None:
    inverted = 0
    for row in sample.rows("options_chain"):
        for side in ("bid", "ask"):
            if row[f"{side}_iv"]:
                coin = black76_coin(row, float(row[f"{side}_iv"]) / 100)
                assert abs(coin - float(row[f"{side}_price"])) < 2e-5, row
                inverted += 1
    assert inverted > 20_000


def test_the_calm_chain_has_no_static_violation_net_of_fees(sample: Sample, quiet_rows: list[Row]) -> None:
    future = [row for row in sample.rows("quotes") if row["symbol"] == "BTC-30OCT26"]
    tested, worst, at = 0, -math.inf, -1
    for now, chain in standing_chains(quiet_rows):
        while int(future[at + 1]["local_timestamp"]) <= now:
            at += 1
        for strikes in chain.values():
            latest = max((r for pair in strikes.values() for r in pair.values()), key=lambda r: int(r["timestamp"]))
            mark = float(latest["underlying_price"])
            listed_future = latest["underlying_index"] == "BTC-30OCT26"
            bid = float(future[at]["bid_price"]) if listed_future else mark
            ask = float(future[at]["ask_price"]) if listed_future else mark
            for edge in package_edges(strikes, bid, ask):
                tested += edge > -math.inf
                worst = max(worst, edge)

    assert tested > 100_000
    assert worst < 0


def package_edges(strikes: dict[float, dict[str, Row]], bid: float, ask: float) -> Iterator[float]:
    """Yield the net edge in coin per coin of parity, verticals and boxes, both ways each."""
    for strike, pair in strikes.items():
        call, put = pair["call"], pair["put"]
        future_fee = FUTURE_FEE * strike / ask + DELIVERY_FEE
        yield sell_for((call, "sell"), (put, "buy")) - (1 - strike / ask) - future_fee
        yield sell_for((put, "sell"), (call, "buy")) + (1 - strike / bid) - future_fee
    for (low, at_low), (high, at_high) in combinations(sorted(strikes.items()), 2):
        call_1, call_2, put_1, put_2 = at_low["call"], at_high["call"], at_low["put"], at_high["put"]
        delivery = 2 * DELIVERY_FEE
        yield sell_for((call_2, "sell"), (call_1, "buy")) - delivery
        yield sell_for((call_1, "sell"), (call_2, "buy")) - (1 - low / high) - delivery
        yield sell_for((put_1, "sell"), (put_2, "buy")) - delivery
        future_fee = FUTURE_FEE * (high - low) / ask + delivery
        yield (
            (high - low) / ask
            + sell_for((call_1, "buy"), (call_2, "sell"), (put_2, "buy"), (put_1, "sell"))
            - future_fee
        )
        yield (
            sell_for((call_1, "sell"), (call_2, "buy"), (put_2, "sell"), (put_1, "buy"))
            - (high - low) / bid
            - future_fee
        )


def test_every_planted_stall_is_a_quote_that_stood_while_its_value_moved(sample: Sample) -> None:
    by_symbol: dict[str, list[Row]] = defaultdict(list)
    for row in sample.rows("options_chain"):
        by_symbol[row["symbol"]].append(row)
    stalls = sample.truth()["stalls"]
    assert len(stalls) >= 8
    for stall in stalls:
        start, end = micros(stall["from"]), micros(stall["to"])
        rows = by_symbol[stall["symbol"]]
        before = [row for row in rows if int(row["timestamp"]) < start][-1]
        during = [row for row in rows if start <= int(row["timestamp"]) < end - 50_000]
        after = next(row for row in rows if int(row["timestamp"]) > end + 50_000)
        quote = [before[column] for column in ("bid_price", "bid_amount", "ask_price", "ask_amount")]
        assert during, stall
        for row in during:
            assert [row[c] for c in ("bid_price", "bid_amount", "ask_price", "ask_amount")] == quote, stall
        moved = float(during[-1]["mark_price"]) - float(before["mark_price"])
        short = "short" in stall["what"]
        assert abs(moved) > (0.0003 if short else 0.0010), stall
        assert [after["bid_price"], after["ask_price"]] != [before["bid_price"], before["ask_price"]], stall


def test_the_makers_that_do_not_stall_follow_within_half_a_second(sample: Sample) -> None:
    truth = sample.truth()
    stalled = {stall["symbol"] for stall in truth["stalls"]}
    for shock in truth["shocks"]:
        settled = micros(shock["to"]) + 500_000
        seen: dict[str, Row] = {}
        for row in sample.rows("options_chain"):
            if settled <= int(row["timestamp"]) < settled + 3_000_000 and row["symbol"] not in stalled:
                seen.setdefault(row["symbol"], row)
        assert len(seen) > 70
        for row in seen.values():
            bid, ask, mark = price(row, "bid_price"), price(row, "ask_price"), float(row["mark_price"])
            assert bid is None or bid < mark, row
            assert ask is None or ask > mark, row


def test_liquidated_longs_are_sells_while_the_price_falls_and_shorts_are_buys_while_it_rises(
    sample: Sample,
) -> None:
    for shock in sample.truth()["shocks"]:
        rows = [
            row
            for row in sample.rows("liquidations")
            if micros(shock["from"]) <= int(row["timestamp"]) <= micros(shock["to"])
        ]
        forced = {"long": "sell", "short": "buy"}.get(shock["liquidated"])
        if forced is None:
            assert len(rows) <= 1
            continue
        assert len({row["exchange"] for row in rows}) == 3
        assert all(row["side"] == forced for row in rows)
        assert (shock["move_bps"] < 0) == (forced == "sell")
        assert 60 <= abs(shock["move_bps"]) <= 100


def test_all_perpetuals_move_together_in_a_shock_and_one_alone_in_the_decoy(sample: Sample) -> None:
    mids: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in sample.rows("quotes"):
        if row["symbol"] != "BTC-30OCT26":
            middle = (float(row["bid_price"]) + float(row["ask_price"])) / 2
            mids[row["exchange"]].append((int(row["timestamp"]), math.log(middle)))

    def moves(start: int, end: int) -> dict[str, float]:
        def at(venue: str, moment: int) -> float:
            return [log for stamp, log in mids[venue] if stamp <= moment][-1]

        return {venue: 1e4 * (at(venue, end) - at(venue, start)) for venue in mids}

    truth = sample.truth()
    for shock in truth["shocks"]:
        moved = moves(micros(shock["from"]) - 200_000, micros(shock["to"]) + 300_000)
        assert len(moved) == 4
        for venue, bps in moved.items():
            assert bps == pytest.approx(shock["move_bps"], abs=12), venue
        assert max(moved.values()) - min(moved.values()) < 4
    (decoy,) = truth["decoys"]
    moved = moves(micros(decoy["from"]) - 200_000, micros(decoy["from"]) + 1_000_000)
    for venue, bps in moved.items():
        assert bps == pytest.approx(decoy["move_bps"] if venue == decoy["venue"] else 0, abs=8), venue


def test_minutes_of_calm_come_before_the_first_shock(sample: Sample) -> None:
    first = min(int(row["local_timestamp"]) for row in sample.rows("quotes"))

    assert first_shock_us(sample) - first > 400e6


def test_volatility_rises_by_a_point_or_two_in_the_crash(sample: Sample) -> None:
    shock = sample.truth()["shocks"][0]
    near: dict[str, tuple[float, float]] = {}
    for row in sample.rows("options_chain"):
        stamp, iv = int(row["timestamp"]), float(row["mark_iv"])
        if row["symbol"].startswith("BTC-9OCT26-9"):
            if stamp < micros(shock["from"]):
                near[row["symbol"]] = (iv, iv)
            elif stamp < micros(shock["to"]) + 5_000_000:
                near[row["symbol"]] = (near[row["symbol"]][0], iv)
    rises = [after - before for before, after in near.values()]

    assert 0.5 < median(rises) < 3
