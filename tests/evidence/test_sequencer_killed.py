"""`kill -9` of verbs and sequencer, with a real database, at random moments."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from sekisho.evidence.note import Signer

ROUNDS = 60
ORIGIN = "test.invalid/killed"


def _database() -> str:
    """The run's own database where it is PostgreSQL; a file in the installation where it is SQLite."""
    if connection.vendor == "sqlite":
        return "sqlite"
    known = connection.settings_dict
    host = quote(known["HOST"], safe="")  # the folder of a socket
    return f"postgresql://{known['USER']}:{known['PASSWORD']}@{host}:{known['PORT']}/{known['NAME']}"


@pytest.mark.django_db(transaction=True)
def test_every_committed_record_is_in_the_log_exactly_once(tmp_path: Path):
    """Sixty rounds of killing both: nothing committed is lost or doubled, log verifies, index is the log."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "web-secret").write_text("only for tests, " * 4)
    (tmp_path / "keys" / "log-signing-key").write_text(str(Signer.generate(ORIGIN)))
    (tmp_path / "sekisho.toml").write_text(f'log_origin = "{ORIGIN}"\ndatabase = "{_database()}"\n')
    found = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed.py")), str(ROUNDS)],
        env=os.environ | {"SEKISHO_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    result = json.loads(found.stdout)
    assert result["committed"] > ROUNDS, result
    assert result["died_between"] > 0, "no kill fell between log and database: the test means nothing"
    assert (result["lost"], result["doubled"], result["outbox"], result["index_is_log"]) == (0, 0, 0, True)
    assert result["unsaid"] <= 3 * ROUNDS, "more than the last transaction of each round was not spoken of"
