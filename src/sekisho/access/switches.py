"""Verbs about lines and latches: open, close, cut, give the reason, release."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db import transaction

from sekisho.access.control import CutDone, GateClient, GateRefused, GateUnreachable
from sekisho.access.models import Latch, LineSwitch, Session
from sekisho.access.reading import may_cut, may_reason
from sekisho.access.reasons import NOT_YOURS, ONLY_SYSTEMS, SAY_WHY
from sekisho.access.wake import wake_gate
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.ids import time_ordered_id
from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text
from sekisho.people.models import Line, Person
from sekisho.people.roles import Role


@dataclass(frozen=True, slots=True)
class Cut:
    """What a cut came to. `done` is None when the gate did not answer: the latch then stands in the register only."""

    latch: str
    done: CutDone | None


def open_line(line: Line, reason: str, by: Person, now: datetime) -> LineSwitch | Refused:
    """The city opens a contractor's line. It stays open until somebody closes it."""
    return _switch(line, True, reason, by, now)


def close_line(line: Line, reason: str, by: Person, now: datetime) -> LineSwitch | Refused:
    """The city closes a line; sessions on it end at once."""
    return _switch(line, False, reason, by, now)


def cut_session(session: Session, by: Person, now: datetime) -> Cut | Refused:
    """Cuts one session: the gate first, everything else after. Latches its operator and its permit."""
    if not may_cut(by, session):
        return Refused((NOT_YOURS,))
    try:
        done = _gate().cut_session(str(session.id), by.actor)
    except GateRefused as error:
        return Refused((Reason(error.code, Text(error.ja, error.en)),))
    except GateUnreachable:
        return _latch_without_gate(by, now, session=session)
    return Cut(done.latch, done)


def cut_line(line: Line, by: Person, now: datetime) -> Cut | Refused:
    """Cuts every session on a line and latches it."""
    if by.role_of is not Role.SYSTEMS:
        return Refused((ONLY_SYSTEMS,))
    try:
        done = _gate().cut_line(line.code, by.actor)
    except (GateRefused, GateUnreachable):
        # Refused because no terminal stands on it yet: whoever cuts it means whoever would come.
        return _latch_without_gate(by, now, line=line)
    return Cut(done.latch, done)


def cut_everything(by: Person, now: datetime) -> Cut | Refused:
    """Cuts every session there is and lets nobody in until it is released."""
    if by.role_of is not Role.SYSTEMS:
        return Refused((ONLY_SYSTEMS,))
    try:
        done = _gate().cut_everything(by.actor)
    except GateUnreachable:
        return _latch_without_gate(by, now)
    return Cut(done.latch, done)


def give_latch_reason(latch: Latch, reason: str, by: Person, now: datetime) -> Latch | Refused:
    """Says afterwards why it was cut, once: who cut it, the systems division, or the division concerned."""
    if not reason.strip():
        return Refused((SAY_WHY,))
    if not may_reason(by, latch):
        return Refused((NOT_YOURS,))
    with transaction.atomic():
        row = Latch.objects.select_for_update(of=("self",)).get(pk=latch.pk)
        if row.reason:
            text = Text(
                "この遮断の理由はもう記録されています。記録済みの理由は変えられません。",
                "The reason of this cut is recorded already, and does not change.",
            )
            return Refused((Reason("reasoned", text),))
        row.reason = reason.strip()
        row.save(update_fields=["reason"])
        _record(Tag.LATCH_REASONED, row, reason, by, now)
    return row


def release_latch(latch: Latch, reason: str, by: Person, now: datetime) -> Latch | Refused:
    """Lets what was cut connect again. The view asks for a fresh biometric first."""
    if not reason.strip():
        return Refused((SAY_WHY,))
    if by.role_of is not Role.SYSTEMS:
        return Refused((ONLY_SYSTEMS,))
    with transaction.atomic():
        row = Latch.objects.select_for_update(of=("self",)).get(pk=latch.pk)
        if row.released_at is not None:
            text = Text("この遮断はもう解除されています。", "This latch was released already.")
            return Refused((Reason("released", text),))
        row.released_by, row.released_at, row.release_reason = by, now, reason.strip()
        row.save(update_fields=["released_by", "released_at", "release_reason"])
        _record(Tag.LATCH_RELEASED, row, reason, by, now)
    return row


def _switch(line: Line, is_open: bool, reason: str, by: Person, now: datetime) -> LineSwitch | Refused:
    if not reason.strip():
        return Refused((SAY_WHY,))
    if by.role_of is not Role.SYSTEMS:
        return Refused((ONLY_SYSTEMS,))
    with transaction.atomic():
        switch, _ = LineSwitch.objects.update_or_create(
            line=line,
            defaults={
                "is_open": is_open, "changed_by": by, "changed_at": now, "reason": reason.strip(),
            },
        )  # fmt: skip
        record(
            Tag.LINE_OPENED if is_open else Tag.LINE_CLOSED,
            actor=by.actor,
            subjects=[f"line:{line.code}"],
            at=now,
            detail={"reason_sha256": _digest(reason)},
        )
        wake_gate()
    return switch


def _latch_without_gate(
    by: Person, now: datetime, session: Session | None = None, line: Line | None = None
) -> Cut:
    """The gate does not answer: the latch is written where it will read it before it lets anybody in again."""
    with transaction.atomic():
        latch = Latch.objects.create(
            id=time_ordered_id(now),
            session=session,
            line=line,
            operator=session.operator if session else None,
            permit=session.permit if session else None,
            cut_by=by.actor,
            cut_at=now,
        )
        record(
            Tag.CUT,
            actor=by.actor,
            subjects=_subjects(latch),
            at=now,
            detail={"gate_answered": False, "ended": 0},
        )
    return Cut(str(latch.id), None)


def _record(tag: Tag, latch: Latch, reason: str, by: Person, now: datetime) -> None:
    record(
        tag,
        actor=by.actor,
        subjects=_subjects(latch),
        at=now,
        detail={"reason_sha256": _digest(reason)},
    )
    wake_gate()


def _subjects(latch: Latch) -> list[str]:
    subjects = [f"latch:{latch.id}"]
    subjects += [f"session:{latch.session_id}"] if latch.session_id else []
    subjects += [f"line:{latch.line_id}"] if latch.line_id else []
    subjects += [latch.operator.actor] if latch.operator else []
    return subjects + ([f"permit:{latch.permit_id}"] if latch.permit_id else [])


def _gate() -> GateClient:
    return GateClient(settings.SEKISHO.gate_socket)


def _digest(text: str) -> str:
    return sha256(text.strip().encode()).hexdigest()
