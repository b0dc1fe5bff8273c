"""Money of the simulated account, in exact decimals: what is held, and what of it is spoken for.

A spot order locks what it would pay. Futures and options share one margin: equity is the USDC that no spot order
locks, with the profit of futures and the worth of options at their marks; against it stand initial margins, worst case
over open orders. A long option's worth is its own margin, so it can't be spent twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from aftershock.sim.servers.backpack_listing import MULTIPLIER, SPOT
from aftershock.sim.servers.backpack_market import BackpackMarket

__all__ = ["Claim", "Fees", "Position", "Wallet"]

_ZERO = Decimal(0)
_BPS = Decimal("0.0001")
MARGIN, OPTION_MARGIN = Decimal("0.02"), Decimal("0.15")
"""Initial margin of futures, of their notional; of short options, of the index."""


class Fees:
    """bps; of options: of the index, at most a share of the premium. Options and their fees are the overlay's."""

    FUTURES_TAKER, FUTURES_MAKER = Decimal(5), Decimal(2)
    SPOT_TAKER, SPOT_MAKER = Decimal(10), Decimal(8)
    OPTION_TAKER, OPTION_MAKER, OPTION_CAP = Decimal(3), Decimal(2), Decimal("0.125")


class Position(msgspec.Struct):
    """What is held of a market that is no spot: signed quantity, average entry price, realized profit."""

    quantity: Decimal = _ZERO
    entry: Decimal = _ZERO
    realized: Decimal = _ZERO


class Claim(NamedTuple):
    """What an open order may still come to; `price` is the most that it pays."""

    symbol: str
    buys: bool
    quantity: Decimal
    price: Decimal


class Wallet:
    """Balances and positions.

    Attributes:
        balances: By asset, what is locked included.
        positions: By symbol.
    """

    def __init__(self, market: BackpackMarket) -> None:
        """Open it with some money."""
        self.balances = {"USDC": Decimal(100_000), "BTC": Decimal(1)}
        self.positions: dict[str, Position] = {}
        self._market = market

    # --- what is spoken for -----------------------------------------------------------------------------------------

    def locked(self, asset: str, claims: Iterable[Claim]) -> Decimal:
        """Return what spot orders lock of an asset."""
        mine = [each for each in claims if each.symbol == SPOT and each.buys == (asset == "USDC")]
        return sum((each.quantity * (each.price if each.buys else 1) for each in mine), _ZERO)

    def equity(self, claims: Iterable[Claim]) -> Decimal:
        """Return what margins stand against, USDC."""
        options = sum((held.quantity * self.mark(symbol) * MULTIPLIER for symbol, held in self._of(option=True)), _ZERO)
        return self.balances["USDC"] - self.locked("USDC", claims) + self.unrealized() + options

    def unrealized(self) -> Decimal:
        """Return the profit of futures at their marks."""
        futures = self._of(option=False)
        return sum((held.quantity * (self.mark(symbol) - held.entry) for symbol, held in futures), _ZERO)

    def required(self, claims: Iterable[Claim]) -> Decimal:
        """Return the initial margin of everything that is held and may come."""
        found = _ZERO
        many = [each for each in claims if each.symbol != SPOT]
        for symbol in dict.fromkeys([*self.positions, *(each.symbol for each in many)]):
            mine = [each for each in many if each.symbol == symbol]
            held, bids, asks = self.exposure(symbol, mine)
            if self._market.option(symbol) is None:
                found += MARGIN * self.mark(symbol) * max(abs(held + bids), abs(held - asks))
            else:
                premiums = sum((each.quantity * each.price for each in mine if each.buys), _ZERO)
                short = OPTION_MARGIN * self._market.index() * max(asks - held, _ZERO)
                found += MULTIPLIER * (max(held, _ZERO) * self.mark(symbol) + premiums + short)
        return found

    def exposure(self, symbol: str, claims: Iterable[Claim]) -> tuple[Decimal, Decimal, Decimal]:
        """Return what is held of a market, signed, and what open orders may buy and sell."""
        mine = [each for each in claims if each.symbol == symbol]
        bids = sum((each.quantity for each in mine if each.buys), _ZERO)
        asks = sum((each.quantity for each in mine if not each.buys), _ZERO)
        return self.held(symbol), bids, asks

    def free(self, asset: str, claims: list[Claim]) -> Decimal:
        """Return what of an asset a further order may take."""
        left = self.balances[asset] - self.locked(asset, claims)
        return min(left, self.margin_free(claims)) if asset == "USDC" else left

    def margin_free(self, claims: list[Claim]) -> Decimal:
        """Return what further margins may stand against."""
        return self.equity(claims) - self.required(claims)

    def room(self, symbol: str, price: Decimal, claims: list[Claim], *, buys: bool) -> Decimal:
        """Return the largest order that the account can cover; may be negative."""
        if symbol == SPOT:
            return self.free("USDC", claims) / price if buys else self.free("BTC", claims)
        free = self.margin_free(claims)
        held, bids, asks = self.exposure(symbol, claims)
        if self._market.option(symbol) is not None:
            if buys:
                return free / (price * MULTIPLIER)
            return free / (OPTION_MARGIN * self._market.index() * MULTIPLIER) + max(held - asks, _ZERO)
        side = held + bids if buys else asks - held
        return free / (MARGIN * self.mark(symbol)) + max(abs(held + bids), abs(held - asks)) - side

    def held(self, symbol: str) -> Decimal:
        """Return the signed quantity of a position."""
        return self.positions[symbol].quantity if symbol in self.positions else _ZERO

    # --- what a fill moves ------------------------------------------------------------------------------------------

    def settle(self, symbol: str, signed: Decimal, price: Decimal, *, maker: bool) -> tuple[Decimal, Decimal, str]:
        """Take a fill: return what it came to in USDC, its fee, and the asset of the fee.

        A spot fee is taken of what is received: of the coin by a buyer, of USDC by a seller.
        """
        option = self._market.option(symbol) is not None
        size = abs(signed) * self.size(symbol)
        cash = price * size
        if symbol == SPOT:
            rate = (Fees.SPOT_MAKER if maker else Fees.SPOT_TAKER) * _BPS
            fee, asset = (size * rate, "BTC") if signed > 0 else (cash * rate, "USDC")
            self.balances["BTC"] += signed
            self.balances["USDC"] -= price * signed
        elif option:
            rate = (Fees.OPTION_MAKER if maker else Fees.OPTION_TAKER) * _BPS
            fee, asset = min(self._market.index() * size * rate, cash * Fees.OPTION_CAP), "USDC"
            self.balances["USDC"] -= cash if signed > 0 else -cash
            self._hold(symbol, signed, price)
        else:
            rate = (Fees.FUTURES_MAKER if maker else Fees.FUTURES_TAKER) * _BPS
            fee, asset = cash * rate, "USDC"
            self.balances["USDC"] += self._hold(symbol, signed, price)
        self.balances[asset] -= fee
        return cash, fee, asset

    def _hold(self, symbol: str, signed: Decimal, price: Decimal) -> Decimal:
        """Change a position and return the profit that it realized."""
        position = self.positions.setdefault(symbol, Position())
        was, profit = position.quantity, _ZERO
        if was * signed < 0:
            closed = min(abs(was), abs(signed)) * self.size(symbol)
            profit = closed * (price - position.entry) * (1 if was > 0 else -1)
            position.realized += profit
        position.quantity += signed
        if was * signed >= 0:
            total = abs(was) + abs(signed)
            position.entry = (abs(was) * position.entry + abs(signed) * price) / total
        elif position.quantity * was < 0:
            position.entry = price
        return profit

    def _of(self, *, option: bool) -> list[tuple[str, Position]]:
        return [each for each in self.positions.items() if (self._market.option(each[0]) is not None) is option]

    def size(self, symbol: str) -> Decimal:
        """Return the coins of one unit of quantity."""
        return Decimal(1) if self._market.option(symbol) is None else MULTIPLIER

    def mark(self, symbol: str) -> Decimal:
        """Return a market's mark price, zero without one."""
        return self._market.marks.get(symbol, _ZERO)
