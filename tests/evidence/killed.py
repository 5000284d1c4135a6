"""Kills a process of verbs and a sequencer at random moments, and says what log and database hold after it.

Run by test_sequencer_killed.py as a process of its own: ROUNDS as argument, the installation in SEKISHO_HOME.
Prints one JSON object.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections, transaction  # noqa: E402

from sekisho.evidence.log import LogReader, read_verifier  # noqa: E402
from sekisho.evidence.models import Entry, OutboxRecord  # noqa: E402
from sekisho.evidence.record import decode  # noqa: E402
from sekisho.evidence.sequencer import Sequencer  # noqa: E402
from sekisho.evidence.service import record  # noqa: E402
from sekisho.evidence.tags import Tag  # noqa: E402

RANDOM = random.Random(20261123)
FOLDER = settings.SEKISHO.evidence


def verbs(committed: int) -> None:
    """Leaves records, one to three a transaction, and says of each transaction that it is committed."""
    while True:
        with transaction.atomic():
            now = datetime.now(UTC)
            ids = [
                record(Tag.LINE_OPENED, actor="worker", subjects=["line:L1"], at=now)
                for _ in range(RANDOM.randint(1, 3))
            ]
        os.write(committed, b"".join(each.bytes for each in ids))


def sequencing(_: int) -> None:
    sequencer = Sequencer(settings.SEKISHO)
    while True:
        if not sequencer.step():
            time.sleep(0.001)


def child(work: Callable[[int], None], pipe: int) -> int:
    connections.close_all()
    RANDOM.seed(RANDOM.random())
    pid = os.fork()
    if pid == 0:
        try:
            work(pipe)
        finally:
            os._exit(1)
    return pid


def one_round() -> tuple[bytes, bool]:
    """What the verbs said was committed, and whether the sequencer died between log and database."""
    read, write = os.pipe()
    children = [child(verbs, write), child(sequencing, write)]
    os.close(write)
    time.sleep(RANDOM.uniform(0.02, 0.15))
    RANDOM.shuffle(children)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        _, status = os.waitpid(pid, 0)
        if os.WTERMSIG(status) != signal.SIGKILL:
            sys.exit("a child ended by itself")
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    return said, _logged_count() > Entry.objects.count()


def _logged_count() -> int:
    if not (FOLDER / "checkpoint").exists():
        return 0
    return LogReader(FOLDER, read_verifier(FOLDER)).checkpoint.size


def main(rounds: int) -> None:
    call_command("migrate", "evidence", skip_checks=True, verbosity=0)
    results = [one_round() for _ in range(rounds)]
    sequencer = Sequencer(settings.SEKISHO)
    sequencer.drain()
    sequencer.close()
    said = b"".join(said for said, _ in results)
    committed = {said[place : place + 16].hex() for place in range(0, len(said), 16)}
    logged = [decode(each).record_id.hex for each in LogReader(FOLDER, read_verifier(FOLDER)).entries(0)]
    indexed = [each.hex for each in Entry.objects.order_by("index").values_list("record_id", flat=True)]
    print(
        json.dumps(
            {
                "committed": len(committed),
                "lost": len(committed - set(logged)),
                "doubled": len(logged) - len(set(logged)),
                "unsaid": len(set(logged) - committed),
                "index_is_log": indexed == logged,
                "outbox": OutboxRecord.objects.count(),
                "died_between": sum(between for _, between in results),
            }
        )
    )


main(int(sys.argv[1]))
