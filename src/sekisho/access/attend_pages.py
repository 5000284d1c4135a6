"""The page where city staff attend (立会い): several screens side by side, presence checks, freeze and go on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from sekisho.access import service
from sekisho.access.attendance import Attendant, Need, Standing, check_due
from sekisho.access.gateway import standings
from sekisho.access.models import Attending, Session
from sekisho.access.reading import sessions_for, stands_still
from sekisho.access.sentences import STANDS_STILL, WORK_KINDS
from sekisho.access.session_pages import session_page
from sekisho.access.showing import me, say
from sekisho.kernel.ids import LoginId
from sekisho.kernel.outcome import Refused
from sekisho.kernel.text import Text
from sekisho.people.fresh import fresh_confirmation
from sekisho.people.middleware import background


@dataclass(frozen=True, slots=True)
class Seat:
    """One session that needs attendance, as the one who might attend it sees it."""

    session: Session
    need: Need
    standing: Standing
    still: Text | None
    """Why nothing of it moves; None while it moves, or when the gate says nothing about it."""
    due: datetime | None
    """When this person's next presence check is due; None where he does not attend."""

    @property
    def kinds(self) -> list[Text]:
        return [WORK_KINDS[each] for each in sorted(self.need.kinds)]


def attend(request: HttpRequest) -> HttpResponse:
    return _page(request)


attend.allows_wasm = True  # type: ignore[attr-defined]  # the players are WebAssembly; see console/middleware.py


def _page(request: HttpRequest, refused: Refused | None = None) -> HttpResponse:
    context = {**_seats(request), "refused": refused}
    return render(request, "access/attend.html", context, status=409 if refused else 200)


@require_POST
@background
def attend_now(request: HttpRequest) -> HttpResponse:
    """The page's sign of life, answered with how things stand. A hidden page does not send it."""
    service.saw(me(request), timezone.now())
    return render(request, "access/_attend_now.html", _seats(request))


def _seats(request: HttpRequest) -> dict[str, object]:
    person, now = me(request), timezone.now()
    mine = {row.session_id: row for row in service.attended_by(person)}
    sessions = list(service.attendable(person, now).select_related("operator"))
    present, frozen = standings(sessions, now), stands_still()
    seats = [_seat(row, present[row.id], frozen or {}, mine.get(row.id)) for row in sessions]
    dues = [seat.due for seat in seats if seat.due]
    return {
        "attended": [seat for seat in seats if seat.due],
        "open": [seat for seat in seats if not seat.due],
        "due": min(dues, default=None),
        "check_now": bool(dues) and (min(dues) - now).total_seconds() < 60,
        "gate_answers": frozen is not None,
        "now": now,
    }


def _seat(session: Session, standing: Standing, frozen: dict[str, str], row: Attending | None) -> Seat:
    need = Need.from_json(session.attendance or {})
    due = None
    if row is not None:
        who = Attendant(LoginId(row.person.login), row.person.role_of, row.confirmed_at, row.seen_at)
        due = check_due(need, who)
    return Seat(session, need, standing, STANDS_STILL.get(frozen.get(str(session.id), "")), due)


@require_POST
@fresh_confirmation("attend", of="number")
def attend_begin(request: HttpRequest, number: UUID) -> HttpResponse:
    row = get_object_or_404(sessions_for(me(request)), pk=number)
    answer = service.begin_attending(row, me(request), timezone.now())
    if isinstance(answer, Refused):
        return _page(request, answer)
    messages.success(
        request,
        say("立会いを始めました。この画面を開いたままにしてください。", "You attend. Keep this page open."),
    )
    return redirect("access:attend")


@require_POST
@fresh_confirmation("attend-check", of="login")
def attend_check(request: HttpRequest, login: str) -> HttpResponse:
    """The presence check, answered for every session that this person attends."""
    if login == me(request).login:
        service.confirm_attending(me(request), timezone.now())
        messages.success(request, say("在席確認に答えました。", "You answered the presence check."))
    return redirect("access:attend")


@require_POST
def attend_leave(request: HttpRequest, number: UUID) -> HttpResponse:
    row = get_object_or_404(sessions_for(me(request)), pk=number)
    service.leave(row, me(request), timezone.now())
    messages.success(
        request,
        say(
            "立会いを終えました。ほかに立ち会う職員がいなければ、接続は止まります。",
            "You left. Alone it stands still.",
        ),
    )
    return redirect("access:attend")


@require_POST
def freeze(request: HttpRequest, number: UUID) -> HttpResponse:
    """One press, nothing in its way."""
    row = get_object_or_404(sessions_for(me(request)), pk=number)
    return _pressed(request, row, service.freeze_session(row, me(request)))


@require_POST
@fresh_confirmation("resume", of="number")
def resume(request: HttpRequest, number: UUID) -> HttpResponse:
    row = get_object_or_404(sessions_for(me(request)), pk=number)
    return _pressed(request, row, service.resume_session(row, me(request)))


def _pressed(request: HttpRequest, row: Session, answer: str | Refused | None) -> HttpResponse:
    if isinstance(answer, Refused):
        return session_page(request, row, answer)
    why = STANDS_STILL.get(answer or "")
    if why is not None:
        messages.success(request, say(f"止まっています: {why.ja}", f"It stands still: {why.en}"))
    else:
        messages.success(request, say("動いています。", "It moves."))
    attended = Attending.objects.filter(person=me(request), session=row, ended_at=None).exists()
    return redirect("access:attend") if attended else redirect("access:session", row.id)
