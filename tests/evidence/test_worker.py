"""The worker as a process: it writes what is committed, ends cleanly, starts after any end, and runs once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sekisho.evidence.log import LogReader, read_verifier
from sekisho.evidence.note import Signer
from tests.evidence.test_sequencer_killed import _database
from tests.town import eventually

ORIGIN = "test.invalid/worker"
SET_UP = "import django; django.setup(); "
WORK = SET_UP + (
    "import signal, threading; from sekisho.worker.main import run; stop = threading.Event(); "
    "signal.signal(signal.SIGTERM, lambda *_: stop.set()); run(stop)"
)
LEAVE = SET_UP + (
    "from django.db import transaction; from datetime import UTC, datetime; "
    "from sekisho.evidence.service import record; from sekisho.evidence.tags import Tag; "
    "transaction.atomic(lambda: [record(Tag.LINE_OPENED, actor='worker', subjects=['line:L1'],"
    " at=datetime.now(UTC)) for _ in range(5)])()"
)
MIGRATE = SET_UP + (
    "from django.core.management import call_command; call_command('migrate', skip_checks=True, verbosity=0)"
)


@pytest.fixture
def home(tmp_path: Path, transactional_db: None) -> Path:
    """An installation folder of its own, its database migrated."""
    for folder in ("keys", "run"):
        (tmp_path / folder).mkdir()
    (tmp_path / "keys" / "web-secret").write_text("only for tests, " * 4)
    (tmp_path / "keys" / "log-signing-key").write_text(str(Signer.generate(ORIGIN)))
    (tmp_path / "sekisho.toml").write_text(f'log_origin = "{ORIGIN}"\ndatabase = "{_database()}"\n')
    _python(tmp_path, MIGRATE)
    return tmp_path


def _environment(home: Path) -> dict[str, str]:
    return os.environ | {"SEKISHO_HOME": str(home)}


def _python(home: Path, code: str) -> None:
    subprocess.run([sys.executable, "-c", code], env=_environment(home), check=True, timeout=60)


@contextmanager
def working(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker that has begun to listen; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORK], env=_environment(home), stderr=subprocess.PIPE, text=True
    )
    try:
        eventually(
            lambda: (home / "run" / "worker.sock").exists() or process.poll() is not None,
            seconds=30,
            what="the worker listens",
        )
        yield process
    finally:
        process.kill()
        process.communicate()


def _logged(home: Path) -> int:
    if not (home / "evidence" / "checkpoint").exists():
        return 0
    return LogReader(home / "evidence", read_verifier(home / "evidence")).checkpoint.size


def test_it_writes_ends_and_starts_again(home: Path):
    """Records reach the log while it runs; SIGTERM ends it with 0 and no socket left; records wait for the next."""
    with working(home) as worker:
        _python(home, LEAVE)
        eventually(lambda: _logged(home) == 5, what="five records are logged")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    assert not (home / "run" / "worker.sock").exists()
    _python(home, LEAVE)
    assert _logged(home) == 5
    with working(home):
        eventually(lambda: _logged(home) == 10, what="the waiting records are logged")


def test_a_second_worker_is_refused(home: Path):
    """It ends with a sentence that says what to do, and the first one goes on undisturbed."""
    with working(home) as first:
        second = subprocess.run(
            [sys.executable, "-c", WORK],
            env=_environment(home),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode != 0
        assert "Run only one worker" in second.stderr
        assert first.poll() is None
        _python(home, LEAVE)
        eventually(lambda: _logged(home) == 5, what="the first worker still works")


def test_after_a_kill_it_starts_clean(home: Path):
    """Killed, it leaves a dead socket and a lock behind; neither is in the way of the next start."""
    with working(home) as worker:
        worker.kill()
        worker.wait(10)
    assert (home / "run" / "worker.sock").exists()
    _python(home, LEAVE)
    with working(home):
        eventually(lambda: _logged(home) == 5, what="the next worker works")
