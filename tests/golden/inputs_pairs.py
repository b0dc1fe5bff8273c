"""Golden scenarios of edge C: one option on two venues, inverse on both, or inverse on one and linear on the other."""

from __future__ import annotations

from tests.golden.terms import QuoteAt, Scenario, chain, pair, perpetual, row

_PERPETUALS: Scenario = {
    "binance-futures": perpetual("BTCUSDT", 100, (100, 30001.0, 6.0, 30002.0, 4.0)),
    "bybit": perpetual("BTCUSDT", 150, (150, 30000.0, 0.02, 30000.5, 0.05)),
}


def _here(family: str, *quotes: QuoteAt) -> Scenario:
    return chain(family, {f"{family}-28APR23-30000-C": row(30000.0, "C", *quotes)}, first_ms=1_000)


def _there(*quotes: QuoteAt) -> Scenario:
    rows = {"BTC-USD-230428-30000-C": row(30000.0, "C", *quotes)}
    return chain("BTC", rows, venue="okex-options", first_ms=1_000, underlying=[(0, 30021.0)])


PAIRS: dict[str, Scenario] = {
    "48_cross_venue_inverse": pair(
        "One inverse call, bought on Deribit and sold on OKX: locked in coin, in lots of both",
        _here("BTC", (0, 0.0290, 3.0, 0.0300, 3.0)),
        _there((0, 0.0320, 71.0, 0.0330, 300.0)),
        target=("BTC-28APR23-30000-C", "ask"),
        variants={"inside": 0.030302448043, "past": 0.030322410671},
    ),
    "49_cross_venue_coins_received": pair(
        "A linear call bought, an inverse one sold: its coins are sold on a perpetual below the forward",
        _here("BTC_USDC", (0, 870.0, 3.0, 885.0, 3.0)),
        _there((0, 0.0330, 300.0, 0.0340, 300.0)),
        perpetuals=_PERPETUALS,
        target=("BTC_USDC-28APR23-30000-C", "ask"),
        variants={"inside": 902.53145255, "past": 903.13075058},
    ),
    "50_cross_venue_coins_paid": pair(
        "An inverse call bought, a linear one sold: its coins are bought on the perpetual, whose size is the limit",
        _here("BTC_USDC", (0, 1000.0, 3.0, 1015.0, 3.0)),
        _there((0, 0.0288, 300.0, 0.0297, 300.0)),
        config={"stable_haircut_bps": 4.0},
        perpetuals={"bybit": _PERPETUALS["bybit"]},
        target=("BTC_USDC-28APR23-30000-C", "bid"),
        variants={"inside": 961.09302508, "past": 960.49260508},
    ),
    "51_cross_venue_thin": pair(
        "Nine hundredths of a coin, a lot on OKX but not on Deribit",
        _here("BTC", (0, 0.0290, 3.0, 0.0300, 3.0)),
        _there((0, 0.0320, 18.0, 0.0330, 300.0)),
    ),
    "52_cross_venue_settlement": pair(
        "What remains after fees, the capital and the two indices' difference is not enough",
        _here("BTC", (0, 0.0290, 3.0, 0.0300, 3.0)),
        _there((0, 0.0320, 300.0, 0.0330, 300.0)),
        config={"settlement_basis_bps": 9.0},
    ),
}
