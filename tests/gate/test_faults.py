"""Faults: a full disk, a gate that hangs or is stopped. Nothing unrecorded is forwarded, nothing lost."""

import contextlib
import os
import shutil
import signal
import subprocess
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
    town.stop_worker()  # which would pack the recording here and keep the small disk busy
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
        town.start_worker()
    assert town.run("echo again").stdout == b"again\n"


def test_a_cut_on_a_full_disk_holds(town: GateTown, small_disk: Path) -> None:
    """Not a byte is free where the gate keeps latches and journal: the cut works, and holds after a restart."""
    town.stop_gate()
    shutil.copytree(town.installation.gate, small_disk, dirs_exist_ok=True)
    subprocess.run(["mount", "--bind", str(small_disk), str(town.installation.gate)], check=True)
    try:
        town.start_gate()
        with town.terminal() as terminal:
            terminal.expect("接続番号".encode())
            with (
                (small_disk / "rubbish").open("wb", buffering=0) as rubbish,
                contextlib.suppress(OSError),
            ):
                while rubbish.write(b"x" * 4096):
                    pass
            done = town.gate.cut_session(town.live_session(), by="person:systems")
            terminal.wait_end(2)
        assert done.ended
        town.kill_gate()
        (small_disk / "rubbish").unlink()
        town.start_gate()
        eventually(lambda: town.gate.status()["latches"] == 1, 5, "the latch holds")
        town.refused_with("latched")
        town.release_latches()
        town.stop_gate()
    finally:
        subprocess.run(["umount", "-l", str(town.installation.gate)], check=True)
    town.start_gate()


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
