"""The log's index in the database: rows that follow from entries, and the search for rows that do not.

Only finds things. Whoever owns the database can lift its triggers and change it; `altered` shows that.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from django.db.models import Max

from sekisho.evidence.log import LogReader
from sekisho.evidence.models import Entry, EntrySubject
from sekisho.evidence.record import Record, decode

BATCH = 500


def add(entries: Iterable[tuple[int, Record, bytes]]) -> None:
    """Indexes entries, each with its place in the log, its record and its bytes. In the caller's transaction."""
    rows, subjects = [], []
    for place, record, payload in entries:
        rows.append(_row(place, record, payload))
        subjects += [EntrySubject(entry_id=place, subject=subject) for subject in record.subjects]
    Entry.objects.bulk_create(rows)
    EntrySubject.objects.bulk_create(subjects)


def highest() -> int:
    """The last place in the log that the index knows; -1 where it knows nothing."""
    found: int | None = Entry.objects.aggregate(highest=Max("index"))["highest"]
    return -1 if found is None else found


def altered(log: LogReader) -> Iterator[int]:
    """The places at which the index does not say what the log says: changed, removed or invented, in order.

    Places beyond the log's checkpoint are not judged. Reads every row: for an inspection, not for each start.
    """
    entries = enumerate(log.entries(0))
    while batch := list(islice(entries, BATCH)):
        rows = {
            row.index: row
            for row in Entry.objects.filter(index__gte=batch[0][0], index__lte=batch[-1][0]).prefetch_related(
                "subjects"
            )
        }
        for place, payload in batch:
            if place not in rows or not _says(rows[place], place, payload):
                yield place


def _says(row: Entry, place: int, payload: bytes) -> bool:
    record = decode(payload)
    expected = _row(place, record, payload)
    return all(
        _plain(getattr(row, field.attname)) == _plain(getattr(expected, field.attname))
        for field in Entry._meta.concrete_fields
    ) and sorted(each.subject for each in row.subjects.all()) == list(record.subjects)


def _row(place: int, record: Record, payload: bytes) -> Entry:
    return Entry(
        index=place,
        record_id=record.record_id,
        tag=record.tag,
        at=record.at,
        actor=record.actor,
        payload=payload,
    )


def _plain(value: object) -> object:
    """PostgreSQL gives bytes as a memoryview."""
    return bytes(value) if isinstance(value, memoryview) else value
