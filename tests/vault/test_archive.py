"""Packing: the same bytes, readable from anywhere, never without having been read back."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyzstd import SeekableZstdFile

from sekisho.vault import archive, keyframes
from sekisho.vault.archive import NotAsRegistered, is_kept, open_recording, pack, packed_path
from sekisho.vault.cast import Live, asciicast
from sekisho.vault.format import Kind
from sekisho.vault.reader import Reader
from sekisho.vault.recorder import RecordingDigest, digest_of
from tests.vault.making import recording


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A megabyte of a session, some of which no encoding can read."""
    noise = random.Random(1)
    frames = [
        (at / 100, Kind.OUTPUT, f"line {at} of the nightly batch\r\n".encode() * 40 + noise.randbytes(40))
        for at in range(1000)
    ]
    return recording(tmp_path / "r.skrec", frames)


def registered(path: Path) -> Callable[[RecordingDigest], bool]:
    with open_recording(path) as file:
        return digest_of(file).__eq__


def test_packing_keeps_every_byte_and_frees_the_room(finished: Path) -> None:
    """The packed recording reads as the plain one did, is smaller, and the plain one is gone."""
    before = finished.read_bytes()
    pack(finished, registered(finished))
    assert not finished.exists()
    assert is_kept(finished)
    with open_recording(finished) as file:
        assert file.read() == before
    assert packed_path(finished).stat().st_size < len(before) / 5
    assert [path.name for path in finished.parent.iterdir()] == ["r.skrec.zst"]


def test_anybody_can_unpack_it(finished: Path) -> None:
    """The field's own tool unpacks it: no program of ours is needed to read a recording in ten years."""
    before = finished.read_bytes()
    pack(finished, registered(finished))
    unpack = "import sys; from backports import zstd; sys.stdout.buffer.write(zstd.open(sys.argv[1]).read())"
    done = subprocess.run(
        [sys.executable, "-c", unpack, str(packed_path(finished))], check=True, stdout=subprocess.PIPE
    )
    assert done.stdout == before


def test_every_reader_reads_both(finished: Path) -> None:
    """Replay, seeking, search and the frames themselves are the same before and after packing."""
    keyframes.build(finished)
    whole, late = list(asciicast(finished)), list(keyframes.cast_from(finished, 8.0))
    with Reader(finished) as reader:
        frames = list(reader.frames())
    pack(finished, registered(finished))
    assert list(asciicast(finished)) == whole
    assert list(keyframes.cast_from(finished, 8.0)) == late
    with Reader(finished) as reader:
        assert list(reader.frames()) == frames


def test_who_watches_while_it_is_packed_sees_it_to_the_end(finished: Path) -> None:
    """A watcher who opened the plain recording goes on reading it."""
    watcher = Live(finished)
    pack(finished, registered(finished))
    assert "line 999" in watcher.first()
    watcher.close()


def test_a_recording_that_is_not_the_registered_one_stays_as_it_is(finished: Path) -> None:
    """One byte changed after the end: not packed, not touched, said so."""
    known = registered(finished)
    data = bytearray(finished.read_bytes())
    data[len(data) // 2] ^= 1
    finished.write_bytes(data)
    with pytest.raises(NotAsRegistered):
        pack(finished, known)
    assert finished.read_bytes() == data
    assert [path.name for path in finished.parent.iterdir()] == ["r.skrec"]


def test_a_disk_that_loses_bytes_loses_no_recording(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packed form does not read back as written: the plain recording stays and the packed one goes."""
    before, write = finished.read_bytes(), SeekableZstdFile.write

    def lossy(file: SeekableZstdFile, data: bytes) -> int:
        return write(file, data[:-1] + bytes([data[-1] ^ 1]))

    monkeypatch.setattr(archive.SeekableZstdFile, "write", lossy)
    with pytest.raises(OSError, match="read back"):
        pack(finished, registered(finished))
    assert finished.read_bytes() == before
    assert [path.name for path in finished.parent.iterdir()] == ["r.skrec"]


def test_packing_interrupted_is_done_again(finished: Path) -> None:
    """What an interrupted packing left behind is overwritten by the next."""
    packed_path(finished).with_suffix(".new").write_bytes(b"half of it")
    before = finished.read_bytes()
    pack(finished, registered(finished))
    with open_recording(finished) as file:
        assert file.read() == before


def test_a_damaged_recording_is_indexed_as_far_as_it_goes(finished: Path) -> None:
    """Rubbish in the middle: pictures up to there, no error, replay of the rest says what is wrong itself."""
    data = bytearray(finished.read_bytes())
    with Reader(finished) as reader:
        frame = list(reader.frames())[500]
    data[frame.offset] = 0xFF
    finished.write_bytes(data)
    keyframes.build(finished)
    offsets = [json.loads(line)[1] for line in keyframes.index_path(finished).read_text().splitlines()]
    assert offsets
    assert max(offsets) < frame.offset
