"""An exported bundle in hostile hands: no byte of any file changes, comes, goes or moves unnoticed."""

import hashlib
import io
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import pytest

from sekisho.evidence.bundle import FILES, closing_detail, write_bundle
from sekisho.evidence.log import LogReader, LogWriter
from sekisho.evidence.merkle import leaf_hash, root
from sekisho.evidence.note import Signer
from sekisho.evidence.record import JsonValue, Record, canonical, encode, subjects_of
from sekisho.evidence.tags import Tag
from sekisho.evidence.verify import Verdict, verify

SIGNER = Signer("test.invalid/log-1", bytes(32))
KEY = SIGNER.verifier
SESSIONS = {name: f"session:{UUID(int=number)}" for number, name in enumerate("ABC", 1)}
MUTATIONS_A_FILE = 400


class City:
    """Three sessions of one line, their records mixed in one log, each with its recording and its bundle."""

    def __init__(self, folder: Path, signer: Signer = SIGNER) -> None:
        self.folder, self.signer = folder, signer
        self.log = LogWriter(folder / "log", signer)
        self.random = random.Random(7)
        self.records: list[Record] = []
        self.recordings = {name: self.random.randbytes(65_536 * 2 + 31_000 + ord(name)) for name in "AB"}
        self._live()

    def say(self, tag: Tag, subjects: list[str], **detail: JsonValue) -> None:
        number = len(self.records)
        at = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=number)
        record = Record(UUID(int=1000 + number), tag, at, "gate:gate-1", subjects_of(subjects), detail)
        self.records.append(record)
        self.log.append([encode(record)])

    def _live(self) -> None:
        self.say(Tag.PERMIT_APPROVED, ["permit:R8-0001"])
        self.say(Tag.LINE_OPENED, ["line:L1"])
        for name in "ABC":
            self.say(Tag.SESSION_OPENED, [SESSIONS[name], "permit:R8-0001", "line:L1"], ordinal=1)
        for ordinal in (2, 3):
            for name in "ABC":
                self.say(Tag.REQUEST_DENIED, [SESSIONS[name]], ordinal=ordinal, request="x11-req")
        for name in "ABC":
            self.say(
                Tag.SESSION_ENDED,
                [SESSIONS[name], "permit:R8-0001"],
                ordinal=4,
                recording=_digest(self.recordings[name]) if name in self.recordings else None,
            )
            self.say(Tag.REPORT_FILED, [SESSIONS[name]])

    def export(self, name: str, into: str) -> Path:
        """The bundle of one session: its records, the permit's and the line's, closed by the export's record."""
        self.close_export(name)
        return self.write(name, into)

    def close_export(self, name: str) -> None:
        chosen = self._indexes(name)
        payloads = [encode(self.records[index]) for index in chosen]
        self.say(Tag.BUNDLE_EXPORTED, [SESSIONS[name]], **closing_detail(payloads))

    def write(self, name: str, into: str) -> Path:
        out = self.folder / into
        reader = LogReader(self.folder / "log", self.signer.verifier)
        write_bundle(
            out, reader, self._indexes(name), SESSIONS[name], self._recording(name), self.signer.verifier
        )
        return out

    def _indexes(self, name: str) -> list[int]:
        wanted = {SESSIONS[name]}
        return [
            index for index, record in enumerate(self.records) if wanted & set(record.subjects) or index < 2
        ]

    def _recording(self, name: str) -> BinaryIO | None:
        return io.BytesIO(self.recordings[name]) if name in self.recordings else None


def _digest(recording: bytes) -> dict[str, JsonValue]:
    chunks = [leaf_hash(recording[place : place + 65_536]) for place in range(0, len(recording), 65_536)]
    return {"bytes": len(recording), "root": root(chunks).hex(), "chunk_bytes": 65_536}


@dataclass
class Bundles:
    """Bundle A to harm; B with A's very checkpoint; B and A under others; C, which has no recording."""

    harmed: Path
    same_checkpoint: Path
    other_checkpoint: Path
    later: Path
    without_recording: Path
    city: City


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundles]:
    city = City(tmp_path_factory.mktemp("city"))
    other = city.export("B", "other")
    without = city.export("C", "without")
    city.close_export("B")
    city.close_export("A")
    made = Bundles(
        city.write("A", "a"), city.write("B", "b"), other, city.export("A", "later"), without, city
    )
    yield made
    city.log.close()


@pytest.fixture
def harmed(bundles: Bundles) -> Iterator[Path]:
    """Bundle A, put right again after each test."""
    whole = {path.name: path.read_bytes() for path in bundles.harmed.iterdir()}
    yield bundles.harmed
    shutil.rmtree(bundles.harmed)
    bundles.harmed.mkdir()
    for name, data in whole.items():
        (bundles.harmed / name).write_bytes(data)


def named(verdict: Verdict) -> set[str]:
    return {finding.file for finding in verdict.findings}


def test_unharmed_they_verify(bundles: Bundles):
    """What nobody touched is found good, with the auditor's key, and says what it is about."""
    for name, path in [
        ("A", bundles.harmed),
        ("B", bundles.same_checkpoint),
        ("C", bundles.without_recording),
    ]:
        verdict = verify(path, KEY)
        assert (verdict.ok, verdict.findings, verdict.about) == (True, (), SESSIONS[name])
    assert (bundles.harmed / "checkpoint").read_bytes() == (
        bundles.same_checkpoint / "checkpoint"
    ).read_bytes()
    assert (bundles.harmed / "checkpoint").read_bytes() != (bundles.later / "checkpoint").read_bytes()


Mutation = Callable[[bytes, random.Random], bytes]


def _place(data: bytes, random_: random.Random) -> tuple[int, int]:
    start = random_.randrange(len(data))
    return start, min(len(data), start + random_.choice([1, 1, 1, 2, 7, 64, 300]))


def flip(data: bytes, random_: random.Random) -> bytes:
    place = random_.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << random_.randrange(8))]) + data[place + 1 :]


def drop(data: bytes, random_: random.Random) -> bytes:
    start, end = _place(data, random_)
    return data[:start] + data[end:]


def insert(data: bytes, random_: random.Random) -> bytes:
    start, _ = _place(data, random_)
    extra = random_.choice([b" ", b"\n", b"\r", b"0", b"\x00", b"=", random_.randbytes(5)])
    return data[:start] + extra + data[start:]


def duplicate(data: bytes, random_: random.Random) -> bytes:
    start, end = _place(data, random_)
    return data[:end] + data[start:end] + data[end:]


def swap(data: bytes, random_: random.Random) -> bytes:
    one, two = sorted(random_.sample(range(len(data) + 1), 2))
    length = random_.randint(1, max(1, min(two - one, len(data) - two, 64)))
    return (
        data[:one] + data[two : two + length] + data[one + length : two] + data[one : one + length]
        + data[two + length :]
    )  # fmt: skip


def truncate(data: bytes, random_: random.Random) -> bytes:
    return data[: random_.randrange(len(data))]


def append(data: bytes, random_: random.Random) -> bytes:
    return data + random_.choice([b"\n", b"\x00", b" ", data[-100:], data])


def lines_dropped(data: bytes, random_: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[random_.randrange(len(lines))]
    return b"".join(lines)


def lines_swapped(data: bytes, random_: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    one, two = random_.randrange(len(lines)), random_.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"".join(lines)


def lines_doubled(data: bytes, random_: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    lines.insert(random_.randrange(len(lines)), random_.choice(lines))
    return b"".join(lines)


MUTATIONS: list[Mutation] = [
    flip, flip, flip, drop, insert, duplicate, swap, truncate, append, lines_dropped, lines_swapped, lines_doubled,
]  # fmt: skip


@pytest.mark.parametrize("with_key", [True, False], ids=["auditor's key", "bundle's key"])
@pytest.mark.parametrize("name", FILES)
def test_random_mutations(harmed: Path, name: str, with_key: bool):
    """Four hundred seeded harms to each file, twice over: every one is found, and only that file is named."""
    random_ = random.Random(f"{name} {with_key}")
    path = harmed / name
    whole, done = path.read_bytes(), 0
    while done < MUTATIONS_A_FILE // 2:
        mutation = random_.choice(MUTATIONS)
        data = mutation(whole, random_)
        if data == whole:
            continue
        path.write_bytes(data)
        verdict = verify(harmed, KEY if with_key else None)
        assert not verdict.ok, f"{mutation.__name__} in {name} was not found"
        assert named(verdict) == {name}, f"{mutation.__name__} in {name}: {verdict.findings}"
        done += 1


def test_every_byte_of_the_small_files(harmed: Path):
    """Each byte of manifest, checkpoint, key and chunk list, changed: found, and the file named."""
    for name in ("bundle.json", "checkpoint", "log-key.pub", "recording.chunks"):
        path = harmed / name
        whole = path.read_bytes()
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert named(verify(harmed, KEY)) == {name}, f"byte {place} of {name}"
        path.write_bytes(whole)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_an_empty_and_a_linked_file(harmed: Path, name: str):
    """A file that is gone, empty, a link or a folder is named."""
    path, copy = harmed / name, harmed.parent / "elsewhere"
    shutil.copy(path, copy)
    harms: list[Callable[[], object]] = [
        lambda: None, path.touch, lambda: path.symlink_to(copy), path.mkdir, lambda: os.mkfifo(path),
    ]  # fmt: skip
    for harm in harms:
        path.unlink()
        harm()
        assert named(verify(harmed, KEY)) == {name}
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        path.unlink(missing_ok=True)
        shutil.copy(copy, path)
    assert verify(harmed, KEY).ok


@pytest.mark.parametrize("name", ["README", ".hidden", "bundle.json~", "entries.jsonl.new"])
def test_an_added_file(harmed: Path, name: str):
    """Nothing rides along: a file that belongs to no bundle is named."""
    (harmed / name).write_bytes(b"")
    assert named(verify(harmed, KEY)) == {name}


@pytest.mark.parametrize("with_key", [True, False], ids=["auditor's key", "bundle's key"])
@pytest.mark.parametrize("source", ["same_checkpoint", "other_checkpoint", "later"])
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_bundle(harmed: Path, bundles: Bundles, name: str, source: str, with_key: bool):
    """A valid file of another session's bundle, or of another export, is named as the one that is wrong."""
    other = (getattr(bundles, source) / name).read_bytes()
    if other == (harmed / name).read_bytes():
        assert name in ("log-key.pub", "checkpoint") or source == "later"
        return
    (harmed / name).write_bytes(other)
    assert named(verify(harmed, KEY if with_key else None)) == {name}


def _mend_manifest(folder: Path, **fields: object) -> None:
    """What a careful forger does last: makes the manifest fit the files again."""
    manifest = json.loads((folder / "bundle.json").read_bytes())
    manifest["sha256"] = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in FILES
        if name != "bundle.json" and (folder / name).exists()
    }
    manifest |= fields
    (folder / "bundle.json").write_bytes(canonical(manifest) + b"\n")


def test_dropping_any_entry_with_a_mended_manifest(harmed: Path):
    """Each record taken out alone, the manifest made to fit: the closing record still misses it."""
    path = harmed / "entries.jsonl"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for place in range(len(lines)):
        path.write_bytes(b"".join(lines[:place] + lines[place + 1 :]))
        _mend_manifest(harmed, entries=len(lines) - 1)
        assert "entries.jsonl" in named(verify(harmed, KEY))


def test_adding_a_true_entry_with_a_mended_manifest(harmed: Path, bundles: Bundles):
    """Another session's record, true and provable as it is, does not get in."""
    other = (bundles.same_checkpoint / "entries.jsonl").read_bytes().splitlines(keepends=True)
    path = harmed / "entries.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    stranger = next(line for line in other if line not in lines)
    lines = sorted([*lines, stranger], key=lambda line: json.loads(line)["index"])
    path.write_bytes(b"".join(lines))
    _mend_manifest(harmed, entries=len(lines))
    assert "entries.jsonl" in named(verify(harmed, KEY))


def test_another_recording_with_mended_chunks_and_manifest(harmed: Path):
    """A new recording with fitting chunk hashes and manifest does not fit the signed root."""
    recording = bytearray((harmed / "recording.skrec").read_bytes())
    recording[70_000] ^= 1
    (harmed / "recording.skrec").write_bytes(recording)
    chunks = [leaf_hash(recording[place : place + 65_536]) for place in range(0, len(recording), 65_536)]
    (harmed / "recording.chunks").write_text("".join(f"{each.hex()}\n" for each in chunks))
    _mend_manifest(harmed)
    assert {"recording.skrec", "recording.chunks"} <= named(verify(harmed, KEY))


def test_no_recording_with_a_mended_manifest(harmed: Path):
    """A recording that the log speaks of cannot be left out."""
    (harmed / "recording.skrec").unlink()
    (harmed / "recording.chunks").unlink()
    _mend_manifest(harmed)
    assert {"recording.skrec", "recording.chunks"} <= named(verify(harmed, KEY))


def test_a_recording_the_log_does_not_speak_of(bundles: Bundles, tmp_path: Path):
    """Where no recording was made, none can be put in."""
    copy = shutil.copytree(bundles.without_recording, tmp_path / "copy")
    (copy / "recording.skrec").write_bytes(b"x")
    (copy / "recording.chunks").write_text(leaf_hash(b"x").hex() + "\n")
    _mend_manifest(copy)
    assert {"recording.skrec", "recording.chunks"} <= named(verify(copy, KEY))


def test_the_changed_chunk_is_named(harmed: Path):
    """One changed byte in the recording is placed within 65,536 bytes."""
    recording = bytearray((harmed / "recording.skrec").read_bytes())
    recording[70_000] ^= 1
    (harmed / "recording.skrec").write_bytes(recording)
    places = [finding.place for finding in verify(harmed, KEY).findings]
    assert places == ["65536-131071"]


def test_a_forged_log_under_the_same_name(tmp_path: Path):
    """A whole city invented with another key: refused with the auditor's key; without it, a loud remark."""
    city = City(tmp_path, Signer(SIGNER.name, b"\x01" * 32))
    bundle = city.export("A", "a")
    city.log.close()
    verdict = verify(bundle, KEY)
    assert {"log-key.pub", "checkpoint"} <= named(verdict)
    unsure = verify(bundle, None)
    assert unsure.ok
    assert any("bundle itself" in remark.en for remark in unsure.remarks)
    assert not any("bundle itself" in remark.en for remark in verdict.remarks)


def test_a_dishonest_exporter_leaves_out_a_record_of_the_gate(tmp_path: Path):
    """Whoever exports with all keys but leaves out one of the gate's records is found by its number."""
    city = City(tmp_path)
    hidden = next(
        index for index, record in enumerate(city.records)
        if record.tag == Tag.REQUEST_DENIED and SESSIONS["A"] in record.subjects
    )  # fmt: skip
    choose = city._indexes
    city._indexes = lambda name: [each for each in choose(name) if each != hidden]  # type: ignore[method-assign]
    verdict = verify(city.export("A", "a"), KEY)
    city.log.close()
    assert named(verdict) == {"entries.jsonl"}
    assert any("2" in finding.text.en for finding in verdict.findings)
