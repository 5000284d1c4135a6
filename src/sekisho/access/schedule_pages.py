"""The pages of the processing schedule: one entry, entering and amending it, agreeing to it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from sekisho.access import schedule
from sekisho.access.evidence_pages import timeline
from sekisho.access.forms import ProcessingForm
from sekisho.access.models import Agreement, Processing
from sekisho.access.reading import processing_for
from sekisho.access.recurrence import Recurrence, Rule
from sekisho.access.sentences import RULES
from sekisho.access.showing import me, say, typed
from sekisho.kernel.outcome import Refused
from sekisho.people.roles import Role


def processing_new(request: HttpRequest) -> HttpResponse:
    return _ask(request, None)


def processing_amend(request: HttpRequest, number: UUID) -> HttpResponse:
    return _ask(request, get_object_or_404(processing_for(me(request)), pk=number))


def _ask(request: HttpRequest, row: Processing | None) -> HttpResponse:
    form, refused = ProcessingForm(request.POST or None, initial=_initial(row)), None
    if request.method == "POST" and form.is_valid():
        entry, by, now = _entry(form.cleaned_data), me(request), timezone.now()
        if row is None:
            answer = schedule.enter_processing(entry, by, now)
        else:
            answer = schedule.amend_processing(row, entry, by, now)
        if not isinstance(answer, Refused):
            messages.success(
                request, say("載せました。各課の同意を待ちます。", "Entered. The divisions are asked.")
            )
            return redirect("access:processing", answer.pk)
        refused = answer
    context = {"form": form, "refused": refused, "processing": row}
    return render(request, "access/processing_new.html", context, status=409 if refused else 200)


def _entry(data: dict[str, Any]) -> schedule.Entry:
    again = Recurrence(data["first"], data["at"], data["minutes"], Rule(data["rule"]), data["until"])
    divisions = tuple(data["divisions"])
    return schedule.Entry(data["title"], data["system"], data["contract"], again, divisions, data["note"])


def _initial(row: Processing | None) -> dict[str, Any]:
    if row is None:
        return {"rule": Rule.ONCE.value}
    names = ("title", "system", "contract", "first", "at", "minutes", "rule", "until", "note")
    divisions = [each.division for each in row.agreements.all()]
    return {**{name: getattr(row, name) for name in names}, "divisions": divisions}


def processing(request: HttpRequest, number: UUID) -> HttpResponse:
    return _page(request, get_object_or_404(processing_for(me(request)), pk=number))


def _page(request: HttpRequest, row: Processing, refused: Refused | None = None) -> HttpResponse:
    person = me(request)
    mine = row.agreements.filter(division=person.division_id).first() if person.division_id else None
    context = {
        "processing": row,
        "rule": RULES[row.rule],
        "agreements": row.agreements.select_related("division", "agreed_by"),
        "may_answer": person.role_of is Role.DIVISION and mine is not None and mine.agreed_at is None,
        "may_amend": person.role_of is Role.SYSTEMS,
        "timeline": [] if person.role_of.of_contractor else timeline(row.subject),
        "refused": refused,
    }
    return render(request, "access/processing.html", context, status=409 if refused else 200)


@require_POST
def processing_agree(request: HttpRequest, number: UUID) -> HttpResponse:
    row = get_object_or_404(processing_for(me(request)), pk=number)
    answer = schedule.agree(row, me(request), timezone.now(), request.POST.get("seen", ""))
    return _answered(request, row, answer, say("同意しました。", "Agreed."))


@require_POST
def processing_object(request: HttpRequest, number: UUID) -> HttpResponse:
    row = get_object_or_404(processing_for(me(request)), pk=number)
    seen = request.POST.get("seen", "")
    answer = schedule.object_to(row, typed(request), me(request), timezone.now(), seen)
    return _answered(request, row, answer, say("同意しないと伝えました。", "Your objection is noted."))


@require_POST
def processing_withdraw(request: HttpRequest, number: UUID) -> HttpResponse:
    row = get_object_or_404(processing_for(me(request)), pk=number)
    answer = schedule.withdraw_processing(row, me(request), timezone.now())
    if isinstance(answer, Refused):
        return _page(request, row, answer)
    messages.success(request, say("処理スケジュールから外しました。", "It is off the schedule."))
    return redirect("access:calendar")


def _answered(request: HttpRequest, row: Processing, answer: Agreement | Refused, done: str) -> HttpResponse:
    if isinstance(answer, Refused):
        row.refresh_from_db()
        return _page(request, row, answer)
    messages.success(request, done)
    return redirect("access:processing", row.pk)
