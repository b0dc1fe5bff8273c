"""The order in which Python keeps hashed things never shows in what the engine says."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from tests.core.market import encoded, engine_of, run
from tests.core.shock import CONFIG, batched, timeline

CHILD = "from tests.core.test_hash_seeds import digest; print(digest())"


def digest() -> str:
    """Return a digest of all that is said on the whole scenario."""
    return hashlib.sha256(encoded(run(engine_of(CONFIG), batched(timeline())))).hexdigest()


@pytest.mark.subprocess
@pytest.mark.parametrize("seed", ["0", "4242"])
def test_every_hash_seed_says_the_same(seed: str) -> None:
    child = subprocess.run(
        [sys.executable, "-c", CHILD],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert child.stdout.strip() == digest()
