"""How a verb leaves evidence: one record in its own transaction, appended to the log by the sequencer."""

import socket
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from sekisho.evidence.models import Entry, OutboxRecord
from sekisho.evidence.record import JsonValue, Record, encode, subjects_of
from sekisho.evidence.tags import Tag
from sekisho.kernel.ids import time_ordered_id


def record(
    tag: Tag,
    *,
    actor: str,
    subjects: Iterable[str],
    at: datetime,
    detail: Mapping[str, JsonValue] | None = None,
    record_id: UUID | None = None,
) -> UUID:
    """Leaves one record, committed or rolled back with the caller's transaction. Gives the record's id.

    `detail` holds ids, digests, codes and whole numbers only: no text typed by people, no personal data.
    A `record_id` that was already recorded changes nothing: handing over twice records once.
    RuntimeError outside a transaction; `record.BadRecord` for values the log cannot hold.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("evidence belongs in the transaction of what it is evidence of")
    given, record_id = record_id, record_id or time_ordered_id(at)
    payload = encode(Record(record_id, tag, at, actor, subjects_of(subjects), dict(detail or {})))
    if given and Entry.objects.filter(record_id=given).exists():
        return given
    OutboxRecord.objects.bulk_create(
        [OutboxRecord(record_id=record_id, payload=payload)], ignore_conflicts=given is not None
    )
    transaction.on_commit(wake_sequencer, robust=True)
    return record_id


def wake_sequencer() -> None:
    """Tells the worker to look at the outbox now. Best effort: it looks by itself five times a second."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as knock:
        knock.setblocking(False)
        try:
            knock.sendto(b"\n", str(settings.SEKISHO.worker_socket))
        except OSError:
            return
