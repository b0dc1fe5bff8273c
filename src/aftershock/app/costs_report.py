"""The whole of `aftershock costs`: prompts and prices, the article's claims, recordings; as one document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aftershock.app.cost_claims import CLAIMS, USD_PER_1000, Claim, common_tokens, reasons
from aftershock.app.costs import Comparison, Offer, compare
from aftershock.app.plain import plain
from aftershock.app.recorded_costs import Recorded, read_costs
from aftershock.model.units import iso_utc
from aftershock.review.prices import PriceTable

__all__ = ["CostReport", "costs"]

SCHEMA_VERSION = 1


class CostReport(NamedTuple):
    """What was found; `recorded` is None where no recording was given."""

    compared: Comparison
    recorded: Recorded | None

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        found = self.compared
        document: dict[str, Any] = plain(
            {
                "schema_version": SCHEMA_VERSION,
                "at": iso_utc(found.at_ns),
                "prices": found.version,
                "prompts": [
                    {**_fields(each), "quarter_of_characters": each.quarter_of_characters} for each in found.prompts
                ],
                "offers": [_offer(each) for each in found.offers],
                "article": {
                    "claims": [_claim(each) for each in CLAIMS],
                    "usd_per_1000": float(USD_PER_1000),
                    "tokens_that_fit_all": common_tokens(),
                    "reasons": reasons(found),
                },
                "recordings": None if self.recorded is None else self.recorded.document(),
            }
        )
        return document


def costs(at_ns: int, prices: Path | None, recordings: Sequence[Path], decisions: int | None) -> CostReport:
    """Compare costs.

    Args:
        at_ns: Moment of the prices, ns UTC.
        prices: File of a table; None for the bundled one.
        recordings: Of the gateway.
        decisions: Those that the recordings belong to; None if nobody says.

    Raises:
        ConfigError: The table is wrong.
        InputError: A recording can't be read.
    """
    table = PriceTable.bundled() if prices is None else PriceTable.from_file(prices)
    recorded = read_costs(recordings, table, decisions) if recordings else None
    mean = None if recorded is None else recorded.prompt()
    return CostReport(compare(table, at_ns, [] if mean is None else [mean]), recorded)


def _fields(value: object) -> dict[str, Any]:
    fields: dict[str, Any] = plain(value)
    return fields


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "provider": claim.provider,
        "model": claim.model,
        "input_usd": float(claim.input_usd),
        "usd_per_signal": float(claim.usd_per_signal),
        "tokens": claim.tokens,
    }


def _offer(offer: Offer) -> dict[str, Any]:
    fields = _fields(offer)
    return {**fields, "at_ns": str(offer.at_ns)}
