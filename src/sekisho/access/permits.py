"""Verbs about permits: request, resubmit, approve, return, withdraw, extend."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from django.db import transaction
from django.db.models.functions import Length

from sekisho.access.models import Permit
from sekisho.access.wake import wake_gate
from sekisho.contracts.hours import Hours
from sekisho.contracts.models import Contract, System
from sekisho.contracts.reading import grant_of
from sekisho.contracts.values import Names
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.era import era_year, fiscal_year
from sekisho.kernel.outcome import Reason, Refused, Source
from sekisho.kernel.text import Text
from sekisho.people.models import Division, Person
from sekisho.people.roles import Role


@dataclass(frozen=True, slots=True)
class Wish:
    """What a manager asks for."""

    contract: Contract
    system: System
    operators: tuple[Person, ...]
    starts: datetime
    ends: datetime
    work: str
    rollback: str
    great_change: bool = False
    """Whether the work changes the system greatly: then city staff attend it."""


def request_permit(wish: Wish, by: Person, now: datetime) -> Permit | Refused:
    """A contractor's manager asks for a permit. Refused with every clause that stands against it."""
    if refused := _refuse(_wrong_requester(wish, by), _wrong_wish(wish, now)):
        return refused
    with transaction.atomic():
        permit = Permit(
            number=_next_number(now),
            contract=wish.contract,
            system=wish.system,
            requested_by=by,
            requested_at=now,
            **_fields(wish),
        )
        permit.save(force_insert=True)
        permit.operators.set(wish.operators)
        _record(Tag.PERMIT_REQUESTED, permit, by, now, work=wish.work, rollback=wish.rollback)
    return permit


def resubmit_permit(permit: Permit, wish: Wish, by: Person, now: datetime) -> Permit | Refused:
    """The manager mends a request that was sent back."""
    if refused := _refuse(_wrong_requester(wish, by), _wrong_wish(wish, now)):
        return refused
    with transaction.atomic():
        row = _lock(permit)
        wrong = _wrong_requester(wish_of(row), by)
        if refused := _refuse(_not_in(row, Permit.State.RETURNED), wrong):
            return refused
        for name, value in _fields(wish).items():
            setattr(row, name, value)
        row.contract, row.system, row.state = wish.contract, wish.system, Permit.State.REQUESTED
        row.requested_by, row.requested_at = by, now
        row.decided_by = row.decided_at = None
        row.comment = ""
        row.save()
        row.operators.set(wish.operators)
        _record(Tag.PERMIT_RESUBMITTED, row, by, now, work=wish.work, rollback=wish.rollback)
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
        row = _lock(permit)
        wish = wish_of(row)
        if refused := _refuse(
            _not_in(row, Permit.State.REQUESTED),
            _not_owner(row, by),
            _amended(row, permit, seen),
            _wrong_wish(wish, now),
        ):
            return refused
        row.documents = list(grant_of(row.contract, _day(row.starts)).documents)
        row.attended = attended
        _decide(row, Permit.State.APPROVED, by, now, "")
        digest = sha256("\n".join(row.documents).encode()).hexdigest()
        condition = {"condition": "attended"} if attended else {}
        _record(Tag.PERMIT_APPROVED, row, by, now, documents=digest, **condition)
    return row


def return_permit(
    permit: Permit, comment: str, by: Person, now: datetime, seen: str | None = None
) -> Permit | Refused:
    """The owning division sends the request back, saying what to mend. `seen` as in `approve_permit`."""
    with transaction.atomic():
        row = _lock(permit)
        if refused := _refuse(
            _not_in(row, Permit.State.REQUESTED),
            _not_owner(row, by),
            _amended(row, permit, seen),
            _empty(comment),
        ):
            return refused
        _decide(row, Permit.State.RETURNED, by, now, comment)
        _record(Tag.PERMIT_RETURNED, row, by, now, comment=comment)
    return row


def withdraw_permit(permit: Permit, reason: str, by: Person, now: datetime) -> Permit | Refused:
    """The city takes its yes back. A session that rests on it ends at once."""
    with transaction.atomic():
        row = _lock(permit)
        if refused := _refuse(_not_in(row, Permit.State.APPROVED), _not_city(row, by), _empty(reason)):
            return refused
        _decide(row, Permit.State.WITHDRAWN, by, now, reason)
        _record(Tag.PERMIT_WITHDRAWN, row, by, now, reason=reason)
    return row


def extend_permit(permit: Permit, until: datetime, by: Person, now: datetime) -> Permit | Refused:
    """The owning division gives more time, inside the contract's hours."""
    with transaction.atomic():
        row = _lock(permit)
        later = [] if until > row.ends else [_NOT_LATER]
        over = [_OVER] if row.ends <= now else []
        wish = wish_of(row, ends=until)
        if refused := _refuse(
            _not_in(row, Permit.State.APPROVED), _not_owner(row, by), later, over, _outside_terms(wish)
        ):
            return refused
        row.ends = until
        row.save(update_fields=["ends"])
        _record(Tag.PERMIT_EXTENDED, row, by, now, until=until.isoformat())
    return row


def wish_of(permit: Permit, ends: datetime | None = None) -> Wish:
    """A permit as the wish it fulfils."""
    return Wish(
        permit.contract,
        permit.system,
        tuple(permit.operators.all()),
        permit.starts,
        ends or permit.ends,
        permit.work,
        permit.rollback,
        permit.great_change,
    )


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


def _lock(permit: Permit) -> Permit:
    return Permit.objects.select_for_update(of=("self",)).get(pk=permit.pk)


def _next_number(now: datetime) -> str:
    """`R8-0001`: fiscal year in era letters and the next ordinal, given to one request at a time.

    Locking the last permit would not do: whoever waits for it still sees it as the last (PostgreSQL's READ
    COMMITTED), and the year's first has none before it.
    """
    list(Division.objects.select_for_update().order_by("code")[:1])
    year = fiscal_year(_day(now))
    era = era_year(now.astimezone(TOKYO).date().replace(year=year, month=5, day=1))
    prefix = f"{'R' if era.startswith('令和') else 'H'}{era[2:-1].replace('元', '1')}-"
    last = Permit.objects.filter(number__startswith=prefix).order_by(Length("number"), "number").last()
    return f"{prefix}{int(last.number.removeprefix(prefix)) + 1 if last else 1:04}"


def _record(tag: Tag, permit: Permit, by: Person, now: datetime, **said: str) -> None:
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


# Why not


def _refuse(*groups: Iterable[Reason]) -> Refused | None:
    reasons = tuple(reason for group in groups for reason in group)
    return Refused(reasons) if reasons else None


def _wrong_requester(wish: Wish, by: Person) -> list[Reason]:
    if by.role_of is not Role.MANAGER or by.contractor_id != wish.contract.contractor_id:
        return [_NOT_MANAGER]
    return []


def _wrong_wish(wish: Wish, now: datetime) -> list[Reason]:
    reasons = [] if wish.starts < wish.ends else [_ENDS_FIRST]
    reasons += [_OVER] if wish.ends <= now else []
    reasons += [] if wish.operators else [_NOBODY]
    reasons += [_NO_WORK] if not wish.work.strip() else []
    reasons += [_NO_ROLLBACK] if not wish.rollback.strip() else []
    return [*reasons, *_outside_terms(wish)] if wish.starts < wish.ends else reasons


def _outside_terms(wish: Wish) -> list[Reason]:
    """What of the wish the contract's terms do not allow, each with its clause."""
    grant = grant_of(wish.contract, _day(wish.starts))
    if grant.empty:
        return list(grant.problems)
    reasons: list[Reason] = []
    systems, roster = grant.terms["systems"], grant.terms["roster"]
    if isinstance(systems.value, Names) and wish.system.code not in systems.value.names:
        reasons.append(_not_in_terms("system", systems.sources, wish.system.name, wish.system.name_en))
    if isinstance(roster.value, Names):
        for person in wish.operators:
            if person.login not in roster.value.names or not person.is_active:
                reasons.append(_not_in_terms("operator", roster.sources, person.name, person.name))
    hours = grant.terms["service.hours"]
    if isinstance(hours.value, Hours):
        inside = hours.value.contains(wish.starts, grant.holidays)
        if not inside or hours.value.until(wish.starts, grant.holidays) < wish.ends:
            shown = hours.value.show()
            text = Text(
                f"申請の時間が契約のサービス時間帯({shown.ja})に収まりません。時間を直すか、日ごとに分けてください。",
                f"The time is not inside the contract's hours ({shown.en}). Change it, or split it by day.",
            )
            reasons.append(Reason("outside-hours", text, hours.sources))
    if not grant.starts <= _day(wish.starts) <= _day(wish.ends) <= grant.ends:
        reasons.append(_OUTSIDE_CONTRACT)
    return reasons


def _not_in_terms(what: str, sources: tuple[Source, ...], ja: str, en: str) -> Reason:
    return Reason(
        f"{what}-not-in-terms",
        Text(f"「{ja}」は契約で定めたものではありません。", f'"{en}" is not named by the contract.'),
        sources,
    )


def _not_in(row: Permit, state: Permit.State) -> list[Reason]:
    if row.state == state:
        return []
    return [
        Reason(
            "state-changed",
            Text(
                f"この許可はいま「{row.state_text.ja}」です。何も変えていません。下の内容を読み直してください。",
                f"This permit is now {row.state_text.en}. Nothing was changed; read it again below.",
            ),
        )
    ]


def _amended(row: Permit, permit: Permit, seen: str | None) -> list[Reason]:
    return [] if row.edition == (permit.edition if seen is None else seen) else [_AMENDED]


def _not_owner(row: Permit, by: Person) -> list[Reason]:
    owner = by.role_of is Role.DIVISION and by.division_id == row.contract.division_id
    return [] if owner else [_NOT_OWNER]


def _not_city(row: Permit, by: Person) -> list[Reason]:
    return [] if by.role_of is Role.SYSTEMS else _not_owner(row, by)


def _empty(text: str) -> list[Reason]:
    return [] if text.strip() else [_SAY_WHY]


def _day(moment: datetime) -> date:
    return moment.astimezone(TOKYO).date()


def _fixed(code: str, ja: str, en: str) -> Reason:
    return Reason(code, Text(ja, en))


_NOT_MANAGER = _fixed(
    "not-manager",
    "申請できるのは、この契約の受託者の管理者だけです。",
    "Only a manager of this contract's contractor can ask.",
)
_AMENDED = _fixed(
    "amended",
    "あなたが読んだ後に、申請の内容が直されました。何も変えていません。下の新しい内容を読んでから決めてください。",
    "The request was amended after you read it. Nothing was changed; read what it says now, then decide.",
)
_NOT_OWNER = _fixed(
    "not-owner",
    "決められるのは、この契約の所管課だけです。",
    "Only the division that owns this contract decides.",
)
_ENDS_FIRST = _fixed("ends-first", "終わりが始まりより前です。", "It ends before it starts.")
_OVER = _fixed("over", "その時間はもう過ぎています。", "That time is already over.")
_NOBODY = _fixed("nobody", "作業者を一人以上選んでください。", "Choose at least one operator.")
_NO_WORK = _fixed("no-work", "作業の内容を書いてください。", "Say what will be done.")
_NO_ROLLBACK = _fixed("no-rollback", "元に戻す手順を書いてください。", "Say how it is undone.")
_SAY_WHY = _fixed("say-why", "理由を書いてください。", "Say why.")
_NOT_LATER = _fixed(
    "not-later", "延長は、いまの終わりより後でなければなりません。", "An extension ends later than now."
)
_OUTSIDE_CONTRACT = _fixed(
    "outside-contract", "申請の日が契約期間の外です。", "The days are outside the contract's term."
)
