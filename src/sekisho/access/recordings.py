"""What becomes of a recording when its session has ended: pictures for the player, packing, the bundle."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid5

from django.conf import settings
from django.db import transaction

from sekisho.access.models import Session
from sekisho.evidence import merkle
from sekisho.evidence.export import Exported, export_session
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.outcome import Refused
from sekisho.vault import keyframes
from sekisho.vault.archive import NotAsRegistered, is_kept, open_recording, pack, recording_path
from sekisho.vault.recorder import RecordingDigest


def finished() -> Iterator[Session]:
    """Ended sessions whose recording's digest is registered and which still lies there as it was written."""
    plain: dict[UUID, Path] = {UUID(path.stem): path for path in settings.SEKISHO.recordings.glob("*.skrec")}
    yield from Session.objects.filter(
        id__in=list(plain), ended_at__isnull=False, recording_bytes__gt=0
    ).order_by("ended_at")


def settle(session: Session, recording: Path, build_index: Callable[[Path], None], now: datetime) -> bool:
    """Indexes and packs one finished recording. False when it is not the registered one, which is evidence.

    OSError when there is no room; the recording stays as it is.
    """
    if session.recording_bytes and keyframes.is_wanted(recording, session.recording_bytes):
        build_index(recording)
    try:
        pack(recording, lambda digest: _is_registered(session, digest))
    except NotAsRegistered:
        _note_altered(session, now)
        return False
    return True


def export_bundle(session: UUID, out: Path, by: str, now: datetime) -> Exported | Refused:
    """The session's bundle with its recording, as `evidence.export.export_session` makes it."""
    recording = recording_path(settings.SEKISHO.recordings, session)
    with ExitStack() as stack:
        opened = stack.enter_context(open_recording(recording)) if is_kept(recording) else None
        return export_session(session, recording=opened, out=out, by=by, now=now)


def _is_registered(session: Session, digest: RecordingDigest) -> bool:
    root = merkle.root(digest.leaves).hex()
    return (digest.size, root) == (session.recording_bytes, session.recording_root)


def _note_altered(session: Session, now: datetime) -> None:
    with transaction.atomic():
        record(
            Tag.RECORDING_ALTERED,
            actor="worker",
            subjects=[session.subject, f"permit:{session.permit_id}"],
            at=now,
            # One record a session, however often the worker starts and finds it again.
            record_id=uuid5(session.id, "recording-altered"),
        )
