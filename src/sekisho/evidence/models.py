"""The outbox, written in a verb's own transaction, and the index of the log, rebuildable from it.

The files under `evidence/` in the installation are the truth; these tables only find things.
Rows of `Entry` and `EntrySubject` refuse UPDATE and DELETE in the database itself (migration 0002).
"""

from django.db import models


class OutboxRecord(models.Model):
    """A record that a verb has committed and the sequencer has yet to append to the log."""

    record_id = models.UUIDField(unique=True)
    payload = models.BinaryField()
    """The record's canonical encoding (`record.encode`), exactly as it will stand in the log."""

    class Meta:
        ordering = ["id"]


class Entry(models.Model):
    """Entry `index` of the log, as a row to search."""

    index = models.BigIntegerField(primary_key=True)
    record_id = models.UUIDField(unique=True)
    tag = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=128, db_index=True)
    payload = models.BinaryField()

    class Meta:
        ordering = ["-index"]


class EntrySubject(models.Model):
    """Entry `entry` speaks of `subject`, for example `session:0190…` or `permit:R8-0001`."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="subjects")
    subject = models.CharField(max_length=160, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "subject"], name="entry_subject_once")]
