"""What a person may see of this room, and the questions pages ask of the database."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db.models import F, Model, Q, QuerySet

from sekisho.access.control import GateClient, GateRefused, GateUnreachable
from sekisho.access.models import Incident, Latch, Permit, Processing, Session
from sekisho.contracts.models import Contract
from sekisho.people.models import Line, Person
from sekisho.people.roles import Role
from sekisho.vault.archive import recording_path

T = TypeVar("T", bound=Model)
_SEES_ALL = (Role.SYSTEMS, Role.AUDITOR, Role.COUNCIL, Role.CLERK)


def permits_for(person: Person) -> QuerySet[Permit]:
    """The permits this person may see; a contractor's people only their own company's."""
    permits = Permit.objects.select_related("contract", "system", "requested_by", "decided_by")
    return permits.filter(_scope(person, "contract"))


def contracts_for(person: Person) -> QuerySet[Contract]:
    """The contracts this person may see: a contractor's people their own company's, the city all."""
    contracts = Contract.objects.select_related("contractor", "division").order_by("code")
    return contracts.filter(contractor=person.contractor) if person.role_of.of_contractor else contracts


def processing_for(person: Person) -> QuerySet[Processing]:
    """The processing schedule as this person may see it: a contractor's people the entries of their contracts."""
    rows = Processing.objects.filter(withdrawn_at=None).select_related("system", "contract")
    rows = rows.prefetch_related("agreements__division")
    return rows.filter(contract__contractor=person.contractor) if person.role_of.of_contractor else rows


def sessions_for(person: Person) -> QuerySet[Session]:
    """The sessions this person may see; an operator only his own."""
    sessions = Session.objects.select_related(
        "permit__contract", "permit__system", "operator", "line", "terminal"
    ).filter(_scope(person, "permit__contract"))
    return sessions.filter(operator=person) if person.role_of is Role.OPERATOR else sessions


def lines_for(person: Person) -> QuerySet[Line]:
    lines = Line.objects.select_related("contractor", "site").order_by("code")
    return lines.filter(contractor=person.contractor) if person.role_of.of_contractor else lines


def incidents_for(person: Person) -> QuerySet[Incident]:
    """The incidents this person may see, open ones first."""
    incidents = Incident.objects.select_related("permit__contract", "permit__system", "closed_by")
    return incidents.filter(_scope(person, "permit__contract")).order_by(
        F("closed_at").asc(nulls_first=True), "-opened_at"
    )


def open_latches() -> QuerySet[Latch]:
    return Latch.objects.filter(released_at=None).select_related(
        "session", "line", "operator", "permit__contract"
    )


def may_watch(person: Person, session: Session) -> bool:
    """Whether this person may see a recording: systems, auditor, and the division whose contract it is."""
    if person.role_of in (Role.SYSTEMS, Role.AUDITOR):
        return True
    return person.role_of is Role.DIVISION and person.division_id == session.permit.contract.division_id


def may_cut(person: Person, session: Session) -> bool:
    """Whoever of the city watches may cut; the auditor only watches."""
    return person.role_of is not Role.AUDITOR and may_watch(person, session)


def may_reason(person: Person, latch: Latch) -> bool:
    """Who says why it was cut: the systems division, who cut it, or the division whose contract it concerns."""
    if person.role_of is Role.SYSTEMS or latch.cut_by == person.actor:
        return True
    owner = latch.permit.contract.division_id if latch.permit else None
    return person.role_of is Role.DIVISION and owner is not None and person.division_id == owner


def is_live(session: Session, now: datetime) -> bool:
    """Whether the gate still holds it: not ended, and its lease not long over."""
    return session.ended_at is None and session.lease_until > now - timedelta(seconds=5)


def stands_still() -> dict[str, str] | None:
    """Which sessions stand still and why, as the gate says this moment; None when it does not answer."""
    try:
        return dict(GateClient(settings.SEKISHO.gate_socket, timeout=0.5).status()["frozen"])
    except (GateUnreachable, GateRefused, ValueError, KeyError):
        return None


def recording_of(session: Session) -> Path:
    """Where the session's recording lies (`vault/archive.py`): the name to open it by."""
    return recording_path(settings.SEKISHO.recordings, session.id)


def _scope(person: Person, contract: str) -> Q:
    if person.role_of in _SEES_ALL:
        return Q()
    if person.role_of.of_contractor:
        return Q(**{f"{contract}__contractor": person.contractor_id})
    return Q(**{f"{contract}__division": person.division_id})
