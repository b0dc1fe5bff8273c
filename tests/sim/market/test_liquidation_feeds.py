"""Each venue's feed shows the truth in its own biased way, and nothing before it happened."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from aftershock.model.events import Liquidation
from aftershock.model.liquidations import Completeness, Liquidated, PriceKind
from aftershock.model.table import InstrumentTable
from aftershock.sim.market.hawkes import Liquidations
from aftershock.sim.market.liquidation_feeds import FEEDS, FeedFault, liquidation_events
from tests.sim.market.episodes import START_NS, cascade, ns, single_fills

MS, SECOND = 10**6, 10**9
WAY_NS = 50 * MS
BINANCE, OKX, BYBIT, DERIBIT = range(4)
VENUES = ("binance-futures", "okex-swap", "bybit", "deribit")
MID = 90_000.0


def flat(venue: int, ts: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.full(len(ts), MID + 10 * venue)


def falling(_venue: int, ts: NDArray[np.int64]) -> NDArray[np.float64]:
    return MID - (ts - START_NS) / 1e9 * 7.0  # seven dollars a second


def fixed_way(_venue: int, sent: NDArray[np.int64]) -> NDArray[np.int64]:
    return sent + WAY_NS


def shown(drawn: Liquidations, seed: int = 0, fault: FeedFault = FeedFault.NONE) -> list[Liquidation]:
    return liquidation_events(Generator(PCG64(seed)), drawn, flat, fixed_way, fault)


def of(venue: int, messages: list[Liquidation]) -> list[Liquidation]:
    return [message for message in messages if message.venue == VENUES[venue]]


def coins_to_amount(venue: int, coins: float) -> float:
    return coins * {BINANCE: 1.0, OKX: 100.0, BYBIT: 1.0, DERIBIT: MID + 10 * DERIBIT}[venue]


def random_fills(venue: int, rate_hz: float, seconds: float, seed: int = 3) -> Liquidations:
    """Make fills that come at random, at a steady rate."""
    rng = Generator(PCG64(seed))
    return single_fills(np.sort(rng.uniform(0.5, seconds, rng.poisson(rate_hz * seconds))), venue)


def test_binance_shows_the_latest_order_of_each_second_when_the_second_is_over() -> None:
    drawn = random_fills(BINANCE, 3.0, 100.0)
    messages = shown(drawn)
    sent = [message.ts_init - WAY_NS for message in messages]

    assert len({moment % SECOND for moment in sent}) == 1
    assert all(later - earlier >= SECOND for earlier, later in pairwise(sent))
    slots = defaultdict(list)
    for fill in drawn.child_ts_ns.tolist():
        slots[(fill - sent[0]) // SECOND].append(fill)
    latest = [-(-max(slot) // MS) * MS for _, slot in sorted(slots.items())]
    assert [message.ts_event for message in messages] == latest
    assert len(messages) < 0.5 * len(drawn)


def test_okx_shows_at_most_one_order_a_second_and_sends_it_at_once() -> None:
    drawn = single_fills(np.arange(1.0, 61.0, 0.01), OKX)
    messages = shown(drawn)

    assert len(messages) in (60, 61)
    assert all(message.ts_init == message.ts_event + WAY_NS for message in messages)
    assert {round((b.ts_event - a.ts_event) / SECOND, 1) for a, b in pairwise(messages[1:])} == {1.0}


def test_bybit_shows_everything_in_batches_of_half_a_second() -> None:
    drawn = random_fills(BYBIT, 10.0, 60.0)
    messages = shown(drawn)
    sent = [message.ts_init - WAY_NS for message in messages]

    assert [message.ts_event for message in messages] == [-(-ts // MS) * MS for ts in drawn.child_ts_ns.tolist()]
    assert len({moment % (500 * MS) for moment in sent}) == 1
    assert all(0 <= moment - m.ts_event < 500 * MS for moment, m in zip(sent, messages, strict=True))
    assert max(Counter(sent).values()) >= 8


def test_a_batch_arrives_as_one_however_long_it_travels() -> None:
    way = Generator(PCG64(1))

    def wobbling(_venue: int, sent: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.maximum.accumulate(sent + way.integers(MS, 900 * MS, len(sent)))

    drawn = random_fills(BYBIT, 10.0, 60.0)
    messages = liquidation_events(Generator(PCG64(0)), drawn, flat, wobbling)

    assert len({message.ts_init for message in messages}) <= 121
    assert len(messages) == len(drawn)


def test_deribit_shows_every_fill_at_once_with_an_id_at_the_price_it_traded() -> None:
    drawn = random_fills(DERIBIT, 5.0, 60.0)
    messages = liquidation_events(Generator(PCG64(0)), drawn, falling, fixed_way)
    traded = falling(DERIBIT, drawn.child_ts_ns)

    assert len(messages) == len(drawn)
    for message, mid in zip(messages, traded.tolist(), strict=True):
        assert message.ts_init == message.ts_event + WAY_NS
        assert mid - 0.5 <= message.price <= mid
        assert (message.price / 0.5).is_integer()
        assert message.amount % 10 == 0
    ids = [int(message.liquidation_id) for message in messages]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("venue", [BINANCE, OKX, BYBIT])
def test_the_other_venues_give_no_ids(venue: int) -> None:
    assert {message.liquidation_id for message in shown(random_fills(venue, 1.0, 30.0))} == {""}


@pytest.mark.parametrize("venue", range(4))
def test_the_normalised_side_says_whose_position_was_closed_on_every_venue(venue: int) -> None:
    sold, bought = (shown(single_fills([5.0], venue, side=side)) for side in (-1, 1))

    assert [message.liquidated for message in sold] == [Liquidated.LONG]
    assert [message.liquidated for message in bought] == [Liquidated.SHORT]


@pytest.mark.parametrize(
    ("venue", "kind", "completeness"),
    [
        (BINANCE, PriceKind.ORDER, Completeness.THROTTLED),
        (OKX, PriceKind.BANKRUPTCY, Completeness.THROTTLED),
        (BYBIT, PriceKind.BANKRUPTCY, Completeness.ALL),
        (DERIBIT, PriceKind.FILL, Completeness.ALL),
    ],
)
def test_each_message_says_what_its_price_is_and_how_much_the_feed_shows(
    venue: int, kind: PriceKind, completeness: Completeness
) -> None:
    (message,) = shown(single_fills([5.0], venue))

    assert (message.venue, message.symbol) == (VENUES[venue], FEEDS[venue].symbol)
    assert (message.price_kind, message.completeness) == (kind, completeness)


@pytest.mark.parametrize("venue", [BINANCE, OKX, BYBIT])
@pytest.mark.parametrize("side", [-1, 1])
def test_order_and_bankruptcy_prices_are_beyond_the_market_and_no_trade(venue: int, side: int) -> None:
    messages = shown(single_fills(np.arange(1.0, 301.0, 2.0), venue, side=side))
    beyond_bps = [side * 1e4 * math.log(message.price / (MID + 10 * venue)) for message in messages]

    assert len(messages) > 100
    assert min(beyond_bps) > 10
    assert np.median(beyond_bps) == pytest.approx({BINANCE: 40, OKX: 50, BYBIT: 50}[venue], rel=0.1)
    assert all(abs(message.price * 10 - round(message.price * 10)) < 1e-6 for message in messages)


def test_all_fills_of_a_position_carry_its_one_bankruptcy_price() -> None:
    drawn = single_fills([1.0, 1.03, 1.11, 5.0, 5.01], BYBIT)
    drawn.child_parent[:] = [0, 0, 0, 3, 3]
    messages = liquidation_events(Generator(PCG64(0)), drawn, falling, fixed_way)

    assert [message.price for message in messages[:3]] == [messages[0].price] * 3
    assert messages[3].price == messages[4].price != messages[0].price


@pytest.mark.parametrize("venue", range(4))
def test_amounts_are_in_the_venues_own_unit(venue: int) -> None:
    (message,) = shown(single_fills([5.0], venue, usd=2.5 * (MID + 10 * venue)))

    assert message.amount == pytest.approx(coins_to_amount(venue, 2.5), abs=5.0 if venue == DERIBIT else 1e-9)
    instrument = InstrumentTable().resolve(message.venue, message.symbol)
    assert instrument is not None
    assert instrument.notional_usd(message.amount, MID + 10 * venue) == pytest.approx(2.5 * MID, rel=1e-3)


@pytest.mark.parametrize("venue", [BINANCE, OKX])
@pytest.mark.parametrize("rate_hz", [0.2, 1.5])
def test_the_throttle_algebra_gives_back_the_true_rate(venue: int, rate_hz: float) -> None:
    seconds = 8_000
    messages = shown(random_fills(venue, rate_hz, seconds))
    used = len(messages) / seconds

    estimate = -math.log(1 - used)
    error = math.sqrt(used / (1 - used) / seconds)  # binomial, by the delta method
    assert abs(estimate - rate_hz) < 3.5 * error
    assert used < 0.96 * rate_hz


@pytest.mark.parametrize("fault", [FeedFault.NONE, FeedFault.DUPLICATED, FeedFault.SATURATED])
def test_nothing_is_stamped_or_received_before_it_happened(fault: FeedFault) -> None:
    way = Generator(PCG64(1))

    def wobbling(_venue: int, sent: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.maximum.accumulate(sent + (40e6 * np.exp(0.5 * way.standard_normal(len(sent)))).astype(np.int64))

    for seed in range(5):
        drawn = cascade(seed)
        messages = liquidation_events(Generator(PCG64(seed)), drawn, flat, wobbling, fault)
        assert len(messages) > 100
        assert all(message.ts_event % MS == message.ts_init % 1_000 == 0 for message in messages)
        assert all(message.ts_init > message.ts_event for message in messages)
        assert [message.ts_init for message in messages] == sorted(message.ts_init for message in messages)
        for venue in range(4):
            fills = np.sort(drawn.child_ts_ns[drawn.venue[drawn.child_parent] == venue])
            stamps = sorted({(m.ts_event, m.amount, m.price, m.liquidation_id) for m in of(venue, messages)})
            # Each stamp is of another fill, so the i-th is not before the i-th fill; a saturated feed has more stamps.
            earliest = fills[:1] if fault is FeedFault.SATURATED else fills[: len(stamps)]
            assert all(stamp[0] >= fill for stamp, fill in zip(stamps, earliest.tolist(), strict=False))


@pytest.mark.parametrize("venue", [BYBIT, DERIBIT])
def test_what_an_unthrottled_venue_shows_sums_to_its_fills_within_a_lot_per_position(venue: int) -> None:
    drawn = cascade(2)
    hit = drawn.venue == venue
    lot_usd = 10.0 if venue == DERIBIT else 0.001 * MID
    total = sum(m.amount if venue == DERIBIT else m.amount * (MID + 10 * venue) for m in of(venue, shown(drawn)))

    assert hit.sum() >= 5
    assert abs(total - drawn.usd[hit].sum()) <= hit.sum() * lot_usd * 0.51


@pytest.mark.parametrize("venue", [BINANCE, OKX])
def test_what_a_throttled_venue_shows_is_a_fraction_of_its_fills(venue: int) -> None:
    drawn = cascade(2)
    hit = drawn.venue[drawn.child_parent] == venue
    messages = of(venue, shown(drawn))

    assert 10 < len(messages) < 0.1 * hit.sum()
    true_amount = coins_to_amount(venue, drawn.child_usd[hit].sum() / MID)
    assert sum(message.amount for message in messages) < 0.7 * true_amount


def test_a_flipped_convention_inverts_one_venue_and_leaves_the_rest() -> None:
    flipped_venues = set()
    for seed in range(12):
        drawn = cascade(2)
        plain, flipped = shown(drawn, seed), shown(drawn, seed, FeedFault.SIDE_FLIPPED)
        differs = {a.venue for a, b in zip(plain, flipped, strict=True) if a != b}
        assert len(differs) == 1
        for a, b in zip(plain, flipped, strict=True):
            assert (a.liquidated is not b.liquidated) == (a.venue in differs)
            assert (a.ts_event, a.ts_init, a.price, a.amount) == (b.ts_event, b.ts_init, b.price, b.amount)
        flipped_venues |= differs

    assert len(flipped_venues) > 1


def test_after_a_reconnect_one_venue_sends_its_last_two_seconds_again() -> None:
    drawn = cascade(2)
    for seed in range(12):
        plain, repeated = shown(drawn, seed), shown(drawn, seed, FeedFault.DUPLICATED)
        again = sorted((Counter(repeated) - Counter(plain)).elements(), key=lambda m: m.ts_init)
        assert not Counter(plain) - Counter(repeated)
        assert len({message.venue for message in again}) == 1
        (venue,) = {message.venue for message in again}

        def content(message: Liquidation) -> tuple[object, ...]:
            return message.ts_event, message.price, message.amount, message.liquidated, message.liquidation_id

        back = min(message.ts_init for message in again)
        broke = max(m.ts_init for m in plain if m.venue == venue and content(m) == content(again[-1]))
        assert broke < back <= broke + SECOND
        lost = [m for m in plain if m.venue == venue and broke - 2 * SECOND < m.ts_init <= broke]
        assert [content(m) for m in again] == [content(m) for m in lost]


@pytest.mark.parametrize("venue", [BINANCE, OKX])
def test_a_saturated_throttle_fills_every_second_and_shows_a_hundredth(venue: int) -> None:
    drawn = single_fills(np.arange(10.0, 40.0, 2.0), venue, usd=50 * (MID + 10 * venue))
    plain, saturated = shown(drawn), shown(drawn, fault=FeedFault.SATURATED)
    used = {message.ts_event // SECOND for message in saturated}

    assert len(plain) == 15
    assert 33 <= len(saturated) <= 34
    assert len(used) >= 30
    # 50 coins are five hundred orders in five seconds: each that is shown stands for a hundred.
    assert {message.amount for message in saturated} == {coins_to_amount(venue, 0.1)}


@pytest.mark.parametrize("venue", [BYBIT, DERIBIT])
def test_saturation_leaves_unthrottled_feeds_as_they_are(venue: int) -> None:
    drawn = single_fills(np.arange(10.0, 40.0, 2.0), venue)

    assert shown(drawn, fault=FeedFault.SATURATED) == shown(drawn)


def test_the_same_seed_shows_the_same_messages() -> None:
    drawn = cascade(3)

    assert shown(drawn, 4) == shown(drawn, 4)
    assert shown(drawn, 4) != shown(drawn, 5)


@pytest.mark.parametrize("fault", list(FeedFault))
def test_an_episode_without_liquidations_shows_nothing(fault: FeedFault) -> None:
    assert shown(single_fills([], BINANCE), fault=fault) == []


def test_a_date_at_which_a_feed_was_another_one_is_refused() -> None:
    drawn = single_fills([5.0], BYBIT)
    drawn.child_ts_ns[:] -= 2 * 365 * 86_400 * SECOND

    with pytest.raises(ValueError, match="feed of bybit was throttled"):
        shown(drawn)


def test_a_fill_smaller_than_the_venues_step_is_carried_to_the_next_of_its_position() -> None:
    drawn = single_fills([1.0, 1.1, 1.2, 1.25], DERIBIT, usd=[4.0, 4.0, 4.0, 4.0])
    drawn.child_parent[:] = 0
    messages = shown(drawn)

    # 4, 8, 12 and 16 dollars are 0, 1, 1 and 2 steps of ten.
    assert [message.amount for message in messages] == [10.0, 10.0]
    assert [message.ts_event for message in messages] == ns([1.1, 1.25]).tolist()
