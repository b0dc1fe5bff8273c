"""The option chain as the venue prints it: makers' prices beside its own mark, volatilities and greeks."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from aftershock.model.units import NS_PER_S
from aftershock.sim.sample.chain import EXPIRIES, Contracts
from aftershock.sim.sample.feeds import Table, clocks_us, text
from aftershock.sim.sample.makers import Rows, theoretical
from aftershock.sim.sample.path import Market
from aftershock.sim.sample.valuation import implied_volatility

__all__ = ["options_chain"]

_LATENCY_MS = 12.0
_PERCENT = 100.0


def options_chain(rng: Generator, market: Market, contracts: Contracts, rows: Rows) -> Table:
    """Return the chain's file: one row per print, IVs in percent as this venue gives them."""
    which, seconds = rows.option, rows.seconds
    forward, sigma, now = theoretical(market, contracts, which, seconds)
    tau = contracts.tau_years(which, seconds)
    strike, is_call = contracts.strike[which], contracts.is_call[which]
    bid_iv = implied_volatility(rows.bid, forward, strike, tau, is_call)
    ask_iv = implied_volatility(rows.ask, forward, strike, tau, is_call)
    open_interest = np.round(np.exp(rng.normal(5.0, 1.0, size=len(contracts.listed))), 1)
    listed = [contracts.listed[i] for i in which.tolist()]
    expiries = [EXPIRIES[contract.expiry] for contract in listed]
    event, local = clocks_us(rng, seconds, _LATENCY_MS)
    return Table(
        venue="deribit",
        kind="options_chain",
        group="OPTIONS",
        symbols=[contract.symbol for contract in listed],
        timestamps_us=event,
        local_timestamps_us=local,
        columns=(
            ["call" if contract.is_call else "put" for contract in listed],
            [str(contract.strike) for contract in listed],
            [str(expiry.expiry_ns * 1_000_000 // NS_PER_S) for expiry in expiries],
            text(open_interest[which].tolist(), 1),
            [""] * len(which),
            text(rows.bid.tolist(), 4),
            text(rows.bid_size.tolist(), 1),
            text((_PERCENT * bid_iv).tolist(), 2),
            text(rows.ask.tolist(), 4),
            text(rows.ask_size.tolist(), 1),
            text((_PERCENT * ask_iv).tolist(), 2),
            text(now.value_coin.tolist(), 6),
            text((_PERCENT * sigma).tolist(), 2),
            [f"{'' if expiry.has_future else 'SYN.'}BTC-{expiry.name}" for expiry in expiries],
            text(forward.tolist(), 4),
            text(now.delta.tolist(), 5),
            text(now.gamma.tolist(), 7),
            text(now.vega.tolist(), 5),
            text(now.theta.tolist(), 5),
            text(now.rho.tolist(), 5),
        ),
    )
