"""Verifies a bundle offline, with no database: every byte of every file, and that nothing is missing. Pure.

What is decided from what: the auditor's key decides about the checkpoint, the checkpoint about the entries,
the last entry about which entries there are, the entries about the recording, all of them about
`bundle.json`. Where two files disagree and neither is signed, the digests in `bundle.json` tell which one
was changed; they decide nothing else.

Cannot see: what whoever holds the signing key rewrote since the last checkpoint that left the city; records
that were never made; whether the key is the city's, unless the auditor brings it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sekisho.evidence import bundle
from sekisho.evidence.bundle import BadBundle, Manifest, ProvenEntry
from sekisho.evidence.merkle import leaf_hash, root, verify_inclusion
from sekisho.evidence.note import BadNote, Checkpoint, NotSigned, Verifier, read_checkpoint
from sekisho.evidence.record import BadRecord, Record, decode
from sekisho.evidence.story import Story
from sekisho.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was exported: in which file, where in it, and what."""

    file: str
    place: str
    """A line, a range of bytes, a field; empty for the whole file."""
    text: Text


@dataclass(frozen=True, slots=True)
class Verdict:
    """`ok` means: nothing was found. `remarks` say what an auditor must know although nothing is wrong."""

    findings: tuple[Finding, ...]
    remarks: tuple[Text, ...] = ()
    about: str = ""
    checkpoint: Checkpoint | None = None
    entries: int = 0

    @property
    def ok(self) -> bool:
        return not self.findings


def verify(directory: Path, key: Verifier | None = None) -> Verdict:
    """Verifies the bundle in `directory` with the auditor's `key`, or else with the bundle's own, remarking so.

    Never raises for what is in the folder; OSError where the folder cannot be read.
    """
    check = _Check(directory, key)
    check.run()
    return Verdict(
        tuple(check.findings),
        tuple(check.remarks),
        check.story.about if check.story else "",
        check.checkpoint,
        len(check.entries),
    )


class _Check:
    """One verification. Each step looks at one file, with what the steps before it have established."""

    def __init__(self, folder: Path, key: Verifier | None) -> None:
        self._folder, self._auditors_key, self._key = folder, key, key
        self.findings: list[Finding] = []
        self.remarks: list[Text] = []
        self.checkpoint: Checkpoint | None = None
        self.entries: list[ProvenEntry] = []
        self.story: Story | None = None
        self._manifest: Manifest | None = None
        self._present: set[str] = set()
        self._recording_fits: bool | None = None

    def run(self) -> None:
        self._look_at_the_folder()
        self._read(bundle.MANIFEST, self._read_manifest)
        self._read(bundle.KEY, self._read_key)
        self._read(bundle.CHECKPOINT, self._read_checkpoint)
        self._read(bundle.ENTRIES, self._read_entries)
        if self.story is None:
            self.remarks.append(_RECORDING_UNCHECKED)
            return
        self._compare_recording(self.story)
        self._compare_manifest(self.story)

    def _look_at_the_folder(self) -> None:
        for path in sorted(self._folder.iterdir()):
            if path.name not in bundle.FILES:
                self._find(path.name, "", "束に属さないファイルです。", "This file belongs to no bundle.")
            elif not bundle.is_plain_file(path):
                self._find(path.name, "", "普通のファイルではありません。", "This is not a plain file.")
            else:
                self._present.add(path.name)
        for name in (bundle.MANIFEST, bundle.ENTRIES, bundle.CHECKPOINT, bundle.KEY):
            if name not in self._present:
                self._find_missing(name)

    def _read(self, name: str, step: Callable[[bytes], None]) -> None:
        if name not in self._present:
            return
        try:
            step((self._folder / name).read_bytes())
        except BadBundle as error:
            self._find(name, error.place, f"書式が崩れています({error})。", f"Not as it is written: {error}.")
        except BadNote as error:
            self._find(name, "", f"書式か署名が正しくありません({error})。", f"Not valid: {error}.")

    def _read_manifest(self, data: bytes) -> None:
        self._manifest = bundle.decode_manifest(data)

    def _read_key(self, data: bytes) -> None:
        own = Verifier.parse(data.decode("utf-8", "replace"))
        if f"{own}\n".encode() != data:
            raise BadNote("a key is one line that ends in a newline")
        if self._auditors_key is None:
            self._key = own
            self.remarks.append(_KEY_FROM_BUNDLE)
        elif own != self._auditors_key:
            self._find(
                bundle.KEY, "", "監査人が持参した鍵と違います。", "This is not the key the auditor brought."
            )

    def _read_checkpoint(self, data: bytes) -> None:
        if self._key is None:
            return
        try:
            self.checkpoint = read_checkpoint(data, self._key)
        except NotSigned as error:
            blamed = [bundle.CHECKPOINT] if self._auditors_key else [bundle.CHECKPOINT, bundle.KEY]
            for name in self._suspects(*blamed):
                self._find(
                    name, "", f"チェックポイントの署名が合いません({error})。",
                    f"The checkpoint's signature does not verify: {error}.",
                )  # fmt: skip

    def _read_entries(self, data: bytes) -> None:
        entries = bundle.decode_entries(data)
        records = list(self._decode(entries))
        if len(records) < len(entries) or not self._are_in_the_log(entries):
            return
        self.entries = entries
        self.story = Story.read([entry.payload for entry in entries], records)
        for place, text in self.story.problems:
            self.findings.append(Finding(bundle.ENTRIES, place, text))
        self.remarks.extend(self.story.remarks)

    def _decode(self, entries: Sequence[ProvenEntry]) -> Iterator[Record]:
        for number, entry in enumerate(entries, 1):
            try:
                yield decode(entry.payload)
            except BadRecord as error:
                self._find(
                    bundle.ENTRIES, f"line {number}", f"記録の書式が崩れています({error})。",
                    f"Not a record: {error}.",
                )  # fmt: skip

    def _are_in_the_log(self, entries: Sequence[ProvenEntry]) -> bool:
        if self.checkpoint is None:
            return True
        size, expected = self.checkpoint.size, self.checkpoint.root
        wrong = [
            (number, entry)
            for number, entry in enumerate(entries, 1)
            if not verify_inclusion(leaf_hash(entry.payload), entry.index, size, entry.proof, expected)
        ]
        for name in self._suspects(bundle.ENTRIES, bundle.CHECKPOINT) if wrong else ():
            for number, entry in wrong if name == bundle.ENTRIES else wrong[:1]:
                self._find(
                    name, f"line {number}" if name == bundle.ENTRIES else "",
                    f"記録{entry.index}は、チェックポイントの示すログにこの内容では存在しません。",
                    f"Entry {entry.index} does not stand like this in the log of the checkpoint.",
                )  # fmt: skip
        return not wrong

    def _compare_recording(self, story: Story) -> None:
        names = (bundle.RECORDING, bundle.CHUNKS)
        if story.recording is None and story.problems:
            self.remarks.append(_RECORDING_UNCHECKED)
            return
        if story.recording is None:
            for name in self._present.intersection(names):
                self._find(
                    name,
                    "",
                    "証跡によれば、この接続に記録はありません。",
                    "By the evidence, nothing was recorded.",
                )
            return
        for name in names:
            if name not in self._present and name not in self._found:
                self._find_missing(name)
        if self._present.issuperset(names):
            self._read(bundle.CHUNKS, self._compare_chunks)

    def _compare_chunks(self, data: bytes) -> None:
        assert self.story is not None and self.story.recording is not None  # noqa: S101, PT018
        expected = self.story.recording
        listed = bundle.decode_chunks(data)
        actual = bundle.chunk_hashes(self._folder / bundle.RECORDING)
        size = (self._folder / bundle.RECORDING).stat().st_size
        listed_fits = root(listed).hex() == expected.root
        self._recording_fits = (size, root(actual).hex()) == (expected.bytes, expected.root)
        if self._recording_fits and listed_fits:
            return
        blamed = [
            *([] if self._recording_fits else [bundle.RECORDING]),
            *([] if listed_fits else [bundle.CHUNKS]),
            *([bundle.ENTRIES] if not self._recording_fits and not listed_fits else []),
        ]
        for name in self._suspects(*blamed) if len(blamed) > 1 else blamed:
            place = _range(listed, actual, size) if name == bundle.RECORDING and listed_fits else ""
            self._find(
                name, place, "証跡にある記録の要約値と合いません。",
                "It does not fit the recording's digest in the evidence.",
            )  # fmt: skip

    def _compare_manifest(self, story: Story) -> None:
        manifest = self._manifest
        if manifest is None or self.checkpoint is None or self._found - {bundle.MANIFEST}:
            return
        if manifest.about != story.about and self._recording_fits is None:
            for name in self._suspects(bundle.ENTRIES):
                self._find(
                    name, "", "束の目録と別の接続の記録です。", "These entries are of another session."
                )
        digests = {name: bundle.sha256_of(self._folder / name) for name in self._present - {bundle.MANIFEST}}
        expected = Manifest(story.about, len(self.entries), self.checkpoint.size, digests)
        for field in ("about", "entries", "log_size", "sha256"):
            if getattr(manifest, field) != getattr(expected, field):
                self._find(
                    bundle.MANIFEST, field, "束の他のファイルから導かれる値と違います。",
                    "This is not what follows from the bundle's other files.",
                )  # fmt: skip

    @property
    def _found(self) -> set[str]:
        return {finding.file for finding in self.findings}

    def _suspects(self, *names: str) -> list[str]:
        """Those of `names` whose digest is not the manifest's; all of them where it cannot tell them apart."""
        known = self._manifest.sha256 if self._manifest else {}
        changed = [
            name for name in names
            if name in self._present and known.get(name) != bundle.sha256_of(self._folder / name)
        ]  # fmt: skip
        return changed or list(names)

    def _find_missing(self, name: str) -> None:
        if name not in self._found:
            self._find(name, "", "ファイルがありません。", "The file is missing.")

    def _find(self, file: str, place: str, ja: str, en: str) -> None:
        self.findings.append(Finding(file, place, Text(ja, en)))


_KEY_FROM_BUNDLE = Text(
    "注意: 検証に使った鍵は、この束の中にあったものです。誰でも作れる束と区別できません。"
    "市から別の経路で受け取った鍵を --key で指定してください。",
    "WARNING: the key came from the bundle itself, so a bundle that anybody made up would pass as well."
    " Give the key that you received from the city by another way with --key.",
)
_RECORDING_UNCHECKED = Text(
    "記録(recording.skrec)は、証跡を読めないため、まだ検証していません。",
    "The recording was not verified, because the evidence it is measured by could not be read.",
)


def _range(listed: Sequence[bytes], actual: Sequence[bytes], size: int) -> str:
    """The bytes of the first chunk that is not the listed one: `65536-131071`."""
    first = next(
        (place for place, pair in enumerate(zip(listed, actual, strict=False)) if pair[0] != pair[1]),
        min(len(listed), len(actual)),
    )
    start = first * bundle.CHUNK_BYTES
    return f"{start}-{max(start, min(size, start + bundle.CHUNK_BYTES) - 1)}"
