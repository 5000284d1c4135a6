"""A bundle exported from a running installation: the right entries, closed by the log itself, and verifiable."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from sekisho.evidence import export
from sekisho.evidence.bundle import chunk_hashes, decode_entries
from sekisho.evidence.export import Exported, export_session
from sekisho.evidence.log import LogContradicted, LogReader, read_verifier
from sekisho.evidence.merkle import root
from sekisho.evidence.models import Entry, OutboxRecord
from sekisho.evidence.record import JsonValue, decode
from sekisho.evidence.sequencer import Sequencer
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.evidence.verify import verify
from sekisho.kernel.installation import Installation
from sekisho.kernel.outcome import Refused

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ONE, TWO = uuid4(), uuid4()


@pytest.fixture
def working(
    installation: Installation,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
) -> Iterator[Sequencer]:
    """An installation whose worker works whenever somebody knocks, in the test's own thread."""
    settings.SEKISHO = installation
    sequencer = Sequencer(installation)
    monkeypatch.setattr(export, "wake_sequencer", sequencer.drain)
    yield sequencer
    sequencer.close()


def say(tag: Tag, *subjects: str, **detail: JsonValue) -> None:
    with transaction.atomic():
        number = OutboxRecord.objects.count() + Entry.objects.count()
        record(tag, actor="gate:gate-1", subjects=subjects, at=NOW + timedelta(seconds=number), detail=detail)


def live(folder: Path) -> Path:
    """Two sessions on one line and permit, one of them cut; gives the first one's recording."""
    recording = folder / f"{ONE}.skrec"
    recording.write_bytes(bytes(range(256)) * 700)
    digest = {
        "bytes": recording.stat().st_size,
        "root": root(chunk_hashes(recording)).hex(),
        "chunk_bytes": 65_536,
    }
    first, second, permit, line = f"session:{ONE}", f"session:{TWO}", "permit:R8-0001", "line:L1"
    say(Tag.LINE_OPENED, line, early=True)
    say(Tag.LINE_CLOSED, line, early=True)
    say(Tag.PERMIT_APPROVED, permit)
    say(Tag.PERMIT_APPROVED, "permit:R8-0002")
    say(Tag.LINE_OPENED, line)
    say(Tag.SESSION_OPENED, first, permit, line, ordinal=1)
    say(Tag.SESSION_OPENED, second, permit, line, ordinal=1)
    say(Tag.REQUEST_DENIED, first, ordinal=2)
    say(Tag.CUT, first, "latch:9", permit)
    say(Tag.SESSION_ENDED, first, permit, line, ordinal=3, recording=digest)
    say(Tag.LINE_CLOSED, line, late=True)
    say(Tag.LATCH_REASONED, "latch:9")
    say(Tag.REPORT_FILED, first)
    return recording


def test_exported_and_verified(working: Sequencer, installation: Installation, tmp_path: Path):
    """The bundle holds the session's own story and nothing of another's, and verifies with the log's key."""
    recording = live(tmp_path)
    done = export_session(ONE, recording=recording.open("rb"), out=tmp_path / "out", by="person:abe", now=NOW)
    assert isinstance(done, Exported)
    verdict = verify(done.folder, read_verifier(installation.evidence))
    assert (verdict.findings, verdict.about) == ((), f"session:{ONE}")
    chosen = [entry.index for entry in decode_entries((done.folder / "entries.jsonl").read_bytes())]
    assert chosen == [2, 4, 5, 7, 8, 9, 11, 12, 13]
    closing = Entry.objects.get(index=done.closing)
    assert (closing.tag, closing.actor) == (Tag.BUNDLE_EXPORTED, "person:abe")


def test_exported_again(working: Sequencer, installation: Installation, tmp_path: Path):
    """A second export contains the record of the first, and both verify."""
    recording = live(tmp_path)
    for number in (1, 2):
        out = tmp_path / f"out-{number}"
        export_session(ONE, recording=recording.open("rb"), out=out, by="person:abe", now=NOW)
        verdict = verify(out, read_verifier(installation.evidence))
        assert (verdict.ok, verdict.entries) == (True, 8 + number)


def test_what_cannot_be_exported(working: Sequencer, tmp_path: Path):
    """A session nobody knows, and one that is still open, are refused with a reason, and leave no record."""
    live(tmp_path)
    for session, code in ((UUID(int=1), "unknown-session"), (TWO, "session-open")):
        answer = export_session(session, recording=None, out=tmp_path / "o", by="worker", now=NOW)
        assert isinstance(answer, Refused)
        assert answer.codes == (code,)
    assert not Entry.objects.filter(tag=Tag.BUNDLE_EXPORTED).exists()


def test_without_the_worker(working: Sequencer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """When nobody writes the log, the export waits, then says what to look at."""
    recording = live(tmp_path)
    monkeypatch.setattr(export, "wake_sequencer", lambda: None)
    monkeypatch.setattr(export, "WAIT_SECONDS", 0.1)
    answer = export_session(ONE, recording=recording.open("rb"), out=tmp_path / "o", by="worker", now=NOW)
    assert isinstance(answer, Refused)
    assert answer.codes == ("worker-silent",)


def test_a_changed_index_is_not_exported(working: Sequencer, tmp_path: Path):
    """Where the database's index says another thing than the log, the export stops and says which entry."""
    from tests.evidence.test_sequencer import _as_owner

    recording = live(tmp_path)
    working.drain()
    _as_owner(
        'UPDATE evidence_entry SET payload = (SELECT payload FROM evidence_entry WHERE "index" = 0) WHERE "index" = 7'
    )
    with pytest.raises(LogContradicted, match="Entry 7"):
        export_session(ONE, recording=recording.open("rb"), out=tmp_path / "o", by="worker", now=NOW)


def test_a_session_that_the_gate_never_closed(working: Sequencer, installation: Installation, tmp_path: Path):
    """A crashed gate's session verifies, and the auditor is told what cannot be known."""
    say(Tag.SESSION_OPENED, f"session:{ONE}", "permit:R8-0001", "line:L1", ordinal=1)
    say(Tag.SESSION_RECOVERED, f"session:{ONE}", reason="lease-lost")
    done = export_session(ONE, recording=None, out=tmp_path / "out", by="worker", now=NOW)
    assert isinstance(done, Exported)
    verdict = verify(done.folder, read_verifier(installation.evidence))
    assert verdict.ok
    assert any("gate did not record the end" in remark.en for remark in verdict.remarks)


def test_the_log_is_what_was_said(working: Sequencer, installation: Installation, tmp_path: Path):
    """Everything that was committed stands in the log, in order."""
    live(tmp_path)
    working.drain()
    reader = LogReader(installation.evidence, read_verifier(installation.evidence))
    assert [decode(each).tag for each in reader.entries(0)] == list(
        Entry.objects.order_by("index").values_list("tag", flat=True)
    )
