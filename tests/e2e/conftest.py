"""One console per module, and one browser for it."""

from collections.abc import Iterator

import pytest

from tests.e2e.consoletown import ConsoleTown


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleTown]:
    """A running console with nobody registered, ended afterwards."""
    town = ConsoleTown(tmp_path_factory.mktemp("console"))
    try:
        yield town.open()
    finally:
        town.close()
