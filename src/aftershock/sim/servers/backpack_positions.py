"""Positions and margin of the simulated account, as the socket and the REST interface tell them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from aftershock.sim.servers.backpack_listing import SPOT
from aftershock.sim.servers.backpack_orders import plain
from aftershock.sim.servers.backpack_stamps import micros
from aftershock.sim.servers.backpack_wallet import MARGIN, Claim, Wallet

__all__ = ["collateral", "position_document", "position_update"]

_FIRST_ID = 5_411_399_049
_MAINTENANCE = "0.0125"
_SQRT = {"type": "sqrt", "base": "0.02", "factor": "0.0000935"}


def position_update(wallet: Wallet, symbol: str, at_ns: int) -> dict[str, Any]:
    """Return a position as the socket sends it; in a snapshot it has no `e`."""
    held, mark, now = wallet.positions[symbol], wallet.mark(symbol), micros(at_ns)
    size = wallet.size(symbol)
    return {"E": now, "s": symbol, "b": str(held.entry), "B": str(held.entry), "l": "0", "f": str(MARGIN),
            "m": _MAINTENANCE, "M": str(mark), "n": plain(abs(held.quantity) * mark * size), "q": str(held.quantity),
            "Q": str(abs(held.quantity)), "p": plain(held.realized),
            "P": plain(held.quantity * (mark - held.entry) * size),
            "i": list(wallet.positions).index(symbol) + _FIRST_ID, "T": now}  # fmt: skip


def position_document(wallet: Wallet, symbol: str, claims: list[Claim], at_ns: int) -> dict[str, Any]:
    """Return a position as the REST interface lists it; its exposure is the worst case over open orders."""
    told, held = position_update(wallet, symbol, at_ns), wallet.positions[symbol]
    exposed, size = _worst(wallet, symbol, claims), wallet.size(symbol)
    return {
        "breakEvenPrice": told["B"], "entryPrice": told["b"], "estLiquidationPrice": "0", "imf": told["f"],
        "imfFunction": _SQRT, "markPrice": told["M"], "mmf": told["m"], "mmfFunction": _SQRT,
        "netCost": plain(held.quantity * held.entry * size), "netQuantity": told["q"],
        "netExposureQuantity": plain(exposed), "netExposureNotional": plain(exposed * wallet.mark(symbol) * size),
        "pnlRealized": told["p"], "pnlUnrealized": told["P"], "cumulativeFundingPayment": "0", "subaccountId": None,
        "symbol": symbol, "userId": 1, "positionId": str(told["i"]), "cumulativeInterest": "0",
    }  # fmt: skip


def collateral(wallet: Wallet, claims: list[Claim]) -> dict[str, Any]:
    """Return the margin of the account. Its coins are no collateral."""
    equity, required = wallet.equity(claims), wallet.required(claims)
    total, locked = wallet.balances["USDC"], wallet.locked("USDC", claims)
    symbols = dict.fromkeys([*wallet.positions, *(each.symbol for each in claims if each.symbol != SPOT)])
    exposed = sum(
        (_worst(wallet, each, claims) * wallet.mark(each) * wallet.size(each) for each in symbols), Decimal(0)
    )
    row = {
        "symbol": "USDC", "assetMarkPrice": "1", "totalQuantity": plain(total), "balanceNotional": plain(total),
        "collateralWeight": "1", "collateralValue": plain(total), "openOrderQuantity": plain(locked),
        "lendQuantity": "0", "availableQuantity": plain(max(wallet.free("USDC", claims), Decimal(0))),
    }  # fmt: skip
    return {
        "assetsValue": plain(total), "borrowLiability": "0", "collateral": [row], "imf": str(MARGIN),
        "unsettledEquity": "0", "liabilitiesValue": "0", "marginFraction": plain(equity / exposed) if exposed else None,
        "mmf": _MAINTENANCE, "netEquity": plain(equity + locked), "netEquityAvailable": plain(equity - required),
        "netEquityLocked": plain(locked + required), "netExposureFutures": plain(exposed),
        "pnlUnrealized": plain(wallet.unrealized()),
    }  # fmt: skip


def _worst(wallet: Wallet, symbol: str, claims: list[Claim]) -> Decimal:
    held, bids, asks = wallet.exposure(symbol, claims)
    return max(abs(held + bids), abs(held - asks))
