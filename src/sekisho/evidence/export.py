"""Exports a session's bundle: chooses its entries, leaves the record that closes it, writes the folder."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from sekisho.evidence.bundle import closing_detail, write_bundle
from sekisho.evidence.log import LogContradicted, LogReader, read_verifier
from sekisho.evidence.models import Entry, EntrySubject, OutboxRecord
from sekisho.evidence.record import decode
from sekisho.evidence.service import record, wake_sequencer
from sekisho.evidence.story import ENDS, recording_of
from sekisho.evidence.tags import Tag
from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text

WAIT_SECONDS = 10.0
"""For the worker to write what waits in the outbox. It usually takes a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished bundle: its folder, and the number of the log's entry that closes it."""

    folder: Path
    closing: int


def export_session(
    session: UUID, *, recording: BinaryIO | None, out: Path, by: str, now: datetime
) -> Exported | Refused:
    """Writes the bundle of an ended session into the new folder `out`, and leaves BUNDLE_EXPORTED by `by`.

    `recording` is the recording from its beginning, if there is one. Waits for the worker; call it outside any
    transaction. Refused: worker-silent, unknown-session, session-open. LogContradicted where index and log
    disagree.
    """
    last = OutboxRecord.objects.aggregate(last=Max("id"))["last"] or 0
    if not _eventually(lambda: not OutboxRecord.objects.filter(id__lte=last).exists()):
        return _WORKER_SILENT
    entries = list(Entry.objects.filter(index__in=_about(session)).order_by("index"))
    if refused := _not_exportable(entries):
        return refused
    payloads = [bytes(entry.payload) for entry in entries]
    with transaction.atomic():
        closing_id = record(
            Tag.BUNDLE_EXPORTED,
            actor=by,
            subjects=[f"session:{session}"],
            at=now,
            detail=closing_detail(payloads),
        )
    if not _eventually(lambda: Entry.objects.filter(record_id=closing_id).exists()):
        return _WORKER_SILENT
    closing = Entry.objects.get(record_id=closing_id)
    ended = [decode(payload) for entry, payload in zip(entries, payloads, strict=True) if entry.tag in ENDS]
    _write(session, [*entries, closing], recording if recording_of(ended) else None, out)
    return Exported(out, closing.index)


def _write(session: UUID, entries: Sequence[Entry], recording: BinaryIO | None, out: Path) -> None:
    folder = settings.SEKISHO.evidence
    verifier = read_verifier(folder)
    log = LogReader(folder, verifier)
    for entry in entries:
        if log.entry(entry.index) != bytes(entry.payload):
            raise LogContradicted(
                Text(
                    f"データベースの索引の記録{entry.index}がログと違います。索引が書き換えられています。",
                    f"Entry {entry.index} in the database's index is not the log's: the index was changed.",
                )
            )
    write_bundle(out, log, [entry.index for entry in entries], f"session:{session}", recording, verifier)


def _about(session: UUID) -> set[int]:
    """Which entries belong to a session's bundle.

    All that name the session; what happened to its latches and its permit, unless it concerns another
    session; and the line's switch from the opening that let the session in until the session's end.
    """
    own = set(_naming([f"session:{session}"]))
    named = EntrySubject.objects.filter(entry_id__in=own).values_list("subject", flat=True)
    around = {each for each in named if each.split(":")[0] in ("permit", "latch")}
    lines = {each for each in named if each.startswith("line:")}
    others = EntrySubject.objects.filter(subject__startswith="session:").values("entry_id")
    related = EntrySubject.objects.filter(subject__in=around).exclude(entry_id__in=others)
    return own | set(related.values_list("entry_id", flat=True)) | _switching(lines, own)


def _switching(lines: Iterable[str], own: set[int]) -> set[int]:
    """The line's openings and closings that concern a session whose entries are `own`."""
    if not own:
        return set()
    switched = Entry.objects.filter(
        subjects__subject__in=list(lines), tag__in=[Tag.LINE_OPENED, Tag.LINE_CLOSED]
    )
    start = switched.filter(tag=Tag.LINE_OPENED, index__lt=min(own)).aggregate(last=Max("index"))["last"]
    ends = Entry.objects.filter(index__in=own, tag__in=ENDS).aggregate(last=Max("index"))["last"]
    within = switched.filter(index__gte=min(own) if start is None else start, index__lte=ends or max(own))
    return set(within.values_list("index", flat=True))


def _naming(subjects: Sequence[str]) -> Iterable[int]:
    return EntrySubject.objects.filter(subject__in=subjects).values_list("entry_id", flat=True)


def _not_exportable(entries: Sequence[Entry]) -> Refused | None:
    tags = {entry.tag for entry in entries}
    if Tag.SESSION_OPENED not in tags:
        return _UNKNOWN
    return None if tags.intersection(ENDS) else _OPEN


def _eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        wake_sequencer()
        time.sleep(0.02)
    return True


def _refused(code: str, ja: str, en: str) -> Refused:
    return Refused((Reason(code, Text(ja, en)),))


_WORKER_SILENT = _refused(
    "worker-silent",
    "証跡ログへの書込みが終わりません。常駐処理(worker)が動いているか確かめ、もう一度お試しください。",
    "The evidence log is not being written. See that the worker is running, then try again.",
)
_UNKNOWN = _refused(
    "unknown-session",
    "この接続の記録が証跡ログにありません。番号を確かめてください。",
    "The evidence log has no record of this session. Check its number.",
)
_OPEN = _refused(
    "session-open",
    "この接続はまだ終わっていません。終わってから書き出してください。",
    "This session has not ended yet. Export it once it has.",
)
