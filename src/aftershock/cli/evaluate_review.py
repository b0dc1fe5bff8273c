"""Whom `evaluate --reviewer` means, and what it needs for that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from aftershock.app.evaluation.live_reviewer import Live
from aftershock.app.evaluation.plan import RECORDED, STAND_IN, Review
from aftershock.app.evaluation.recorded import file_digest
from aftershock.app.live.reviewer import chosen_providers
from aftershock.app.settings import choose
from aftershock.errors import UsageError
from aftershock.review.config import GatewayConfig
from aftershock.venues.connection.library import need_aiohttp

__all__ = ["asked", "chosen_review", "gateway_settings"]


def gateway_settings(
    reviewer: str | None, config_file: Path | None, environment: Mapping[str, str], recording: Path | None
) -> GatewayConfig:
    """Return the `[gateway]` table of a file, with the recording that a flag names; nothing is read for nobody.

    Raises:
        ConfigError: The file can't be read, or a value is wrong.
    """
    if reviewer is None:
        return GatewayConfig()
    flags = {"gateway.recording": None if recording is None else str(recording)}
    return choose(flags, environment, config_file).settle_gateway().config


def chosen_review(
    reviewer: str | None, recording: Path | None, latency_ms: float | None, gateway: GatewayConfig
) -> Review | None:
    """Return who gives the second opinion; None for nobody.

    Raises:
        UsageError: Something is missing, or has nothing to say.
        InputError: The recording can't be read.
    """
    if reviewer is None:
        if recording is not None or latency_ms is not None:
            raise UsageError("--recording and --review-latency-ms need a --reviewer")
        return None
    if latency_ms is not None and reviewer != STAND_IN:
        raise UsageError("--review-latency-ms is the stand-in's: others take the time that they take")
    if reviewer == STAND_IN:
        if recording is not None:
            raise UsageError("the stand-in records nothing: leave --recording out, or name another --reviewer")
        return Review(reviewer=reviewer, latency_ms=300.0 if latency_ms is None else latency_ms)
    if not gateway.recording:
        raise UsageError(
            f"--reviewer {reviewer} needs --recording FILE: "
            + ("the answers come from it" if reviewer == RECORDED else "what was paid for once is never asked again")
        )
    if reviewer == RECORDED:
        digest = file_digest(Path(gateway.recording))
        return Review(reviewer=reviewer, recording=gateway.recording, recording_sha256=digest)
    return Review(reviewer=reviewer, recording=gateway.recording, model=gateway.model)


@contextmanager
def asked(review: Review | None, gateway: GatewayConfig, environment: Mapping[str, str]) -> Iterator[Live | None]:
    """Start the gateway if a provider is to be asked, and end it.

    Raises:
        ConfigError: Nobody has that name.
        UsageError: It has no key, or a library is missing.
        InputError: The gateway can't start.
    """
    if review is None or not review.is_live:
        yield None
        return
    config = msgspec.structs.replace(gateway, providers=(review.reviewer,))
    providers = chosen_providers(config, environment)
    if not providers.asked:
        reasons = "; ".join(f"{name}: {why}" for name, why in providers.left_out.items())
        raise UsageError(f"--reviewer {review.reviewer} can't be asked ({reasons}): set it, or use stand-in")
    need_aiohttp()
    with Live(config, providers.asked) as live:
        yield live
