"""Faults: a full disk, a database that is gone, a process killed. Nothing unrecorded is forwarded, nothing lost."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.access.control import GateClient, GateUnreachable
from tests.gate.gatetown import GateTown
from tests.town import eventually

pytestmark = pytest.mark.e2e


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 2 MiB; needs root, which is said and not skipped."""
    place = tmp_path / "small"
    place.mkdir()
    assert os.getuid() == 0, (
        "this test mounts a small tmpfs and needs root: run make test as root or with sudo"
    )
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_disk_full_ends_the_session_and_forwards_nothing_unrecorded(town: GateTown, small_disk: Path) -> None:
    """The recordings' disk fills up: the session ends, what the client got is in the record, the reason is kept."""
    recordings = town.installation.recordings
    subprocess.run(["mount", "--bind", str(small_disk), str(recordings)], check=True)
    try:
        result = town.run("head -c 8000000 /dev/zero | tr '\\0' x; sleep 60", seconds=20)
        session = eventually(town.last_session, 5)
        assert session["end_reason"] == "recorder-failed"
        recorded = town.recording(session["id"])["OUTPUT"]
        assert recorded.startswith(result.stdout)
        assert len(recorded) < 2 * 1024 * 1024
        assert "記録を書けなく".encode() in result.stderr or len(result.stdout) < len(recorded) + 1
        assert session["recording_root"] == town.recording_root(session["id"])
    finally:
        subprocess.run(["umount", str(recordings)], check=True)
    assert town.run("echo again").stdout == b"again\n"


def test_cut_with_the_database_gone(town: GateTown) -> None:
    """The register is unreadable: the cut works as fast, is latched, and is handed over when it is back."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        session = town.live_session()
        with town.database_gone():
            eventually(lambda: not town.gate.status()["database"], 10)
            done = town.gate.cut_session(session, by="person:systems")
            terminal.wait_end(1)
            assert done.milliseconds < 500
            town.refused_anyhow()
            assert town.gate.status()["latches"] == 1
    latch = eventually(town.latches, 10, "the latch is handed over")[0]
    assert latch["operator__login"] == town.operator
    assert latch["id"] == done.latch
    town.refused_with("latched")
    town.release_latches()


def test_without_the_database_a_session_ends_with_its_lease(town: GateTown) -> None:
    """Nobody renews the lease: the session ends by itself, says why, and nobody gets in meanwhile."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        with town.database_gone():
            terminal.wait_end(town.installation.options.lease_seconds + 6)
            assert "猶予".encode() in terminal.screen
            town.refused_anyhow()
    eventually(lambda: town.last_session()["end_reason"] == "lease-lost", 10)
    eventually(lambda: town.gate.status()["database"], 10)


def test_a_killed_gate_ends_everything_and_recovers_by_itself(town: GateTown) -> None:
    """`kill -9`: what the operator saw is in the record, and the next start closes what was left open."""
    chooser = random.Random(23)
    for _ in range(5):
        with town.terminal() as terminal:
            terminal.expect("接続番号".encode())
            terminal.send(b"i=0; while :; do i=$((i+1)); echo line-$i-end; done\n")
            deadline = time.monotonic() + chooser.uniform(0.1, 0.6)
            while time.monotonic() < deadline:
                terminal.read(0.01)
            session = town.live_session()
            town.kill_gate()
            terminal.wait_end(5)
            seen = terminal.screen
        town.start_gate()
        eventually(lambda session=session: town.last_session()["id"] == session, 10)
        row = town.last_session()
        assert row["end_reason"] == "gate-crashed"
        shown = town.recording(session)
        recorded = shown["NOTE"] + shown["OUTPUT"]
        last = seen.rfind(b"-end")
        tail = seen[max(0, last - 200) : last]
        assert tail.split(b"\r\n")[-1] in recorded
        assert row["recording_root"] == town.recording_root(session)


def test_a_stopped_gate_answers_nobody_and_the_command_line_says_so(town: GateTown) -> None:
    """A gate that hangs is unreachable, not silently all right."""
    assert town.gate_process is not None
    town.gate_process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(GateUnreachable):
            GateClient(town.installation.gate_socket, timeout=0.5).status()
    finally:
        town.gate_process.send_signal(signal.SIGCONT)
    eventually(lambda: town.gate.status()["ready"], 10)


def test_the_gate_stops_cleanly(town: GateTown) -> None:
    """SIGTERM ends sessions with their reason, leaves evidence, and the process ends with 0."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        assert town.stop_gate() == 0
        terminal.wait_end(2)
    town.start_gate()
    eventually(lambda: town.last_session()["end_reason"] == "gate-stopped", 10)
    assert eventually(lambda: town.count("gate:gate:stopped") >= 1, 5)
