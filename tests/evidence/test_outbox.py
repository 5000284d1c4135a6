"""A verb's evidence stands and falls with the verb's transaction."""

import socket
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from sekisho.evidence.models import Entry, EntrySubject, OutboxRecord
from sekisho.evidence.record import BadRecord, decode
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ID = UUID("01937f3a-0000-7000-8000-000000000001")


def leave(record_id: UUID | None = None) -> UUID:
    return record(
        Tag.LINE_OPENED, actor="person:abe", subjects=["line:L1"], at=AT, detail={"n": 1}, record_id=record_id
    )


@pytest.mark.django_db
def test_one_row_with_the_canonical_bytes():
    """The outbox holds exactly the bytes that will stand in the log, under a time-ordered id."""
    record_id = leave()
    row = OutboxRecord.objects.get()
    read = decode(bytes(row.payload))
    assert (read.record_id, read.tag, read.subjects) == (record_id, Tag.LINE_OPENED, ("line:L1",))
    assert record_id.version == 7


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_raises():
    """Evidence without its verb's transaction is a programming error, not a row."""
    with pytest.raises(RuntimeError, match="transaction"):
        leave()
    assert not OutboxRecord.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_rolled_back_with_the_verb():
    """A verb that fails leaves no evidence of having happened."""

    def verb() -> None:
        with transaction.atomic():
            leave()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        verb()
    assert not OutboxRecord.objects.exists()


@pytest.mark.django_db
def test_the_same_record_twice_is_once():
    """A repeated record id changes nothing, whether the first waits in the outbox or stands in the log."""
    assert leave(ID) == leave(ID) == ID
    assert OutboxRecord.objects.count() == 1
    row = OutboxRecord.objects.get()
    Entry.objects.create(index=0, record_id=ID, tag="t", at=AT, actor="a", payload=row.payload)
    row.delete()
    assert leave(ID) == ID
    assert not OutboxRecord.objects.exists()


@pytest.mark.django_db
def test_floats_and_free_objects_are_refused():
    """What the log cannot hold fails loudly in the verb, before anything is committed."""
    with pytest.raises(BadRecord):
        record(Tag.CUT, actor="worker", subjects=[], at=AT, detail={"ms": 0.5})  # type: ignore[dict-item]


@pytest.mark.django_db(transaction=True)
def test_commit_wakes_the_sequencer():
    """The worker's socket hears of a commit at once, and of nothing before it; a dead socket harms nobody."""
    path = settings.SEKISHO.worker_socket
    with transaction.atomic():
        leave()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as worker:
        worker.bind(str(path))
        worker.settimeout(2)
        try:
            with transaction.atomic():
                leave()
                worker.setblocking(False)
                with pytest.raises(BlockingIOError):
                    worker.recv(1)
                worker.settimeout(2)
            assert worker.recv(1) == b"\n"
        finally:
            path.unlink()
    with transaction.atomic():
        leave()
    assert OutboxRecord.objects.count() == 3


REPLACE = (
    'INSERT OR REPLACE INTO evidence_entry ("index", record_id, tag, at, actor, payload)'
    " SELECT \"index\", record_id, tag, at, 'nobody', payload FROM evidence_entry"
)
STATEMENTS = [
    "UPDATE evidence_entry SET actor = 'nobody'",
    "DELETE FROM evidence_entry",
    "UPDATE evidence_entrysubject SET subject = 'line:L2'",
    "DELETE FROM evidence_entrysubject",
    "UPDATE evidence_outboxrecord SET record_id = record_id",
    REPLACE if connection.vendor == "sqlite" else "TRUNCATE evidence_entrysubject, evidence_entry",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_refuses_to_change_evidence(statement: str):
    """Not by the ORM's manners but in the database itself: UPDATE, DELETE, REPLACE and TRUNCATE fail."""
    with transaction.atomic():
        leave()
    entry = Entry.objects.create(index=0, record_id=ID, tag="t", at=AT, actor="a", payload=b"x")
    EntrySubject.objects.create(entry=entry, subject="line:L1")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)
    assert Entry.objects.get().actor == "a"
    assert EntrySubject.objects.get().subject == "line:L1"
