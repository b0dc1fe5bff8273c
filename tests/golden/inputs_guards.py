"""Golden scenarios that must not trade: the same edges behind a fault of data, of time, of size or of repetition."""

from __future__ import annotations

from tests.golden.inputs_packages import VERTICAL_ROWS
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
    "36_no_dated_future": package(
        "Parity is violated against the venue's mark only: counted, never an opportunity",
        "BTC",
        {
            "BTC-28APR23-30000-C": row(30000.0, "C", (0, 0.0290, 3.0, 0.0300, 3.0)),
            "BTC-28APR23-30000-P": row(30000.0, "P", (0, 0.0255, 3.0, 0.0265, 1.7)),
        },
        kind="quiet",
    ),
}
