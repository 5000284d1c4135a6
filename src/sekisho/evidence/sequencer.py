"""The sequencer: alone holds the signing key, takes the outbox in order, writes the log, keeps the index.

For each batch, in this order: append to the log (durable and under a signed checkpoint on return), then in
one transaction index the entries and delete their outbox rows. A crash between the two leaves entries that
are in the log and not in the index: they are indexed first thing at the next step or start, and what the
index knows is never appended again. So a committed record is in the log exactly once.

Records of transactions that ran at the same time stand in either order; otherwise the order is the commits'.
"""

import logging
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from django.db import transaction

from sekisho.evidence import index
from sekisho.evidence.log import LogContradicted, LogReader, LogWriter
from sekisho.evidence.models import Entry, OutboxRecord
from sekisho.evidence.note import Signer
from sekisho.evidence.record import BadRecord, Record, decode
from sekisho.kernel.installation import BadInstallation, Installation
from sekisho.kernel.text import Text

BATCH = 500
logger = logging.getLogger(__name__)


class Sequencer:
    """The one process's hold on the log. Opening it may raise `log.LogError` or BadInstallation."""

    def __init__(self, installation: Installation) -> None:
        self._folder = installation.evidence
        self._signer = signing_key(installation)
        self._unreadable: set[int] = set()
        self._log = LogWriter(self._folder, self._signer)
        try:
            self.reindex()
        except BaseException:
            self._log.close()
            raise

    def step(self) -> int:
        """Sequences at most one batch. Gives how many outbox rows are done with. Raises what disk or database
        raise: call again later, nothing is lost or doubled."""
        self._reopen_after_failure()
        if self._indexed < self._log.size:
            self.reindex()
        rows = list(OutboxRecord.objects.exclude(id__in=self._unreadable).order_by("id")[:BATCH])
        if not rows:
            return 0
        known = set(
            Entry.objects.filter(record_id__in=[row.record_id for row in rows]).values_list(
                "record_id", flat=True
            )
        )
        records = [record for row in rows if row.record_id not in known and (record := self._read(row))]
        done = [row.id for row in rows if row.id not in self._unreadable]
        payloads = {row.record_id: bytes(row.payload) for row in rows}
        self._append([(record, payloads[record.record_id]) for record in records], done)
        return len(done)

    def drain(self) -> int:
        """Sequences until the outbox is empty. Gives how many rows that were."""
        total = 0
        while count := self.step():
            total += count
        return total

    def reindex(self) -> int:
        """Indexes what the log has and the tables lack: all of it where they are empty. How many that was.

        LogContradicted where the tables know more than the log, or its last entry otherwise: then the log's
        files are an older copy, put back.
        """
        reader = LogReader(self._folder, self._signer.verifier)
        _require_prefix(reader)
        indexed = Entry.objects.count()
        start = indexed if indexed == index.highest() + 1 else 0
        present = set(Entry.objects.filter(index__gte=start).values_list("index", flat=True))
        missing = (
            (place, decode(payload), payload)
            for place, payload in enumerate(reader.entries(start), start)
            if place not in present
        )
        total = 0
        while batch := list(islice(missing, BATCH)):
            with transaction.atomic():
                index.add(batch)
            total += len(batch)
        self._indexed = reader.checkpoint.size
        return total

    def close(self) -> None:
        self._log.close()

    def _append(self, entries: Sequence[tuple[Record, bytes]], done: list[int]) -> None:
        first = self._log.append([payload for _, payload in entries]) if entries else self._log.size
        with transaction.atomic():
            index.add((first + place, *entry) for place, entry in enumerate(entries))
            OutboxRecord.objects.filter(id__in=done).delete()
        self._indexed = self._log.size

    def _read(self, row: OutboxRecord) -> Record | None:
        try:
            record = decode(bytes(row.payload))
            if record.record_id != row.record_id:
                raise BadRecord("the row's id is not the record's")
        except BadRecord as error:
            # Only somebody with the database in hand can have made this row. It stays, as evidence of that.
            logger.error("outbox row %s is not a record and stays where it is: %s", row.id, error)
            self._unreadable.add(row.id)
            return None
        return record

    def _reopen_after_failure(self) -> None:
        if not self._log.usable:
            self._log.close()
            self._log = LogWriter(self._folder, self._signer)


def signing_key(installation: Installation) -> Signer:
    """The log's signing key. BadInstallation where it is missing or made for another log's name."""
    path = key_path(installation)
    try:
        signer = Signer.parse(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInstallation(f"{path} cannot be read as the evidence log's signing key: {error}") from error
    if signer.name != installation.options.log_origin:
        raise BadInstallation(
            f"{path} signs for {signer.name!r}, but `log_origin` is {installation.options.log_origin!r}."
        )
    return signer


def key_path(installation: Installation) -> Path:
    """Where the signing key is: one line, `PRIVATE+KEY+NAME+KEYID+BASE64` (note.Signer), readable by the worker."""
    return installation.keys / "log-signing-key"


def _require_prefix(reader: LogReader) -> None:
    highest = index.highest()
    if highest < 0:
        return
    size = reader.checkpoint.size
    if highest >= size or bytes(Entry.objects.get(index=highest).payload) != reader.entry(highest):
        raise LogContradicted(
            Text(
                f"証跡ログのファイル({size}件)が、データベースの索引({highest + 1}件)と合いません。"
                "古い控えから戻したか、別のログのファイルです。新しい方の控えを探してください。",
                f"The evidence log's files ({size} entries) do not fit the database's index"
                f" ({highest + 1} entries): they are an older copy or another log's."
                " Look for the newer copy.",
            )
        )
