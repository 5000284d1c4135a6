"""Pytest plugin: keeps only what touches a database. Used for the second run, on PostgreSQL.

What never asks the database answers the same on both; the first run, on SQLite, leaves nothing out.
"""

import pytest

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_serialized_rollback", "live_server"}


def touches_database(item: pytest.Item) -> bool:
    """Whether a test asks for the database itself, or drives an installation's own processes (`e2e`)."""
    marked = any(item.get_closest_marker(name) for name in ("django_db", "e2e"))
    return marked or bool(DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept = [item for item in items if touches_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if not touches_database(item)])
    items[:] = kept
