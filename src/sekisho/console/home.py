"""What the home page asks: who is inside now, what waits for me, what is unusual, which lines are open."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse

from sekisho.access.attending import attendable
from sekisho.access.control import GateClient, GateRefused, GateUnreachable
from sekisho.access.emergency import ANSWER_WITHIN, may_open_emergency
from sekisho.access.gateway import standings
from sekisho.access.models import Latch, LineSwitch, Permit, Session, WorkReport
from sekisho.access.reading import incidents_for, lines_for, may_cut, open_latches, permits_for, sessions_for
from sekisho.access.tag_sentences import SAY
from sekisho.evidence.models import Entry
from sekisho.evidence.tags import Tag
from sekisho.kernel.text import Text
from sekisho.people.models import Line, Person
from sekisho.people.roles import Role

UNUSUAL_DAYS = 7
SOON = timedelta(hours=12)
MOST = 20
UNUSUAL = (
    Tag.RECORDING_ALTERED,
    Tag.TARGET_KEY_CHANGED,
    Tag.CUT,
    Tag.SESSION_RECOVERED,
    Tag.SESSION_REFUSED,
    Tag.PROOF_REFUSED,
    Tag.CONNECTION_REFUSED,
    Tag.REQUEST_DENIED,
    Tag.OUTPUT_STRIPPED,
    Tag.TARGET_FAILED,
    Tag.PERSON_SIGN_IN_REFUSED,
)
"""What does not happen on an ordinary day, gravest first."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for this person, since or until `when`, and where it is done."""

    text: Text
    about: str
    when: datetime
    url: str


@dataclass(frozen=True, slots=True)
class Inside:
    """Who is inside. `gate_answers` False: nobody knows, whatever the register says."""

    sessions: list[tuple[Session, bool]]
    """Each with whether this person may cut it."""
    gate_answers: bool
    unregistered: int
    """Sessions that the gate holds and the register does not know. Counted only for who sees all."""
    calls: tuple[Waiting, ...]
    """What cannot wait for this person: sessions that stand still for him, emergencies that he may open."""


@dataclass(frozen=True, slots=True)
class Unusual:
    text: Text
    count: int
    latest: datetime
    url: str


@dataclass(frozen=True, slots=True)
class LineNow:
    line: Line
    switch: LineSwitch | None
    latched: bool

    @property
    def is_open(self) -> bool:
        return self.switch is not None and self.switch.is_open


def inside(person: Person, now: datetime) -> Inside:
    """The sessions this person may see, and whether the gate itself answers."""
    rows = list(sessions_for(person).filter(ended_at=None, lease_until__gte=now).order_by("opened_at"))
    held = _held_by_gate()
    known = {str(each) for each in Session.objects.filter(ended_at=None).values_list("id", flat=True)}
    sees_all = person.role_of in (Role.SYSTEMS, Role.AUDITOR)
    unregistered = len(held - known) if held is not None and sees_all else 0
    calls: tuple[Waiting, ...] = ()
    if person.role_of in (Role.SYSTEMS, Role.DIVISION):
        calls = (*_emergencies_to_open(person, now), *_sessions_to_attend(person, now))
    return Inside([(row, may_cut(person, row)) for row in rows], held is not None, unregistered, calls)


def _held_by_gate() -> set[str] | None:
    try:
        answer: dict[str, Any] = GateClient(settings.SEKISHO.gate_socket, timeout=0.5).status()
        return set(answer["sessions"])
    except (GateUnreachable, GateRefused, ValueError, KeyError):
        return None


def waiting(person: Person, now: datetime) -> list[Waiting]:
    """What this person has to do, the most pressing first."""
    found: tuple[Iterator[Waiting], ...]
    match person.role_of:
        case Role.SYSTEMS:
            found = (
                _incidents_to_close(person),
                _lines_to_open(person, now),
                _latches_without_reason(person),
                _reports_to_confirm(person),
            )
        case Role.DIVISION:
            found = (
                _emergencies_to_ratify(person),
                _incidents_to_close(person),
                _permits_to_decide(person),
                _latches_without_reason(person),
                _reports_to_confirm(person),
            )
        case Role.MANAGER:
            found = (_permits_to_mend(person, now),)
        case Role.OPERATOR:
            found = (_reports_owed(person),)
        case _:
            found = ()
    return [item for items in found for item in items]


def _emergencies_to_open(person: Person, now: datetime) -> Iterator[Waiting]:
    asked = permits_for(person).filter(
        emergency=True, state=Permit.State.REQUESTED, requested_at__gt=now - ANSWER_WITHIN
    )
    text = Text(
        "緊急の作業が求められています。電話で確かめて開けてください",
        "An emergency waits: call, then open",
    )
    for permit in asked.order_by("requested_at")[:MOST]:
        if may_open_emergency(person, permit, now):
            yield _about_permit(text, permit, permit.requested_at)


def _emergencies_to_ratify(person: Person) -> Iterator[Waiting]:
    opened = permits_for(person).filter(emergency=True, state=Permit.State.APPROVED, ratified_at=None)
    text = Text("緊急の作業が事後の承認を待っています", "An emergency waits to be approved afterwards, until")
    for permit in opened.order_by("ratify_by")[:MOST]:
        yield _about_permit(text, permit, permit.ratify_by or permit.ends)


def _incidents_to_close(person: Person) -> Iterator[Waiting]:
    for incident in incidents_for(person).filter(closed_at=None)[:MOST]:
        yield Waiting(incident.text, incident.permit_id, incident.opened_at, reverse("access:incident-list"))


def _sessions_to_attend(person: Person, now: datetime) -> Iterator[Waiting]:
    rows = list(attendable(person, now).select_related("operator")[:MOST])
    present = standings(rows, now)
    text = Text(
        "接続が立会いを待って止まっています。立ち会ってください",
        "A session stands still and waits for attendance. Please attend",
    )
    for row in rows:
        if present[row.id].until is None:
            yield Waiting(text, row.permit_id, row.opened_at, reverse("access:attend"))


def _lines_to_open(person: Person, now: datetime) -> Iterator[Waiting]:
    coming = permits_for(person).filter(state=Permit.State.APPROVED, starts__lte=now + SOON, ends__gt=now)
    opened = LineSwitch.objects.filter(is_open=True).values("line__contractor")
    text = Text("許可の時間が近づいていますが、回線が閉じています", "A permit begins and its line is closed")
    for permit in coming.exclude(contract__contractor__in=opened).order_by("starts")[:MOST]:
        yield Waiting(text, permit.number, permit.starts, reverse("access:line-list"))


def _latches_without_reason(person: Person) -> Iterator[Waiting]:
    mine = Latch.objects.filter(reason="", released_at=None)
    if person.role_of is not Role.SYSTEMS:
        mine = mine.filter(cut_by=person.actor)
    text = Text("遮断の理由がまだ記されていません", "A cut has no reason yet")
    for latch in mine.order_by("cut_at")[:MOST]:
        yield Waiting(text, "", latch.cut_at, reverse("access:latch-list"))


def _reports_to_confirm(person: Person) -> Iterator[Waiting]:
    filed = WorkReport.objects.filter(state=WorkReport.State.FILED, session__in=sessions_for(person))
    text = Text("作業報告が確認を待っています", "A work report waits to be confirmed")
    for report in filed.select_related("session").order_by("filed_at")[:MOST]:
        yield _about_session(text, report.session, report.filed_at)


def _permits_to_decide(person: Person) -> Iterator[Waiting]:
    text = Text("許可の申請が判断を待っています", "A request waits for your decision")
    for permit in (
        permits_for(person).filter(state=Permit.State.REQUESTED, emergency=False).order_by("starts")[:MOST]
    ):
        yield _about_permit(text, permit, permit.starts)


def _permits_to_mend(person: Person, now: datetime) -> Iterator[Waiting]:
    text = Text(
        "申請が差し戻されました。直して出し直してください", "A request was sent back: mend it and resubmit"
    )
    for permit in (
        permits_for(person).filter(state=Permit.State.RETURNED, ends__gt=now).order_by("starts")[:MOST]
    ):
        yield _about_permit(text, permit, permit.decided_at or permit.requested_at)


def _reports_owed(person: Person) -> Iterator[Waiting]:
    owed = Q(report=None) | Q(report__state=WorkReport.State.RETURNED)
    text = Text("作業報告を出してください", "Please file the work report")
    for session in sessions_for(person).filter(owed, ended_at__isnull=False).order_by("ended_at")[:MOST]:
        yield _about_session(text, session, session.ended_at or session.opened_at)


def _about_permit(text: Text, permit: Permit, when: datetime) -> Waiting:
    return Waiting(text, permit.number, when, reverse("access:permit", args=[permit.number]))


def _about_session(text: Text, session: Session, when: datetime) -> Waiting:
    return Waiting(text, session.permit_id, when, reverse("access:session", args=[session.id]))


def unusual(person: Person, now: datetime) -> list[Unusual]:
    """What the log holds of the last days that does not happen on an ordinary day, by kind."""
    entries = Entry.objects.filter(tag__in=UNUSUAL, at__gte=now - timedelta(days=UNUSUAL_DAYS))
    if person.role_of is Role.DIVISION:
        contracts = person.division.contract_set.values_list("code", flat=True) if person.division else []
        entries = entries.filter(subjects__subject__in=[f"contract:{code}" for code in contracts])
    found = entries.order_by().values("tag").annotate(count=Count("index", distinct=True), latest=Max("at"))
    by_tag = {row["tag"]: row for row in found}
    return [
        Unusual(
            SAY[tag], by_tag[tag]["count"], by_tag[tag]["latest"], f"{reverse('access:evidence')}?tag={tag}"
        )
        for tag in UNUSUAL
        if tag in by_tag
    ]


def lines(person: Person) -> list[LineNow]:
    """Every line this person may see, as it is now. No row of its own means closed."""
    switches = {each.line_id: each for each in LineSwitch.objects.select_related("changed_by")}
    latches = open_latches()
    everything = latches.filter(line=None, operator=None, permit=None).exists()
    latched = set(latches.exclude(line=None).values_list("line_id", flat=True))
    return [
        LineNow(line, switches.get(line.code), everything or line.code in latched)
        for line in lines_for(person)
    ]


def coming_permits(person: Person, now: datetime) -> QuerySet[Permit]:
    """For a contractor's people: their permits that are not over."""
    mine = permits_for(person).filter(ends__gt=now).order_by("starts")
    return (mine.filter(operators=person) if person.role_of is Role.OPERATOR else mine)[:MOST]
