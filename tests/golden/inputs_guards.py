"""Golden scenarios that must not trade: the same edges behind a fault of data, of time, of size or of repetition."""

from __future__ import annotations

from tests.golden.inputs_packages import PARITY_ROWS, VERTICAL_ROWS
from tests.golden.inputs_shocks import CALL_ROWS, UP, UP_FOUR
from tests.golden.terms import EXPIRY_28_APR_2023, Scenario, chain, package, perpetual, row, shock

_CALL = "BTC-28APR23-31000-C"


def _up(title: str, **changes: object) -> Scenario:
    base = shock(title, perpetuals=UP_FOUR, options=chain("BTC", CALL_ROWS), opens_ms=70_002)
    return {**base, **changes}


def _call_quoted(*quotes: tuple[float | None, ...]) -> Scenario:
    return chain("BTC", {**CALL_ROWS, _CALL: row(31000.0, "C", *quotes)})


# Two of four venues go up and the others stand still.
_TWO_OF_FOUR: Scenario = {
    "binance-futures": UP["binance-futures"],
    "okex-swap": UP["okex-swap"],
    "bybit": perpetual("BTCUSDT", 2, (2, 30004.5, 6.0, 30005.0, 4.0)),
    "deribit": perpetual("BTC-PERPETUAL", 3, (3, 29998.0, 250_000.0, 29998.5, 150_000.0)),
}
_ONE_OF_FOUR: Scenario = {
    **_TWO_OF_FOUR,
    "okex-swap": perpetual("BTC-USDT-SWAP", 1, (1, 30006.1, 900.0, 30006.3, 700.0)),
}


def _apart(okx_bid: float, bybit_bid: float) -> Scenario:
    """Let three venues go up by about 60 bps, the others so far from the first."""
    return {
        "binance-futures": UP["binance-futures"],
        "okex-swap": _moved("okex-swap", 70_001, okx_bid),
        "bybit": _moved("bybit", 70_002, bybit_bid),
    }


def _moved(venue: str, at_ms: int, bid: float) -> Scenario:
    return {**UP[venue], "quotes": [UP[venue]["quotes"][0], (at_ms, bid, 5.0, bid + 0.4, 5.0)]}


_SOON: Scenario = {
    venue: {**feed, "quotes": [feed["quotes"][0], (feed["quotes"][1][0] - 20_000, *feed["quotes"][1][1:])]}
    for venue, feed in UP.items()
}
_STUBS = {"BTC-28APR23-34000-C": 0.0030}
_POLLED = {"config": {"options_feed": "poll"}, "target": ("BTC-28APR23-30000-C", "ask")}


def _polled(second_ms: int) -> Scenario:
    first, second = VERTICAL_ROWS
    return {
        first: {**VERTICAL_ROWS[first], "polled_ms": [1_000]},
        second: {**VERTICAL_ROWS[second], "polled_ms": [second_ms]},
    }


GUARDS: dict[str, Scenario] = {
    "20_stale_leg": _up(
        "The option stream fell silent 2.502 s before the trigger",
        options={**chain("BTC", CALL_ROWS), "last_ms": 67_500},
    ),
    "21_polled_legs_in_sync": package(
        "A poll confirms the two legs 250 ms apart: still one package",
        "BTC",
        _polled(1_250),
        **_POLLED,
        opens_ms=1_250,
    ),
    "22_polled_legs_out_of_sync": package(
        "A poll confirms the two legs 251 ms apart: not tested, only counted",
        "BTC",
        _polled(1_251),
        **_POLLED,
        opens_ms=1_251,
        kind="quiet",
    ),
    "23_dispersion": _up(
        "Two venues of four go up: their median moves by half, and the venues disagree",
        config={},
        perpetuals=_TWO_OF_FOUR,
        opens_ms=70_001,
    ),
    "23b_dispersion_just_above_its_limit": _up(
        "Three venues go up, 4 bps apart: 1.4826 times that is more than 5 bps",
        perpetuals=_apart(30199.9, 30174.0),
        opens_ms=70_001,
    ),
    "23c_dispersion_just_below_its_limit": _up(
        "Three venues go up, 3.3 bps apart: 1.4826 times that is less than 5 bps",
        perpetuals=_apart(30197.0, 30176.3),
        opens_ms=70_001,
    ),
    "24_one_venue_alone": _up(
        "One venue of four goes up: a local dislocation moves no median and opens nothing",
        config={},
        perpetuals=_ONE_OF_FOUR,
        opens_ms=70_000,
        kind="quiet",
    ),
    "25_no_size": _up("The feed gives no sizes", options=_call_quoted((0, 0.0135, None, 0.0140, None))),
    "26_thin": _up(
        "Half of the size at the ask is less than a lot", options=_call_quoted((0, 0.0135, 5.0, 0.0140, 0.19))
    ),
    "27_expiry_window": package(
        "The legs expire in 20 minutes, inside the settlement average",
        "BTC",
        VERTICAL_ROWS,
        start_s=EXPIRY_28_APR_2023 - 1_200,
    ),
    "28_unit_check": _up(
        "The call is suddenly quoted at a tenth of its price",
        options=_call_quoted((0, 0.0135, 5.0, 0.0140, 1.9), (68_500, 0.00135, 5.0, 0.0014, 1.9)),
    ),
    "29_no_executable_forward": _up(
        "The forward is the venue's own mark, at which nothing can be hedged",
        config={"forward": "underlying", "trigger": {"min_move_bps": 40.0}},
        perpetuals={},
        options=chain("BTC", CALL_ROWS, underlying=[(0, 30018.0), (70_500, 30198.0)]),
        opens_ms=70_500,
        ends_ms=70_510,
    ),
    "30_gap": _up("Messages of the option stream were lost after its last row", faults=[(69_800, "gap")]),
    "31_venue_down": _up(
        "The option stream is known to be silent", perpetuals=UP, opens_ms=70_001, faults=[(69_800, "stale")]
    ),
    "32_latency": _up(
        "The stale ask appears 1.498 s after the last event that fed the trigger",
        options=_call_quoted(
            (0, 0.0135, 5.0, 0.0140, 1.9), (68_500, None, None, None, None), (71_500, 0.0135, 5.0, 0.0140, 1.9)
        ),
        decides_ms=71_500,
        ends_ms=71_510,
    ),
    "33_no_edge": _up(
        "The makers requoted in time: one HOLD when the trigger ends, with the best net edge that was found",
        options=_call_quoted((0, 0.0135, 5.0, 0.0140, 1.9), (69_500, 0.0150, 5.0, 0.0170, 5.0)),
    ),
    "34_fees": _up(
        "The ask is below the robust value by less than the costs",
        options=_call_quoted((0, 0.0135, 5.0, 0.0140, 1.9), (69_500, 0.0145, 5.0, 0.0150, 5.0)),
    ),
    "35_duplicate": package(
        "The same package again after the refractory minute, but within `duplicate_s`",
        "BTC",
        VERTICAL_ROWS,
        config={"risk": {"duplicate_s": 120.0}},
        options=chain("BTC", VERTICAL_ROWS, first_ms=1_000, every_ms=1_700),
        again_ms=62_200,
        ends_ms=62_300,
    ),
    "41_floor_under_the_threshold": _up(
        "The edge is above its threshold and below the floor of 50 bps under every threshold",
        config={"trigger": {"min_move_bps": 40.0}, "min_spread_bps": 50.0},
    ),
    "42_quantity_limit": _up(
        "The order is larger than the gate allows",
        config={"trigger": {"min_move_bps": 40.0}, "risk": {"max_quantity_coins": 0.8}},
    ),
    "43_premium_limit": _up(
        "The order's premium is larger than the gate allows",
        config={"trigger": {"min_move_bps": 40.0}, "risk": {"max_premium_usd": 380.0}},
    ),
    "44_collar": _up(
        "The ask is further below its value than the gate believes",
        config={
            "trigger": {"min_move_bps": 40.0},
            "risk": {"collar_value_fraction": 0.05, "collar_value_bps": 10.0},
        },
    ),
    "45_silent_perpetual": _up(
        "The fourth venue has been silent for 1 s: neither in the forward nor hedged with, the call is still bought",
        perpetuals={**UP_FOUR, "deribit": {**UP_FOUR["deribit"], "last_ms": 69_100}},
        opens_ms=70_001,
    ),
    "46_series_too_young": _up(
        "The shock comes 14 s after the first sample of the series: no sample is old enough to compare with",
        perpetuals=_SOON,
        opens_ms=50_001,
        ends_ms=50_010,
        kind="quiet",
    ),
    "36b_dated_future_in_sync": package(
        "The dated future was confirmed 250 ms before the options: still a leg of the package",
        "BTC",
        PARITY_ROWS,
        future=perpetual("BTC-28APR23", 150, (150, 30017.0, 60_000.0, 30019.0, 60_000.0), every_ms=300),
    ),
    "36c_dated_future_out_of_sync": package(
        "The dated future was confirmed 251 ms before the options: the venue's mark stands in, nothing is locked",
        "BTC",
        PARITY_ROWS,
        future=perpetual("BTC-28APR23", 149, (149, 30017.0, 60_000.0, 30019.0, 60_000.0), every_ms=300),
        kind="quiet",
    ),
    "47_stub_quote": _up(
        "Only an ask at three times the value is left when the shock comes: one HOLD when the trigger ends",
        options=chain(
            "BTC",
            {
                symbol: {**option, "quotes": [*option["quotes"], (68_500, None, None, _STUBS.get(symbol), 20.0)]}
                for symbol, option in CALL_ROWS.items()
            },
        ),
    ),
    "36_no_dated_future": package(
        "Parity is violated against the venue's mark only: counted, never an opportunity",
        "BTC",
        PARITY_ROWS,
        kind="quiet",
    ),
}
