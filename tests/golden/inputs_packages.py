"""Golden scenarios of static packages: parity, verticals and boxes, inverse and linear, both directions."""

from __future__ import annotations

from tests.golden.terms import Scenario, package, perpetual, row

_FUTURE_INVERSE = perpetual("BTC-28APR23", 100, (100, 30017.0, 60_000.0, 30019.0, 60_000.0), every_ms=300)
_FUTURE_LINEAR = perpetual("BTC_USDC-28APR23", 100, (100, 30017.0, 3.0, 30019.0, 3.0), every_ms=300)
PARITY_ROWS: Scenario = {
    "BTC-28APR23-30000-C": row(30000.0, "C", (0, 0.0290, 3.0, 0.0300, 3.0)),
    "BTC-28APR23-30000-P": row(30000.0, "P", (0, 0.0255, 3.0, 0.0265, 1.7)),
}
VERTICAL_ROWS: Scenario = {
    "BTC-28APR23-30000-C": row(30000.0, "C", (0, 0.0250, 2.0, 0.0270, 2.0)),
    "BTC-28APR23-31000-C": row(31000.0, "C", (0, 0.0285, 1.0, 0.0310, 1.0)),
}

PACKAGES: dict[str, Scenario] = {
    "07_parity_inverse_sell": package(
        "Conversion: sell the call, buy the put, buy K dollars of the inverse dated future",
        "BTC",
        PARITY_ROWS,
        future=_FUTURE_INVERSE,
        target=("BTC-28APR23-30000-P", "ask"),
        variants={"inside": 0.027007367344, "past": 0.027027367344},
    ),
    "08_parity_inverse_buy": package(
        "Reversal: buy the call, sell the put, sell K dollars of the inverse dated future, which limits the size",
        "BTC",
        {
            "BTC-28APR23-30000-C": row(30000.0, "C", (0, 0.0260, 3.0, 0.0270, 3.0)),
            "BTC-28APR23-30000-P": row(30000.0, "P", (0, 0.0285, 3.0, 0.0295, 3.0)),
        },
        future=perpetual("BTC-28APR23", 100, (100, 30017.0, 41_000.0, 30019.0, 90_000.0), every_ms=300),
        target=("BTC-28APR23-30000-C", "ask"),
        variants={"inside": 0.027706645558, "past": 0.027726645558},
    ),
    "09_parity_linear_sell": package(
        "Linear conversion: sell the call, buy the put, buy a coin of the linear dated future",
        "BTC_USDC",
        {
            "BTC_USDC-28APR23-30000-C": row(30000.0, "C", (0, 870.0, 3.0, 900.0, 3.0)),
            "BTC_USDC-28APR23-30000-P": row(30000.0, "P", (0, 750.0, 3.0, 780.0, 0.93)),
        },
        future=_FUTURE_LINEAR,
        target=("BTC_USDC-28APR23-30000-P", "ask"),
        variants={"inside": 798.18902, "past": 798.78938},
    ),
    "10_parity_linear_buy": package(
        "Linear reversal: buy the call, sell the put, sell a coin of the linear dated future",
        "BTC_USDC",
        {
            "BTC_USDC-28APR23-30000-C": row(30000.0, "C", (0, 760.0, 3.0, 790.0, 3.0)),
            "BTC_USDC-28APR23-30000-P": row(30000.0, "P", (0, 850.0, 3.0, 880.0, 3.0)),
        },
        future=_FUTURE_LINEAR,
        target=("BTC_USDC-28APR23-30000-C", "ask"),
        variants={"inside": 814.18902, "past": 814.78938},
    ),
    "11_vertical_calls_buy": package(
        "The call of the higher strike is bid above the ask of the lower one",
        "BTC",
        VERTICAL_ROWS,
        target=("BTC-28APR23-30000-C", "ask"),
        variants={"inside": 0.02749, "past": 0.02751},
    ),
    "12_vertical_calls_sell": package(
        "An inverse call spread is bid above 1 - K1/K2, the most it can pay",
        "BTC",
        {
            "BTC-28APR23-30000-C": row(30000.0, "C", (0, 0.0320, 2.0, 0.0330, 2.0)),
            "BTC-28APR23-30500-C": row(30500.0, "C", (0, 0.0130, 2.0, 0.0140, 2.0)),
        },
        target=("BTC-28APR23-30500-C", "ask"),
        variants={"inside": 0.014596557377, "past": 0.014616557377},
    ),
    "12b_vertical_puts_sell_inverse": package(
        "An inverse put spread is bid above what a sold future of K2 - K1 dollars makes it owe",
        "BTC",
        {
            "BTC-28APR23-29500-P": row(29500.0, "P", (0, 0.0120, 2.0, 0.0130, 2.0)),
            "BTC-28APR23-30000-P": row(30000.0, "P", (0, 0.0315, 2.0, 0.0325, 2.0)),
        },
        future=_FUTURE_INVERSE,
        target=("BTC-28APR23-29500-P", "ask"),
        variants={"inside": 0.013824444093, "past": 0.013844444093},
    ),
    "12c_butterfly_calls_sell": package(
        "An inverse call is bid above the chord between two others; three lots in five on one side, two on the other",
        "BTC",
        {
            "BTC-28APR23-29000-C": row(29000.0, "C", (0, 0.0510, 2.0, 0.0520, 2.0)),
            "BTC-28APR23-30000-C": row(30000.0, "C", (0, 0.0364, 1.9, 0.0374, 2.0)),
            "BTC-28APR23-31500-C": row(31500.0, "C", (0, 0.0090, 2.0, 0.0100, 0.5)),
        },
        target=("BTC-28APR23-30000-C", "bid"),
        variants={"inside": 0.03621, "past": 0.03619},
    ),
    "12d_butterfly_puts_sell_inverse": package(
        "An inverse put is bid above the chord between two others; what grows as the price falls cancels: no future",
        "BTC",
        {
            "BTC-28APR23-29000-P": row(29000.0, "P", (0, 0.0100, 2.0, 0.0110, 2.0)),
            "BTC-28APR23-30000-P": row(30000.0, "P", (0, 0.0283, 2.0, 0.0293, 2.0)),
            "BTC-28APR23-31000-P": row(31000.0, "P", (0, 0.0420, 2.0, 0.0430, 2.0)),
        },
        target=("BTC-28APR23-30000-P", "bid"),
        variants={"inside": 0.02801, "past": 0.02799},
    ),
    "13_vertical_puts_buy": package(
        "The linear put of the lower strike is bid above the ask of the higher one",
        "BTC_USDC",
        {
            "BTC_USDC-28APR23-29000-P": row(29000.0, "P", (0, 480.0, 0.5, 500.0, 0.5)),
            "BTC_USDC-28APR23-30000-P": row(30000.0, "P", (0, 400.0, 0.5, 420.0, 0.5)),
        },
        target=("BTC_USDC-28APR23-30000-P", "ask"),
        variants={"inside": 437.69802, "past": 438.29838},
    ),
    "13b_butterfly_puts_sell": package(
        "A linear put is bid above the chord between two others; the lower wing's fee is capped",
        "BTC_USDC",
        {
            "BTC_USDC-28APR23-29000-P": row(29000.0, "P", (0, 80.0, 2.0, 100.0, 2.0)),
            "BTC_USDC-28APR23-30000-P": row(30000.0, "P", (0, 722.0, 2.0, 740.0, 2.0)),
            "BTC_USDC-28APR23-31000-P": row(31000.0, "P", (0, 1230.0, 2.0, 1250.0, 2.0)),
        },
        target=("BTC_USDC-28APR23-30000-P", "bid"),
        variants={"inside": 716.05198, "past": 715.45162},
    ),
    "14_box_inverse_buy": package(
        "A box is offered below what (K2 - K1) dollars of the future lock in; each parity alone does not pay its costs",
        "BTC",
        {
            "BTC-28APR23-29000-C": row(29000.0, "C", (0, 0.0445, 2.0, 0.0475, 2.0)),
            "BTC-28APR23-31000-C": row(31000.0, "C", (0, 0.0150, 2.0, 0.0170, 2.0)),
            "BTC-28APR23-29000-P": row(29000.0, "P", (0, 0.0145, 2.0, 0.0165, 2.0)),
            "BTC-28APR23-31000-P": row(31000.0, "P", (0, 0.0445, 2.0, 0.0465, 2.0)),
        },
        future=_FUTURE_INVERSE,
        target=("BTC-28APR23-29000-C", "ask"),
        variants={"inside": 0.047981157823, "past": 0.048001157823},
    ),
    "15_box_linear_sell": package(
        "A linear box is bid above the difference of its strikes; no future is needed",
        "BTC_USDC",
        {
            "BTC_USDC-28APR23-29000-C": row(29000.0, "C", (0, 1440.0, 2.0, 1490.0, 2.0)),
            "BTC_USDC-28APR23-31000-C": row(31000.0, "C", (0, 380.0, 2.0, 400.0, 2.0)),
            "BTC_USDC-28APR23-29000-P": row(29000.0, "P", (0, 350.0, 2.0, 370.0, 2.0)),
            "BTC_USDC-28APR23-31000-P": row(31000.0, "P", (0, 1430.0, 2.0, 1480.0, 2.0)),
        },
        target=("BTC_USDC-28APR23-29000-P", "ask"),
        variants={"inside": 397.69802, "past": 398.29838},
    ),
    "19_vertical_puts_sell": package(
        "A linear put spread is bid above K2 - K1, the most it can pay; the cheap leg's fee is capped",
        "BTC_USDC",
        {
            "BTC_USDC-28APR23-29000-P": row(29000.0, "P", (0, 50.0, 2.0, 60.0, 2.0)),
            "BTC_USDC-28APR23-30000-P": row(30000.0, "P", (0, 1120.0, 2.0, 1150.0, 2.0)),
        },
        target=("BTC_USDC-28APR23-29000-P", "ask"),
        variants={"inside": 82.39824, "past": 82.93189333},
    ),
}
