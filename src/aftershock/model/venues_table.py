"""Dated facts about venues, as data: amount units, contract sizes, liquidation semantics, fees.

Every row says from when it holds and where it is from. A contract that is not here has an unknown size, and its sizes
are counted as not convertible. `InstrumentTable` looks things up; `--instruments` adds to it or replaces it.
"""

from __future__ import annotations

from aftershock.model.instruments import AmountUnit, FeeSchedule, Kind
from aftershock.model.liquidations import Completeness, Coverage, PriceKind
from aftershock.model.units import utc_ns

__all__ = ["AMOUNT_UNITS", "CONTRACT_SIZES", "COVERAGE", "FEES", "OPTION_TERMS"]

_ALWAYS = 0

AMOUNT_UNITS: dict[tuple[str, str, bool], AmountUnit] = {
    # (venue, kind, inverse) -> unit of the native amount
    ("deribit", "option", True): AmountUnit.COIN,
    ("deribit", "option", False): AmountUnit.COIN,
    ("deribit", "perpetual", True): AmountUnit.USD,
    ("deribit", "perpetual", False): AmountUnit.COIN,
    ("deribit", "future", True): AmountUnit.USD,
    ("deribit", "future", False): AmountUnit.COIN,
    ("ftx", "perpetual", False): AmountUnit.COIN,
    ("ftx", "future", False): AmountUnit.COIN,
    ("ftx-restart", "perpetual", False): AmountUnit.COIN,
    ("okex-swap", "perpetual", False): AmountUnit.CONTRACTS,
    ("okex-swap", "perpetual", True): AmountUnit.CONTRACTS,
    ("okex-futures", "future", False): AmountUnit.CONTRACTS,
    ("okex-futures", "future", True): AmountUnit.CONTRACTS,
    ("okex-options", "option", True): AmountUnit.CONTRACTS,
    ("okex-options", "option", False): AmountUnit.CONTRACTS,
    ("bybit-options", "option", False): AmountUnit.COIN,
    ("binance-european-options", "option", False): AmountUnit.COIN,
    ("binance-futures", "perpetual", False): AmountUnit.COIN,
    ("binance-delivery", "perpetual", True): AmountUnit.CONTRACTS,
    ("bybit", "perpetual", False): AmountUnit.COIN,
    ("bybit", "perpetual", True): AmountUnit.USD,
    ("bitmex", "perpetual", True): AmountUnit.USD,
    ("backpack", "perpetual", False): AmountUnit.COIN,
    ("backpack", "option", False): AmountUnit.CONTRACTS,
}

CONTRACT_SIZES: dict[tuple[str, str], float] = {
    # (venue, family) -> coins per contract; dollars for an inverse perpetual or future
    ("okex-swap", "BTC-USDT"): 0.01,
    ("okex-swap", "ETH-USDT"): 0.1,
    ("okex-swap", "SOL-USDT"): 1.0,
    ("okex-swap", "DOGE-USDT"): 1000.0,
    ("okex-swap", "HYPE-USDT"): 0.1,
    ("okex-swap", "BTC-USD"): 100.0,
    ("okex-swap", "ETH-USD"): 10.0,
    ("okex-futures", "BTC-USD"): 100.0,
    ("okex-futures", "ETH-USD"): 10.0,
    ("okex-options", "BTC-USD"): 0.01,
    ("okex-options", "ETH-USD"): 0.1,
    ("binance-delivery", "BTCUSD"): 100.0,
    ("deribit", "BTC"): 1.0,
    ("deribit", "ETH"): 1.0,
    ("deribit", "BTC_USDC"): 1.0,
    ("deribit", "ETH_USDC"): 1.0,
    ("deribit", "SOL_USDC"): 10.0,
    ("deribit", "XRP_USDC"): 1000.0,
    ("bybit-options", "BTC"): 1.0,
    ("bybit-options", "ETH"): 1.0,
}

OPTION_TERMS: dict[tuple[str, str], tuple[float, float]] = {
    # (venue, family) -> (tick size in the unit of the price, smallest order in native amounts)
    ("deribit", "BTC"): (0.0001, 0.1),
    ("deribit", "ETH"): (0.0001, 1.0),
    ("deribit", "BTC_USDC"): (5.0, 0.01),
    ("deribit", "ETH_USDC"): (0.5, 0.1),
    ("deribit", "SOL_USDC"): (0.1, 1.0),
    ("deribit", "XRP_USDC"): (0.0001, 1.0),
    ("okex-options", "BTC-USD"): (0.0001, 1.0),
    ("okex-options", "ETH-USD"): (0.0001, 1.0),
    ("bybit-options", "BTC"): (5.0, 0.01),
    ("bybit-options", "ETH"): (0.1, 0.1),
}


def _liquidations(
    venue: str, price: PriceKind, completeness: Completeness, note: str, since: int = _ALWAYS
) -> Coverage:
    return Coverage(venue=venue, valid_from_ns=since, price_kind=price, completeness=completeness, note=note)


COVERAGE: tuple[Coverage, ...] = (
    _liquidations("backpack", PriceKind.UNKNOWN, Completeness.UNKNOWN, "own stream; what its side means is unproven"),
    _liquidations("ftx", PriceKind.FILL, Completeness.ALL, "flagged trades; also printed as trades: never sum both"),
    _liquidations("ftx-restart", PriceKind.FILL, Completeness.ALL, "simulated venue; not a Tardis exchange"),
    _liquidations("deribit", PriceKind.FILL, Completeness.ALL, "flagged trades; maker liquidations already inverted"),
    _liquidations("bitmex", PriceKind.ORDER, Completeness.ALL, "amount left to liquidate; one clock only"),
    _liquidations("binance-futures", PriceKind.ORDER, Completeness.ALL, "full feed", since=_ALWAYS),
    _liquidations(
        "binance-futures",
        PriceKind.ORDER,
        Completeness.THROTTLED,
        "the latest order per symbol per second",
        since=utc_ns(2021, 4, 27),
    ),
    _liquidations("binance-delivery", PriceKind.ORDER, Completeness.ALL, "full feed"),
    _liquidations(
        "binance-delivery",
        PriceKind.ORDER,
        Completeness.THROTTLED,
        "the latest order per symbol per second",
        since=utc_ns(2021, 4, 27),
    ),
    _liquidations("bybit", PriceKind.BANKRUPTCY, Completeness.ALL, "old topic, before the one-second throttle"),
    _liquidations(
        "bybit",
        PriceKind.BANKRUPTCY,
        Completeness.THROTTLED,
        "at most one per symbol per second",
        since=utc_ns(2021, 9, 1),
    ),
    _liquidations(
        "bybit",
        PriceKind.BANKRUPTCY,
        Completeness.ALL,
        "allLiquidation, in batches of 500 ms",
        since=utc_ns(2025, 2, 26),
    ),
    _liquidations(
        "okex-swap", PriceKind.BANKRUPTCY, Completeness.THROTTLED, "at most one order per contract per second"
    ),
    _liquidations(
        "okex-futures", PriceKind.BANKRUPTCY, Completeness.THROTTLED, "at most one order per contract per second"
    ),
    _liquidations("huobi-dm", PriceKind.BANKRUPTCY, Completeness.UNKNOWN, "dropped until contract_info is seen"),
    _liquidations("huobi-dm-swap", PriceKind.BANKRUPTCY, Completeness.UNKNOWN, "amount in contracts"),
    _liquidations("huobi-dm-linear-swap", PriceKind.BANKRUPTCY, Completeness.UNKNOWN, "amount in contracts"),
    _liquidations(
        "bitfinex-derivatives", PriceKind.ENTRY, Completeness.UNKNOWN, "initial triggers only, at the entry price"
    ),
    _liquidations("cryptofacilities", PriceKind.FILL, Completeness.ALL, "flagged trades"),
    _liquidations("dydx-v4", PriceKind.FILL, Completeness.ALL, "flagged trades"),
    _liquidations("bitget-futures", PriceKind.ORDER, Completeness.UNKNOWN, "from 2026-04-28 only"),
    _liquidations("lighter", PriceKind.FILL, Completeness.UNKNOWN, "symbol is a numeric market id"),
    _liquidations("aster-futures", PriceKind.ORDER, Completeness.THROTTLED, "as Binance's forceOrder"),
)


def _fee(  # noqa: PLR0913  one row of a table: the columns are the arguments
    venue: str,
    kind: Kind,
    *,
    inverse: bool,
    taker_bps: float,
    maker_bps: float,
    cap: float = float("inf"),
    delivery_bps: float = 0.0,
    delivery_cap: float = float("inf"),
    dailies_free: bool = False,
    since: int = _ALWAYS,
    source: str = "",
) -> FeeSchedule:
    return FeeSchedule(
        venue=venue,
        kind=kind,
        inverse=inverse,
        valid_from_ns=since,
        taker_rate=taker_bps / 1e4,
        maker_rate=maker_bps / 1e4,
        cap_fraction=cap,
        delivery_rate=delivery_bps / 1e4,
        delivery_cap_fraction=delivery_cap,
        dailies_delivered_free=dailies_free,
        source=source,
    )


_OPTION, _PERP, _FUTURE = Kind.OPTION, Kind.PERPETUAL, Kind.FUTURE
_DERIBIT_FEES = "venue fee page, base tier, before the schedule of 2026-08-01"

FEES: tuple[FeeSchedule, ...] = (
    _fee("deribit", _OPTION, inverse=True, taker_bps=3, maker_bps=3, cap=0.125, delivery_bps=1.5, delivery_cap=0.125,
         dailies_free=True, source=_DERIBIT_FEES),
    _fee("deribit", _OPTION, inverse=False, taker_bps=5, maker_bps=1, cap=0.125, delivery_bps=1.5, delivery_cap=0.125,
         dailies_free=True, source=_DERIBIT_FEES),
    _fee("deribit", _PERP, inverse=True, taker_bps=5, maker_bps=0, source=_DERIBIT_FEES),
    _fee("deribit", _PERP, inverse=False, taker_bps=5, maker_bps=0, source=_DERIBIT_FEES),
    _fee("deribit", _FUTURE, inverse=True, taker_bps=5, maker_bps=0, source=_DERIBIT_FEES),
    _fee("deribit", _FUTURE, inverse=False, taker_bps=5, maker_bps=0, source=_DERIBIT_FEES),
    _fee("okex-options", _OPTION, inverse=True, taker_bps=3, maker_bps=2, cap=0.125, delivery_bps=2,
         delivery_cap=0.125, dailies_free=True, source="venue fee page before 2025-05-15"),
    _fee("okex-options", _OPTION, inverse=True, taker_bps=3, maker_bps=2, cap=0.07, delivery_bps=2, delivery_cap=0.07,
         dailies_free=True, since=utc_ns(2025, 5, 15), source="venue fee page of 2025-05-15"),
    _fee("okex-options", _OPTION, inverse=False, taker_bps=3, maker_bps=2, cap=0.07, delivery_bps=2, delivery_cap=0.07,
         dailies_free=True, since=utc_ns(2025, 5, 15), source="venue fee page of 2025-05-15"),
    _fee("bybit-options", _OPTION, inverse=False, taker_bps=3, maker_bps=2, cap=0.07, delivery_bps=1.5,
         delivery_cap=0.125, source="venue fee page of 2025-09-18"),
    _fee("binance-european-options", _OPTION, inverse=False, taker_bps=3, maker_bps=3, cap=0.10, delivery_bps=1.5,
         delivery_cap=0.10, source="venue fee page"),
    _fee("okex-swap", _PERP, inverse=False, taker_bps=5, maker_bps=2, source="venue fee page, base tier"),
    _fee("okex-swap", _PERP, inverse=True, taker_bps=5, maker_bps=2, source="venue fee page, base tier"),
    _fee("binance-futures", _PERP, inverse=False, taker_bps=5, maker_bps=2, source="venue fee page, base tier"),
    _fee("bybit", _PERP, inverse=False, taker_bps=5.5, maker_bps=2, source="venue fee page, base tier"),
    _fee("backpack", _PERP, inverse=False, taker_bps=5, maker_bps=2, source="venue support page, tier 1"),
    _fee("ftx", _PERP, inverse=False, taker_bps=7, maker_bps=2, source="venue fee page of 2021, base tier"),
    _fee("ftx-restart", _PERP, inverse=False, taker_bps=5, maker_bps=2, source="simulated venue"),
)  # fmt: skip
