"""Verbs about the processing schedule: enter, amend, agree, object, withdraw. All of the city alone."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from sekisho.access.models import Agreement, Processing
from sekisho.access.permit_checks import empty, refusal
from sekisho.access.reasons import ONLY_SYSTEMS, reason
from sekisho.access.recurrence import Recurrence, Rule
from sekisho.contracts.models import Contract, System
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.ids import time_ordered_id
from sekisho.kernel.outcome import Reason, Refused
from sekisho.people.models import Division, Person
from sekisho.people.roles import Role

LONGEST_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to stand in the schedule."""

    title: str
    system: System
    contract: Contract | None
    recurrence: Recurrence
    divisions: tuple[Division, ...]
    """Who must agree."""
    note: str = ""


def enter_processing(entry: Entry, by: Person, now: datetime) -> Processing | Refused:
    """The systems division plans a batch. It stands at once; until all have agreed the calendar says so."""
    if refused := refusal(_not_systems(by), _faults(entry)):
        return refused
    with transaction.atomic():
        row = Processing(id=time_ordered_id(now))
        _fill(row, entry, by, now)
        row.save(force_insert=True)
        _ask(row, entry.divisions)
        _record(Tag.PROCESSING_ENTERED, row, by, now)
    return row


def amend_processing(row: Processing, entry: Entry, by: Person, now: datetime) -> Processing | Refused:
    """Changes an entry: everybody is asked anew."""
    with transaction.atomic():
        row = _lock(row)
        if refused := refusal(_not_systems(by), _withdrawn(row), _faults(entry)):
            return refused
        _fill(row, entry, by, now)
        row.save()
        row.agreements.all().delete()
        _ask(row, entry.divisions)
        _record(Tag.PROCESSING_AMENDED, row, by, now)
    return row


def agree(row: Processing, by: Person, now: datetime, seen: str) -> Agreement | Refused:
    """A division agrees to the entry as it read it: `seen` is its edition."""
    return _answer(row, by, now, seen, "")


def object_to(row: Processing, why: str, by: Person, now: datetime, seen: str) -> Agreement | Refused:
    """A division does not agree, and says why. It may agree later."""
    if refused := refusal(empty(why)):
        return refused
    return _answer(row, by, now, seen, why.strip())


def withdraw_processing(row: Processing, by: Person, now: datetime) -> Processing | Refused:
    """Takes an entry off the schedule. What was agreed stays in the evidence."""
    with transaction.atomic():
        row = _lock(row)
        if refused := refusal(_not_systems(by), _withdrawn(row)):
            return refused
        row.withdrawn_at = now
        row.save(update_fields=["withdrawn_at"])
        _record(Tag.PROCESSING_WITHDRAWN, row, by, now)
    return row


def _answer(row: Processing, by: Person, now: datetime, seen: str, objection: str) -> Agreement | Refused:
    with transaction.atomic():
        row = _lock(row)
        mine = row.agreements.filter(division=by.division_id).first() if by.role_of is Role.DIVISION else None
        stale = [] if row.edition == seen else [_AMENDED]
        if refused := refusal(_withdrawn(row), [] if mine else [_NOT_ASKED], stale):
            return refused
        assert mine is not None  # noqa: S101 - refused above
        mine.objection = objection
        mine.agreed_by, mine.agreed_at = (None, None) if objection else (by, now)
        mine.save()
        _record(Tag.PROCESSING_OBJECTED if objection else Tag.PROCESSING_AGREED, row, by, now)
    return mine


def _fill(row: Processing, entry: Entry, by: Person, now: datetime) -> None:
    again = entry.recurrence
    row.title, row.note = entry.title.strip(), entry.note.strip()
    row.system, row.contract = entry.system, entry.contract
    row.first, row.at, row.minutes, row.until = again.first, again.at, again.minutes, again.until
    row.rule, row.entered_by, row.entered_at = again.rule.value, by, now


def _ask(row: Processing, divisions: Collection[Division]) -> None:
    Agreement.objects.bulk_create(
        Agreement(processing=row, division=each) for each in dict.fromkeys(divisions)
    )


def _lock(row: Processing) -> Processing:
    return Processing.objects.select_for_update(of=("self",)).get(pk=row.pk)


def _record(tag: Tag, row: Processing, by: Person, now: datetime) -> None:
    subjects = [row.subject, f"system:{row.system_id}"]
    subjects += [f"contract:{row.contract_id}"] if row.contract_id else []
    times = {"first": row.first.isoformat(), "rule": row.rule, "edition": row.edition}
    record(tag, actor=by.actor, subjects=subjects, at=now, detail={**times, "minutes": row.minutes})


# Why not


def _faults(entry: Entry) -> list[Reason]:
    again, reasons = entry.recurrence, []
    reasons += [] if entry.title.strip() else [_NO_TITLE]
    reasons += [] if 0 < again.minutes <= LONGEST_MINUTES else [_NO_LENGTH]
    reasons += [_ENDS_FIRST] if again.until is not None and again.until < again.first else []
    reasons += [_ONCE_UNTIL] if again.rule is Rule.ONCE and again.until not in (None, again.first) else []
    reasons += [] if entry.divisions else [_NOBODY]
    contract = entry.contract
    if contract is not None and not contract.systems.filter(pk=entry.system.pk).exists():
        reasons.append(_OTHER_SYSTEM)
    if contract is not None and not contract.starts <= again.first <= contract.ends:
        reasons.append(_NO_CONTRACT)
    return reasons


def _not_systems(by: Person) -> list[Reason]:
    return [] if by.role_of is Role.SYSTEMS else [ONLY_SYSTEMS]


def _withdrawn(row: Processing) -> list[Reason]:
    return [_GONE] if row.withdrawn_at else []


_NO_TITLE = reason("no-title", "処理の名前を書いてください。", "Give it a name.")
_NO_LENGTH = reason("no-length", "かかる時間は、1分から7日までです。", "It takes from 1 minute to 7 days.")
_ENDS_FIRST = reason("ends-first", "終わりの日が、始まりの日より前です。", "It ends before it begins.")
_ONCE_UNTIL = reason(
    "once-until", "一回だけの処理に、終わりの日は要りません。", "What is done once has no last day."
)
_NOBODY = reason(
    "nobody", "同意を求める課を一つ以上選んでください。", "Choose at least one division to agree."
)
_OTHER_SYSTEM = reason(
    "other-system",
    "このシステムは、この契約の対象ではありません。契約を選び直すか、市が自分で行うなら空にしてください。",
    "That contract does not cover this system. Choose another, or none where the city does it itself.",
)
_NO_CONTRACT = reason(
    "no-contract",
    "始まりの日が、契約期間の外です。",
    "It begins on a day on which the contract does not hold.",
)
_AMENDED = reason(
    "amended",
    "あなたが読んだ後に、内容が直されました。何も変えていません。下の新しい内容を読んでから答えてください。",
    "It was amended after you read it. Nothing was changed; read what it says now, then answer.",
)
_NOT_ASKED = reason(
    "not-asked", "あなたの課は、同意を求められていません。", "Your division is not asked to agree to this."
)
_GONE = reason("withdrawn", "この処理はもう外されています。", "This entry was taken off the schedule.")
