"""Writes a recording: each frame is with the operating system before its bytes go anywhere else.

Keeps the digests of the chunks while writing, so that closing costs nothing. Never drops anything silently:
after the first failure every write fails.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sekisho.vault.format import CHUNK_BYTES, Header, Kind, encode_header, frame_head


class RecorderFailed(Exception):
    """A frame could not be written: nothing may be forwarded any more."""


@dataclass(frozen=True, slots=True)
class RecordingDigest:
    """What a recording is: its size and the RFC 6962 leaf hashes of its chunks."""

    size: int
    leaves: tuple[bytes, ...]


class ChunkHasher:
    """RFC 6962 leaf hashes over consecutive chunks: SHA-256(0x00 || chunk)."""

    def __init__(self) -> None:
        self.size = 0
        self._leaves: list[bytes] = []
        self._hash = hashlib.sha256(b"\0")
        self._room = CHUNK_BYTES

    def update(self, data: bytes) -> None:
        self.size += len(data)
        view = memoryview(data)
        while len(view) >= self._room:
            self._hash.update(view[: self._room])
            view = view[self._room :]
            self._leaves.append(self._hash.digest())
            self._hash = hashlib.sha256(b"\0")
            self._room = CHUNK_BYTES
        if view:
            self._hash.update(view)
            self._room -= len(view)

    def digest(self) -> RecordingDigest:
        """The digest of what was hashed so far; the last chunk may be short."""
        last = () if self._room == CHUNK_BYTES else (self._hash.copy().digest(),)
        return RecordingDigest(self.size, (*self._leaves, *last))


class Recorder:
    """One session's recording while it runs. `write` on one thread, `sync` and `close` on another if wanted."""

    def __init__(self, path: Path, header: Header, clock: Callable[[], float]) -> None:
        """Begins a new file, which must not exist. RecorderFailed when that cannot be."""
        self._clock = clock
        self._last = clock()
        self._hasher = ChunkHasher()
        self._failure: OSError | None = None
        self._dirty = False
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        except OSError as error:
            raise RecorderFailed(str(error)) from error
        self._put(encode_header(header))

    def write(self, kind: Kind, data: bytes) -> None:
        """Writes one frame. RecorderFailed, now and ever after, when it did not go down whole."""
        now = self._clock()
        micros = max(0, int((now - self._last) * 1_000_000))
        self._last += micros / 1_000_000
        self._put(frame_head(kind, micros, len(data)) + data)

    def sync(self) -> None:
        """Puts on disk what was written. May be called from another thread, at least every second."""
        if not self._dirty or self._failure is not None:
            return
        self._dirty = False
        try:
            os.fdatasync(self._file)
        except OSError as error:
            self._failure = error
            raise RecorderFailed(str(error)) from error

    def close(self) -> RecordingDigest:
        """Puts the rest on disk and says what was recorded. The file holds whole frames only, also after a failure."""
        digest = self._hasher.digest()
        try:
            os.ftruncate(self._file, digest.size)
            os.fsync(self._file)
        except OSError as error:
            self._failure = self._failure or error
        finally:
            os.close(self._file)
        return digest

    def _put(self, data: bytes) -> None:
        if self._failure is not None:
            raise RecorderFailed(str(self._failure))
        try:
            written = os.write(self._file, data)
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError as error:
            self._failure = error
            raise RecorderFailed(str(error)) from error
        self._hasher.update(data)
        self._dirty = True


def digest_of(recording: BinaryIO) -> RecordingDigest:
    """The digest of a recording as it is read from here on, whoever wrote it. OSError when it cannot be read."""
    hasher = ChunkHasher()
    while data := recording.read(1 << 20):
        hasher.update(data)
    return hasher.digest()
