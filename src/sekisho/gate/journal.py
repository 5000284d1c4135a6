"""The gate's own journal: what happened, on disk, before and without the database.

One JSON object a line, appended and flushed to disk; a second file says how much of it has been handed
over. Entries are handed over in order, each with its own id, so that handing over twice changes nothing.
A line cut short by a crash was never acted on and is dropped at the next start.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sekisho.kernel.ids import time_ordered_id

BALLAST_BYTES = 1 << 20
"""Kept free for the last words when the disk is full."""


class JournalFailed(Exception):
    """The journal cannot be written: no evidence, so no passage."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One verb of `access/gateway.py` with its arguments, waiting to be handed over."""

    id: UUID
    at: datetime
    verb: str
    args: Mapping[str, Any]


class Journal:
    """Owned by the gate process alone. `append` may be called from any one thread at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / "journal"
        self._mark = folder / "journal.handed-over"
        self._ballast = folder / "ballast"
        self._pending: list[tuple[JournalEntry, int]] = []
        self._handed_over = int(self._mark.read_text()) if self._mark.exists() else 0
        self._size = self._recover()
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.failed = False
        self._lay_ballast()

    def append(self, verb: str, args: Mapping[str, Any], at: datetime) -> JournalEntry:
        """Writes an entry and waits until it is on disk. JournalFailed when it cannot be."""
        entry = JournalEntry(time_ordered_id(at), at, verb, args)
        line = json.dumps([str(entry.id), at.isoformat(), verb, args], ensure_ascii=False).encode() + b"\n"
        try:
            self._write(line)
        except OSError as first:
            if not self._drop_ballast():
                self.failed = True
                raise JournalFailed(str(first)) from first
            self._write_last_words(line)
        self._size += len(line)
        self._pending.append((entry, self._size))
        return entry

    def pending(self) -> list[JournalEntry]:
        """What is still to be handed over, oldest first."""
        return [entry for entry, _ in self._pending]

    def handed_over(self, entry: JournalEntry) -> None:
        """The oldest pending entry is in the database. Starts the file anew when nothing is left."""
        first, end = self._pending.pop(0)
        if first.id != entry.id:
            raise ValueError("journal entries are handed over in order")
        if self._pending:
            self._handed_over = end
            self._write_mark(end)
            return
        # Order matters: a crash between the two leaves a mark at 0 over a full file, and ids make repeats harmless.
        self._write_mark(0)
        os.ftruncate(self._file, 0)
        self._size = self._handed_over = 0

    def close(self) -> None:
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        if self.failed:
            raise OSError("an earlier entry could not be written")
        try:
            written = os.write(self._file, line)
            if written != len(line):
                raise OSError("short write")
            os.fdatasync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise

    def _write_last_words(self, line: bytes) -> None:
        try:
            self._write(line)
        except OSError as error:
            self.failed = True
            raise JournalFailed(str(error)) from error

    def _recover(self) -> int:
        if not self._path.exists():
            return 0
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole != len(data):
            os.truncate(self._path, whole)
        at = min(self._handed_over, whole)
        while at < whole:
            end = data.index(b"\n", at) + 1
            record_id, moment, verb, args = json.loads(data[at:end])
            self._pending.append(
                (JournalEntry(UUID(record_id), datetime.fromisoformat(moment), verb, args), end)
            )
            at = end
        return whole

    def _write_mark(self, offset: int) -> None:
        temporary = self._mark.with_suffix(".new")
        temporary.write_text(str(offset))
        temporary.replace(self._mark)

    def _lay_ballast(self) -> None:
        try:
            with self._ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
        except OSError:
            self._ballast.unlink(missing_ok=True)

    def _drop_ballast(self) -> bool:
        had = self._ballast.exists()
        self._ballast.unlink(missing_ok=True)
        return had
