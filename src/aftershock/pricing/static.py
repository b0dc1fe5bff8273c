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


def butterfly(low_ask: Real, body_bid: Real, high_ask: Real, k1: Real, k2: Real, k3: Real) -> Real:
    """Test a butterfly, K1 < K2 < K3, of calls or puts, in currency or in coin: `X2 <= w X1 + (1 - w) X3`.

    With w = (K3 - K2)/(K3 - K1) the strikes obey K2 = w K1 + (1 - w) K3, and what an option pays is convex in its
    strike at every S_T: in currency max(S - K, 0) and max(K - S, 0), in coin, over u = 1/S_T, max(1 - K u, 0) and
    max(K u - 1, 0). So the wings together pay at least what the body does, of either type and in either unit, and
    outside of (K1, K3) exactly as much: unlike the put spread, the put butterfly owes nothing that grows with u, its
    weights cancel the constant and the line alike. No future is needed. The opposite, wings sold for more above the
    body than they can ever pay more, w (K2 - K1) or in coin w (1 - K1/K2), takes a vertical of two of the strikes
    beyond its bound (but for inverse puts with K2 above F) and is not tested.

    Returns:
        Edge of selling the body and buying w of the lower and 1 - w of the higher wing.
    """
    weight = (k3 - k2) / (k3 - k1)
    return body_bid - weight * low_ask - (1.0 - weight) * high_ask


def calendar(near_bid: Real, near_forward: Real, far_ask: Real, far_forward: Real) -> Real:
    """Test total variance against expiry: `X(K1, T1)/F1 <= X(K2, T2)/F2` for T1 < T2 and strikes on the safe side.

    An option's price over its forward is a function of k = ln(K/F) and of total variance s^2 tau, which increases in
    the latter; in k a call's decreases and a put's increases. So with K2/F2 <= K1/F1 (calls) or >= (puts) the far
    option is worth at least the near one, if total variance at the near k does not fall from T1 to T2 and the far
    chain is in order itself. No tolerance in k is needed: a far strike on the safe side only makes the test weaker.
    An inverse price is over its forward already: give it a forward of 1. A violation is a view on variance, not an
    arbitrage: at T1 the far option may be worth less than what the near one owes.

    Returns:
        By how much the near bid exceeds the far ask, each over its forward.
    """
    return near_bid / near_forward - far_ask / far_forward


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
