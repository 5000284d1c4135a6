"""The log's files: durable in order, recovered after any end, refused where they contradict the signature."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from sekisho.evidence.disk import Disk
from sekisho.evidence.log import LogContradicted, LogFailed, LogInUse, LogReader, LogWriter, read_verifier
from sekisho.evidence.merkle import leaf_hash, root
from sekisho.evidence.note import Signer
from sekisho.evidence.record import Record, encode

SIGNER = Signer("test.invalid/log-1", bytes(32))


def entry(number: int) -> bytes:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    return encode(Record(UUID(int=number), "gate:session:opened", at, "worker", (), {"n": number}))


def make(folder: Path, count: int = 10) -> list[bytes]:
    log = LogWriter(folder, SIGNER)
    entries = [entry(number) for number in range(count)]
    log.append(entries[:4])
    log.append(entries[4:])
    log.close()
    return entries


def read(folder: Path) -> list[bytes]:
    return list(LogReader(folder, SIGNER.verifier).entries(0))


def test_what_was_appended_is_read(tmp_path: Path):
    """Entries, root and key are there for a reader, from the start, from the middle and one by one."""
    entries = make(tmp_path)
    reader = LogReader(tmp_path, read_verifier(tmp_path))
    assert reader.checkpoint.size == 10
    assert reader.checkpoint.root == root(map(leaf_hash, entries))
    assert list(reader.entries(0)) == entries
    assert list(reader.entries(3, 7)) == entries[3:7]
    assert [reader.entry(index) for index in range(10)] == entries


def test_opened_again_it_continues(tmp_path: Path):
    """A new writer goes on where the last one stopped; the earlier checkpoint is a prefix of the later."""
    entries = make(tmp_path)
    log = LogWriter(tmp_path, SIGNER)
    assert log.append([entry(10), entry(11)]) == 10
    log.close()
    assert read(tmp_path) == [*entries, entry(10), entry(11)]


def test_an_empty_log_has_a_signed_checkpoint(tmp_path: Path):
    """From its first moment a log says, signed, that it is empty: deleting all its files is noticed later."""
    LogWriter(tmp_path, SIGNER).close()
    assert LogReader(tmp_path, SIGNER.verifier).checkpoint.size == 0
    assert read(tmp_path) == []


def test_one_writer(tmp_path: Path):
    """A second writer is refused with a sentence, and may write once the first has gone."""
    log = LogWriter(tmp_path, SIGNER)
    with pytest.raises(LogInUse, match="only one worker"):
        LogWriter(tmp_path, SIGNER)
    log.close()
    LogWriter(tmp_path, SIGNER).close()


@pytest.mark.parametrize("tail", [b"\x00", b"\x00\x05abc", b"\x00" * 4096, b"\x00\x03abc", b"\xff" * 700])
def test_a_torn_tail_is_put_aside(tmp_path: Path, tail: bytes):
    """Bytes beyond the last whole record leave the log and are kept beside it; nothing whole is lost."""
    entries = make(tmp_path)
    whole = entry(10)
    with (tmp_path / "entries").open("ab") as file:
        end = file.tell() + 2 + len(whole)
        file.write(len(whole).to_bytes(2, "big") + whole + tail)
    LogWriter(tmp_path, SIGNER).close()
    assert read(tmp_path) == [*entries, whole]
    assert (tmp_path / f"torn-{end}").read_bytes() == tail


def test_an_old_checkpoint_put_back_loses_nothing(tmp_path: Path):
    """Whoever puts yesterday's checkpoint back hides nothing: the entries since are still taken up."""
    LogWriter(tmp_path, SIGNER).close()
    old = (tmp_path / "checkpoint").read_bytes()
    entries = make(tmp_path)
    (tmp_path / "checkpoint").write_bytes(old)
    LogWriter(tmp_path, SIGNER).close()
    assert read(tmp_path) == entries


def test_the_index_is_made_anew(tmp_path: Path):
    """A missing, short or wrong index follows from the entries again; a reader refuses the wrong one."""
    entries = make(tmp_path)
    good = (tmp_path / "index").read_bytes()
    for bad in (None, b"", good[:-1], good + b"x", bytes([good[8] ^ 1]) + good[1:]):
        (tmp_path / "index").unlink()
        if bad is not None:
            (tmp_path / "index").write_bytes(bad)
        LogWriter(tmp_path, SIGNER).close()
        assert (tmp_path / "index").read_bytes() == good
    (tmp_path / "index").write_bytes(good[:8] + bytes([good[8] ^ 1]) + good[9:])
    with pytest.raises(LogContradicted):
        read(tmp_path)
    assert entries == make(tmp_path / "other")


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda folder: (folder / "checkpoint").unlink(), id="no checkpoint"),
        pytest.param(lambda folder: (folder / "entries").unlink(), id="no entries"),
        pytest.param(lambda folder: (folder / "entries").write_bytes(b""), id="empty entries"),
        pytest.param(lambda folder: _flip(folder / "checkpoint", 25), id="checkpoint changed"),
        pytest.param(lambda folder: _flip(folder / "checkpoint", -20), id="signature changed"),
        pytest.param(lambda folder: _flip(folder / "entries", 40), id="entry changed"),
        pytest.param(lambda folder: _flip(folder / "entries", 1), id="length changed"),
        pytest.param(
            lambda folder: (folder / "entries").write_bytes((folder / "entries").read_bytes()[:-1]),
            id="last byte lost",
        ),
        pytest.param(
            lambda folder: (folder / "entries").write_bytes(
                (folder / "entries").read_bytes()[2 + len(entry(0)) :]
            ),
            id="first entry dropped",
        ),
    ],
)
def test_files_that_contradict_the_signature_are_refused(tmp_path: Path, harm: Callable[[Path], None]):
    """Changed, cut or missing files below the checkpoint: neither opened for writing nor believed by a reader."""
    make(tmp_path)
    harm(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(LogContradicted):
        LogWriter(tmp_path, SIGNER)
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.stat().st_size}
    assert after == {name: data for name, data in before.items() if data}


def test_a_reader_finds_a_changed_entry(tmp_path: Path):
    """A reader checks each entry it gives, and names the one that was changed."""
    make(tmp_path)
    _flip(tmp_path / "entries", (2 + len(entry(0))) * 3 + 40)
    reader = LogReader(tmp_path, SIGNER.verifier)
    assert reader.entry(2) == entry(2)
    with pytest.raises(LogContradicted, match="Entry 3"):
        reader.entry(3)


def test_another_key_cannot_continue_the_log(tmp_path: Path):
    """With a new signing key under the old name the log does not open: a key change is never silent."""
    make(tmp_path)
    with pytest.raises(LogContradicted):
        LogWriter(tmp_path, Signer(SIGNER.name, bytes(31) + b"\x01"))


class Failing(Disk):
    """A disk whose call number `turn` fails: before it does anything, half-way, or after it did everything."""

    def __init__(self, turn: int, when: str) -> None:
        self.turn, self.when, self.fired = turn, when, False

    def append(self, file: int, data: bytes) -> None:
        self._call(
            lambda: Disk.append(self, file, data), lambda: Disk.append(self, file, data[: len(data) // 2])
        )

    def sync(self, file: int) -> None:
        self._call(lambda: Disk.sync(self, file))

    def replace(self, path: Path, data: bytes) -> None:
        self._call(lambda: Disk().replace(path, data))

    def _call(self, whole: Callable[[], None], half: Callable[[], None] | None = None) -> None:
        self.turn -= 1
        if self.turn:
            return whole()
        self.fired = True
        if self.when == "after":
            whole()
        if self.when == "half" and half:
            half()
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("when", ["before", "half", "after"])
@pytest.mark.parametrize("turn", [1, 2, 3, 4, 5])
def test_a_failing_disk(tmp_path: Path, turn: int, when: str):
    """Whichever write fails, before or after reaching the disk: an error, then a log that opens and is whole.

    Each of an append's entries is there once or not at all, in order, and what was acknowledged is there.
    """
    entries = make(tmp_path)
    disk = Failing(10**6, when)
    log = LogWriter(tmp_path, SIGNER, disk)
    disk.turn = turn
    with pytest.raises(OSError, match="No space"):
        log.append([entry(10), entry(11), entry(12)])
    assert disk.fired
    with pytest.raises(LogFailed):
        log.append([entry(13)])
    log.close()
    LogWriter(tmp_path, SIGNER).close()
    found = read(tmp_path)
    assert found[:10] == entries
    assert found[10:] == [entry(10), entry(11), entry(12)][: len(found) - 10]


@pytest.mark.parametrize("when", ["before", "half", "after"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_disk_that_fails_while_recovering(tmp_path: Path, turn: int, when: str):
    """Recovery that is itself interrupted, at any of its writes, loses nothing the next one cannot have."""
    entries = make(tmp_path)
    with (tmp_path / "entries").open("ab") as file:
        file.write(len(entry(10)).to_bytes(2, "big") + entry(10) + b"\x00\x50torn")
    (tmp_path / "log-key.pub").unlink()
    copy = shutil.copytree(tmp_path, tmp_path / "copy")
    disk = Failing(turn, when)
    try:
        LogWriter(copy, SIGNER, disk).close()
    except OSError:
        assert disk.fired
    else:
        assert turn > 6
    LogWriter(copy, SIGNER).close()
    assert read(copy) == [*entries, entry(10)]
