"""What the gate asks of the database and tells it. The gate decides with `rules.decide` and nothing else.

Reads answer in frozen values; verbs are one transaction with one evidence record. Verbs that the gate
hands over late (`VERBS`) carry the record id under which the gate wrote them down first, so that handing
over twice does nothing twice.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction

from sekisho.access.models import Latch, LineSwitch, Permit, Session
from sekisho.access.rules import EndReason, Facts, Granted, LatchFacts, PermitFacts, Proof, decide
from sekisho.contracts.models import Contract, System
from sekisho.contracts.reading import grant_of
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.ids import (
    ContractCode,
    ContractorCode,
    LineCode,
    LoginId,
    PermitNumber,
    SiteCode,
    SystemCode,
    TerminalCode,
)
from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text
from sekisho.people.models import Line, Person, SshAuthenticator, Terminal

log = logging.getLogger(__name__)

SWEEP_GRACE = timedelta(seconds=5)
"""A lease is given up for lost this long after it ended: clocks of two processes may differ a little."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the gate has established about one connection, before anything is decided."""

    operator: LoginId
    system: SystemCode | None
    """None where the operator named no system and means the only one open to him."""
    terminal: TerminalCode
    source_address: str
    proofs: tuple[Proof, ...]


@dataclass(frozen=True, slots=True)
class GateState:
    """What only the gate itself knows: its own latches, and whether it can record and leave evidence."""

    latches: tuple[LatchFacts, ...] = ()
    recording_ready: bool = True
    evidence_ready: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """Where a granted connection goes on to."""

    system: SystemCode
    name: Text
    host: str
    port: int
    account: str
    host_keys: tuple[str, ...]
    charset: str
    credential: str


@dataclass(frozen=True, slots=True)
class Examination:
    """The decision about a claim, with what it was decided on."""

    answer: Granted | Refused
    permit: PermitNumber | None
    target: Target | None


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


# Reads


def registered_terminal(code: str, now: datetime) -> TerminalRecord | None:
    """The terminal of that code, or None. Not usable when revoked or its certification has run out."""
    terminal = Terminal.objects.filter(code=code).first()
    if terminal is None:
        return None
    usable = (
        terminal.revoked_at is None
        and terminal.certified_until is not None
        and terminal.certified_until > now
    )
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


def examine(claim: Claim, state: GateState, now: datetime) -> Examination:
    """Decides about a connection that wants to open: by the first permit that allows it, if one does."""
    candidates = _candidates(claim, now)
    if isinstance(candidates, Refused):
        return Examination(candidates, None, None)
    examinations = [_examine_one(claim, permit, system, state, now) for permit, system in candidates]
    return next((each for each in examinations if isinstance(each.answer, Granted)), examinations[0])


def watch(sessions: Mapping[UUID, Claim], state: GateState, lease_until: datetime, now: datetime) -> Watch:
    """Renews the leases of `sessions` and decides about each again. One transaction: all or none."""
    with transaction.atomic():
        Session.objects.filter(id__in=list(sessions), ended_at=None).update(lease_until=lease_until)
        rows = Session.objects.filter(id__in=list(sessions), ended_at=None).select_related(
            "permit__contract", "permit__system", "line"
        )
        answers: dict[UUID, Granted | Refused] = {
            row.id: _examine_one(sessions[row.id], row.permit, row.permit.system, state, now).answer
            for row in rows
        }
        for missing in sessions.keys() - answers.keys():
            answers[missing] = _refused(
                "session-closed",
                "この接続は台帳では終了しています。",
                "The register says this session ended.",
            )
        held = {latch.id: _latch_facts(latch) for latch in Latch.objects.filter(released_at=None)}
        recent = Latch.objects.filter(released_at__gt=now - timedelta(days=400))
        return Watch(answers, held, frozenset(recent.values_list("id", flat=True)))


def lines_of_terminals() -> dict[str, LineCode]:
    """Which line each terminal stands on, so that a cut of a line needs no database."""
    return {code: LineCode(line) for code, line in Terminal.objects.values_list("code", "line_id")}


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
    except (ObjectDoesNotExist, IntegrityError, ValueError, KeyError) as error:
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


# How a claim becomes facts


def _candidates(claim: Claim, now: datetime) -> list[tuple[Permit | None, System]] | Refused:
    permits = Permit.objects.filter(operators__login=claim.operator).select_related("contract", "system")
    if claim.system is not None:
        permits = permits.filter(system_id=claim.system)
    approved = permits.filter(state=Permit.State.APPROVED, ends__gt=now).order_by("starts")
    nearest = list(approved[:20]) or list(permits.order_by("-starts")[:1])
    if claim.system is None:
        return _only_system(nearest)
    system = System.objects.filter(code=claim.system).first()
    if system is None:
        return _refused(
            "no-such-system",
            f"「{claim.system}」というシステムは登録されていません。作業者+システム の「+」の後を確かめてください。",
            f'No system "{claim.system}" is registered. Check what follows "+" in ssh operator+system@….',
        )
    return [(permit, system) for permit in nearest] or [(None, system)]


def _only_system(permits: list[Permit]) -> list[tuple[Permit | None, System]] | Refused:
    systems = sorted({permit.system_id for permit in permits})
    if len(systems) == 1:
        return [(permit, permit.system) for permit in permits]
    if not systems:
        return _refused(
            "no-permit",
            "あなたの名前がある許可がありません。所属会社の管理者に、許可の申請を確かめてください。",
            "No permit names you. Ask your company's manager about the request.",
        )
    names = ", ".join(systems)
    return _refused(
        "which-system",
        f"対象システムを選んでください。例: ssh 作業者+{systems[0]}@… (選べるもの: {names})",
        f"Say which system, for example ssh operator+{systems[0]}@… (yours: {names})",
    )


def _examine_one(
    claim: Claim, permit: Permit | None, system: System, state: GateState, now: datetime
) -> Examination:
    facts = _facts(replace(claim, system=SystemCode(system.code)), state, now)
    contract = permit.contract if permit else _some_contract(facts.employer, system)
    if contract is None:
        return Examination(
            _refused(
                "no-contract",
                "あなたの所属会社には、このシステムを扱う契約がありません。",
                "Your company has no contract for this system.",
            ),
            None,
            None,
        )
    grant = grant_of(contract, now.astimezone(TOKYO).date())
    answer = decide(grant, _permit_facts(permit) if permit else None, facts, now)
    number = PermitNumber(permit.number) if permit else None
    return Examination(answer, number, _target(system))


def _facts(claim: Claim, state: GateState, now: datetime) -> Facts:
    person = Person.objects.filter(login=claim.operator).first()
    terminal = Terminal.objects.select_related("line").filter(code=claim.terminal).first()
    line = terminal.line if terminal else None
    registered = registered_terminal(claim.terminal, now)
    assert claim.system is not None  # noqa: S101 - the caller has chosen one
    return Facts(
        operator=claim.operator,
        operator_active=bool(person and person.is_active),
        employer=ContractorCode(person.contractor_id) if person and person.contractor_id else None,
        proofs=claim.proofs,
        terminal=TerminalCode(terminal.code) if terminal else None,
        terminal_lent_to=ContractorCode(terminal.contractor_id) if terminal else None,
        terminal_valid=bool(registered and registered.usable),
        line=LineCode(line.code) if line else None,
        line_kind=line.kind if line else None,
        line_contractor=ContractorCode(line.contractor_id) if line else None,
        line_open=bool(line) and LineSwitch.objects.filter(line=line, is_open=True).exists(),
        line_networks=_networks(line),
        site=SiteCode(line.site_id) if line else None,
        source_address=ip_address(claim.source_address),
        system=claim.system,
        latches=(*state.latches, *map(_latch_facts, Latch.objects.filter(released_at=None))),
        recording_ready=state.recording_ready,
        evidence_ready=state.evidence_ready,
    )


def _some_contract(employer: ContractorCode | None, system: System) -> Contract | None:
    return Contract.objects.filter(contractor_id=employer, systems=system).order_by("-starts").first()


def _networks(line: Line | None) -> tuple[Any, ...]:
    return tuple(ip_network(text) for text in line.networks) if line else ()


def _permit_facts(permit: Permit) -> PermitFacts:
    return PermitFacts(
        number=PermitNumber(permit.number),
        contract=ContractCode(permit.contract_id),
        system=SystemCode(permit.system_id),
        operators=frozenset(LoginId(each) for each in permit.operators.values_list("login", flat=True)),
        starts=permit.starts,
        ends=permit.ends,
        state=permit.state,
    )


def _latch_facts(latch: Latch) -> LatchFacts:
    return LatchFacts(
        line=LineCode(latch.line_id) if latch.line_id else None,
        operator=LoginId(latch.operator.login) if latch.operator else None,
        permit=PermitNumber(latch.permit_id) if latch.permit_id else None,
    )


def _target(system: System) -> Target:
    return Target(
        system=SystemCode(system.code),
        name=Text(system.name, system.name_en),
        host=system.host,
        port=system.port,
        account=system.account,
        host_keys=tuple(system.host_keys),
        charset=system.charset,
        credential=system.credential,
    )


def _end(row: Session, reason: EndReason, at: datetime) -> None:
    row.ended_at = max(at, row.opened_at)
    row.end_reason = reason.value
    row.save(update_fields=["ended_at", "end_reason"])


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
