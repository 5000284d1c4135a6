"""`kill -9` of a process that appends to the log, at random moments."""

import os
import random
import signal
import time
from pathlib import Path

from sekisho.evidence.log import LogReader, LogWriter
from sekisho.evidence.note import Signer
from sekisho.evidence.record import decode
from tests.evidence.test_log import entry

SIGNER = Signer("test.invalid/log-1", bytes(32))
ROUNDS = 60


def _append_until_killed(folder: Path, acknowledge: int, random_: random.Random) -> None:
    log = LogWriter(folder, SIGNER)
    while True:
        count = random_.choice([1, 2, 5, 40])
        log.append([entry(log.size + each) for each in range(count)])
        os.write(acknowledge, log.size.to_bytes(8, "big"))


def _one_round(folder: Path, random_: random.Random) -> int:
    """Lets a child append for a moment, kills it, and gives how many entries it said were safe."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _append_until_killed(folder, write, random_)
        finally:
            os._exit(1)
    os.close(write)
    time.sleep(random_.uniform(0.002, 0.06))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, "the child ended by itself"
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    return int.from_bytes(said[len(said) - len(said) % 8 - 8 : len(said) - len(said) % 8], "big")


def test_killed_at_random_moments(tmp_path: Path):
    """Sixty times: every acknowledged entry is there, once and in order; the next start is clean."""
    random_, beyond, highest = random.Random(20261123), 0, 0
    for _ in range(ROUNDS):
        random_.seed(random_.random())
        highest = max(highest, _one_round(tmp_path, random_))
        if not (tmp_path / "checkpoint").exists():
            continue
        at_death = LogReader(tmp_path, SIGNER.verifier).checkpoint.size
        log = LogWriter(tmp_path, SIGNER)
        assert log.size >= at_death >= highest
        beyond += log.size > at_death
        log.close()
    entries = list(LogReader(tmp_path, SIGNER.verifier).entries(0))
    assert [decode(each).record_id.int for each in entries] == list(range(len(entries)))
    assert highest > 500, "the children appended too little for the test to mean anything"
    assert beyond, "no kill fell between an entry and its checkpoint"
