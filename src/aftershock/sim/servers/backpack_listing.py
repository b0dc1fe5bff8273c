"""What the simulated Backpack lists: markets of its six types, and options by the overlay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from aftershock.model.units import NS_PER_S
from aftershock.sim.market.listing import LINEAR, Listing

__all__ = [
    "MULTIPLIER",
    "OPTION",
    "PERP",
    "SPOT",
    "TYPES",
    "OptionListing",
    "documents",
    "option_listing",
    "prediction_events",
]

TYPES = ("SPOT", "PERP", "IPERP", "DATED", "PREDICTION", "RFQ")
"""Of the official document; `OPTION` is the overlay's."""
OPTION = "OPTION"
SPOT, PERP = "BTC_USDC", "BTC_USDC_PERP"
_FUTURES = {
    "imfFunction": {"type": "sqrt", "base": "0.02", "factor": "0.0000935"},
    "mmfFunction": {"type": "sqrt", "base": "0.0125", "factor": "0.0000561"},
    "fundingInterval": 3_600_000,
    "fundingRateUpperBound": "10",
    "fundingRateLowerBound": "-10",
    "openInterestLimit": "1000",
    "positionLimitWeight": "0.5",
}
_NO_FUTURES = dict.fromkeys(_FUTURES)
MULTIPLIER = Decimal("0.01")
"""Coins of a contract of an option."""


class OptionListing(msgspec.Struct, frozen=True):
    """One option: its name here, and the option of the market that it follows."""

    symbol: str
    follows: str
    strike: float
    expiry_ns: int
    is_call: bool


def option_listing(listing: Listing) -> dict[str, OptionListing]:
    """Return the options by the name of what they follow."""
    found = {}
    for i, (venue, follows) in enumerate(zip(listing.venues, listing.symbols, strict=True)):
        if venue == LINEAR:
            expiry_ns = int(listing.expiries_ns[listing.expiry[i]])
            strike, is_call = float(listing.strike[i]), bool(listing.is_call[i])
            day = datetime.fromtimestamp(expiry_ns // NS_PER_S, tz=UTC)
            symbol = f"BTC_USDC_{day:%Y%m%d}_{strike:g}_{'C' if is_call else 'P'}_OPTION"
            found[follows] = OptionListing(symbol, follows, strike, expiry_ns, is_call)
    return found


def documents(options: dict[str, OptionListing]) -> list[dict[str, Any]]:
    """Return all markets, as `/markets` lists them; without options none are there, as on the real venue."""
    return [
        _market(SPOT, "SPOT", "0.1", "0.00001"),
        _market(PERP, "PERP", "0.1", "0.00001"),
        _market("ETH_USDC_PERP", "PERP", "0.01", "0.0001", base="ETH", state="PostOnly"),
        _market("kPEPE_USDC_PERP", "PERP", "0.000001", "1", base="kPEPE", visible=False),
        _market("BTC_USDC_IPERP", "IPERP", "0.1", "0.001", state="Closed", visible=False),
        _market("BTC_USDC_DATED", "DATED", "0.1", "0.001", state="Closed", visible=False),
        _market("BTCDUD_USDC_PREDICTION", "PREDICTION", "0.001", "1", base="BTCDUD"),
        _market("AAPL.US_USDC_RFQ", "RFQ", "0.01", "0.01", base="AAPL.US"),
        *(_option(each) for each in options.values()),
    ]


def _market(
    symbol: str, kind: str, tick: str, step: str, *, base: str = "BTC", state: str = "Open", visible: bool = True
) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "baseSymbol": base,
        "quoteSymbol": "USDC",
        "marketType": kind,
        "rwaMarketType": "STOCK" if kind == "RFQ" else None,
        "filters": {
            "price": {
                "minPrice": tick,
                "maxPrice": None,
                "tickSize": tick,
                "maxMultiplier": "1.25",
                "minMultiplier": "0.75",
                "maxImpactMultiplier": "1.05",
                "minImpactMultiplier": "0.95",
                "discoveryBoundBand": None,
                "meanMarkPriceBand": None,
                "meanPremiumBand": None,
            },
            "quantity": {"minQuantity": step, "maxQuantity": None, "stepSize": step},
        },
        **(_FUTURES if kind in ("PERP", "IPERP") else _NO_FUTURES),
        "orderBookState": state,
        "createdAt": "2025-01-21T06:34:54.691858",
        "visible": visible,
    }


def _option(option: OptionListing) -> dict[str, Any]:
    expiry = datetime.fromtimestamp(option.expiry_ns // NS_PER_S, tz=UTC)
    found = _market(option.symbol, OPTION, "1", "1")
    found["filters"]["price"] |= {"maxMultiplier": None, "minMultiplier": None}
    return found | {
        "strikePrice": f"{option.strike:g}",
        "expiry": f"{expiry:%Y-%m-%dT%H:%M:%S}Z",
        "optionType": "Call" if option.is_call else "Put",
        "contractMultiplier": str(MULTIPLIER),
        "settlementAsset": "USDC",
    }


def prediction_events(now_ns: int, opening: Decimal) -> list[dict[str, Any]]:
    """Return one event: whether the price is higher at the end of the day than at its start.

    Args:
        now_ns: ns UTC.
        opening: The price at the start, or when the market began on that day; zero while there is none.
    """
    today = datetime.fromtimestamp(now_ns // NS_PER_S, tz=UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    market = {
        "marketSymbol": "BTCDUD_USDC_PREDICTION",
        "question": f"Bitcoin up or down on {today:%B %d}?",
        "groupLabel": None,
        "yesOutcomeLabel": "Up",
        "noOutcomeLabel": "Down",
        "rules": "Simulated.",
        "resolvedAt": None,
        "resolutionPrice": None,
        "activePrice": "0.5",
        "quoteVolume": "0",
        "quoteVolumeLifetime": "0",
        "imgUrl": None,
        "resolutionCondition": {"type": "StrikePrice", "condition": "above"},
        "proposedResolution": None,
        "proposedResolutionAt": None,
        "resolutionDelaySecs": 0,
    }
    return [
        {
            "slug": f"bitcoin-up-or-down-{today:%Y-%m-%d}",
            "title": "Bitcoin up or down",
            "predictionMarkets": [market],
            "tags": [{"slug": "crypto", "title": "Crypto"}],
            "series": [],
            "description": "Simulated.",
            "imgUrl": None,
            "quoteVolume": "0",
            "resolution": {
                "resolved": False,
                "startDate": f"{today:%Y-%m-%dT%H:%M:%S}",
                "endDate": f"{today + timedelta(days=1):%Y-%m-%dT%H:%M:%S}",
                "strikePrice": f"{opening:.1f}" if opening else None,
                "closePrice": None,
                "resolutionSource": "binance",
                "resolutionSourceEventIdentifier": "BTCUSDT",
                "outcome": None,
            },
            "resolved": False,
            "resolutionDelaySecs": 0,
        }
    ]
