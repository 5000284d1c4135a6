"""The command line as people use it: a process of its own, its exit code, what it prints."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sekisho.commands.founding import found
from sekisho.kernel.installation import Installation, Options
from tests.postgres import database_of_its_own

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def sekisho() -> Run:
    """Runs `sekisho ARGUMENTS` without any installation in the environment."""

    def run(*arguments: object, seconds: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("SEKISHO", "DJANGO"))}
        return subprocess.run(
            [sys.executable, "-m", "sekisho.cli", *map(str, arguments)],
            env={**clean, **environment},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    return run


@pytest.fixture
def home(tmp_path: Path) -> Installation:
    """A newly founded installation, its database not yet made."""
    return found(tmp_path / "city", Options(log_origin="test.invalid/log-1"))


@pytest.fixture
def database() -> str:
    """A database of its own for `init --database`, on the engine that this test run is about."""
    return database_of_its_own()
