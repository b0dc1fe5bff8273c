from __future__ import annotations

import pytest

from aftershock.sim.sample import write_sample
from tests.sim.tardis_rows import Sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    return Sample(folder, write_sample(folder))
