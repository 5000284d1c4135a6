"""What the gate asks of the database and tells it. The gate decides with `rules.decide` and nothing else.

Reads answer in frozen values; verbs are one transaction with one evidence record. Verbs that the gate
hands over late (`VERBS`) carry the record id under which the gate wrote them down first, so that handing
over twice does nothing twice.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, IntegrityError, transaction

from sekisho.access.attendance import Attendant, Need, Standing, standing
from sekisho.access.examination import (
    Claim,
    Examination,
    GateState,
    Register,
    examine,
    held_latches,
    is_usable,
)
from sekisho.access.facts import EndReason, LatchFacts
from sekisho.access.models import Attending, Job, Latch, Permit, Session
from sekisho.access.rules import Granted
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.ids import LineCode, LoginId, TerminalCode
from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text
from sekisho.people.models import Person, SshAuthenticator, Terminal

log = logging.getLogger(__name__)

SWEEP_GRACE = timedelta(seconds=5)
"""A lease is given up for lost this long after it ended: clocks of two processes may differ a little."""


@dataclass(frozen=True, slots=True)
class TerminalRecord:
    """A terminal as registered: what its certificate must say."""

    code: TerminalCode
    public_key: str
    serial: int | None
    usable: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """One look at everything the gate holds: which sessions may stay, which latches hold or are released."""

    answers: Mapping[UUID, Granted | Refused]
    held: Mapping[UUID, LatchFacts]
    released: frozenset[UUID]
    attended: Mapping[UUID, Standing]
    """Who is present at each session that needs it."""
    lines: Mapping[str, LineCode]
    """Which line each terminal stands on, so that a cut of a line needs no database."""


# Reads


def registered_terminal(code: str, now: datetime) -> TerminalRecord | None:
    """The terminal of that code, or None. Not usable when revoked or its certification has run out."""
    terminal = Terminal.objects.filter(code=code).first()
    if terminal is None:
        return None
    usable = is_usable(terminal, now)
    return TerminalRecord(TerminalCode(terminal.code), terminal.public_key, terminal.serial, usable)


def is_authenticator_of(login: str, public_key: str) -> bool:
    """Whether `public_key` (`type base64`) is a registered, unrevoked authenticator of an active operator."""
    return SshAuthenticator.objects.filter(
        person__login=login, person__is_active=True, public_key=public_key, revoked_at=None
    ).exists()


def password_is(login: str, password: str) -> bool:
    """Checks an operator's password; costs the same for a login that does not exist."""
    person = Person.objects.filter(login=login, is_active=True).first()
    if person is None or not person.has_usable_password():
        make_password(password)
        return False
    return person.check_password(password)


def responsible_for(job: str, public_key: str) -> LoginId | None:
    """The operator who answers for a job, when `public_key` (`type base64`) is that job's machine key."""
    row = Job.objects.filter(code=job, public_key=public_key).select_related("permit").first()
    person = row.permit.operators.filter(is_active=True).first() if row else None
    return LoginId(person.login) if person else None


def watch(sessions: Mapping[UUID, Claim], state: GateState, lease_until: datetime, now: datetime) -> Watch:
    """Renews the leases of `sessions` and decides about each again. One transaction: all or none."""
    with transaction.atomic():
        Session.objects.filter(id__in=list(sessions), ended_at=None).update(lease_until=lease_until)
        found = Session.objects.filter(id__in=list(sessions), ended_at=None)
        found = found.select_related("permit__contract", "permit__system", "permit__job", "operator")
        rows = list(found.prefetch_related("permit__operators"))
        register = Register(sessions.values(), now)
        answers: dict[UUID, Granted | Refused] = {
            row.id: register.examine(
                sessions[row.id], row.permit, row.permit.system, state, opened=row.opened_at
            ).answer
            for row in rows
        }
        for missing in sessions.keys() - answers.keys():
            answers[missing] = _refused(
                "session-closed",
                "この接続は台帳では終了しています。",
                "The register says this session ended.",
            )
        recent = Latch.objects.filter(released_at__gt=now - timedelta(days=400))
        lines = {code: LineCode(line) for code, line in Terminal.objects.values_list("code", "line_id")}
        attended = standings([row for row in rows if row.attendance], now)
        released = frozenset(recent.values_list("id", flat=True))
        return Watch(answers, held_latches(), released, attended, lines)


def standings(rows: Collection[Session], now: datetime) -> dict[UUID, Standing]:
    """Who is present at each of these sessions, each of which needs attendance. `rows` with their operators."""
    if not rows:
        return {}
    present: dict[UUID, list[Attendant]] = {row.id: [] for row in rows}
    attending = Attending.objects.filter(
        session__in=present, ended_at=None, person__is_active=True
    ).select_related("person")
    for each in attending:
        person = each.person
        present[each.session_id].append(
            Attendant(LoginId(person.login), person.role_of, each.confirmed_at, each.seen_at)
        )
    return {
        row.id: standing(
            Need.from_json(row.attendance or {}), present[row.id], LoginId(row.operator.login), now
        )
        for row in rows
    }


def sessions_left_open(gate: str) -> list[UUID]:
    """Sessions that this gate opened and never accounted for: what a crash leaves behind.

    Those too that the worker has ended meanwhile because their lease was over: it does not know the recording.
    """
    return list(Session.objects.filter(gate=gate, recording_bytes=None).values_list("id", flat=True))


# Verbs called directly: without the database there is no opening


def open_session(
    session: UUID, claim: Claim, state: GateState, gate: str, lease_until: datetime, now: datetime
) -> Examination:
    """Opens a session, deciding inside the same transaction that writes it down."""
    with transaction.atomic():
        examination = examine(claim, state, now)
        if isinstance(examination.answer, Refused) or examination.permit is None:
            return examination
        need = examination.answer.attendance
        terminal = Terminal.objects.get(code=claim.terminal)
        row = Session.objects.create(
            id=session,
            permit=Permit.objects.select_for_update().get(number=examination.permit),
            operator=Person.objects.get(login=claim.operator),
            terminal=terminal,
            line_id=terminal.line_id,
            source_address=claim.source_address,
            gate=gate,
            opened_at=now,
            lease_until=lease_until,
            attendance=need.as_json() if need else None,
        )
        record(
            Tag.SESSION_OPENED,
            actor=row.operator.actor,
            subjects=_session_subjects(row),
            at=now,
            detail={
                "ordinal": 1,
                "gate": gate,
                "until": examination.answer.until.isoformat(),
                "documents": list(row.permit.documents),
                **({"attendance": need.as_json()} if need else {}),
            },
        )
        return examination


def sweep_lost_leases(now: datetime) -> int:
    """Ends, in the register, the sessions whose gate has not renewed them. Returns how many."""
    lost = Session.objects.filter(ended_at=None, lease_until__lt=now - SWEEP_GRACE)
    return sum(_end_lost(row.id, now) for row in lost)


def _end_lost(session: UUID, now: datetime) -> bool:
    with transaction.atomic():
        row = Session.objects.select_for_update(of=("self",)).get(id=session)
        if row.ended_at is not None or row.lease_until >= now - SWEEP_GRACE:
            return False
        _end(row, EndReason.LEASE_LOST, row.lease_until)
        record(
            Tag.SESSION_RECOVERED,
            actor="worker",
            subjects=_session_subjects(row),
            at=now,
            detail={"reason": EndReason.LEASE_LOST.value, "lease_until": row.lease_until.isoformat()},
        )
        return True


# Verbs handed over from the gate's journal, possibly long after they happened


def end_session(record_id: UUID, at: datetime, gate: str, args: Mapping[str, Any]) -> None:
    """`args`: session, reason, exit_status, recording {bytes, root, chunk_bytes} or None, ordinal."""
    row = Session.objects.select_for_update(of=("self",)).get(id=args["session"])
    crashed = args["reason"] == EndReason.GATE_CRASHED
    if not crashed:
        _end(row, EndReason(args["reason"]), at)
    elif row.ended_at is None:
        # Nobody knows the moment; it was not after the lease, which only a living gate renews.
        _end(row, EndReason.GATE_CRASHED, min(at, row.lease_until))
    recording = args.get("recording") or {}
    row.exit_status = args.get("exit_status")
    row.recording_bytes = recording.get("bytes", 0)
    row.recording_root = recording.get("root", "")
    row.save(update_fields=["exit_status", "recording_bytes", "recording_root"])
    record(
        Tag.SESSION_RECOVERED if crashed else Tag.SESSION_ENDED,
        actor=f"gate:{gate}",
        subjects=_session_subjects(row),
        at=at,
        detail={key: value for key, value in args.items() if key != "session"},
        record_id=record_id,
    )


def apply_cut(record_id: UUID, at: datetime, gate: str, args: Mapping[str, Any]) -> None:
    """`args`: latch, by, account (of the operating system, which asked), milliseconds, sessions (ended), and
    what it covers: line | operator+permit | nothing.
    """
    latch, _ = Latch.objects.get_or_create(
        id=args["latch"],
        defaults={
            "session_id": args.get("session"),
            "line_id": args.get("line"),
            "operator": Person.objects.filter(login=args.get("operator") or "").first(),
            "permit_id": args.get("permit"),
            "cut_by": args["by"],
            "cut_at": at,
            "milliseconds": args.get("milliseconds"),
        },
    )
    # Each has an end of its own in the journal, unless the gate died right after the cut.
    for row in Session.objects.select_for_update(of=("self",)).filter(id__in=args["sessions"], ended_at=None):
        _end(row, EndReason.CUT, at)
    covered = [("line", "line"), ("person", "operator"), ("permit", "permit")]
    subjects = [f"latch:{latch.id}", *(f"session:{each}" for each in args["sessions"])]
    subjects += [f"{word}:{args[key]}" for word, key in covered if args.get(key)]
    detail = {
        "gate": gate,
        "account": args.get("account"),
        "milliseconds": round(args["milliseconds"]),
        "ended": len(args["sessions"]),
    }
    record(Tag.CUT, actor=args["by"], subjects=subjects, at=at, detail=detail, record_id=record_id)


def note(record_id: UUID, at: datetime, gate: str, args: Mapping[str, Any]) -> None:
    """`args`: tag, subjects, detail, actor (the gate itself when missing). Changes nothing else."""
    record(
        Tag(args["tag"]),
        actor=args.get("actor") or f"gate:{gate}",
        subjects=args["subjects"],
        at=at,
        detail=args.get("detail") or {},
        record_id=record_id,
    )


VERBS: Mapping[str, Callable[[UUID, datetime, str, Mapping[str, Any]], None]] = {
    "end_session": end_session,
    "apply_cut": apply_cut,
    "note": note,
}


def hand_over(record_id: UUID, at: datetime, gate: str, verb: str, args: Mapping[str, Any]) -> None:
    """Applies one entry of a gate's journal, in one transaction with its evidence.

    What speaks of a row that the register does not know (it was restored from a backup, say), or cannot be
    said in a record, is kept as evidence by its digest all the same: the journal never waits for ever.
    """
    try:
        with transaction.atomic():
            VERBS[verb](record_id, at, gate, args)
    except (ObjectDoesNotExist, IntegrityError, DataError, ValueError, KeyError) as error:
        log.exception("a journal entry could not be applied: %s", type(error).__name__)
        digest = sha256(json.dumps(args, sort_keys=True, default=str).encode()).hexdigest()
        with transaction.atomic():
            record(
                Tag.JOURNAL_UNAPPLIED,
                actor=f"gate:{gate}",
                subjects=[f"session:{args['session']}"] if args.get("session") else [f"gate:{gate}"],
                at=at,
                detail={"verb": verb, "fault": type(error).__name__, "sha256": digest},
                record_id=record_id,
            )


def _end(row: Session, reason: EndReason, at: datetime) -> None:
    row.ended_at = max(at, row.opened_at)
    row.end_reason = reason.value
    row.save(update_fields=["ended_at", "end_reason"])
    row.attendings.filter(ended_at=None).update(ended_at=row.ended_at, end_reason=Attending.End.SESSION_ENDED)


def _session_subjects(row: Session) -> Iterable[str]:
    return [
        row.subject,
        f"permit:{row.permit_id}",
        row.operator.actor,
        f"line:{row.line_id}",
        f"terminal:{row.terminal_id}",
        f"system:{row.permit.system_id}",
        f"contract:{row.permit.contract_id}",
    ]


def _refused(code: str, ja: str, en: str) -> Refused:
    return Refused((Reason(code, Text(ja, en)),))
