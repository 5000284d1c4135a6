"""The pages of permits: list, request with a page to check the answers, decision."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from sekisho.access import service
from sekisho.access.evidence_pages import timeline
from sekisho.access.examination import job_of
from sekisho.access.forms import ExtendForm, PermitForm
from sekisho.access.models import Permit
from sekisho.access.reading import permits_for
from sekisho.access.showing import csv_file, me, say, typed
from sekisho.contracts.reading import grant_of
from sekisho.contracts.showing import shown_terms
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.outcome import Refused
from sekisho.kernel.text import Text
from sekisho.people.roles import Role


def permit_list(request: HttpRequest) -> HttpResponse:
    permits = permits_for(me(request))
    asked, state = typed(request, "q"), request.GET.get("state", "")
    if asked:
        permits = permits.filter(
            Q(number__icontains=asked)
            | Q(work__icontains=asked)
            | Q(system__name__icontains=asked)
            | Q(operators__name__icontains=asked)
        ).distinct()
    if state in Permit.State.values:
        permits = permits.filter(state=state)
    if request.GET.get("format") == "csv":
        return _csv(permits)
    context = {
        "permits": permits[:200],
        "asked": asked,
        "state": state,
        "may_request": me(request).role_of is Role.MANAGER,
    }
    return render(request, "access/permit_list.html", context)


def _csv(permits: QuerySet[Permit]) -> HttpResponse:
    header = (
        Text("番号", "number"), Text("状態", "state"), Text("契約", "contract"), Text("システム", "system"),
        Text("作業者", "operators"), Text("いつから", "from"), Text("いつまで", "until"), Text("作業", "work"),
    )  # fmt: skip
    rows = (
        (
            p.number, p.state_text, p.contract_id, p.system_id,
            " ".join(person.login for person in p.operators.all()), p.starts, p.ends, p.work,
        )
        for p in permits.prefetch_related("operators")
    )  # fmt: skip
    return csv_file("permits", header, rows)


def permit_new(request: HttpRequest) -> HttpResponse:
    return _ask(request, None)


def permit_mend(request: HttpRequest, number: str) -> HttpResponse:
    """A request that was sent back, to be mended and asked again."""
    return _ask(request, get_object_or_404(permits_for(me(request)), number=number))


def _ask(request: HttpRequest, permit: Permit | None) -> HttpResponse:
    form = PermitForm(me(request), request.POST or None, initial=_initial(permit))
    refused, checking = None, False
    if request.method == "POST" and form.is_valid():
        if request.POST.get("step") == "submit":
            answer = _submit(request, form, permit)
            if not isinstance(answer, Refused):
                messages.success(
                    request,
                    say(f"申請しました。受付番号 {answer.number}", f"Requested. Number {answer.number}"),
                )
                return redirect("access:permit", answer.number)
            refused = answer
        else:
            checking = request.POST.get("step") == "check"
    context = {"form": form, "checking": checking, "refused": refused, "permit": permit}
    return render(request, "access/permit_new.html", context, status=409 if refused else 200)


def _submit(request: HttpRequest, form: PermitForm, permit: Permit | None) -> Permit | Refused:
    data = dict(form.cleaned_data)
    wish = service.Wish(**{**data, "operators": tuple(data["operators"])})
    if permit is None:
        return service.request_permit(wish, me(request), timezone.now())
    return service.resubmit_permit(permit, wish, me(request), timezone.now())


def _initial(permit: Permit | None) -> dict[str, Any]:
    if permit is None:
        return {}
    names = ("contract", "system", "starts", "ends", "work", "rollback", "great_change")
    return {**{name: getattr(permit, name) for name in names}, "operators": list(permit.operators.all())}


def permit(request: HttpRequest, number: str) -> HttpResponse:
    return _page(request, get_object_or_404(permits_for(me(request)), number=number))


def _page(request: HttpRequest, row: Permit, refused: Refused | None = None) -> HttpResponse:
    person = me(request)
    grant = grant_of(row.contract, row.starts.astimezone(TOKYO).date())
    owner = person.role_of is Role.DIVISION and person.division_id == row.contract.division_id
    context = {
        "permit": row,
        "grant": grant,
        "terms": shown_terms(grant),
        # Who watched whom, and when, is for the city to know: as on the session's page.
        "timeline": [] if person.role_of.of_contractor else timeline(row.subject),
        "sessions": row.sessions.select_related("operator").order_by("-opened_at"),
        "may_decide": owner and row.state == Permit.State.REQUESTED and not row.emergency,
        "may_open_emergency": row.emergency
        and row.state == Permit.State.REQUESTED
        and service.may_open_emergency(person, row, timezone.now()),
        "may_ratify": owner and row.ratify_by and not row.ratified_at and row.state == Permit.State.APPROVED,
        "job": job_of(row),
        "may_mend": person.role_of is Role.MANAGER
        and job_of(row) is None
        and not row.emergency
        and row.state == Permit.State.RETURNED,
        "may_withdraw": (owner or person.role_of is Role.SYSTEMS) and row.state == Permit.State.APPROVED,
        "may_extend": owner
        and job_of(row) is None
        and not row.emergency
        and row.state == Permit.State.APPROVED
        and row.ends > timezone.now(),
        "now": timezone.now(),
        "extend_form": ExtendForm(initial={"until": row.ends}),
        "refused": refused,
    }
    return render(request, "access/permit.html", context, status=409 if refused else 200)


@require_POST
def approve(request: HttpRequest, number: str) -> HttpResponse:
    row = get_object_or_404(permits_for(me(request)), number=number)
    answer = service.approve_permit(
        row, me(request), timezone.now(), request.POST.get("seen", ""), "attended" in request.POST
    )
    return permit_answered(request, row, answer, say("許可しました。", "Approved."))


@require_POST
def send_back(request: HttpRequest, number: str) -> HttpResponse:
    row = get_object_or_404(permits_for(me(request)), number=number)
    answer = service.return_permit(
        row, typed(request), me(request), timezone.now(), request.POST.get("seen", "")
    )
    return permit_answered(request, row, answer, say("差し戻しました。", "Sent back."))


@require_POST
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    row = get_object_or_404(permits_for(me(request)), number=number)
    answer = service.withdraw_permit(row, typed(request), me(request), timezone.now())
    done = say(
        "取り消しました。つながっていた接続は終わります。", "Withdrawn. Sessions that rested on it end."
    )
    return permit_answered(request, row, answer, done)


@require_POST
def extend(request: HttpRequest, number: str) -> HttpResponse:
    row = get_object_or_404(permits_for(me(request)), number=number)
    form = ExtendForm(request.POST)
    if not form.is_valid():
        messages.error(
            request,
            say(
                "延長後の日付か時刻を読めません。延長していません。例: 2026-11-23 と 18:30",
                "The day or the time cannot be read; nothing was extended. For example 2026-11-23 and 18:30.",
            ),
        )
        return redirect("access:permit", number)
    answer = service.extend_permit(row, form.cleaned_data["until"], me(request), timezone.now())
    return permit_answered(request, row, answer, say("延長しました。", "Extended."))


def permit_answered(request: HttpRequest, row: Permit, answer: Permit | Refused, done: str) -> HttpResponse:
    if isinstance(answer, Refused):
        row.refresh_from_db()
        return _page(request, row, answer)
    messages.success(request, done)
    return redirect("access:permit", row.number)
