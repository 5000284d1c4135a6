"""The gate's own latches: a cut holds without the database, over a restart, until the city releases it.

A small JSON file, replaced whole. A latch leaves it only when the database says that it is released; a
database that does not know a latch (an old backup, say) releases nothing.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from uuid import UUID

from sekisho.access.facts import LatchFacts
from sekisho.kernel.ids import LineCode, LoginId, PermitNumber


class LatchStore:
    """Owned by the gate process alone: its event loop, and for `persist` any thread of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / "latches.json"
        self._writing = Lock()
        self._held: dict[UUID, LatchFacts] = {}
        if self._path.exists():
            stored = json.loads(self._path.read_text("utf-8"))
            self._held = {UUID(key): _facts(value) for key, value in stored.items()}

    @property
    def held(self) -> tuple[LatchFacts, ...]:
        return tuple(self._held.values())

    def latch(self, latch: UUID, covers: LatchFacts) -> None:
        """In force at once; `persist` makes it outlive the process. Two steps, so that the cut waits for no disk."""
        self._held[latch] = covers

    def add(self, held: dict[UUID, LatchFacts]) -> None:
        """Takes over latches that the database holds, and writes them down when there is a new one."""
        if held.keys() - self._held.keys():
            self._held.update(held)
            self.persist()

    def release(self, latches: Iterable[UUID]) -> None:
        """The database says these are released."""
        gone = self._held.keys() & set(latches)
        for latch in gone:
            del self._held[latch]
        if gone:
            self.persist()

    def persist(self) -> None:
        """Writes all latches to disk: new file, flush, rename, flush the folder."""
        with self._writing:
            self._replace(json.dumps({str(key): asdict(value) for key, value in dict(self._held).items()}))

    def _replace(self, content: str) -> None:
        temporary = self._path.with_suffix(".new")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _facts(stored: dict[str, str | None]) -> LatchFacts:
    line, operator, permit = stored["line"], stored["operator"], stored["permit"]
    return LatchFacts(
        line=LineCode(line) if line else None,
        operator=LoginId(operator) if operator else None,
        permit=PermitNumber(permit) if permit else None,
    )
