"""The database is really stopped, or hangs, while somebody is inside."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gate.gatetown import GateTown
from tests.town import eventually

pytestmark = pytest.mark.e2e
QUIET = ["-o", "LogLevel=QUIET"]
"""So that everything on the screen came from the gate."""
LINES = b"i=0; while :; do i=$((i+1)); echo line-$i; sleep 0.01; done\n"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateTown]:
    place = GateTown(tmp_path_factory.mktemp("town"), database="postgresql")
    try:
        yield place.open()
    finally:
        place.close()


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_a_session_ends_with_its_lease(town: GateTown, how: str) -> None:
    """The operator is told why, all he saw is recorded, the register learns it later; then all is as before."""
    with town.terminal(options=QUIET) as terminal:
        terminal.expect("接続番号".encode())
        terminal.send(LINES)
        terminal.expect(b"line-5")
        session = town.live_session()
        with town.database_gone(how):
            terminal.wait_end(town.installation.options.lease_seconds + 6)
            assert "猶予".encode() in terminal.screen
            assert town.shown(session).startswith(terminal.screen)
    eventually(lambda: town.last_session()["end_reason"] == "lease-lost", 10)
    row = town.last_session()
    assert row["id"] == session
    assert row["recording_root"] == town.recording_root(session)
    assert town.run("echo again").stdout == b"again\n"


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_nobody_gets_in_meanwhile(town: GateTown, how: str) -> None:
    """All three proofs are right, and still: what cannot be asked is refused."""
    with town.database_gone(how):
        result = town.ssh("echo INSIDE", seconds=6)
        assert b"INSIDE" not in result.stdout
        assert result.returncode != 0
    assert town.run("echo again").stdout == b"again\n"


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_the_command_line_cuts_without_it(town: GateTown, how: str) -> None:
    """`sekisho cut`: ends the session, latches, survives a `kill -9`, and is handed over once the database is back."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        session = town.live_session()
        with town.database_gone(how):
            eventually(lambda: not town.gate.status()["database"], 10)
            cut = [sys.executable, "-m", "sekisho.cli", "cut", "--home", str(town.home), session]
            done = subprocess.run(cut, capture_output=True, text=True, timeout=10, check=False)
            terminal.wait_end(1)
            assert done.returncode == 0, done.stderr
            assert session in done.stdout
            assert town.gate.status()["latches"] == 1
            town.kill_gate()
            town.start_gate_without_register()
            assert town.gate.status()["latches"] == 1
    latch = eventually(town.latches, 20, "the latch is handed over")[0]
    assert latch["operator__login"] == town.operator
    assert latch["cut_by"].startswith("os-user:")
    assert town.probe("Session.objects.get(id=session).end_reason", session=session) == "cut"
    eventually(lambda: town.gate.status()["ready"], 10)
    town.refused_with("latched")
    town.release_latches()
    assert town.run("echo again").stdout == b"again\n"


def test_the_gate_stops_although_the_database_hangs(town: GateTown, tmp_path: Path) -> None:
    """SIGTERM ends the session at once; the process is gone within seconds, not when the database wakes up."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        with gone_until_restart(town):
            assert town.gate_process is not None
            town.gate_process.terminate()
            terminal.wait_end(3)
            town.gate_process.wait(10)
    eventually(lambda: town.last_session()["end_reason"] == "gate-stopped", 10)


@contextlib.contextmanager
def gone_until_restart(town: GateTown) -> Iterator[None]:
    assert town.cluster is not None
    with town.cluster.frozen():
        yield
    town.start_gate()
