"""`kill -9` of gate, console and worker at random moments, 200 times, while an operator works."""

import contextlib
import random
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sekisho.evidence.log import LogReader, read_verifier
from sekisho.evidence.record import decode
from sekisho.evidence.verify import verify
from tests.gate.gatetown import GateTown
from tests.town import end, eventually

pytestmark = pytest.mark.e2e
GATE_KILLS, OTHER_KILLS = 40, 160
SEED = 20261123
QUIET = ["-o", "LogLevel=QUIET"]
"""So that everything on the screen came from the gate, but for the client's very last words."""
CLIENT_SAYS = re.compile(rb"(Connection to [0-9.]+ closed by remote host|client_loop: [^\r]+)\.?\r*\n$")
LINES = b"i=0; while :; do i=$((i+1)); echo line-$i; done\n"


class Killer(threading.Thread):
    """Kills a part of the installation again and again, after at most two seconds of life, and starts it anew."""

    def __init__(self, town: GateTown, part: str, chooser: random.Random, times: int) -> None:
        super().__init__(name=f"killer of the {part}")
        self.killed = 0
        self._town, self._part, self._chooser, self._times = town, part, chooser, times
        self._enough = threading.Event()
        self._process = town.start_part(part)

    def run(self) -> None:
        while self.killed < self._times and not self._enough.wait(self._chooser.uniform(0, 2)):
            self._process.kill()
            assert self._process.wait() == -signal.SIGKILL, f"the {self._part} ended by itself"
            self.killed += 1
            self._process = self._town.start_part(self._part)

    def close(self) -> None:
        self._enough.set()
        self.join()
        end(self._process)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateTown]:
    place = GateTown(tmp_path_factory.mktemp("town"))
    try:
        yield place.open()
    finally:
        place.close()


@pytest.mark.timeout(500)
def test_two_hundred_kills_lose_nothing(town: GateTown) -> None:
    """What the operator saw is in the record, each start is clean, latches hold, and in the end the log verifies."""
    print(f"seed {SEED}")
    chooser = random.Random(SEED)
    town.stop_worker()
    with contextlib.ExitStack() as stack:
        killers = [
            Killer(town, part, random.Random(chooser.random()), OTHER_KILLS // 2)
            for part in ("worker", "web")
        ]
        for killer in killers:
            stack.callback(killer.close)
            killer.start()
        crashed = [one_life(town, chooser, number) for number in range(GATE_KILLS)]
        for killer in killers:
            killer.join(OTHER_KILLS * 2)
        assert [killer.killed for killer in killers] == [OTHER_KILLS // 2] * 2
    town.start_worker()
    web = town.start_part("web")
    try:
        assert eventually(lambda: console_answers(town), 30) == 200
    finally:
        end(web)
    whole_log_is_there(town)
    one_of_them_is_proven(town, chooser.choice(crashed))
    doctor = [sys.executable, "-m", "sekisho.cli", "doctor", "--home", str(town.home)]
    looked = subprocess.run(doctor, capture_output=True, text=True, timeout=60, check=False)
    assert "evidence" not in looked.stdout + looked.stderr, looked.stdout
    assert town.run("echo again").stdout == b"again\n"


def one_life(town: GateTown, chooser: random.Random, number: int) -> str:
    """A session and the end of the gate under it; every tenth time just after a cut. Gives the session."""
    was_cut = number % 10 == 9
    with town.terminal(options=QUIET) as terminal:
        terminal.expect("接続番号".encode(), 30)
        session = town.live_session()
        terminal.send(LINES)
        for _ in range(chooser.randint(0, 60)):
            terminal.read(0.01)
        if was_cut:
            town.gate.cut_session(session, by="person:systems")
        town.kill_gate()
        terminal.wait_end(5)
        seen = CLIENT_SAYS.sub(b"", terminal.screen)
    town.start_gate()
    eventually(lambda: town.last_session()["id"] == session, 20, "the register knows the session's end")
    row = town.last_session()
    assert row["end_reason"] == ("cut" if was_cut else "gate-crashed")
    assert row["recording_root"] == town.recording_root(session)
    assert town.shown(session).startswith(seen)
    assert town.gate.status()["sessions"] == []
    assert town.probe("Session.objects.filter(ended_at=None).count()") == 0
    if was_cut:
        town.refused_with("latched")
        town.release_latches()
    assert town.gate.status()["latches"] == 0
    return session


def console_answers(town: GateTown) -> int:
    url = f"{town.installation.console_url}/sign-in/"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.URLError:
        return 0


def whole_log_is_there(town: GateTown) -> None:
    """The outbox runs empty; every entry verifies, each record once; the index is the log; each end is told once."""
    eventually(lambda: town.probe("OutboxRecord.objects.count()") == 0, 30, "all is in the log")
    folder = town.installation.evidence
    records = [decode(each) for each in LogReader(folder, read_verifier(folder)).entries(0)]
    ids = [record.record_id for record in records]
    assert len(set(ids)) == len(ids)
    assert town.probe("[str(e.record_id) for e in Entry.objects.order_by('index')]") == list(map(str, ids))
    sessions = town.probe("[str(s) for s in Session.objects.values_list('id', flat=True)]")
    for session in sessions:
        tags = [record.tag for record in records if f"session:{session}" in record.subjects]
        assert tags.count("gate:session:opened") == 1
        assert sum(tag in ("gate:session:ended", "gate:session:recovered") for tag in tags) == 1, tags


def one_of_them_is_proven(town: GateTown, session: str) -> None:
    """The bundle of a session that a crash ended verifies, and says that nobody knows what came after."""
    out: dict[str, Any] = {"session": session, "out": str(town.folder / "bundle")}
    export = "from pathlib import Path\nfrom sekisho.access.recordings import export_bundle\n"
    town.probe(export + "export_bundle(uuid.UUID(session), Path(out), 'worker', timezone.now())", **out)
    verdict = verify(Path(out["out"]))
    assert verdict.ok, verdict.findings
