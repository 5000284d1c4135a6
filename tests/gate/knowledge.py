"""What is known afterwards: in the register, in the evidence, in the recordings."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sekisho.access.control import GateClient
from sekisho.evidence import merkle
from sekisho.vault.archive import open_recording
from sekisho.vault.format import Kind, decode_header, read_head
from sekisho.vault.recorder import digest_of
from tests.gate.clients import Clients
from tests.town import Probe, eventually


@dataclass
class Knowledge(Clients):
    """Looks at one installation and changes nothing."""

    probe: Probe = field(init=False)
    gate: GateClient = field(init=False)

    def last_session(self) -> dict[str, Any]:
        fields = "'id', 'end_reason', 'exit_status', 'recording_bytes', 'recording_root', 'ended_at'"
        row = eventually(
            lambda: self.probe(
                f"Session.objects.exclude(ended_at=None).order_by('-id').values({fields}).first()"
            ),
            5,
        )
        assert isinstance(row, dict)
        return row

    def live_session(self) -> str:
        sessions = eventually(lambda: self.gate.status()["sessions"], 5)
        return str(sessions[-1])

    def latches(self) -> list[dict[str, Any]]:
        fields = "'id', 'cut_by', 'milliseconds', 'operator__login', 'permit_id', 'line_id'"
        return list(self.probe(f"list(Latch.objects.filter(released_at=None).values({fields}))"))

    def records(self, tag: str) -> list[dict[str, Any]]:
        """The details of all records with this tag, oldest first, in the log's index or still on the way."""
        code = (
            "from sekisho.evidence.record import decode\n"
            "rows = [bytes(e.payload) for e in Entry.objects.order_by('index')]\n"
            "rows += [bytes(o.payload) for o in OutboxRecord.objects.order_by('id')]\n"
            "[dict(r.detail) for r in map(decode, rows) if r.tag == tag]"
        )
        return list(self.probe(code, tag=tag))

    def count(self, tag: str) -> int:
        return len(self.records(tag))

    def proof_faults(self) -> list[str]:
        return [str(detail["fault"]) for detail in self.records("gate:proof:refused")]

    def denied_requests(self) -> list[str]:
        return [str(detail["request"]) for detail in self.records("gate:request:denied")]

    def tags_of(self, subject: str, at_least: int = 1) -> list[str]:
        code = "[e.tag for e in Entry.objects.filter(subjects__subject=subject).order_by('index')]"
        tags = list(self.probe(code, subject=subject))
        return tags if len(tags) >= at_least else []

    def recording_path(self, session: str) -> Path:
        return self.installation.recordings / f"{session}.skrec"

    def shown(self, session: str) -> bytes:
        """What the recording says was sent to the operator's terminal, in order."""
        return b"".join(data for kind, data in self._frames(session) if kind in (Kind.OUTPUT, Kind.NOTE))

    def recording(self, session: str) -> dict[str, bytes]:
        """All bytes of a recording by kind."""
        kinds: dict[str, bytes] = {kind.name: b"" for kind in Kind}
        for kind, data in self._frames(session):
            kinds[kind.name] += data
        return kinds

    def _frames(self, session: str) -> list[tuple[Kind, bytes]]:
        """Read here without the product's reader; a last frame that a crash cut short is left out."""
        with open_recording(self.recording_path(session)) as recording:
            data = recording.read()
        _, at = decode_header(data)
        frames = []
        while (head := read_head(data, at)) is not None:
            kind, _, length, start = head
            at = start + length
            if at > len(data):
                break
            frames.append((kind, data[start:at]))
        return frames

    def recording_root(self, session: str) -> str:
        with open_recording(self.recording_path(session)) as recording:
            return merkle.root(digest_of(recording).leaves).hex()
