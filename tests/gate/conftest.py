"""One town per module: founding one takes seconds, its sessions milliseconds."""

from collections.abc import Iterator

import pytest

from tests.gate.gatetown import GateTown


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateTown]:
    """A running town, ended afterwards."""
    place = GateTown(tmp_path_factory.mktemp("town"))
    try:
        yield place.open()
    finally:
        place.close()
