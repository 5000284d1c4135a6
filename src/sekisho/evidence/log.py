"""The log as files: `entries`, `index`, `checkpoint`, `log-key.pub`, and `lock`. Imports no framework.

    entries      each entry as two bytes of length (big-endian) and its bytes, one after another
    index        for each entry 40 bytes: where it ends in `entries` (8, big-endian) and its leaf hash (32)
    checkpoint   a signed note (note.py) over how many entries there are and the root over them
    log-key.pub  the key that verifies it, as text

What may be relied on after a crash at any moment, and why:

- `entries` reaches the disk first, then `index`, then `checkpoint` by an atomic rename: a checkpoint never
  covers an entry that is not there.
- Opening keeps every whole record beyond the checkpoint and puts aside what is cut short, in `torn-*`.
- Opening refuses (LogContradicted) where the files do not give the checkpoint's root: nothing is mended
  that a signature covers. `index` follows from `entries` and is made anew where it differs.

One process writes, held by a lock that ends with the process. Readers need no lock: they read what the
checkpoint covers, and that never changes.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sekisho.evidence.disk import MODE, Disk
from sekisho.evidence.merkle import HASH_BYTES, Frontier, Tree, leaf_hash
from sekisho.evidence.note import BadNote, Checkpoint, Signer, Verifier, read_checkpoint, sign
from sekisho.evidence.record import MAX_BYTES, BadRecord, decode
from sekisho.kernel.text import Text

ROW_BYTES = 8 + HASH_BYTES


class LogError(Exception):
    """The log cannot be used as it is. `text` says what happened, what it means, and what to do."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class LogInUse(LogError):
    """Another process is writing this log."""


class LogContradicted(LogError):
    """The files are not what their checkpoint says they are: changed, cut, swapped, or restored in part."""


class LogFailed(LogError):
    """An earlier write failed. Open the log again: only opening can tell what reached the disk."""


class LogWriter:
    """The one writer of a log. Opening it recovers from whatever the last writer's end has left.

    LogInUse, LogContradicted; OSError from the disk. After an OSError only `close` may be called.
    """

    def __init__(self, folder: Path, signer: Signer, disk: Disk | None = None) -> None:
        self._folder, self._signer, self._disk = folder, signer, disk or Disk()
        self._frontier = Frontier()
        self._end = 0
        self._usable = False
        self._files: list[int] = []
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        try:
            self._lock()
            self._recover()
        except BaseException:
            self.close()
            raise
        self._usable = True

    @property
    def size(self) -> int:
        return self._frontier.size

    @property
    def usable(self) -> bool:
        """False once a write has failed: then close this writer and open another."""
        return self._usable

    def append(self, entries: Sequence[bytes]) -> int:
        """Appends canonical records, durable and under a signed checkpoint on return. The first's index."""
        if not self._usable:
            raise LogFailed(
                Text(
                    "前の書込みに失敗したため、証跡ログを開き直す必要があります。",
                    "An earlier write failed: the evidence log has to be opened again.",
                )
            )
        if not all(0 < len(entry) <= MAX_BYTES for entry in entries):
            raise ValueError(f"an entry has 1 to {MAX_BYTES} bytes")
        first, self._usable = self.size, False
        self._write(self._entries, b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries))
        self._write(self._index, b"".join(map(self._count, entries)))
        self._sign()
        self._usable = True
        return first

    def close(self) -> None:
        """Lets go of the files and of the lock. What was appended is safe with or without it."""
        self._usable = False
        while self._files:
            os.close(self._files.pop())

    def _lock(self) -> None:
        file = self._open("lock")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LogInUse(
                Text(
                    f"証跡ログ({self._folder})には、すでに別の常駐処理(worker)が書き込んでいます。"
                    "常駐処理は一つだけ動かしてください。",
                    f"Another worker already writes the evidence log in {self._folder}. Run only one worker.",
                )
            ) from error

    def _recover(self) -> None:
        checkpoint = self._last_checkpoint()
        self._entries = self._open("entries", os.O_APPEND)
        rows = self._count_entries(checkpoint)
        self._make("index", rows)
        self._make("log-key.pub", f"{self._signer.verifier}\n".encode())
        self._index = self._open("index", os.O_APPEND)
        if self.size > checkpoint.size or not (self._folder / "checkpoint").exists():
            self._disk.sync(self._entries)
            self._sign()

    def _last_checkpoint(self) -> Checkpoint:
        path, entries = self._folder / "checkpoint", self._folder / "entries"
        if path.exists():
            return _checkpoint(path.read_bytes(), self._signer.verifier)
        if entries.exists() and entries.stat().st_size:
            raise _contradicted(
                "チェックポイントがないのに記録があります。", "There are entries but no checkpoint."
            )
        return Checkpoint(self._signer.name, 0, Frontier().root())

    def _count_entries(self, checkpoint: Checkpoint) -> bytes:
        rows = bytearray()
        with (self._folder / "entries").open("rb") as stream:
            frames = _frames(stream)
            for entry in islice(frames, checkpoint.size):
                rows += self._count(entry)
            _require(checkpoint, self._frontier)
            for entry in frames:
                if not _is_record(entry):
                    break
                rows += self._count(entry)
        self._put_aside_beyond(self._end)
        return bytes(rows)

    def _put_aside_beyond(self, end: int) -> None:
        path = self._folder / "entries"
        if path.stat().st_size == end:
            return
        with path.open("rb") as stream:
            stream.seek(end)
            self._disk.replace(self._folder / f"torn-{end}", stream.read())
        os.ftruncate(self._entries, end)
        self._disk.sync(self._entries)

    def _count(self, entry: bytes) -> bytes:
        hashed = leaf_hash(entry)
        self._frontier.push(hashed)
        self._end += 2 + len(entry)
        return self._end.to_bytes(8, "big") + hashed

    def _make(self, name: str, data: bytes) -> None:
        path = self._folder / name
        if not path.exists() or path.read_bytes() != data:
            self._disk.replace(path, data)

    def _write(self, file: int, data: bytes) -> None:
        self._disk.append(file, data)
        self._disk.sync(file)

    def _sign(self) -> None:
        checkpoint = Checkpoint(self._signer.name, self.size, self._frontier.root())
        self._disk.replace(self._folder / "checkpoint", sign(checkpoint.text, [self._signer]).encode())

    def _open(self, name: str, flags: int = 0) -> int:
        file = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags, MODE)
        self._files.append(file)
        return file


class LogReader:
    """The log as its checkpoint covered it when this was made. Any number of readers, no lock.

    LogContradicted where checkpoint, index and entries do not belong together.
    """

    def __init__(self, folder: Path, verifier: Verifier) -> None:
        self._folder = folder
        try:
            self.note = (folder / "checkpoint").read_bytes()
            self.checkpoint = _checkpoint(self.note, verifier)
            with (folder / "index").open("rb") as stream:
                self._rows = stream.read(self.checkpoint.size * ROW_BYTES)
        except FileNotFoundError as error:
            raise _contradicted(
                f"ファイルがありません: {error.filename}", f"A file is missing: {error.filename}."
            ) from error
        self.tree = Tree(self._row(index)[1] for index in range(len(self._rows) // ROW_BYTES))
        if (self.tree.size, self.tree.root()) != (self.checkpoint.size, self.checkpoint.root):
            raise _contradicted("索引がチェックポイントと一致しません。", "The index does not give the root.")

    def entries(self, start: int, stop: int | None = None) -> Iterator[bytes]:
        """Entries `start` to before `stop`, each checked against its leaf hash."""
        stop = self.checkpoint.size if stop is None else stop
        with (self._folder / "entries").open("rb") as stream:
            stream.seek(self._row(start - 1)[0] if start else 0)
            found = start
            for entry in islice(_frames(stream), stop - start):
                if leaf_hash(entry) != self._row(found)[1]:
                    break
                yield entry
                found += 1
        if found < stop:
            raise _contradicted(f"記録 {found} が変わっています。", f"Entry {found} has been changed.")

    def entry(self, index: int) -> bytes:
        return next(self.entries(index, index + 1))

    def _row(self, index: int) -> tuple[int, bytes]:
        row = self._rows[index * ROW_BYTES : (index + 1) * ROW_BYTES]
        return int.from_bytes(row[:8], "big"), row[8:]


def read_verifier(folder: Path) -> Verifier:
    """The log's public key as the log's folder gives it. An auditor takes it from elsewhere instead."""
    return Verifier.parse((folder / "log-key.pub").read_text("utf-8"))


def _frames(stream: BinaryIO) -> Iterator[bytes]:
    """Whole entries from where the stream stands; ends before one that is cut short."""
    while len(head := stream.read(2)) == 2 and (length := int.from_bytes(head, "big")):
        entry = stream.read(length)
        if len(entry) < length:
            return
        yield entry


def _is_record(entry: bytes) -> bool:
    try:
        decode(entry)
    except BadRecord:
        return False
    return True


def _checkpoint(note: bytes, verifier: Verifier) -> Checkpoint:
    try:
        return read_checkpoint(note, verifier)
    except BadNote as error:
        raise _contradicted(
            f"チェックポイントを検証できません({error})。", f"The checkpoint does not verify: {error}."
        ) from error


def _require(checkpoint: Checkpoint, frontier: Frontier) -> None:
    if frontier.size < checkpoint.size:
        raise _contradicted(
            f"チェックポイントは{checkpoint.size}件の記録を示していますが、{frontier.size}件しかありません。",
            f"The checkpoint covers {checkpoint.size} entries, but only {frontier.size} are there.",
        )
    if frontier.root() != checkpoint.root:
        raise _contradicted(
            "記録がチェックポイントと一致しません。", "The entries do not give the checkpoint's root."
        )


def _contradicted(ja: str, en: str) -> LogContradicted:
    return LogContradicted(
        Text(
            f"証跡ログのファイルが署名と矛盾しています。{ja}"
            "証跡フォルダーに手を加えず、写しを取り、最後の控え(バックアップ)と比べてください。",
            f"The evidence log's files contradict their signature. {en}"
            " Change nothing in the evidence folder, copy it, and compare it with the last backup.",
        )
    )
