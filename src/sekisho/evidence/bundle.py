"""A session's bundle: one folder that an auditor can verify with no database and no network. Pure.

    bundle.json       what it is about, how many entries, the checkpoint's size, SHA-256 of the other files
    entries.jsonl     one line an entry: {"entry": record, "index": place in the log, "proof": [hex, ...]}
    checkpoint        the log's signed checkpoint that all proofs lead to
    log-key.pub       the log's public key, for convenience: an auditor brings the key from elsewhere
    recording.skrec   the recording, byte for byte           both missing where
    recording.chunks  leaf hashes of its 65,536-byte chunks   nothing was recorded

The last entry is the record of the export itself (`BUNDLE_EXPORTED`), the closing entry. It says how many
entries go before it and the RFC 6962 root over them, so that the signed log itself says what belongs into
the bundle. `bundle.json` follows from the other files; it only helps to say which one was changed.
Every file has one way to be written: `encode_*` and `decode_*` are strict inverses.
"""

import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from sekisho.evidence.log import LogReader
from sekisho.evidence.merkle import HASH_BYTES, leaf_hash, root
from sekisho.evidence.note import Verifier
from sekisho.evidence.record import BadRecord, JsonValue, canonical, parse_canonical

FORMAT = "sekisho-bundle/1"
CHUNK_BYTES = 65_536
MANIFEST, ENTRIES, CHECKPOINT, KEY = "bundle.json", "entries.jsonl", "checkpoint", "log-key.pub"
RECORDING, CHUNKS = "recording.skrec", "recording.chunks"
FILES = (MANIFEST, ENTRIES, CHECKPOINT, KEY, RECORDING, CHUNKS)


class BadBundle(ValueError):
    """A file is not written as a bundle writes it. `place` is a line, or empty for the whole file."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry, where it stands in the log, and the path from it to the checkpoint's root."""

    index: int
    payload: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`bundle.json`."""

    about: str
    entries: int
    log_size: int
    sha256: Mapping[str, str]
    """Of each other file, hex."""


def closing_detail(payloads: Sequence[bytes]) -> dict[str, JsonValue]:
    """What the closing entry's detail says of the entries before it, given in the log's order."""
    return {"entries": len(payloads), "root": root(map(leaf_hash, payloads)).hex()}


def write_bundle(
    out: Path, log: LogReader, indexes: Sequence[int], about: str, recording: BinaryIO | None, key: Verifier
) -> None:
    """Makes the folder `out`, which must not exist yet, from entries of the log and a recording."""
    out.mkdir(mode=0o750)
    entries = [ProvenEntry(index, log.entry(index), tuple(log.tree.inclusion(index))) for index in indexes]
    (out / ENTRIES).write_bytes(encode_entries(entries))
    (out / CHECKPOINT).write_bytes(log.note)
    (out / KEY).write_bytes(f"{key}\n".encode())
    if recording is not None:
        with (out / RECORDING).open("wb") as copy:
            shutil.copyfileobj(recording, copy, 1 << 20)
        (out / CHUNKS).write_bytes(encode_chunks(chunk_hashes(out / RECORDING)))
    digests = {path.name: sha256_of(path) for path in out.iterdir()}
    manifest = Manifest(about, len(entries), log.checkpoint.size, digests)
    (out / MANIFEST).write_bytes(encode_manifest(manifest))


def encode_entries(entries: Iterable[ProvenEntry]) -> bytes:
    return b"".join(
        canonical(
            {
                "entry": entry.payload.decode(),
                "index": entry.index,
                "proof": [each.hex() for each in entry.proof],
            }
        )
        + b"\n"
        for entry in entries
    )


def decode_entries(data: bytes) -> list[ProvenEntry]:
    """BadBundle for the first line that is not canonical, or not above the line before it."""
    entries: list[ProvenEntry] = []
    for number, line in enumerate(_lines(data), 1):
        place = f"line {number}"
        fields = _parse(line, place, {"entry": str, "index": int, "proof": list})
        entry = ProvenEntry(
            fields["index"],
            fields["entry"].encode(),
            tuple(_unhex(each, place) for each in fields["proof"]),
        )
        if entry.index <= (entries[-1].index if entries else -1):
            raise BadBundle(place, f"entry {entry.index} is out of order or there twice")
        entries.append(entry)
    return entries


def encode_manifest(manifest: Manifest) -> bytes:
    fields: dict[str, JsonValue] = {
        "about": manifest.about,
        "entries": manifest.entries,
        "format": FORMAT,
        "log_size": manifest.log_size,
        "sha256": manifest.sha256,
    }
    return canonical(fields) + b"\n"


def decode_manifest(data: bytes) -> Manifest:
    lines = _lines(data)
    if len(lines) != 1:
        raise BadBundle("", "the manifest is one line")
    kinds = {"about": str, "entries": int, "format": str, "log_size": int, "sha256": dict}
    fields = _parse(lines[0], "", kinds)
    if fields["format"] != FORMAT:
        raise BadBundle("format", f"this program reads {FORMAT}, not {fields['format']!r}")
    if not all(isinstance(each, str) for each in fields["sha256"].values()):
        raise BadBundle("sha256", "a digest is text")
    return Manifest(fields["about"], fields["entries"], fields["log_size"], fields["sha256"])


def encode_chunks(hashes: Iterable[bytes]) -> bytes:
    return "".join(f"{each.hex()}\n" for each in hashes).encode()


def decode_chunks(data: bytes) -> list[bytes]:
    return [
        _unhex(line.decode("ascii", "replace"), f"line {number}")
        for number, line in enumerate(_lines(data), 1)
    ]


def chunk_hashes(recording: Path) -> list[bytes]:
    """RFC 6962 leaf hashes of the file's consecutive chunks of 65,536 bytes, the last one shorter."""
    with recording.open("rb") as stream:
        return [leaf_hash(chunk) for chunk in iter(lambda: stream.read(CHUNK_BYTES), b"")]


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_plain_file(path: Path) -> bool:
    """A file of its own: no link, no folder, no pipe that never ends."""
    return path.is_file() and not path.is_symlink()


def _lines(data: bytes) -> list[bytes]:
    if data and not data.endswith(b"\n"):
        raise BadBundle("", "the last line does not end in a newline")
    return data.split(b"\n")[:-1]


def _parse(line: bytes, place: str, kinds: Mapping[str, type]) -> dict[str, Any]:
    try:
        fields = parse_canonical(line)
    except BadRecord as error:
        raise BadBundle(place, str(error)) from error
    if not isinstance(fields, dict) or {name: type(value) for name, value in fields.items()} != kinds:
        raise BadBundle(place, f"the members are {', '.join(kinds)}, each of its kind")
    return fields


def _unhex(text: object, place: str) -> bytes:
    try:
        data = bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != HASH_BYTES or data.hex() != text:
        raise BadBundle(place, "a hash is 64 digits of lower-case hexadecimal")
    return data
