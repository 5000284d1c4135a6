"""`kill -9` of gate, console and worker at random moments, 200 times, while an operator works."""

import contextlib
import random
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from sekisho.evidence.log import LogReader, read_verifier
from sekisho.evidence.record import decode
from tests.gate.gatetown import GateTown
from tests.town import Terminal, end, eventually

pytestmark = pytest.mark.e2e
LIVES, OF_SEVEN_AT_THE_DOOR, OF_SEVEN_AGAIN = 49, 3, 5
"""Of the gate. One in seven ends while somebody is being let in; after one in seven the next dies as it starts."""
OTHER_KILLS = 144
SEED = 20261123
QUIET = ["-o", "LogLevel=QUIET"]
"""So that everything on the screen came from the gate, but for the client's very last words."""
CLIENT_SAYS = re.compile(rb"(Connection to [0-9.]+ closed by remote host|client_loop: [^\r]+)\.?\r*\n$")
NUMBER = re.compile(rb"session: ([0-9a-f-]{36})")
OF_THE_MACHINE = ("clock", "GiB free", "fsync")
"""What `doctor` may find wrong here: these the test's machine decides."""
LINES = (b"i=0; while :; do i=$((i+1)); echo line-$i; done\n", b"seq -f line-%.0f 1 100000000\n")
"""As a person's programs print, and as fast as the gate carries it: there a moment between two steps is hit."""


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


@pytest.mark.timeout(900)
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
        lives = [one_life(town, chooser, number) for number in range(LIVES)]
        for killer in killers:
            killer.join(OTHER_KILLS * 2)
        assert LIVES + LIVES // 7 + sum(killer.killed for killer in killers) == 200
    town.start_worker()
    whole_log_is_there(town)
    one_of_them_is_proven(town, chooser.choice([session for session in lives if session]))
    web = town.start_part("web")
    try:
        assert eventually(lambda: console_answers(town), 30) == 200
        nothing_is_wrong(town)
    finally:
        end(web)
    assert town.run("echo again").stdout == b"again\n"


def one_life(town: GateTown, chooser: random.Random, number: int) -> str | None:
    """Somebody comes, and the gate is killed under him; every tenth time just after a cut. Gives his session."""
    at_the_door, was_cut = number % 7 == OF_SEVEN_AT_THE_DOOR, number % 10 == 9
    with town.terminal(options=QUIET) as terminal:
        if at_the_door:
            look_on(terminal, chooser.uniform(0, 1))
        else:
            terminal.expect("接続番号".encode(), 30)
            terminal.send(LINES[number % 4 != 0])
            terminal.expect(b"\nline-")
            look_on(terminal, chooser.uniform(0, 0.2))
        if was_cut:
            town.gate.cut_session(town.live_session(), by="person:systems")
        town.kill_gate()
        terminal.wait_end(5)
    if number % 7 == OF_SEVEN_AGAIN:
        starting = town.start_part("gate")
        time.sleep(chooser.uniform(0, 2))
        starting.kill()
        starting.wait()
    town.start_gate()
    assert town.gate.status()["latches"] == was_cut
    session = is_accounted_for(town, terminal.screen, "cut" if was_cut else "gate-crashed")
    assert session is not None or at_the_door
    if was_cut:
        town.refused_with("latched")
        town.release_latches()
    return session


def look_on(terminal: Terminal, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        terminal.read(min(left, 0.01))


def is_accounted_for(town: GateTown, screen: bytes, reason: str) -> str | None:
    """Nothing is open; the session whose number is on the screen has ended, and its record holds the screen."""
    assert town.gate.status()["sessions"] == []
    eventually(lambda: town.probe("Session.objects.filter(recording_bytes=None).count()") == 0, 20)
    assert town.probe("Session.objects.filter(ended_at=None).count()") == 0
    if (number := NUMBER.search(screen)) is None:
        return None
    session = number[1].decode()
    known = "Session.objects.filter(id=session).values_list('end_reason', 'recording_root').first()"
    assert town.probe(known, session=session) == [reason, town.recording_root(session)]
    seen, recorded = CLIENT_SAYS.sub(b"", screen), town.shown(session)
    holds = recorded.startswith(seen)
    assert holds, f"{len(seen)} bytes were seen, {len(recorded)} recorded"
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
    verified = sekisho("verify", out["out"], "--key", str(town.home / "keys" / "log-signing-key.pub"))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    remarks = [line for line in verified.stdout.splitlines() if line.startswith("!")]
    assert len(remarks) == 1
    assert "it stopped or failed" in remarks[0]


def nothing_is_wrong(town: GateTown) -> None:
    """`sekisho doctor` finds keys, database, evidence and all three parts well."""
    looked = sekisho("doctor", "--home", str(town.home))
    wrong = [line for line in looked.stdout.splitlines() if line.startswith("✗")]
    assert not [line for line in wrong if not any(word in line for word in OF_THE_MACHINE)], looked.stdout
    for good in (
        "The log fits its signature",
        "The gate answers",
        "The console answers",
        "The worker is running",
    ):
        assert good in looked.stdout, looked.stdout + looked.stderr


def sekisho(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "sekisho.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
