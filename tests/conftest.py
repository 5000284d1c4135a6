"""Gives every test run an installation of its own, made before Django reads its settings."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import django
import pytest
from hypothesis import settings

# No promise of ours is about how fast a machine runs one example.
settings.register_profile("sekisho", deadline=None)
settings.load_profile("sekisho")

_home = Path(tempfile.mkdtemp(prefix="sekisho-test-"))
atexit.register(shutil.rmtree, _home, ignore_errors=True)
for folder in ("keys", "evidence", "recordings", "gate", "run"):
    (_home / folder).mkdir(mode=0o700)
(_home / "keys" / "web-secret").write_text("only for tests, " * 4)
(_home / "sekisho.toml").write_text(
    'host_name = "localhost"\n'
    'log_origin = "test.invalid/log-1"\n'
    f'database = "{os.environ.get("SEKISHO_TEST_DATABASE", "sqlite")}"\n'
)
os.environ["SEKISHO_HOME"] = str(_home)
os.environ["DJANGO_SETTINGS_MODULE"] = "sekisho.settings"
django.setup()

TRIGGERS = {
    "sqlite": "SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'evidence%'",
    "postgresql": "SELECT 'DROP TRIGGER ' || tgname || ' ON ' || tgrelid::regclass FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgname LIKE 'evidence%'",
}


@pytest.fixture(scope="session", autouse=True)
def _evidence_steps_aside_between_tests() -> Iterator[None]:
    """After a transactional test the tables are emptied, which evidence refuses: only here its triggers go."""
    from django.db import connection
    from django.db.backends.base.operations import BaseDatabaseOperations

    flush = BaseDatabaseOperations.execute_sql_flush
    append_only = import_module("sekisho.evidence.migrations.0002_append_only")

    def without_triggers(operations: BaseDatabaseOperations, sql_list: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(TRIGGERS[connection.vendor])
            for (drop,) in cursor.fetchall():
                cursor.execute(drop)
            flush(operations, sql_list)
            for statement in append_only.statements(connection.vendor):
                cursor.execute(statement)

    BaseDatabaseOperations.execute_sql_flush = without_triggers
    yield
    BaseDatabaseOperations.execute_sql_flush = flush
