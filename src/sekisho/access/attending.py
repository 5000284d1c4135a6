"""Verbs about attendance: begin, answer the presence check, leave; freeze and release a session by hand."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from sekisho.access.attendance import SILENCE, Need
from sekisho.access.control import GateClient, GateRefused, GateUnreachable
from sekisho.access.models import Attending, Session
from sekisho.access.reading import is_live, may_cut, sessions_for
from sekisho.access.reasons import NOT_YOURS, reason
from sekisho.access.wake import wake_gate
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text
from sekisho.people.models import Person
from sekisho.people.roles import Role

MOST_AT_ONCE = 4
"""Nobody watches more screens than that; a browser's connections to one console end there too."""


def attendable(person: Person, now: datetime) -> QuerySet[Session]:
    """The running sessions that need attendance and that this person could attend, oldest first."""
    live = sessions_for(person).filter(ended_at=None, lease_until__gt=now, attendance__isnull=False)
    if person.role_of not in (Role.SYSTEMS, Role.DIVISION):
        return live.none()
    return live.order_by("opened_at")


def attended_by(person: Person) -> QuerySet[Attending]:
    """Where this person is present now."""
    return Attending.objects.filter(person=person, ended_at=None).select_related(
        "session__permit__system", "session__operator", "session__permit__contract"
    )


def begin_attending(session: Session, by: Person, now: datetime) -> Attending | Refused:
    """Somebody of the city is present at a session from now on. The view asks for a fresh biometric first."""
    if refused := _not_allowed(session, by, now):
        return refused
    with transaction.atomic():
        list(Person.objects.select_for_update(of=("self",)).filter(pk=by.pk))
        present = attended_by(by)
        if (row := present.filter(session=session).first()) is not None:
            return _confirmed(row, now)
        if present.count() >= MOST_AT_ONCE:
            return Refused((_TOO_MANY,))
        row = Attending.objects.create(
            session=session, person=by, began_at=now, confirmed_at=now, seen_at=now
        )
        _record(Tag.ATTENDING_BEGAN, row, now)
    return row


def confirm_attending(by: Person, now: datetime) -> list[Attending]:
    """He answered the presence check, for every session he attends. The view asks for a fresh biometric first."""
    with transaction.atomic():
        rows = list(attended_by(by).select_for_update(of=("self",)))
        return [_confirmed(row, now) for row in rows]


def saw(by: Person, now: datetime) -> list[Attending]:
    """His page says that it is open and in front: no evidence, only a sign of life. Returns where he is present."""
    attended_by(by).update(seen_at=now)
    return list(attended_by(by))


def leave(session: Session, by: Person, now: datetime) -> None:
    """He is no longer present at this session. Nothing where he was not."""
    _end(attended_by(by).filter(session=session), Attending.End.LEFT, now)


def signed_out(by: Person, now: datetime) -> None:
    """He is no longer present anywhere."""
    _end(attended_by(by), Attending.End.SIGNED_OUT, now)


def sweep_attendings(now: datetime) -> int:
    """Ends what is long over: pages that fell silent, checks that were never answered. Returns how many.

    The gate has stopped counting them by itself; this leaves the evidence.
    """
    over = 0
    for row in Attending.objects.filter(ended_at=None, session__ended_at=None).select_related("session"):
        need = Need.from_json(row.session.attendance or {})
        late = row.confirmed_at + timedelta(minutes=need.minutes) + SILENCE < now
        if late or row.seen_at + 3 * SILENCE < now:
            why = Attending.End.LATE if late else Attending.End.SILENT
            over += _end(Attending.objects.filter(pk=row.pk, ended_at=None), why, now)
    return over


def freeze_session(session: Session, by: Person) -> str | Refused | None:
    """Nothing of this session moves until somebody of the city lets it go on."""
    return _press(session, by, freeze=True)


def resume_session(session: Session, by: Person) -> str | Refused | None:
    """Lets the button go. Returns why it stands still all the same, None where it moves."""
    return _press(session, by, freeze=False)


def _press(session: Session, by: Person, freeze: bool) -> str | Refused | None:
    if not may_cut(by, session):
        return Refused((NOT_YOURS,))
    client = GateClient(settings.SEKISHO.gate_socket)
    try:
        return (client.freeze if freeze else client.resume)(str(session.id), by.actor)
    except GateRefused as error:
        return Refused((Reason(error.code, Text(error.ja, error.en)),))
    except GateUnreachable:
        return Refused((_GATE_SILENT,))


def _not_allowed(session: Session, by: Person, now: datetime) -> Refused | None:
    if not may_cut(by, session) or session.operator_id == by.pk:
        return Refused((NOT_YOURS,))
    if session.attendance is None:
        return Refused((_NOT_NEEDED,))
    if by.role_of not in Need.from_json(session.attendance).by:
        return Refused((_NOT_NAMED,))
    return None if is_live(session, now) else Refused((_OVER,))


def _confirmed(row: Attending, now: datetime) -> Attending:
    row.confirmed_at = row.seen_at = now
    row.save(update_fields=["confirmed_at", "seen_at"])
    _record(Tag.ATTENDING_CONFIRMED, row, now)
    return row


def _end(rows: QuerySet[Attending], why: Attending.End, now: datetime) -> int:
    with transaction.atomic():
        ended = list(rows.select_related("session__permit", "person").select_for_update(of=("self",)))
        for row in ended:
            row.ended_at, row.end_reason = now, why
            row.save(update_fields=["ended_at", "end_reason"])
            _record(Tag.ATTENDING_ENDED, row, now, why=why.value)
    return len(ended)


def _record(tag: Tag, row: Attending, now: datetime, **said: str) -> None:
    session = row.session
    subjects = [session.subject, session.permit.subject, f"contract:{session.permit.contract_id}"]
    record(tag, actor=row.person.actor, subjects=subjects, at=now, detail=dict(said))
    wake_gate()


_NOT_NAMED = reason(
    "not-named",
    "契約の条件では、この作業に立ち会うのはあなたの課ではありません。条件に書かれた課に頼んでください。",
    "The terms name another division to attend this work. Ask that division.",
)
_NOT_NEEDED = reason(
    "not-needed",
    "この接続に立会いは要りません。画面は接続のページで見られます。",
    "This session needs no attendance. Watch it on its own page.",
)
_OVER = reason("over", "この接続はもう終わっています。", "This session is over.")
_TOO_MANY = reason(
    "too-many",
    f"一人が同時に立ち会えるのは{MOST_AT_ONCE}件までです。どれかを終えるか、ほかの職員に頼んでください。",
    f"One person attends at most {MOST_AT_ONCE} sessions at once. Leave one, or ask somebody else.",
)
_GATE_SILENT = reason(
    "gate-silent",
    "関門が答えないため、一時停止も再開もできていません。急ぐときは遮断してください。",
    "The gate does not answer: nothing was paused or resumed. If it is urgent, cut.",
)
