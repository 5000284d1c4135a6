"""Two people press at the same moment: threads of a process of its own, on a database as an installation has it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sekisho.commands.founding import found
from sekisho.kernel.installation import Options
from tests.gate.registers import SEED
from tests.postgres import database_of_its_own
from tests.town import Probe

pytestmark = pytest.mark.e2e
MIGRATE = "from django.core.management import call_command\ncall_command('migrate', verbosity=0)"
AT_ONCE = """
import threading
from django.db import connection
from sekisho.access import service
from sekisho.evidence.record import decode
def at_once(work):
    answers, together = [], threading.Barrier(4)
    def one():
        try:
            together.wait(10)
            answers.append(work())
        except BaseException as error:
            answers.append(error)
        finally:
            connection.close()
    threads = [threading.Thread(target=one) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return answers
wish = service.Wish(contract, system, (people["mori"],), now, now + datetime.timedelta(hours=1), "w", "r")
asked = at_once(lambda: service.request_permit(wish, people["kanri"], now))
def tags():
    return [decode(bytes(row.payload)).tag for row in OutboxRecord.objects.all()]
None
"""
APPROVE = """
decided = at_once(lambda: service.approve_permit(asked[0], people["kacho"], now))
[type(each).__name__ for each in decided]
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """A process on an installation with the registers of a small town."""
    folder: Path = tmp_path_factory.mktemp("at-once")
    options = Options(log_origin="test.invalid/log-1", database=database_of_its_own())
    home = found(folder / "home", options).home
    running = Probe({**os.environ, "SEKISHO_HOME": str(home), "DJANGO_SETTINGS_MODULE": "sekisho.settings"})
    try:
        running(MIGRATE)
        terminals = {"t-01": "key-1", "t-99": "key-2"}
        running(
            SEED, terminals=terminals, password="x", authenticators={}, port=22, account="root", host_key="k"
        )
        running(AT_ONCE)
        yield running
    finally:
        running.close()


def test_requests_at_the_same_moment_get_their_own_numbers(probe: Probe) -> None:
    """Four managers at once: four numbers in a row, four records."""
    numbers = probe("[each.number for each in asked]")
    assert len({*numbers, "R8-0001"}) == 5
    assert probe("tags().count('contractor:permit:requested')") == 4


def test_approvals_at_the_same_moment_are_one(probe: Probe) -> None:
    """Four presses at once: one approval with its record, three refusals."""
    assert sorted(probe(APPROVE)) == ["Permit", "Refused", "Refused", "Refused"]
    assert probe("tags().count('city:permit:approved')") == 1
