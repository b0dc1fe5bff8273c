"""Look-up of instruments, fees and liquidation semantics by venue, symbol and date."""

from __future__ import annotations

from aftershock.model.instruments import AmountUnit, FeeSchedule, Instrument, Kind
from aftershock.model.liquidations import Completeness, Coverage, PriceKind
from aftershock.model.symbols import ParsedSymbol, parse_symbol
from aftershock.model.units import NAN
from aftershock.model.venues_table import AMOUNT_UNITS, CONTRACT_SIZES, COVERAGE, FEES, OPTION_TERMS

__all__ = ["InstrumentTable"]

_UNKNOWN_COVERAGE = {"price_kind": PriceKind.UNKNOWN, "completeness": Completeness.UNKNOWN}


class InstrumentTable:
    """Instruments given by the user first, the bundled dated table second, the symbol's grammar last.

    A symbol resolves to an instrument or to None; nothing is guessed. A contract whose size nobody gives resolves with
    `contract_size` NaN, so that its notional is NaN and its user can count it.
    """

    def __init__(self, given: tuple[Instrument, ...] = (), fees: tuple[FeeSchedule, ...] = ()) -> None:
        """Take instruments and fees that go before the bundled ones.

        Args:
            given: Instruments, e.g. from `--instruments`.
            fees: Fee schedules, e.g. of the account; any that holds goes before the bundled ones.
        """
        self._given = {(i.venue, i.symbol): i for i in given}
        self._cache: dict[tuple[str, str], Instrument | None] = {}
        self._given_fees = fees

    def add(self, given: tuple[Instrument, ...], fees: tuple[FeeSchedule, ...] = ()) -> None:
        """Take more of both; they go before what was given. Whoever looked something up before keeps what it got."""
        self._given |= {(i.venue, i.symbol): i for i in given}
        self._given_fees = (*fees, *self._given_fees)

    def resolve(self, venue: str, symbol: str) -> Instrument | None:
        """Return the instrument, or None if its terms are not known."""
        key = (venue, symbol)
        if key in self._given:
            return self._given[key]
        if key not in self._cache:
            self._cache[key] = _from_grammar(venue, symbol)
        return self._cache[key]

    def fee(self, instrument: Instrument, ts_ns: int) -> FeeSchedule | None:
        """Return the fee schedule that held at a time, or None: an unknown fee is never zero."""
        return _newest(self._given_fees, instrument, ts_ns) or _newest(FEES, instrument, ts_ns)

    def coverage(self, venue: str, ts_ns: int) -> Coverage:
        """Return what the venue's liquidation feed meant at a time."""
        best = Coverage(venue=venue, valid_from_ns=0, note="not in the table", **_UNKNOWN_COVERAGE)  # type: ignore[arg-type]
        for row in COVERAGE:
            if row.venue == venue and best.valid_from_ns <= row.valid_from_ns <= ts_ns:
                best = row
        return best

    def rows(self) -> list[object]:
        """Return everything that was given or resolved so far, in a fixed order, for the journal's digest."""
        resolved = [i for _, i in sorted(self._cache.items()) if i is not None]
        return [*(self._given[k] for k in sorted(self._given)), *resolved, *self._given_fees, *FEES, *COVERAGE]


def _newest(rows: tuple[FeeSchedule, ...], instrument: Instrument, ts_ns: int) -> FeeSchedule | None:
    best: FeeSchedule | None = None
    for row in rows:
        fits = row.venue == instrument.venue and row.kind is instrument.kind and row.inverse == instrument.inverse
        if fits and row.valid_from_ns <= ts_ns and (best is None or row.valid_from_ns > best.valid_from_ns):
            best = row
    return best


def _from_grammar(venue: str, symbol: str) -> Instrument | None:
    parsed = parse_symbol(venue, symbol)
    if parsed is None:
        return None
    unit = AMOUNT_UNITS.get((venue, parsed.kind, parsed.inverse))
    if unit is None:
        unit, size = AmountUnit.CONTRACTS, NAN  # nobody says what the venue counts
    else:
        size = CONTRACT_SIZES.get((venue, parsed.family), NAN)
    tick, lot = _terms(venue, parsed)
    return Instrument(
        venue=venue,
        symbol=symbol,
        kind=Kind(parsed.kind),
        underlying=parsed.base,
        quote=parsed.quote,
        inverse=parsed.inverse,
        amount_unit=unit,
        contract_size=size,
        tick_size=tick,
        lot_size=lot,
        strike=NAN if parsed.strike is None else float(parsed.strike),
        is_call=parsed.is_call,
        expiry_ns=parsed.expiry_ns,
    )


def _terms(venue: str, parsed: ParsedSymbol) -> tuple[float, float]:
    if parsed.kind != "option":
        return NAN, NAN
    return OPTION_TERMS.get((venue, parsed.family), (NAN, NAN))
