"""What tokens cost, by provider, model and moment: a table with dates and sources, never a figure in code.

Money is counted in whole 1e-12 USD: prices have at most six digits per million tokens, so no sum is ever rounded.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from aftershock.errors import ConfigError
from aftershock.model.units import NS_PER_S
from aftershock.review.usage import Usage

__all__ = ["PICO", "Price", "PriceTable", "Rates"]

PICO = 10**12
_MOST_USD = Decimal(100_000)
_Hour = Annotated[int, Meta(ge=0, le=24)]


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Whole 1e-12 USD per token: of a prompt, of what the provider had read before, of an answer."""

    input: int
    cached: int
    output: int

    def cost(self, usage: Usage) -> int:
        """Return what was counted costs, 1e-12 USD; thoughts are part of the answer."""
        cached = min(usage.cached_tokens, usage.input_tokens)
        return (usage.input_tokens - cached) * self.input + cached * self.cached + usage.output_tokens * self.output


class _Peak(msgspec.Struct, frozen=True, kw_only=True):
    rates: Rates
    utc_offset_hours: int
    weekdays: tuple[int, ...]
    hours: tuple[tuple[int, int], ...]

    def holds(self, at_ns: int) -> bool:
        """Tell whether a moment is in it; weekdays and hours are the provider's."""
        local = datetime.fromtimestamp(at_ns // NS_PER_S, UTC) + timedelta(hours=self.utc_offset_hours)
        return local.isoweekday() in self.weekdays and any(a <= local.hour < b for a, b in self.hours)


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """The price that holds at a moment.

    Attributes:
        name: Names table, version, row and whether it is the peak's.
        rates: Per token.
        source: Where it is from, and when it was read.
        is_peak: True in the provider's dear hours.
    """

    name: str
    rates: Rates
    source: str
    is_peak: bool = False

    def cost_usd(self, usage: Usage) -> float:
        """Return what was counted costs."""
        return self.rates.cost(usage) / PICO

    def worst_case_usd(self, input_tokens: int, output_tokens: int) -> float:
        """Return the most that a request may cost: the dearer price for its input, the answer as long as allowed."""
        dearest = max(self.rates.input, self.rates.cached)
        return (input_tokens * dearest + output_tokens * self.rates.output) / PICO


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    table: str
    provider: str
    model: str
    valid_from: date
    valid_to: date | None
    rates: Rates
    peak: _Peak | None
    source: str

    def holds(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class _WrittenRates(msgspec.Struct, frozen=True, kw_only=True):
    input: str
    cached: str
    output: str


class _WrittenPeak(_WrittenRates, frozen=True, kw_only=True, forbid_unknown_fields=True):
    utc_offset_hours: Annotated[int, Meta(ge=-12, le=14)]
    weekdays: Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(min_length=1)]
    hours: Annotated[tuple[tuple[_Hour, _Hour], ...], Meta(min_length=1)]


class _WrittenRow(_WrittenRates, frozen=True, kw_only=True, forbid_unknown_fields=True):
    table: Literal["published", "article"] = "published"
    provider: Annotated[str, Meta(min_length=1, max_length=40)]
    model: Annotated[str, Meta(min_length=1, max_length=120)]
    valid_from: date
    valid_to: date | None = None
    source: Annotated[str, Meta(min_length=1, max_length=300)]
    peak: _WrittenPeak | None = None


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Annotated[str, Meta(min_length=1, max_length=40)]
    price: tuple[_WrittenRow, ...]


class PriceTable:
    """Prices with the times at which they hold.

    Attributes:
        version: Of the file.
    """

    def __init__(self, version: str, rows: tuple[_Row, ...]) -> None:
        """Take rows that were checked."""
        self.version, self._rows = version, rows

    @classmethod
    def bundled(cls) -> PriceTable:
        """Return the table that comes with the program."""
        return _read(files("aftershock.review").joinpath("prices.toml").read_text(encoding="utf-8"), "prices.toml")

    @classmethod
    def from_file(cls, path: Path) -> PriceTable:
        """Read a table.

        Raises:
            ConfigError: It can't be read, or a row is wrong; says which and why.
        """
        try:
            return _read(path.read_text(encoding="utf-8"), str(path))
        except OSError as error:
            raise ConfigError(f"can't read the prices {path} ({error.strerror}): name a TOML file") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"the prices {path} are no text in UTF-8") from error

    def price(self, provider: str, model: str, at_ns: int, table: str = "published") -> Price | None:
        """Return the price of a model at a moment; None if the table has none.

        Args:
            provider: As configured.
            model: As asked for.
            at_ns: Moment, ns UTC.
            table: `published` or `article`.
        """
        row = self._row(provider, model, at_ns, table)
        return None if row is None else self._price(row, peak=row.peak is not None and row.peak.holds(at_ns))

    def prices(self, provider: str, model: str, at_ns: int, table: str = "published") -> list[Price]:
        """Return all prices of a day, the ordinary one first; none if the table has none."""
        row = self._row(provider, model, at_ns, table)
        if row is None:
            return []
        return [self._price(row, peak=peak) for peak in ((False, True) if row.peak is not None else (False,))]

    def last_ns(self, provider: str, model: str, at_ns: int, table: str = "published") -> int | None:
        """Return the last moment not after another at which a model had a price; None if it never had one."""
        if self._row(provider, model, at_ns, table) is not None:
            return at_ns
        wanted = (table, provider, model)
        ends = [r.valid_to for r in self._rows if (r.table, r.provider, r.model) == wanted and r.valid_to is not None]
        return max((end for day in ends if (end := _begin_ns(day) - 1) < at_ns), default=None)

    def _row(self, provider: str, model: str, at_ns: int, table: str) -> _Row | None:
        day = _day(at_ns)
        wanted = (table, provider, model)
        return next((r for r in self._rows if (r.table, r.provider, r.model) == wanted and r.holds(day)), None)

    def _price(self, row: _Row, *, peak: bool) -> Price:
        name = f"{row.table} {self.version} {row.provider} {row.model} {row.valid_from}{' peak' if peak else ''}"
        rates = row.peak.rates if peak and row.peak is not None else row.rates
        return Price(name=name, rates=rates, source=row.source, is_peak=peak)


def _day(at_ns: int) -> date:
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).date()


def _begin_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * NS_PER_S


def _read(text: str, where: str) -> PriceTable:
    try:
        written = msgspec.convert(tomllib.loads(text), _Written)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {str(error).replace('`', '')}") from None
    rows = tuple(_row(each, f"{where}, price {number}") for number, each in enumerate(written.price, start=1))
    for number, row in enumerate(rows):
        for earlier in rows[:number]:
            _check_apart(earlier, row, where)
    return PriceTable(written.version, rows)


def _row(row: _WrittenRow, where: str) -> _Row:
    if row.valid_to is not None and row.valid_to <= row.valid_from:
        raise ConfigError(f"{where}: valid_to must be after valid_from")
    peak = None
    if row.peak is not None:
        if any(begin >= end for begin, end in row.peak.hours):
            raise ConfigError(f"{where}: each pair of hours must begin before it ends")
        fields: dict[str, Any] = msgspec.structs.asdict(row.peak)
        peak = _Peak(rates=_rates(row.peak, where), **{k: fields[k] for k in ("utc_offset_hours", "weekdays", "hours")})
    return _Row(
        table=row.table,
        provider=row.provider,
        model=row.model,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        rates=_rates(row, where),
        peak=peak,
        source=row.source,
    )


def _rates(written: _WrittenRates, where: str) -> Rates:
    return Rates(
        input=_pico_per_token(written.input, where),
        cached=_pico_per_token(written.cached, where),
        output=_pico_per_token(written.output, where),
    )


def _pico_per_token(text: str, where: str) -> int:
    """Return USD per million tokens as 1e-12 USD per token, exactly."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not (value.is_finite() and 0 <= value <= _MOST_USD and value * 1_000_000 == int(value * 1_000_000)):
        raise ConfigError(
            f"{where}: {text!r} is no price: write USD per million tokens as a text, up to six digits after the point"
        )
    return int(value * 1_000_000)


def _check_apart(one: _Row, other: _Row, where: str) -> None:
    if (one.table, one.provider, one.model) != (other.table, other.provider, other.model):
        return
    begins = max(one.valid_from, other.valid_from)
    if one.holds(begins) and other.holds(begins):
        raise ConfigError(
            f"{where}: two prices of {other.provider} {other.model} hold on {begins}: end one with valid_to"
        )
