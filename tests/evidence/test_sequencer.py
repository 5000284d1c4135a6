"""From the outbox into the log: every committed record exactly once, whatever fails in between."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from sekisho.evidence import index
from sekisho.evidence import sequencer as module
from sekisho.evidence.log import LogContradicted, LogInUse, LogReader, LogWriter, read_verifier
from sekisho.evidence.models import Entry, EntrySubject, OutboxRecord
from sekisho.evidence.note import Signer
from sekisho.evidence.record import decode
from sekisho.evidence.sequencer import Sequencer, key_path
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.installation import BadInstallation, Installation
from tests.evidence.test_log import Failing

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def leave(number: int) -> UUID:
    with transaction.atomic():
        return record(
            Tag.LINE_OPENED,
            actor="person:abe",
            subjects=[f"line:L{number % 3}", "contract:C1"],
            at=AT + timedelta(seconds=number),
            detail={"n": number},
        )


def logged(installation: Installation) -> list[UUID]:
    reader = LogReader(installation.evidence, read_verifier(installation.evidence))
    return [decode(each).record_id for each in reader.entries(0)]


def indexed() -> list[UUID]:
    return list(Entry.objects.order_by("index").values_list("record_id", flat=True))


def test_in_order_and_indexed(installation: Installation, sequencer: Sequencer):
    """Records reach the log in the order of their commits, and the index can find them by subject."""
    ids = [leave(number) for number in range(7)]
    assert sequencer.drain() == 7
    assert logged(installation) == indexed() == ids
    assert not OutboxRecord.objects.exists()
    found = EntrySubject.objects.filter(subject="line:L1").values_list("entry_id", flat=True)
    assert sorted(found) == [1, 4]
    entry = Entry.objects.get(index=4)
    assert (entry.tag, entry.actor, entry.at) == (Tag.LINE_OPENED, "person:abe", AT + timedelta(seconds=4))


def test_batches(installation: Installation, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch):
    """More records than one batch takes are taken in several, in order."""
    monkeypatch.setattr(module, "BATCH", 3)
    ids = [leave(number) for number in range(10)]
    assert [sequencer.step() for _ in range(5)] == [3, 3, 3, 1, 0]
    assert logged(installation) == indexed() == ids


def test_the_index_follows_from_the_log_alone(installation: Installation, sequencer: Sequencer):
    """With all rows of the index gone (a new database), they come back from the files, subjects and all."""
    ids = [leave(number) for number in range(7)]
    sequencer.drain()
    before = [list(Entry.objects.values()), set(EntrySubject.objects.values_list("entry_id", "subject"))]
    _as_owner("DELETE FROM evidence_entrysubject")
    _as_owner('DELETE FROM evidence_entry WHERE "index" <> 3')
    assert sequencer.reindex() == 6
    assert indexed() == ids
    _as_owner("DELETE FROM evidence_entrysubject")
    _as_owner("DELETE FROM evidence_entry")
    assert sequencer.reindex() == 7
    after = [list(Entry.objects.values()), set(EntrySubject.objects.values_list("entry_id", "subject"))]
    assert after == before


def _as_owner(statement: str) -> None:
    """What only the database's owner can do: lift the triggers, and put them back."""
    from importlib import import_module

    from tests.conftest import TRIGGERS

    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS[connection.vendor])
        for (drop,) in cursor.fetchall():
            cursor.execute(drop)
        cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        migration = import_module("sekisho.evidence.migrations.0002_append_only")
        for trigger in migration.statements(connection.vendor):
            cursor.execute(trigger)


@pytest.mark.parametrize(
    ("statement", "places"),
    [
        ("UPDATE evidence_entry SET actor = 'person:nobody' WHERE \"index\" = 2", [2]),
        ("UPDATE evidence_entry SET tag = 'city:line:closed' WHERE \"index\" IN (1, 5)", [1, 5]),
        ('UPDATE evidence_entry SET at = (SELECT MIN(at) FROM evidence_entry) WHERE "index" = 6', [6]),
        ("UPDATE evidence_entrysubject SET subject = 'line:L9' WHERE subject = 'line:L1'", [1, 4]),
        ("DELETE FROM evidence_entrysubject WHERE entry_id = 3", [3]),
    ],
)
def test_an_edited_index_is_found(
    installation: Installation, sequencer: Sequencer, statement: str, places: list[int]
):
    """What the database's owner changes in the index is found by comparing it with the log, place by place."""
    for number in range(7):
        leave(number)
    sequencer.drain()
    reader = LogReader(installation.evidence, read_verifier(installation.evidence))
    assert list(index.altered(reader)) == []
    _as_owner(statement)
    assert list(index.altered(reader)) == places


class Stopped(Exception):
    """The process ends here, as far as the test is concerned."""


def _stop(*_: object) -> None:
    raise Stopped


@pytest.mark.parametrize("point", ["add", "append"])
def test_a_crash_between_log_and_database(
    installation: Installation, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch, point: str
):
    """Ended after appending, or before: at the next start each record is in log and index exactly once."""
    ids = [leave(number) for number in range(5)]
    with monkeypatch.context() as patch:
        if point == "add":
            patch.setattr(index, "add", _stop)
        else:
            patch.setattr(LogWriter, "append", _stop)
        with pytest.raises(Stopped):
            sequencer.step()
    assert len(logged(installation)) == (5 if point == "add" else 0)
    assert indexed() == []
    assert OutboxRecord.objects.count() == 5
    sequencer.close()
    again = Sequencer(installation)
    ids += [leave(number) for number in range(5, 8)]
    again.drain()
    again.close()
    assert logged(installation) == indexed() == ids
    assert not OutboxRecord.objects.exists()


def test_a_database_that_fails_once(
    installation: Installation, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
):
    """The same process goes on after the database failed between log and index: nothing twice, nothing lost."""
    ids = [leave(number) for number in range(5)]

    def fail(_: object) -> None:
        raise DatabaseError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(index, "add", fail)
        with pytest.raises(DatabaseError):
            sequencer.step()
    sequencer.drain()
    assert logged(installation) == indexed() == ids


@pytest.mark.parametrize("when", ["before", "half", "after"])
@pytest.mark.parametrize("turn", [1, 2, 3, 4, 5])
def test_a_disk_that_fails_once(
    installation: Installation,
    sequencer: Sequencer,
    monkeypatch: pytest.MonkeyPatch,
    turn: int,
    when: str,
):
    """A full disk, at any write and at either side of it: after it, the same process has each record once."""
    ids = [leave(number) for number in range(3)]
    sequencer.drain()
    ids += [leave(number) for number in range(3, 6)]
    failing = Failing(turn, when)
    monkeypatch.setattr(sequencer._log, "_disk", failing)
    with pytest.raises(OSError, match="No space"):
        sequencer.step()
    assert failing.fired
    sequencer.drain()
    assert logged(installation) == indexed() == ids
    assert not OutboxRecord.objects.exists()


def test_handed_over_twice_is_once(installation: Installation, sequencer: Sequencer):
    """A record that already stands in the log and comes again (a restored outbox) leaves without a second entry."""
    leave(1)
    row = OutboxRecord.objects.get()
    sequencer.drain()
    OutboxRecord.objects.create(record_id=row.record_id, payload=row.payload)
    assert sequencer.drain() == 1
    assert logged(installation) == [row.record_id]
    assert not OutboxRecord.objects.exists()


def test_a_row_that_is_no_record_stops_nothing(installation: Installation, sequencer: Sequencer):
    """A forged outbox row stays where it is, is never logged, and holds nobody up."""
    OutboxRecord.objects.create(record_id=UUID(int=1), payload=b"{}")
    good = leave(1)
    payload = OutboxRecord.objects.get(record_id=good).payload
    OutboxRecord.objects.create(record_id=UUID(int=2), payload=payload)
    assert sequencer.drain() == 1
    assert logged(installation) == [good]
    assert set(OutboxRecord.objects.values_list("record_id", flat=True)) == {UUID(int=1), UUID(int=2)}


def test_older_files_put_back_are_refused(installation: Installation, sequencer: Sequencer):
    """A restored old copy of the log, validly signed as it is, does not fit the index and is not continued."""
    leave(1)
    sequencer.drain()
    old = shutil.copytree(installation.evidence, installation.home / "old")
    leave(2)
    sequencer.drain()
    sequencer.close()
    new = installation.evidence.rename(installation.home / "new")
    for copy, continues in ((old, False), (new, True)):
        shutil.copytree(copy, installation.evidence)
        if continues:
            Sequencer(installation).close()
        else:
            with pytest.raises(LogContradicted, match="older copy"):
                Sequencer(installation)
        shutil.rmtree(installation.evidence)
    with pytest.raises(LogContradicted, match="older copy"):
        Sequencer(installation)


def test_only_one(installation: Installation, sequencer: Sequencer):
    """A second worker on the same installation is refused with a clear sentence."""
    with pytest.raises(LogInUse, match="Run only one worker"):
        Sequencer(installation)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_text("PRIVATE+KEY+"), "cannot be read"),
        (lambda path: path.write_text(str(Signer.generate("other.invalid"))), "signs for 'other.invalid'"),
    ],
)
def test_without_its_key_it_does_not_start(
    installation: Installation, change: Callable[[object], object], says: str
):
    """No key, a broken one, one for another log: refused with the file and the reason."""
    change(key_path(installation))
    with pytest.raises(BadInstallation, match=says):
        Sequencer(installation)
