"""The recorder: whole frames, their times, their digests, and never a silent loss."""

import errno
import os
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.vault.format import (
    CHUNK_BYTES,
    BadRecording,
    Header,
    Kind,
    decode_header,
    encode_header,
    frame_head,
    read_head,
)
from sekisho.vault.recorder import ChunkHasher, Recorder, RecorderFailed, digest_of

HEADER = Header(UUID(int=7), datetime(2026, 11, 23, 9, 0, 0, 5, tzinfo=UTC), (80, 24), "shift_jis")


def recorder(path: Path) -> Recorder:
    ticks = count()
    return Recorder(path, HEADER, lambda: next(ticks) * 0.1)


def frames(data: bytes) -> list[tuple[Kind, int, bytes]]:
    _, at = decode_header(data)
    found = []
    while (head := read_head(data, at)) is not None:
        kind, micros, length, start = head
        if start + length > len(data):
            break
        found.append((kind, micros, data[start : start + length]))
        at = start + length
    return found


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Header, kinds, bytes and times come back as they went in."""
    path = tmp_path / "one.skrec"
    writer = recorder(path)
    writer.write(Kind.OUTPUT, b"\xff\x00 any bytes")
    writer.write(Kind.INPUT, b"x")
    writer.close()
    assert decode_header(path.read_bytes())[0] == HEADER
    assert frames(path.read_bytes()) == [
        (Kind.OUTPUT, 100_000, b"\xff\x00 any bytes"),
        (Kind.INPUT, 100_000, b"x"),
    ]


@given(st.integers(0, 2**40), st.integers(0, 2**33))
def test_frame_heads_round_trip(micros: int, length: int) -> None:
    """Any delay and any length, encoded and read back, also when cut short anywhere."""
    head = frame_head(Kind.STDERR, micros, length)
    assert read_head(head, 0) == (Kind.STDERR, micros, length, len(head))
    assert all(read_head(head[:cut], 0) is None for cut in range(len(head)))


def test_a_keystroke_costs_at_most_six_bytes() -> None:
    """The frame around one typed byte, up to two seconds after the last, is small."""
    assert len(frame_head(Kind.INPUT, 2_000_000, 1)) <= 6


@given(st.lists(st.binary(max_size=200_000), max_size=5))
def test_digests_do_not_depend_on_how_it_was_written(pieces: list[bytes]) -> None:
    """The chunk hashes are those of the bytes in chunks of 64 KiB, however they came."""
    import hashlib

    hasher = ChunkHasher()
    for piece in pieces:
        hasher.update(piece)
    data = b"".join(pieces)
    chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
    assert hasher.digest().leaves == tuple(hashlib.sha256(b"\0" + chunk).digest() for chunk in chunks)
    assert hasher.digest().size == len(data)


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    """What closing reports is what anyone computes from the file."""
    path = tmp_path / "one.skrec"
    writer = recorder(path)
    for size in (1, CHUNK_BYTES, 3 * CHUNK_BYTES + 5):
        writer.write(Kind.OUTPUT, os.urandom(size))
    assert writer.close() == digest_of(path.open("rb"))


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    """A file that exists is somebody's recording."""
    (tmp_path / "one.skrec").write_bytes(b"")
    with pytest.raises(RecorderFailed):
        recorder(tmp_path / "one.skrec")


def test_after_a_failure_every_write_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame that went down in part is taken back at the end; nothing after it is accepted."""
    path = tmp_path / "one.skrec"
    writer = recorder(path)
    writer.write(Kind.OUTPUT, b"whole")
    real = os.write

    def short_then_full(file: int, data: bytes) -> int:
        if len(data) > 3:
            return real(file, data[:3])
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", short_then_full)
    with pytest.raises(RecorderFailed):
        writer.write(Kind.OUTPUT, b"1234")
    monkeypatch.setattr(os, "write", real)
    with pytest.raises(RecorderFailed):
        writer.write(Kind.OUTPUT, b"more")
    digest = writer.close()
    assert [data for _, _, data in frames(path.read_bytes())] == [b"whole"]
    assert digest == digest_of(path.open("rb"))


@given(st.binary(max_size=60))
def test_garbage_is_refused_not_believed(data: bytes) -> None:
    """Whatever is not a recording is named as such."""
    with pytest.raises(BadRecording):
        decode_header(data)


def test_headers_round_trip() -> None:
    """With and without a terminal."""
    for size in (None, (80, 24), (500, 200)):
        header = Header(UUID(int=1), HEADER.started, size, "utf-8")
        assert decode_header(encode_header(header)) == (header, len(encode_header(header)))
