"""Put the sample together: data as Tardis CSV files, beside them what was planted, for people only."""

from __future__ import annotations

import json
from pathlib import Path

from numpy.random import PCG64, Generator, SeedSequence

from aftershock.model.units import NS_PER_S, iso_utc
from aftershock.sim.sample.chain import Contracts, contracts
from aftershock.sim.sample.chain_feed import options_chain
from aftershock.sim.sample.liquidations import FEEDS, liquidations
from aftershock.sim.sample.makers import Stall, choose_stalls, quote_chain
from aftershock.sim.sample.path import make_market
from aftershock.sim.sample.perps import FUTURES, PERPS, quotes, ticker
from aftershock.sim.sample.story import DURATION_S, START_NS, Plan, plan

__all__ = ["README_FILE", "TRUTH_FILE", "write_sample"]

TRUTH_FILE = "TRUTH.json"
README_FILE = "README.md"

_README = """# SYNTHETIC data

Nothing in this folder happened. `aftershock.sim.sample` made it up from seed {seed}: a diffusion, two forced
moves, and option makers of which a few stand still. The files have the shape of Tardis' CSV data sets and the
names of real venues, so that the same readers take them. They say nothing about any market.

`{truth}` lists what was planted. No program of the project reads it to decide anything.
"""


def write_sample(folder: Path, seed: int = 7) -> list[Path]:
    """Write a small synthetic market, equal bytes for equal seeds.

    Args:
        folder: Where to; created if need be. Files of the same names are overwritten.
        seed: Of PCG64; one stream of it for each file, so that parts don't disturb each other.

    Returns:
        The data files, sorted by name: what a replay takes. `TRUTH.json` and `README.md` lie beside them.
    """
    story_seed, market_seed, makers_seed, chain_seed, *feed_seeds = SeedSequence(seed).spawn(
        4 + len(PERPS) + len(FUTURES) + 1 + len(FEEDS)
    )
    story = plan(_generator(story_seed))
    market = make_market(_generator(market_seed), story.shocks)
    listed = contracts()
    rng = _generator(makers_seed)
    stalls = choose_stalls(rng, market, listed, story.stalls)
    rows = quote_chain(rng, market, listed, stalls)
    seeds = iter(feed_seeds)
    tables = [options_chain(_generator(chain_seed), market, listed, rows)]
    tables += [quotes(_generator(next(seeds)), market, book, story.decoys) for book in (*PERPS, *FUTURES)]
    tables.append(ticker(_generator(next(seeds)), market, PERPS[-1]))
    tables += [liquidations(_generator(next(seeds)), market, feed, story.shocks) for feed in FEEDS]
    folder.mkdir(parents=True, exist_ok=True)
    paths = sorted(table.write(folder) for table in tables)
    (folder / TRUTH_FILE).write_text(_truth(seed, story, listed, stalls), encoding="utf-8")
    (folder / README_FILE).write_text(_README.format(seed=seed, truth=TRUTH_FILE), encoding="utf-8")
    return paths


def _generator(seed: SeedSequence) -> Generator:
    return Generator(PCG64(seed))


def _truth(seed: int, story: Plan, listed: Contracts, stalls: tuple[Stall, ...]) -> str:
    document = {
        "SYNTHETIC": "made up; nothing here happened on any market",
        "seed": seed,
        "from": _moment(0.0),
        "to": _moment(DURATION_S),
        "shocks": [
            {
                "what": shock.name,
                "from": _moment(shock.start_s),
                "to": _moment(shock.end_s),
                "move_bps": round(shock.move_bps, 2),
                "liquidated": shock.liquidated or None,
                "vol_points": shock.vol_points,
            }
            for shock in story.shocks
        ],
        "stalls": [
            {
                "what": stall.plan.kind,
                "venue": "deribit",
                "symbol": listed.listed[stall.option].symbol,
                "from": _moment(stall.plan.start_s),
                "to": _moment(stall.plan.end_s),
            }
            for stall in stalls
        ],
        "decoys": [
            {
                "what": "one perpetual leaves the others and comes back",
                "venue": decoy.venue,
                "from": _moment(decoy.start_s),
                "to": _moment(decoy.end_s),
                "move_bps": decoy.move_bps,
            }
            for decoy in story.decoys
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _moment(seconds: float) -> str:
    """Return a moment of the venues' clock, to the microsecond."""
    micros = round(seconds * 1_000_000)
    return iso_utc(START_NS + micros * (NS_PER_S // 1_000_000))
