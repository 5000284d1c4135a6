"""The pages of emergencies: the operator's call, the on-call list, and the incidents that come of it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from sekisho.access import service
from sekisho.access.forms import DutyForm, EmergencyForm
from sekisho.access.models import Incident, OnCall
from sekisho.access.permit_pages import permit_answered
from sekisho.access.reading import incidents_for, permits_for
from sekisho.access.showing import me, say, typed
from sekisho.kernel.outcome import Refused
from sekisho.people.fresh import fresh_confirmation
from sekisho.people.roles import Role


def emergency_new(request: HttpRequest) -> HttpResponse:
    """An operator says what is broken."""
    form, refused = EmergencyForm(me(request), request.POST or None), None
    if request.method == "POST" and form.is_valid():
        contract, system = form.cleaned_data["contract"], form.cleaned_data["system"]
        answer = service.ask_emergency(
            contract, system, form.cleaned_data["fault"], me(request), timezone.now()
        )
        if not isinstance(answer, Refused):
            messages.success(
                request,
                say(
                    "求めました。当番の職員に電話してください。開くと、この画面の状態が「許可」に変わります。",
                    "Asked. Call whoever is on call. When it is open, the state on this page says so.",
                ),
            )
            return redirect("access:permit", answer.number)
        refused = answer
    context = {"form": form, "refused": refused, "on_call": _now_on_call()}
    return render(request, "access/emergency_new.html", context, status=409 if refused else 200)


@require_POST
@fresh_confirmation("open-emergency", of="number")
def emergency_open(request: HttpRequest, number: str) -> HttpResponse:
    row = get_object_or_404(permits_for(me(request)), number=number)
    answer = service.open_emergency(row, me(request), timezone.now())
    done = say(
        "開けました。作業者はすぐに接続できます。見守ってください。",
        "Open. Please watch.",
    )
    return permit_answered(request, row, answer, done)


@require_POST
def emergency_ratify(request: HttpRequest, number: str) -> HttpResponse:
    row = get_object_or_404(permits_for(me(request)), number=number)
    answer = service.ratify_emergency(row, me(request), timezone.now())
    return permit_answered(request, row, answer, say("事後に承認しました。", "Approved afterwards."))


@require_POST
def emergency_disown(request: HttpRequest, number: str) -> HttpResponse:
    row = get_object_or_404(permits_for(me(request)), number=number)
    answer = service.disown_emergency(row, typed(request), me(request), timezone.now())
    done = say("認めませんでした。接続は終わり、事案になりました。", "Disowned: it ends, and is an incident.")
    return permit_answered(request, row, answer, done)


def on_call(request: HttpRequest) -> HttpResponse:
    """Who is on call, and when."""
    return _duties(request, DutyForm(me(request)))


@require_POST
def duty_enter(request: HttpRequest) -> HttpResponse:
    form = DutyForm(me(request), request.POST)
    if not form.is_valid():
        return _duties(request, form)
    data = form.cleaned_data
    answer = service.enter_duty(data["person"], data["starts"], data["ends"], me(request), timezone.now())
    if isinstance(answer, Refused):
        return _duties(request, form, answer)
    messages.success(request, say("当番を決めました。", "On call now stands so."))
    return redirect("access:on-call")


@require_POST
def duty_remove(request: HttpRequest, number: int) -> HttpResponse:
    duty = get_object_or_404(OnCall, pk=number)
    refused = service.remove_duty(duty, me(request), timezone.now())
    if refused is not None:
        return _duties(request, DutyForm(me(request)), refused)
    messages.success(request, say("当番を外しました。", "Taken off call."))
    return redirect("access:on-call")


def _duties(request: HttpRequest, form: DutyForm, refused: Refused | None = None) -> HttpResponse:
    person, now = me(request), timezone.now()
    duties = OnCall.objects.filter(ends__gt=now).select_related("person__division")
    rows = [(each, _may_change(person.role_of, each, person.division_id)) for each in duties]
    context = {
        "duties": rows, "form": form, "refused": refused, "now": now,
        "may_enter": person.role_of in (Role.SYSTEMS, Role.DIVISION),
    }  # fmt: skip
    return render(request, "access/on_call.html", context, status=409 if refused else 200)


def _may_change(role: Role, duty: OnCall, division: str | None) -> bool:
    return role is Role.SYSTEMS or (role is Role.DIVISION and duty.person.division_id == division)


def _now_on_call() -> list[OnCall]:
    now = timezone.now()
    return list(OnCall.objects.filter(starts__lte=now, ends__gt=now).select_related("person__division"))


def incident_list(request: HttpRequest) -> HttpResponse:
    return _incidents(request)


@require_POST
def incident_close(request: HttpRequest, number: UUID) -> HttpResponse:
    row = get_object_or_404(incidents_for(me(request)), pk=number)
    answer = service.close_incident(row, typed(request), me(request), timezone.now())
    if isinstance(answer, Refused):
        return _incidents(request, answer)
    messages.success(request, say("事案を閉じました。", "The incident is closed."))
    return redirect("access:incident-list")


def _incidents(request: HttpRequest, refused: Refused | None = None) -> HttpResponse:
    person = me(request)
    rows: list[Incident] = list(incidents_for(person)[:200])
    context = {
        "incidents": rows,
        "may_close": person.role_of in (Role.SYSTEMS, Role.DIVISION),
        "refused": refused,
    }
    return render(request, "access/incident_list.html", context, status=409 if refused else 200)
