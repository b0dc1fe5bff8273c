"""Candidates: what the rules judge, and the signal that it would become."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aftershock.core.rules import Assessment, confidence, executable_size, unit_faults
from aftershock.core.stale_quotes import spread_bps
from aftershock.model.orders import Hedge, Leg, Side
from aftershock.model.signals import Action, ArbitrageSignal, EdgeType, Reason, TriggerKind
from aftershock.model.units import BPS, NAN, NS_PER_MS, NS_PER_S
from aftershock.pricing import implied_vol

if TYPE_CHECKING:
    from aftershock.core.asset import AssetState
    from aftershock.core.chain import Chain
    from aftershock.core.config import EngineConfig
    from aftershock.core.fees import FeeBook
    from aftershock.core.hedge import HedgeQuote
    from aftershock.core.packages import Package
    from aftershock.core.stale_quotes import ArmedChain, EdgeFigures
    from aftershock.core.triggers import OpenTrigger

__all__ = ["Candidate", "draft_empty", "draft_package", "draft_stale_quote"]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """An opportunity with its figures; `signal` still says HOLD until it is judged."""

    assessment: Assessment
    signal: ArbitrageSignal


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """When a decision is made, and what is known about the whole venue at that time."""

    now: int
    ts_event: int
    venue_up: bool
    dispersion_bps: float
    max_dispersion_bps: float


def _latency_ms(trigger: OpenTrigger, now: int, config: EngineConfig) -> float:
    if config.clocks == "one" or trigger.kind is TriggerKind.STATIC:
        return NAN
    return (now - trigger.cause_ts) / NS_PER_MS


def _feed_lag_ms(trigger: OpenTrigger, now: int, config: EngineConfig) -> float:
    return NAN if config.clocks == "one" else (now - trigger.cause_ts_event) / NS_PER_MS


def _blank(trigger: OpenTrigger, config: EngineConfig, when: Moment) -> ArbitrageSignal:
    return ArbitrageSignal(
        signal_id="",
        trigger_id=trigger.trigger_id,
        trigger_kind=trigger.kind,
        ts_event=when.ts_event,
        ts_init=when.now,
        source_market=trigger.source_market,
        target_market="",
        asset=trigger.asset,
        action=Action.HOLD,
        reason=Reason.NO_EDGE,
        latency_ms=_latency_ms(trigger, when.now, config),
        feed_lag_ms=_feed_lag_ms(trigger, when.now, config),
    )


def draft_empty(
    trigger: OpenTrigger, config: EngineConfig, when: Moment, asset: AssetState, *, evaluable: bool
) -> Candidate:
    """Draft the verdict on a trigger with nothing priced: the facts of its nearest chain, if it has one."""
    chains = [asset.chains[key] for key in sorted(asset.chains) if asset.chains[key].expiries]
    assessment = Assessment(
        action=Action.HOLD,
        has_chain=bool(chains),
        venue_up=when.venue_up,
        has_forward=False,
        executable_forward=True,
        quoted=False,
        evaluable=evaluable,
    )
    signal = _blank(trigger, config, when)
    if chains:
        chain = chains[0]
        newest = max(chain.confirmed_rows(e.rows).max() for e in chain.expiries.values())
        assessment.age_ms = (when.now - int(newest)) / NS_PER_MS
        assessment.has_forward = any(
            asset.forward(chain, e, when.now, trigger.bases) > 0 for e in chain.expiries.values()
        )
        assessment.quoted = any(_any_size(chain, e.rows.tolist()) for e in chain.expiries.values())
        assessment.quantity = assessment.lot_coins = 0.0
        signal = msgspec.structs.replace(signal, target_market=chain.venue, book_age_ms=assessment.age_ms)
    return Candidate(assessment=assessment, signal=signal)


def _any_size(chain: Chain, rows: list[int]) -> bool:
    _, bid_amounts, _, ask_amounts = chain.cells[:4]
    return any(bid_amounts[row] >= 0 or ask_amounts[row] >= 0 for row in rows)


def draft_stale_quote(  # noqa: PLR0913  all that an edge rests on
    trigger: OpenTrigger,
    config: EngineConfig,
    when: Moment,
    armed: ArmedChain,
    figures: EdgeFigures,
    at: int,
    *,
    buying: bool,
    index: float,
    taker_rate: float,
    hedge: HedgeQuote | None,
    evaluable: bool,
) -> Candidate:
    """Draft edge A for one option and side.

    Args:
        trigger: What it belongs to.
        config: Limits and costs.
        when: The moment.
        armed: Chain of the option.
        figures: Of the evaluated options.
        at: Which of them.
        buying: Lift the ask if true, hit the bid if false.
        index: NaN where the forward stands in.
        taker_rate: Option fee rate.
        hedge: Where the delta would be hedged.
        evaluable: False in a degraded trigger or without a fee.
    """
    chain, position = armed.chain, int(figures.positions[at])
    row = int(armed.rows[position])
    instrument = chain.instruments[row]
    side = figures.buy if buying else figures.sell
    forward, price, value = float(figures.forward[at]), float(side.price_usd[at]), float(side.value_usd[at])
    gross, net = float(side.gross[at]), float(side.net[at])
    hedge_delta = float(side.hedge_delta[at])
    hedge_side = Side.SELL if (hedge_delta > 0) == buying else Side.BUY
    bid, bid_amount, ask, ask_amount = (cell[row] for cell in chain.cells[:4])
    quote, amount = (ask, ask_amount) if buying else (bid, bid_amount)
    size = _option_size(
        config, amount, instrument.coins(1.0, forward), instrument.lot_size, hedge, hedge_delta, hedge_side
    )
    confirmed = chain.confirmed(row)
    age_ms = (when.now - confirmed) / NS_PER_MS
    net_bps = spread_bps(net, forward)
    action = Action.BUY if buying else Action.SELL
    threshold = max(config.threshold_buy_bps if buying else config.threshold_sell_bps, config.min_spread_bps)
    iv, status = implied_vol(price, forward, instrument.strike, float(figures.tau[at]), instrument.is_call is True)
    out_of_money = (instrument.strike >= forward) == instrument.is_call
    latency = _latency_ms(trigger, when.now, config)
    leg = Leg(
        venue=chain.venue,
        symbol=instrument.symbol,
        side=Side.BUY if buying else Side.SELL,
        ratio=1.0,
        price=quote,
        price_usd=price,
    )
    assessment = Assessment(
        action=action,
        edge_type=EdgeType.STALE_QUOTE,
        legs=(leg,),
        venue_up=when.venue_up,
        in_gap=confirmed == 0,
        age_ms=age_ms,
        latency_ms=0.0 if latency != latency else latency,  # noqa: PLR0124  one clock: off
        has_forward=forward > 0,
        dispersion_bps=when.dispersion_bps,
        max_dispersion_bps=when.max_dispersion_bps,
        seconds_to_expiry=((instrument.expiry_ns or 0) - when.now) / NS_PER_S,
        faults=unit_faults(
            bid=bid,
            ask=ask,
            price=price,
            value=value,
            delta=float(side.delta[at]),
            iv=float(iv),
            iv_expected=out_of_money and int(status) != 0,
            spread_bps=net_bps,
            inverse_call_price=quote if instrument.inverse and instrument.is_call else NAN,
            max_spread_bps=config.unit_max_spread_bps,
            ratio_bounds=(config.unit_min_ratio, config.unit_max_ratio),
            iv_bounds=(config.unit_min_iv, config.unit_max_iv),
        ),
        stub=buying and (price > config.stub_ask_over_value * value or (instrument.inverse and quote >= 1.0)),
        executable_forward=hedge is not None and config.forward == "quotes",
        quoted=amount >= 0,
        quantity=size,
        lot_coins=instrument.coins(instrument.lot_size, forward),
        evaluable=evaluable and value == value,  # noqa: PLR0124  no smile, no value
        gross_bps=spread_bps(gross, forward),
        net_bps=net_bps,
        threshold_bps=threshold,
    )
    half_spread = 0.5 * (ask - bid) * (forward if instrument.inverse else 1.0)
    fee, hedge_cost = float(side.fee[at]), float(side.hedge_cost[at])
    vega_per_point = float(side.vega[at]) / 100.0
    signal = msgspec.structs.replace(
        _blank(trigger, config, when),
        target_market=chain.venue,
        edge_type=EdgeType.STALE_QUOTE,
        legs=(leg,),
        hedge=Hedge(side=hedge_side, coins=abs(hedge_delta) * size, cost_usd=hedge_cost) if hedge else None,
        spread_bps=net_bps,
        gross_spread_bps=assessment.gross_bps,
        quantity=size,
        forward=forward,
        index=index if index > 0 else forward,
        index_is_forward=not index > 0,
        value_usd=value,
        price_usd=price,
        scenario=armed.scenario(config, position, forward, buying=buying),
        fee_usd=fee,
        hedge_cost_usd=hedge_cost,
        entry_cost_usd=fee + hedge_cost,
        exit_cost_usd=half_spread + fee + hedge_cost,
        delta=float(side.delta[at]),
        hedge_delta=hedge_delta,
        vega_per_vol_point=vega_per_point,
        taker_rate=taker_rate,
        threshold_bps=threshold,
        book_age_ms=age_ms,
        leg_span_ms=0.0,
        confidence=confidence(
            net, vega_per_point, hedge_delta, forward, vol_points=config.sd_vol_points, basis_bps=config.sd_basis_bps
        ),
    )
    return Candidate(assessment=assessment, signal=signal)


def _option_size(
    config: EngineConfig,
    amount: float,
    coins_per_unit: float,
    lot: float,
    hedge: HedgeQuote | None,
    hedge_delta: float,
    hedge_side: Side,
) -> float:
    """Return the executable size in coins."""
    sizes = [amount]
    if hedge is not None and abs(hedge_delta) > 0:
        sizes.append(hedge.coins(hedge_side) / abs(hedge_delta) / coins_per_unit)
    native = executable_size(config.order_coins / coins_per_unit, tuple(sizes), config.depth_haircut, lot)
    return native * coins_per_unit


def draft_package(
    trigger: OpenTrigger,
    config: EngineConfig,
    when: Moment,
    chain: Chain,
    package: Package,
    asset: AssetState,
    fees: FeeBook,
) -> Candidate:
    """Draft a static package: option legs, and the dated future where it needs one."""
    forward = 0.5 * (package.forward.bid + package.forward.ask)
    first = chain.instruments[package.legs[0][0]]
    to_usd = forward if first.inverse else 1.0
    legs: list[Leg] = []
    sizes: list[float] = []
    faults: list[str] = []
    oldest, stub, in_gap = when.now, False, False
    for row, side in package.legs:
        instrument = chain.instruments[row]
        bid, bid_amount, ask, ask_amount = (cell[row] for cell in chain.cells[:4])
        price, amount = (ask, ask_amount) if side is Side.BUY else (bid, bid_amount)
        legs.append(
            Leg(
                venue=chain.venue, symbol=instrument.symbol, side=side, ratio=1.0, price=price, price_usd=price * to_usd
            )
        )
        sizes.append(amount)
        oldest = min(oldest, chain.confirmed(row))
        in_gap |= chain.confirmed(row) == 0
        if bid >= ask:
            faults.append(f"crossed quote of {instrument.symbol}")
        if instrument.inverse and instrument.is_call and price > 1.0:
            faults.append("inverse call above one coin")
        stub |= side is Side.BUY and instrument.inverse and price >= 1.0
    if abs(package.net_bps) > config.unit_max_spread_bps:
        faults.append(f"edge of {package.net_bps:.1f} bps")
    coins_per_unit = first.coins(1.0, forward)
    if package.future_side is not None:
        future = asset.book.futures[*chain.key, first.expiry_ns or 0]
        sizes.append(future.coins(to_sell=package.future_side is Side.SELL) / package.future_coins / coins_per_unit)
    native = executable_size(config.order_coins / coins_per_unit, tuple(sizes), config.depth_haircut, first.lot_size)
    schedule = fees.of(first, when.now)
    threshold = max(config.threshold_static_bps, config.min_spread_bps)
    age_ms, span_ms = (when.now - oldest) / NS_PER_MS, package.span_ns / NS_PER_MS
    assessment = Assessment(
        action=package.action,
        edge_type=package.edge_type,
        legs=tuple(legs),
        venue_up=when.venue_up,
        in_gap=in_gap,
        age_ms=age_ms,
        span_ms=span_ms,
        seconds_to_expiry=((first.expiry_ns or 0) - when.now) / NS_PER_S,
        faults=tuple(faults),
        stub=stub,
        quoted=all(size >= 0 for size in sizes),
        quantity=native * coins_per_unit,
        lot_coins=first.coins(first.lot_size, forward),
        gross_bps=package.gross_bps,
        net_bps=package.net_bps,
        threshold_bps=threshold,
    )
    gross_usd = package.gross_bps / BPS * forward
    signal = msgspec.structs.replace(
        _blank(trigger, config, when),
        target_market=chain.venue,
        edge_type=package.edge_type,
        legs=tuple(legs),
        hedge=_future_hedge(package, native * coins_per_unit),
        spread_bps=package.net_bps,
        gross_spread_bps=package.gross_bps,
        quantity=native * coins_per_unit,
        forward=forward,
        index=package.forward.index,
        index_is_forward=not asset.book.index_price > 0,
        value_usd=gross_usd + package.price_usd,
        price_usd=package.price_usd,
        fee_usd=package.fee_usd,
        hedge_cost_usd=0.0,
        entry_cost_usd=package.fee_usd,
        taker_rate=NAN if schedule is None else schedule.taker_rate,
        threshold_bps=threshold,
        book_age_ms=age_ms,
        leg_span_ms=span_ms,
    )
    return Candidate(assessment=assessment, signal=signal)


def _future_hedge(package: Package, quantity: float) -> Hedge | None:
    """Return the dated future of a package; its fee is in `fee_usd`."""
    if package.future_side is None:
        return None
    return Hedge(side=package.future_side, coins=package.future_coins * quantity, cost_usd=0.0)
