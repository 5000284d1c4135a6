"""Verbs about permits: request, resubmit, approve, return, withdraw, extend."""

from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.db.models.functions import Length

from sekisho.access.models import Permit
from sekisho.access.permit_checks import (
    NOT_LATER,
    OVER,
    Wish,
    amended,
    asked_anew,
    by_its_own_lane,
    day_of,
    empty,
    not_city,
    not_in,
    not_owner,
    outside_terms,
    refusal,
    wish_of,
    wrong_requester,
    wrong_wish,
)
from sekisho.access.wake import wake_gate
from sekisho.contracts.reading import grant_of
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.era import era_year, fiscal_year
from sekisho.kernel.outcome import Refused
from sekisho.people.models import Division, Person


def request_permit(wish: Wish, by: Person, now: datetime) -> Permit | Refused:
    """A contractor's manager asks for a permit. Refused with every clause that stands against it."""
    if refused := refusal(wrong_requester(wish, by), wrong_wish(wish, now)):
        return refused
    with transaction.atomic():
        permit = Permit(
            number=next_number(now),
            contract=wish.contract,
            system=wish.system,
            requested_by=by,
            requested_at=now,
            **_fields(wish),
        )
        permit.save(force_insert=True)
        permit.operators.set(wish.operators)
        record_permit(Tag.PERMIT_REQUESTED, permit, by, now, work=wish.work, rollback=wish.rollback)
    return permit


def resubmit_permit(permit: Permit, wish: Wish, by: Person, now: datetime) -> Permit | Refused:
    """The manager mends a request that was sent back."""
    if refused := refusal(wrong_requester(wish, by), wrong_wish(wish, now)):
        return refused
    with transaction.atomic():
        row = locked(permit)
        wrong = wrong_requester(wish_of(row), by)
        if refused := refusal(not_in(row, Permit.State.RETURNED), asked_anew(row), wrong):
            return refused
        for name, value in _fields(wish).items():
            setattr(row, name, value)
        row.contract, row.system, row.state = wish.contract, wish.system, Permit.State.REQUESTED
        row.requested_by, row.requested_at = by, now
        row.decided_by = row.decided_at = None
        row.comment = ""
        row.save()
        row.operators.set(wish.operators)
        record_permit(Tag.PERMIT_RESUBMITTED, row, by, now, work=wish.work, rollback=wish.rollback)
    return row


def approve_permit(
    permit: Permit, by: Person, now: datetime, seen: str | None = None, attended: bool = False
) -> Permit | Refused:
    """The owning division says yes, resting on the papers as they stand now.

    `attended`: on condition that city staff are present, whatever the terms say.

    `seen` is the edition of the request that was read (as `permit` was loaded, when not given): what was
    amended meanwhile is not approved unread.
    """
    with transaction.atomic():
        row = locked(permit)
        wish = wish_of(row)
        if refused := refusal(
            not_in(row, Permit.State.REQUESTED),
            by_its_own_lane(row),
            not_owner(row, by),
            amended(row, permit, seen),
            wrong_wish(wish, now),
        ):
            return refused
        row.documents = list(grant_of(row.contract, day_of(row.starts)).documents)
        row.attended = attended
        _decide(row, Permit.State.APPROVED, by, now, "")
        digest = sha256("\n".join(row.documents).encode()).hexdigest()
        condition = {"condition": "attended"} if attended else {}
        record_permit(Tag.PERMIT_APPROVED, row, by, now, documents=digest, **condition)
    return row


def return_permit(
    permit: Permit, comment: str, by: Person, now: datetime, seen: str | None = None
) -> Permit | Refused:
    """The owning division sends the request back, saying what to mend. `seen` as in `approve_permit`."""
    with transaction.atomic():
        row = locked(permit)
        if refused := refusal(
            not_in(row, Permit.State.REQUESTED),
            not_owner(row, by),
            amended(row, permit, seen),
            empty(comment),
        ):
            return refused
        _decide(row, Permit.State.RETURNED, by, now, comment)
        record_permit(Tag.PERMIT_RETURNED, row, by, now, comment=comment)
    return row


def withdraw_permit(permit: Permit, reason: str, by: Person, now: datetime) -> Permit | Refused:
    """The city takes its yes back. A session that rests on it ends at once."""
    with transaction.atomic():
        row = locked(permit)
        if refused := refusal(not_in(row, Permit.State.APPROVED), not_city(row, by), empty(reason)):
            return refused
        _decide(row, Permit.State.WITHDRAWN, by, now, reason)
        record_permit(Tag.PERMIT_WITHDRAWN, row, by, now, reason=reason)
    return row


def extend_permit(permit: Permit, until: datetime, by: Person, now: datetime) -> Permit | Refused:
    """The owning division gives more time, inside the contract's hours."""
    with transaction.atomic():
        row = locked(permit)
        later = [] if until > row.ends else [NOT_LATER]
        over = [OVER] if row.ends <= now else []
        wish = wish_of(row, ends=until)
        if refused := refusal(
            not_in(row, Permit.State.APPROVED),
            asked_anew(row),
            not_owner(row, by),
            later,
            over,
            outside_terms(wish),
        ):
            return refused
        row.ends = until
        row.save(update_fields=["ends"])
        record_permit(Tag.PERMIT_EXTENDED, row, by, now, until=until.isoformat())
    return row


def _fields(wish: Wish) -> dict[str, object]:
    return {
        "starts": wish.starts,
        "ends": wish.ends,
        "work": wish.work.strip(),
        "rollback": wish.rollback.strip(),
        "great_change": wish.great_change,
    }


def _decide(row: Permit, state: Permit.State, by: Person, now: datetime, comment: str) -> None:
    row.state, row.decided_by, row.decided_at, row.comment = state, by, now, comment.strip()
    row.save()


def locked(permit: Permit) -> Permit:
    return Permit.objects.select_for_update(of=("self",)).get(pk=permit.pk)


def next_number(now: datetime) -> str:
    """`R8-0001`: fiscal year in era letters and the next ordinal, given to one request at a time.

    Locking the last permit would not do: whoever waits for it still sees it as the last (PostgreSQL's READ
    COMMITTED), and the year's first has none before it.
    """
    list(Division.objects.select_for_update().order_by("code")[:1])
    year = fiscal_year(day_of(now))
    era = era_year(now.astimezone(TOKYO).date().replace(year=year, month=5, day=1))
    prefix = f"{'R' if era.startswith('令和') else 'H'}{era[2:-1].replace('元', '1')}-"
    last = Permit.objects.filter(number__startswith=prefix).order_by(Length("number"), "number").last()
    return f"{prefix}{int(last.number.removeprefix(prefix)) + 1 if last else 1:04}"


def record_permit(tag: Tag, permit: Permit, by: Person, now: datetime, **said: str) -> None:
    """One record; what people typed is kept in the register and stands here by its digest."""
    free = ("work", "rollback", "comment", "reason")
    detail = {
        f"{name}_sha256" if name in free else name: sha256(text.encode()).hexdigest()
        if name in free
        else text
        for name, text in said.items()
    }
    subjects = [permit.subject, f"contract:{permit.contract_id}", f"system:{permit.system_id}"]
    subjects += [f"person:{login}" for login in permit.operators.values_list("login", flat=True)]
    times = {"starts": permit.starts.isoformat(), "ends": permit.ends.isoformat()}
    times |= {"work_kind": "great-change"} if permit.great_change else {}
    record(tag, actor=by.actor, subjects=subjects, at=now, detail={**times, **detail})
    wake_gate()
