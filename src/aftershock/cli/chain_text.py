"""An option chain as text: calls on the left, strikes in the middle, puts on the right."""

from __future__ import annotations

from typing import Any

from aftershock.app.chain_view import ChainView, OptionView
from aftershock.cli.table import number, table
from aftershock.model.units import iso_utc

__all__ = ["chain_text"]

_SIDE = ["bid", "ask", "bid iv", "ask iv", "delta", "age s"]


def chain_text(view: ChainView) -> str:
    """Return the table, with the aligned strikes marked."""
    unit = "coin per coin" if view.inverse else "quote currency per coin"
    days = view.tau_years * 365
    lines = [
        f"{view.asset} {view.expiry} on {view.venue} at {iso_utc(view.ts_ns)[:23]}Z, {days:.2f} days to expiry",
        f"underlying {number(view.underlying_price)} (the venue's); quotes in {unit}",
        "volatilities in percent, at each row's own underlying price; ages in seconds",
        *_alignment(view),
        "",
        table([*reversed(_SIDE), "", "strike", "", *_SIDE], [_row(view, i) for i in range(len(view.strikes))], left=0),
        "",
        f"expiries: {' '.join(view.expiries)}",
    ]
    return "\n".join(lines)


def _alignment(view: ChainView) -> list[str]:
    lines = [f"aligned to {number(view.price)} ({view.price_source})"]
    for kind, info in view.alignment.items():
        lines.append(f"  {kind:4}  {_aligned(info)}")
    return lines


def _aligned(info: dict[str, Any]) -> str:
    if "error" in info:
        return str(info["error"])
    strikes = "  ".join(f"{name} {number(info[f'{name}_strike'], 0)}" for name in ("itm", "atm", "otm"))
    return f"{strikes}  ({info['reason']})" if info["reason"] else strikes


def _row(view: ChainView, at: int) -> list[str]:
    line = view.strikes[at]
    near = {
        name: kind
        for kind, info in view.alignment.items()
        for name in ("itm", "atm", "otm")
        if info.get(f"{name}_strike") == line.strike
    }
    atm = any(info.get("atm_strike") == line.strike for info in view.alignment.values())
    mark = "*" if atm else "." if near else ""
    return [*reversed(_side(line.call, view)), "", f"{line.strike:,.10g}", mark, *_side(line.put, view)]


def _side(option: OptionView | None, view: ChainView) -> list[str]:
    if option is None:
        return [""] * len(_SIDE)
    decimals = 4 if view.inverse else 1
    return [
        number(option.bid, decimals),
        number(option.ask, decimals),
        number(100 * option.bid_iv, 1),
        number(100 * option.ask_iv, 1),
        number(option.delta, 3),
        number(option.age_ms / 1e3, 1),
    ]
