"""A small town in the register, and what to hold its verbs to."""

from typing import Any

import pytest

from tests.access.smalltown import SmallTown


@pytest.fixture
def town(db: None, settings: Any) -> SmallTown:
    """Registers with one contract, one approved permit, one open line. Passwords are hashed in no time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return SmallTown()
