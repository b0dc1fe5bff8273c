"""Static arbitrage at executable prices: what a package locks in at expiry, whatever the underlying does.

Every function returns *gross* edges per coin of underlying, before fees: what is left after the worst
settlement price. Positive means locked in; the bound is tight, so a negative edge can lose at some settlement
price. Inverse edges are in coin, linear edges in the quote currency, with undiscounted premiums. A bid is
what selling brings, an ask what buying costs. Strikes and forwards are positive, or NaN; NaN anywhere gives
NaN, so a test that lacks a price can't be positive.

A future is bought at its ask and sold at its bid. N USD of an inverse future bought at F pay `N (1/F -
1/S_T)` coin: in coin, the future is the straight line, as one coin of a linear future is in currency. Bounds
of inverse packages are therefore found over u = 1/S_T in (0, infinity).
"""

from __future__ import annotations

from aftershock.pricing.arrays import Real


def parity_inverse(
    call_bid: Real,
    call_ask: Real,
    put_bid: Real,
    put_ask: Real,
    strike: Real,
    forward_bid: Real,
    forward_ask: Real,
) -> tuple[Real, Real]:
    """Test put-call parity in coin, `c - p = 1 - K/F`.

    Returns:
        Conversion (sell the call, buy the put, buy K USD of the future) and reversal (the opposite), in coin.
    """
    conversion = call_bid - put_ask - (1.0 - strike / forward_ask)
    reversal = (1.0 - strike / forward_bid) - call_ask + put_bid
    return conversion, reversal


def parity_linear(
    call_bid: Real,
    call_ask: Real,
    put_bid: Real,
    put_ask: Real,
    strike: Real,
    forward_bid: Real,
    forward_ask: Real,
) -> tuple[Real, Real]:
    """Test put-call parity in currency, `C - P = F - K`.

    Returns:
        Conversion (sell the call, buy the put, buy one coin of the future) and reversal (the opposite).
    """
    conversion = call_bid - put_ask - (forward_ask - strike)
    reversal = (forward_bid - strike) - call_ask + put_bid
    return conversion, reversal


def vertical_call_linear(
    c1_bid: Real, c1_ask: Real, c2_bid: Real, c2_ask: Real, k1: Real, k2: Real
) -> tuple[Real, Real]:
    """Test a call spread, K1 < K2: `0 <= C1 - C2 <= K2 - K1`.

    Returns:
        Lower (buy K1, sell K2) and upper (sell K1, buy K2) edge.
    """
    return c2_bid - c1_ask, c1_bid - c2_ask - (k2 - k1)


def vertical_call_inverse(
    c1_bid: Real, c1_ask: Real, c2_bid: Real, c2_ask: Real, k1: Real, k2: Real
) -> tuple[Real, Real]:
    """Test a call spread in coin, K1 < K2: `0 <= c1 - c2 <= 1 - K1/K2`.

    The spread pays `1 - K1/S_T` between the strikes and `(K2 - K1)/S_T` above, so the most, 1 - K1/K2, at S_T
    = K2. No future is needed.

    Returns:
        Lower (buy K1, sell K2) and upper (sell K1, buy K2) edge, in coin.
    """
    return c2_bid - c1_ask, c1_bid - c2_ask - (1.0 - k1 / k2)


def vertical_put_linear(
    p1_bid: Real, p1_ask: Real, p2_bid: Real, p2_ask: Real, k1: Real, k2: Real
) -> tuple[Real, Real]:
    """Test a put spread, K1 < K2: `0 <= P2 - P1 <= K2 - K1`.

    Returns:
        Lower (buy K2, sell K1) and upper (sell K2, buy K1) edge.
    """
    return p1_bid - p2_ask, p2_bid - p1_ask - (k2 - k1)


def vertical_put_inverse(
    p1_bid: Real, p1_ask: Real, p2_bid: Real, p2_ask: Real, k1: Real, k2: Real, forward_bid: Real
) -> tuple[Real, Real]:
    """Test a put spread in coin, K1 < K2: `0 <= p2 - p1 <= (K2 - K1)/F`.

    The spread pays `K2/S_T - 1` between the strikes and `(K2 - K1)/S_T` below K1, which has no bound as S_T
    falls: there is no constant upper bound in coin. It never pays more than (K2 - K1)/S_T, though, and that
    is what (K2 - K1) USD of inverse future, sold, pay on top of `-(K2 - K1)/F`. So the upper edge needs that
    future; with forward_bid NaN it is NaN.

    Returns:
        Lower (buy K2, sell K1, no future) and upper (sell K2, buy K1, sell K2 - K1 USD of the future) edge,
        in coin.
    """
    return p1_bid - p2_ask, p2_bid - p1_ask - (k2 - k1) / forward_bid


def box_inverse(  # noqa: PLR0913, PLR0917  eight quotes, two strikes, both sides of the forward
    c1_bid: Real,
    c1_ask: Real,
    c2_bid: Real,
    c2_ask: Real,
    p1_bid: Real,
    p1_ask: Real,
    p2_bid: Real,
    p2_ask: Real,
    k1: Real,
    k2: Real,
    forward_bid: Real,
    forward_ask: Real,
) -> tuple[Real, Real]:
    """Test a box in coin, K1 < K2: `c1 - c2 + p2 - p1 = (K2 - K1)/F`.

    It pays (K2 - K1)/S_T coin, which is not a constant: buying the box goes with (K2 - K1) USD of inverse
    future bought, selling it with the same sold.

    Returns:
        Long (buy the box) and short (sell it) edge, in coin.
    """
    cost = c1_ask - c2_bid + p2_ask - p1_bid
    proceeds = c1_bid - c2_ask + p2_bid - p1_ask
    return (k2 - k1) / forward_ask - cost, proceeds - (k2 - k1) / forward_bid


def box_linear(  # noqa: PLR0913, PLR0917  eight quotes and two strikes
    c1_bid: Real,
    c1_ask: Real,
    c2_bid: Real,
    c2_ask: Real,
    p1_bid: Real,
    p1_ask: Real,
    p2_bid: Real,
    p2_ask: Real,
    k1: Real,
    k2: Real,
) -> tuple[Real, Real]:
    """Test a box in currency, K1 < K2: `C1 - C2 + P2 - P1 = K2 - K1`. No future is needed.

    Returns:
        Long (buy the box) and short (sell it) edge.
    """
    cost = c1_ask - c2_bid + p2_ask - p1_bid
    proceeds = c1_bid - c2_ask + p2_bid - p1_ask
    return (k2 - k1) - cost, proceeds - (k2 - k1)
