"""The pages of sessions: who is and was inside, watching, replay, the cut, the report."""

import asyncio
import io
import tempfile
import zipfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from sekisho.access import service
from sekisho.access.evidence_pages import timeline
from sekisho.access.forms import ReportForm
from sekisho.access.line_pages import after_cut
from sekisho.access.models import Session, WorkReport
from sekisho.access.reading import is_live, may_cut, may_watch, recording_of, sessions_for, stands_still
from sekisho.access.recordings import export_bundle
from sekisho.access.sentences import STANDS_STILL
from sekisho.access.showing import csv_file, me, say, typed
from sekisho.evidence.tags import Tag
from sekisho.kernel.outcome import Refused
from sekisho.kernel.text import Text
from sekisho.people.middleware import background
from sekisho.people.roles import Role
from sekisho.people.signed_in import person_behind
from sekisho.vault.archive import is_kept
from sekisho.vault.cast import Live, Screen
from sekisho.vault.format import BadRecording
from sekisho.vault.keyframes import cast_from
from sekisho.vault.masking import typed_lines
from sekisho.vault.reader import Reader
from sekisho.vault.search import search as search_shown

POLL_SECONDS = 0.1
"""How often a watcher's stream looks for new frames; also the most by which he is behind."""
_LOOKING = "looking"
"""In the browser's session: the recordings opened last, which is evidence already."""
_LOOKING_MOST = 8


def session_list(request: HttpRequest) -> HttpResponse:
    sessions = sessions_for(me(request))
    asked = typed(request, "q")
    if asked:
        sessions = sessions.filter(
            Q(permit__number__icontains=asked)
            | Q(operator__name__icontains=asked)
            | Q(operator__login__icontains=asked)
            | Q(permit__system__name__icontains=asked)
        )
    if request.GET.get("state") == "live":
        sessions = sessions.filter(ended_at=None)
    if request.GET.get("format") == "csv":
        return _csv(sessions)
    context = {
        "sessions": sessions[:200],
        "asked": asked,
        "state": request.GET.get("state", ""),
        "now": timezone.now(),
    }
    return render(request, "access/session_list.html", context)


def _csv(sessions: QuerySet[Session]) -> HttpResponse:
    header = (
        Text("番号", "id"), Text("許可", "permit"), Text("作業者", "operator"), Text("システム", "system"),
        Text("回線", "line"), Text("始まり", "opened"), Text("終わり", "ended"), Text("終わった理由", "why it ended"),
    )  # fmt: skip
    rows = (
        (
            s.id, s.permit_id, s.operator.login, s.permit.system_id, s.line_id, s.opened_at, s.ended_at,
            s.reason_text,
        )
        for s in sessions
    )  # fmt: skip
    return csv_file("sessions", header, rows)


def session(request: HttpRequest, number: UUID) -> HttpResponse:
    return session_page(request, _session(request, number))


session.allows_wasm = True  # type: ignore[attr-defined]  # the player is WebAssembly; see console/middleware.py


def session_page(request: HttpRequest, row: Session, refused: Refused | None = None) -> HttpResponse:
    person, now = me(request), timezone.now()
    live, watchable = is_live(row, now), may_watch(person, row) and is_kept(recording_of(row))
    if watchable and request.method == "GET":
        _note_looked(request, row, now)
        _looks_at(request, row)
    report = WorkReport.objects.filter(session=row).first()
    mine = row.operator_id == person.pk
    frozen = stands_still() if live else None
    context = {
        "still": STANDS_STILL.get((frozen or {}).get(str(row.id), "")),
        "session": row,
        "live": live,
        "now": now,
        "watchable": watchable,
        "may_cut": live and may_cut(person, row),
        "typed": _typed(row) if watchable and not live else [],
        "hits": _hits(request, row) if watchable and not live else None,
        "words": typed(request, "words"),
        "at": _seconds(request.GET.get("t", "")),
        "report": report,
        "may_report": mine and not live and (report is None or report.state == WorkReport.State.RETURNED),
        "may_confirm": person.role_of in (Role.SYSTEMS, Role.DIVISION)
        and may_watch(person, row)
        and report is not None
        and report.state == WorkReport.State.FILED,
        "report_form": ReportForm(initial=_report_typed(request, report)),
        "may_export": person.role_of in (Role.SYSTEMS, Role.AUDITOR) and row.ended_at is not None,
        "timeline": timeline(row.subject) if not person.role_of.of_contractor else [],
        "refused": refused,
    }
    return render(request, "access/session.html", context, status=409 if refused else 200)


def cast(request: HttpRequest, number: UUID) -> StreamingHttpResponse:
    """The recording as asciicast v3, from the picture before `?from=SECONDS` on."""
    row = _looked_at(request, number)
    lines = cast_from(recording_of(row), _seconds(request.GET.get("from", "")))
    return StreamingHttpResponse(lines, content_type="application/x-asciicast")


@background
async def live(request: HttpRequest, number: UUID) -> StreamingHttpResponse:
    """The running recording as server-sent events, for the same player that replays it."""
    row = await sync_to_async(_looked_at)(request, number)
    watched = _stream(row, request.session.session_key)
    response = StreamingHttpResponse(watched, content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"
    return response


async def _stream(row: Session, browser: str | None) -> AsyncIterator[str]:
    """Ends with the session, or without a word once `browser` is nobody who may watch it: then it asks to sign in."""
    watcher = await asyncio.to_thread(Live, recording_of(row))
    try:
        yield f"data: {await asyncio.to_thread(watcher.first)}\n\n"
        looks = 0
        while True:
            for message in await asyncio.to_thread(watcher.more):
                yield f"data: {message}\n\n"
            looks += 1
            if looks % 10 == 0:
                if not await sync_to_async(_still_watches)(browser, row):
                    return
                if not await _still_live(row):
                    yield "event: done\ndata: {}\n\n"
                    return
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await asyncio.to_thread(watcher.close)


def _still_watches(browser: str | None, row: Session) -> bool:
    person = person_behind(browser)
    return person is not None and may_watch(person, row)


async def _still_live(row: Session) -> bool:
    await row.arefresh_from_db(fields=["ended_at", "lease_until"])
    return is_live(row, timezone.now())


@require_POST
def cut(request: HttpRequest, number: UUID) -> HttpResponse:
    """One press, nothing in its way: the gate first, then the page."""
    return after_cut(request, service.cut_session(_session(request, number), me(request), timezone.now()))


@require_POST
def report(request: HttpRequest, number: UUID) -> HttpResponse:
    row = _session(request, number)
    said = typed(request, "done"), typed(request, "outcome")
    answer = service.file_report(row, *said, me(request), timezone.now())
    return _answered(request, row, answer, say("報告を提出しました。", "The report is filed."))


@require_POST
def report_confirm(request: HttpRequest, number: UUID) -> HttpResponse:
    row = _session(request, number)
    filed = get_object_or_404(WorkReport, session=row)
    answer = service.confirm_report(filed, me(request), timezone.now())
    return _answered(request, row, answer, say("報告を確認しました。", "The report is confirmed."))


@require_POST
def report_return(request: HttpRequest, number: UUID) -> HttpResponse:
    row = _session(request, number)
    filed = get_object_or_404(WorkReport, session=row)
    answer = service.return_report(filed, typed(request), me(request), timezone.now())
    return _answered(request, row, answer, say("報告を差し戻しました。", "The report was sent back."))


@require_POST
def export(request: HttpRequest, number: UUID) -> HttpResponse:
    """The session's bundle as one file, to be checked anywhere with `sekisho verify`."""
    row = _session(request, number)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"sekisho-{row.id}"
        answer = export_bundle(row.id, out, me(request).actor, timezone.now())
        if isinstance(answer, Refused):
            return session_page(request, row, answer)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(out.rglob("*")):
                archive.write(file, file.relative_to(folder))
    response = HttpResponse(packed.getvalue(), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="sekisho-{row.id}.zip"'
    return response


def _session(request: HttpRequest, number: UUID) -> Session:
    return get_object_or_404(sessions_for(me(request)), pk=number)


def _watchable(request: HttpRequest, number: UUID) -> Session:
    row = _session(request, number)
    if not may_watch(me(request), row) or not is_kept(recording_of(row)):
        raise Http404
    return row


def _looked_at(request: HttpRequest, number: UUID) -> Session:
    """A recording about to be given out. Whoever asks for it without its page leaves the same evidence."""
    row = _watchable(request, number)
    if str(row.id) not in request.session.get(_LOOKING, []):
        _note_looked(request, row, timezone.now())
        _looks_at(request, row)
    return row


def _looks_at(request: HttpRequest, row: Session) -> None:
    before = [each for each in request.session.get(_LOOKING, []) if each != str(row.id)]
    request.session[_LOOKING] = [*before, str(row.id)][-_LOOKING_MOST:]


def _note_looked(request: HttpRequest, row: Session, now: datetime) -> None:
    tag = Tag.RECORDING_WATCHED if is_live(row, now) else Tag.RECORDING_REPLAYED
    service.note_looked(tag, row, me(request), now)


def _report_typed(request: HttpRequest, report: WorkReport | None) -> dict[str, str]:
    """What stands in the boxes: what was just typed and refused, or the report that was sent back."""
    if "done" in request.POST:
        return {"done": request.POST["done"], "outcome": request.POST.get("outcome", "")}
    return {"done": report.done, "outcome": report.outcome} if report else {}


def _typed(row: Session) -> list[tuple[float, str]]:
    try:
        with Reader(recording_of(row)) as reader:
            lines = typed_lines(reader.frames(), reader.header.charset)
            return [(round(line.seconds, 1), line.text) for line in lines][:2000]
    except BadRecording:
        return []


def _hits(request: HttpRequest, row: Session) -> list[tuple[float, str]] | None:
    words = typed(request, "words")
    if not words:
        return None
    service.note_looked(Tag.RECORDING_SEARCHED, row, me(request), timezone.now())
    try:
        with Reader(recording_of(row)) as reader:
            events = Screen(reader.header).events(reader.frames())
            return [(round(hit.seconds, 1), hit.line) for hit in search_shown(events, words)]
    except BadRecording:
        return []


def _seconds(text: str) -> float:
    try:
        return max(0.0, min(float(text), 1e7))
    except ValueError:
        return 0.0


def _answered(request: HttpRequest, row: Session, answer: WorkReport | Refused, done: str) -> HttpResponse:
    if isinstance(answer, Refused):
        return session_page(request, row, answer)
    messages.success(request, done)
    return redirect("access:session", row.id)
