"""The recordings this gate is writing: begun, brought to disk, closed, and measured after a crash."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sekisho.evidence import merkle
from sekisho.vault.archive import open_recording, recording_path
from sekisho.vault.format import CHUNK_BYTES, Header
from sekisho.vault.recorder import Recorder, RecorderFailed, RecordingDigest, digest_of

SYNC_SECONDS = 0.5


class Recordings:
    """Owned by the event loop; files are closed and flushed in one thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._disk = ThreadPoolExecutor(1, "sync")
        self._open: dict[UUID, Recorder] = {}

    @property
    def ready(self) -> bool:
        """Whether there is a place to record to."""
        return self._folder.is_dir()

    def begin(self, session: UUID, at: datetime, size: tuple[int, int] | None, charset: str) -> Recorder:
        """A new recording; `size` is columns and rows of its terminal. RecorderFailed when it cannot be begun."""
        header = Header(session=session, started=at, size=size, charset=charset)
        recorder = Recorder(recording_path(self._folder, session), header, time.monotonic)
        self._open[session] = recorder
        return recorder

    async def close(self, session: UUID) -> dict[str, Any] | None:
        """Closes a recording and says what it was (`_describe`); None when none was begun."""
        recorder = self._open.pop(session, None)
        if recorder is None:
            return None
        return _describe(await asyncio.get_running_loop().run_in_executor(self._disk, recorder.close))

    async def left_behind(self, session: UUID) -> dict[str, Any] | None:
        """What a crash left of a recording, measured on disk; None when there is nothing."""
        try:
            return _describe(await asyncio.to_thread(self._measure, session))
        except FileNotFoundError:
            return None

    async def keep_synced(self, failed: Callable[[UUID], None]) -> None:
        """Brings everything to disk twice a second, for ever; tells `failed` which session's cannot be."""
        loop = asyncio.get_running_loop()
        while True:
            for session, recorder in list(self._open.items()):
                try:
                    await loop.run_in_executor(self._disk, recorder.sync)
                except RecorderFailed:
                    failed(session)
            await asyncio.sleep(SYNC_SECONDS)

    def _measure(self, session: UUID) -> RecordingDigest:
        with open_recording(recording_path(self._folder, session)) as recording:
            return digest_of(recording)


def _describe(digest: RecordingDigest) -> dict[str, Any]:
    """Size in bytes and the RFC 6962 root over its chunks, as the register keeps them."""
    return {
        "bytes": digest.size,
        "root": merkle.root(digest.leaves).hex(),
        "chunk_bytes": CHUNK_BYTES,
    }
