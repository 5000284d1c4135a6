"""The page on which a manager asks for an unattended job. Its permit is decided like any other."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sekisho.access import jobs
from sekisho.access.forms import JobForm
from sekisho.access.permit_checks import Wish
from sekisho.access.showing import me, say
from sekisho.kernel.outcome import Refused


def job_new(request: HttpRequest) -> HttpResponse:
    form, refused = JobForm(me(request), request.POST or None), None
    if request.method == "POST" and form.is_valid():
        answer = jobs.request_job(_wish(form.cleaned_data), me(request), timezone.now())
        if not isinstance(answer, Refused):
            done = say(f"申請しました。受付番号 {answer.number}", f"Requested. Number {answer.number}")
            messages.success(request, done)
            return redirect("access:permit", answer.number)
        refused = answer
    context = {"form": form, "refused": refused}
    return render(request, "access/job_new.html", context, status=409 if refused else 200)


def _wish(data: dict[str, Any]) -> jobs.JobWish:
    names = ("contract", "system", "starts", "ends", "work", "rollback")
    wish = Wish(
        **{name: data[name] for name in names},
        operators=tuple(data["operators"]),
        great_change=data["great_change"],
        job=True,
    )
    window = tuple(line.strip() for line in data["window"].splitlines() if line.strip())
    return jobs.JobWish(
        wish, data["code"], data["title"], data["command"], data["script"], window, data["longest_minutes"],
        data["most_kilobytes"] * 1024, data["public_key"],
    )  # fmt: skip
