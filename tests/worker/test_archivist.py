"""What the worker does with a recording after its session: a real one, through a real gate."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.evidence.verify import verify
from sekisho.vault.archive import packed_path
from sekisho.vault.keyframes import cast_from, index_path
from tests.gate.gatetown import GateTown
from tests.town import end, eventually

pytestmark = pytest.mark.e2e
LINES = 12_000


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateTown]:
    place = GateTown(tmp_path_factory.mktemp("town"))
    try:
        yield place.open()
    finally:
        place.close()


def a_session(town: GateTown) -> Path:
    """A session that has shown half a megabyte of ordinary text; gives its recording's name."""
    shown = town.run(f"seq -f 'row %g of the residents batch was read and counted' {LINES}").stderr.decode()
    session = next(iter(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", shown)))
    eventually(lambda: town.last_session()["id"] == session, 10, "the register knows its end")
    return town.recording_path(session)


def test_a_finished_recording_is_packed_and_still_proves_itself(town: GateTown) -> None:
    """Indexed, packed to less than 0.3 of its size, and the bundle holds the original's very bytes."""
    recording = a_session(town)
    before = town.recording(recording.stem)
    eventually(lambda: packed_path(recording).exists() and not recording.exists(), 30, "it is packed")
    row = town.last_session()
    assert town.recording(recording.stem) == before
    assert packed_path(recording).stat().st_size < 0.3 * row["recording_bytes"]
    assert index_path(recording).exists()
    last = json.loads(list(cast_from(recording, 3600))[-1])
    assert f"row {LINES}" in last[2]
    export = "from pathlib import Path\nfrom sekisho.access.recordings import export_bundle\n"
    export += "export_bundle(uuid.UUID(session), Path(out), 'worker', timezone.now())"
    town.probe(export, session=row["id"], out=str(town.folder / "bundle"))
    verdict = verify(town.folder / "bundle")
    assert verdict.ok, verdict.findings
    assert (town.folder / "bundle" / "recording.skrec").stat().st_size == row["recording_bytes"]


def test_a_recording_changed_after_its_session_is_said_once_and_kept(town: GateTown) -> None:
    """Changed before the worker came to it: evidence and not packed; a restart does not say it again."""
    end(town.worker_process)
    recording = a_session(town)
    data = bytearray(recording.read_bytes())
    data[-10] ^= 1
    recording.write_bytes(data)
    for _ in range(2):
        town.start_worker()
        eventually(lambda: town.count("worker:recording:altered") == 1, 20, "the alarm")
        end(town.worker_process)
    town.start_worker()
    a_session(town)
    assert recording.read_bytes() == data
    assert town.count("worker:recording:altered") == 1


def test_what_a_crash_left_is_accounted_for_although_the_worker_closed_it_first(town: GateTown) -> None:
    """The gate dies, the worker ends the session with its lease; the gate's return adds the recording's digest."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        terminal.send(b"echo before-the-crash\n")
        terminal.expect(b"before-the-crash")
        session = town.live_session()
        town.kill_gate()
    ended = "str(Session.objects.get(id=session).end_reason)"
    eventually(lambda: town.probe(ended, session=session) == "lease-lost", 30, "the worker ends it")
    town.start_gate()
    known = "Session.objects.filter(id=session, recording_bytes__gt=0)"
    known += ".values_list('recording_bytes', 'recording_root', 'end_reason').first()"
    size, root, reason = eventually(lambda: town.probe(known, session=session), 10)
    assert (root, reason) == (town.recording_root(session), "lease-lost")
    assert size > 0
