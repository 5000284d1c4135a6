"""Verbs about emergencies: an operator asks, whoever is on call opens, the division approves afterwards.

The one lane on which the city's yes comes before the reading. So it is narrow: only where the papers state it,
one operator, one session at a time, a few hours; and what nobody approves afterwards becomes an incident.
"""

from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction

from sekisho.access.models import Incident, OnCall, Permit
from sekisho.access.permit_checks import OVER, Wish, day_of, empty, not_in, not_owner, outside_terms, refusal
from sekisho.access.permits import locked, next_number, record_permit
from sekisho.access.reasons import ENDS_FIRST, NOT_YOURS, reason
from sekisho.access.rules import EMERGENCY_TERMS
from sekisho.access.sentences import SENTENCES
from sekisho.access.wake import wake_gate
from sekisho.contracts.grant import Grant
from sekisho.contracts.hours import Hours
from sekisho.contracts.models import Contract, System
from sekisho.contracts.reading import grant_of
from sekisho.contracts.values import Count
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.ids import time_ordered_id
from sekisho.kernel.outcome import Reason, Refused
from sekisho.people.models import Person
from sekisho.people.roles import Role

ANSWER_WITHIN = timedelta(hours=1)
"""A request that nobody opened for so long is asked anew: the fault may be another by then."""


def ask_emergency(
    contract: Contract, system: System, fault: str, by: Person, now: datetime
) -> Permit | Refused:
    """An operator on the roster says what is broken. Nothing opens yet."""
    grant = grant_of(contract, day_of(now))
    operator = by.role_of is Role.OPERATOR and by.contractor_id == contract.contractor_id
    waits = Permit.objects.filter(
        emergency=True, state=Permit.State.REQUESTED, requested_by=by, requested_at__gt=now - ANSWER_WITHIN
    )
    if refused := refusal(
        [] if operator else [_NOT_OPERATOR],
        [_ASKED] if operator and waits.exists() else [],
        _no_lane(grant),
        empty(fault),
    ):
        return refused
    wish = Wish(contract, system, (by,), now, _ends(grant, now), fault, "")
    if refused := refusal(outside_terms(wish, "emergency.hours")):
        return refused
    with transaction.atomic():
        permit = Permit(
            number=next_number(now), contract=contract, system=system, starts=wish.starts, ends=wish.ends,
            work=fault.strip(), rollback="", emergency=True, requested_by=by, requested_at=now,
        )  # fmt: skip
        permit.save(force_insert=True)
        permit.operators.set([by])
        record_permit(Tag.EMERGENCY_ASKED, permit, by, now, work=fault)
    return permit


def open_emergency(permit: Permit, by: Person, now: datetime) -> Permit | Refused:
    """Whoever is on call lets the work begin, for the hours the papers give. The view asks for a fresh biometric."""
    with transaction.atomic():
        row = locked(permit)
        grant = grant_of(row.contract, day_of(now))
        stale = [_STALE] if now - row.requested_at > ANSWER_WITHIN else []
        if refused := refusal(
            not_in(row, Permit.State.REQUESTED),
            [] if row.emergency else [_NOT_EMERGENCY],
            [] if may_open_emergency(by, row, now) else [_NOT_ON_CALL],
            stale,
            _no_lane(grant),
        ):
            return refused
        wish = Wish(
            row.contract, row.system, tuple(row.operators.all()), now, _ends(grant, now), row.work, ""
        )
        if refused := refusal(outside_terms(wish, "emergency.hours")):
            return refused
        row.starts, row.ends = wish.starts, wish.ends
        row.ratify_by = now + timedelta(hours=_hours(grant, "emergency.approval"))
        row.documents = list(grant.documents)
        row.state, row.decided_by, row.decided_at = Permit.State.APPROVED, by, now
        row.save()
        record_permit(Tag.EMERGENCY_OPENED, row, by, now, approval_by=row.ratify_by.isoformat())
    return row


def ratify_emergency(permit: Permit, by: Person, now: datetime) -> Permit | Refused:
    """The owning division approves afterwards what was opened by night. Late is better than never, and said."""
    with transaction.atomic():
        row = locked(permit)
        if refused := refusal(_not_to_ratify(row), not_owner(row, by)):
            return refused
        row.ratified_by, row.ratified_at = by, now
        row.save(update_fields=["ratified_by", "ratified_at"])
        late = {"late": "yes"} if row.ratify_by and now > row.ratify_by else {}
        record_permit(Tag.EMERGENCY_RATIFIED, row, by, now, **late)
    return row


def disown_emergency(permit: Permit, reason: str, by: Person, now: datetime) -> Permit | Refused:
    """The owning division does not approve it: it ends at once, and is an incident."""
    with transaction.atomic():
        row = locked(permit)
        if refused := refusal(_not_to_ratify(row), not_owner(row, by), empty(reason)):
            return refused
        row.ratified_by, row.ratified_at = by, now
        row.state, row.comment = Permit.State.WITHDRAWN, reason.strip()
        row.save()
        Incident.objects.create(
            id=time_ordered_id(now),
            kind=Incident.Kind.DISOWNED,
            permit=row,
            opened_at=now,
            comment=reason.strip(),
        )
        record_permit(Tag.EMERGENCY_DISOWNED, row, by, now, reason=reason)
    return row


def close_incident(incident: Incident, outcome: str, by: Person, now: datetime) -> Incident | Refused:
    """The systems division or the owning division says what came of it."""
    with transaction.atomic():
        row = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
        owner = by.role_of is Role.DIVISION and by.division_id == row.permit.contract.division_id
        if refused := refusal(
            [] if owner or by.role_of is Role.SYSTEMS else [NOT_YOURS],
            [_CLOSED] if row.closed_at else [],
            empty(outcome),
        ):
            return refused
        row.closed_by, row.closed_at, row.outcome = by, now, outcome.strip()
        row.save()
        digest = sha256(row.outcome.encode()).hexdigest()
        _record_incident(Tag.INCIDENT_CLOSED, row, by.actor, now, outcome_sha256=digest)
    return row


def sweep_emergencies(now: datetime) -> int:
    """Makes an incident of every emergency that nobody approved in time. Returns how many."""
    overdue = Permit.objects.filter(
        emergency=True, state=Permit.State.APPROVED, ratified_at=None, ratify_by__lt=now
    ).exclude(incidents__kind=Incident.Kind.NOT_RATIFIED)
    made = 0
    for permit in overdue:
        with transaction.atomic():
            row = locked(permit)
            kind = Incident.Kind.NOT_RATIFIED
            if row.ratified_at is not None or row.incidents.filter(kind=kind).exists():
                continue
            incident = Incident.objects.create(id=time_ordered_id(now), kind=kind, permit=row, opened_at=now)
            _record_incident(Tag.INCIDENT_OPENED, incident, "worker", now)
            made += 1
    return made


def enter_duty(
    person: Person, starts: datetime, ends: datetime, by: Person, now: datetime
) -> OnCall | Refused:
    """Puts somebody of the city on call: the systems division anybody, a division its own people."""
    own = by.role_of is Role.DIVISION and person.division_id == by.division_id
    if refused := refusal(
        [] if by.role_of is Role.SYSTEMS or own else [NOT_YOURS],
        [] if person.role_of in (Role.SYSTEMS, Role.DIVISION) and person.is_active else [_NO_DUTY],
        [] if starts < ends else [ENDS_FIRST],
        [OVER] if ends <= now else [],
    ):
        return refused
    with transaction.atomic():
        duty = OnCall.objects.create(person=person, starts=starts, ends=ends, entered_by=by)
        _record_duty(Tag.DUTY_ENTERED, duty, by, now)
    return duty


def remove_duty(duty: OnCall, by: Person, now: datetime) -> Refused | None:
    """Takes somebody off call."""
    own = by.role_of is Role.DIVISION and duty.person.division_id == by.division_id
    if refused := refusal([] if by.role_of is Role.SYSTEMS or own else [NOT_YOURS]):
        return refused
    with transaction.atomic():
        _record_duty(Tag.DUTY_REMOVED, duty, by, now)
        duty.delete()
    return None


def may_open_emergency(person: Person, permit: Permit, now: datetime) -> bool:
    """Who is on call this moment, of the systems division or of the division whose contract it is."""
    of_city = person.role_of is Role.SYSTEMS or (
        person.role_of is Role.DIVISION and person.division_id == permit.contract.division_id
    )
    return of_city and person.duties.filter(starts__lte=now, ends__gt=now).exists()


def _ends(grant: Grant, now: datetime) -> datetime:
    """The end of an emergency that begins now: its longest, the hours' end, the contract's end."""
    hours = grant.terms["emergency.hours"].value
    until = hours.until(now, grant.holidays) if isinstance(hours, Hours) else now
    return min(
        now + timedelta(hours=_hours(grant, "emergency.longest")), max(until, now + timedelta(seconds=1))
    )


def _hours(grant: Grant, key: str) -> int:
    value = grant.terms[key].value
    return value.high if isinstance(value, Count) else 0


def _no_lane(grant: Grant) -> list[Reason]:
    if grant.empty:
        return list(grant.problems)
    missing = any(key not in grant.terms for key in EMERGENCY_TERMS)
    return [Reason("no-emergency-lane", SENTENCES["no-emergency-lane"])] if missing else []


def _not_to_ratify(row: Permit) -> list[Reason]:
    opened = row.emergency and row.state == Permit.State.APPROVED
    return [] if opened and row.ratified_at is None else [_NOTHING_TO_APPROVE]


def _record_incident(tag: Tag, incident: Incident, actor: str, now: datetime, **said: str) -> None:
    subjects = [f"incident:{incident.id}", incident.permit.subject, f"contract:{incident.permit.contract_id}"]
    record(tag, actor=actor, subjects=subjects, at=now, detail={"kind": incident.kind, **said})


def _record_duty(tag: Tag, duty: OnCall, by: Person, now: datetime) -> None:
    times = {"starts": duty.starts.isoformat(), "ends": duty.ends.isoformat()}
    record(tag, actor=by.actor, subjects=[duty.person.actor], at=now, detail=times)
    wake_gate()


_NOT_OPERATOR = reason(
    "not-operator",
    "緊急の作業を求められるのは、この契約の受託者の作業者本人だけです。",
    "Only an operator of this contract's contractor asks, for himself.",
)
_ASKED = reason(
    "asked-already",
    "もう求めています。当番の職員に電話してください。1時間開かなければ、求め直せます。",
    "You have asked already. Call whoever is on call; ask again if nothing opens within an hour.",
)
_NOT_EMERGENCY = reason(
    "not-emergency",
    "これは緊急の求めではありません。通常の許可として決めてください。",
    "Not an emergency: decide it as a permit.",
)
_NOT_ON_CALL = reason(
    "not-on-call",
    "開けられるのは、いま当番の職員だけです。当番表を確かめるか、当番の職員に電話してください。",
    "Only who is on call now opens it. Look at the on-call list, or call that person.",
)
_STALE = reason(
    "stale",
    "求めてから1時間たちました。いまの状況を作業者に確かめ、求め直してもらってください。",
    "An hour has passed since it was asked. Ask the operator how things are, and to ask again.",
)
_NOTHING_TO_APPROVE = reason(
    "nothing-to-approve",
    "事後の承認を待っている緊急の作業ではありません(もう決まっています)。",
    "No emergency that waits for approval: it has been decided.",
)
_CLOSED = reason("closed", "この事案はもう閉じています。", "This incident is closed already.")
_NO_DUTY = reason(
    "no-duty",
    "当番になれるのは、情報システム担当課か業務所管課の、利用中の職員だけです。",
    "Only active staff of the systems division or an owning division can be on call.",
)
