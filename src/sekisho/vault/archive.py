"""Where recordings lie: as written while a session runs, packed once it has ended.

`ID.skrec` is what the gate writes. `ID.skrec.zst` holds the same bytes in the seekable Zstandard format, so
that a reader may begin anywhere; `zstd -d` unpacks it. Readers ask here and need not know which there is.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

from pyzstd import CParameter, SeekableZstdFile

from sekisho.vault.recorder import RecordingDigest, digest_of

FRAME_BYTES = 1 << 20
"""Packed in pieces of this size: the most that must be unpacked to reach any byte."""
LEVEL = 9
_BLOCK = 1 << 20


class NotAsRegistered(Exception):
    """The recording on disk is not the one whose digest was registered when the session ended."""


def recording_path(folder: Path, session: UUID) -> Path:
    """Where a session's recording is written; also its name when it has been packed since."""
    return folder / f"{session}.skrec"


def packed_path(recording: Path) -> Path:
    return recording.with_name(f"{recording.name}.zst")


def is_kept(recording: Path) -> bool:
    """Whether there is a recording of that name, packed or not."""
    return recording.exists() or packed_path(recording).exists()


def open_recording(recording: Path) -> BinaryIO:
    """The recording's own bytes, from their beginning. FileNotFoundError when there is none."""
    try:
        return recording.open("rb")
    except FileNotFoundError:
        # The packed one is in its place before the plain one goes, so that one of the two is always there.
        return cast(BinaryIO, SeekableZstdFile(packed_path(recording), "r"))


def pack(recording: Path, fits: Callable[[RecordingDigest], bool]) -> None:
    """Replaces a finished recording by its packed form, once that has been read back and found the same.

    `fits` says whether a digest is the registered one; NotAsRegistered, and nothing is changed, when it is
    not. OSError when it cannot be written or reads back differently; the plain recording stays.
    """
    target = packed_path(recording)
    temporary = target.with_suffix(".new")
    try:
        digest = _write_packed(recording, temporary)
        if not fits(digest):
            raise NotAsRegistered(recording.name)
        with cast(BinaryIO, SeekableZstdFile(temporary, "r")) as packed:
            if digest_of(packed) != digest:
                raise OSError(f"{temporary.name} does not read back as it was written")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)
    recording.unlink()


def _write_packed(recording: Path, temporary: Path) -> RecordingDigest:
    options: dict[int, int] = {CParameter.compressionLevel: LEVEL, CParameter.checksumFlag: 1}
    with recording.open("rb") as plain, temporary.open("wb") as file:
        os.fchmod(file.fileno(), 0o640)
        with SeekableZstdFile(
            file, "w", level_or_option=options, max_frame_content_size=FRAME_BYTES
        ) as packed:
            while data := plain.read(_BLOCK):
                packed.write(data)
        file.flush()
        os.fsync(file.fileno())
        plain.seek(0)
        return digest_of(plain)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
