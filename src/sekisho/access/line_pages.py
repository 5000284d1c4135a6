"""The pages of lines and latches: the city's switches."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from sekisho.access import service
from sekisho.access.models import Latch, LineSwitch
from sekisho.access.reading import lines_for, open_latches
from sekisho.access.showing import me, say
from sekisho.kernel.outcome import Refused
from sekisho.people.fresh import fresh_confirmation
from sekisho.people.roles import Role


def line_list(request: HttpRequest) -> HttpResponse:
    return _lines(request)


def _lines(request: HttpRequest, refused: Refused | None = None) -> HttpResponse:
    lines = list(lines_for(me(request)))
    switches = {switch.line_id: switch for switch in LineSwitch.objects.select_related("changed_by")}
    context = {
        "lines": [(line, switches.get(line.code)) for line in lines],
        "may_switch": me(request).role_of is Role.SYSTEMS,
        "refused": refused,
    }
    return render(request, "access/line_list.html", context, status=409 if refused else 200)


@require_POST
@fresh_confirmation("open-line", of="code")
def line_open(request: HttpRequest, code: str) -> HttpResponse:
    line = get_object_or_404(lines_for(me(request)), code=code)
    answer = service.open_line(line, request.POST.get("reason", ""), me(request), timezone.now())
    if isinstance(answer, Refused):
        return _lines(request, answer)
    messages.success(request, say(f"{line.name}を開けました。", f"{line.name_en} is open."))
    return redirect("access:line-list")


@require_POST
def line_close(request: HttpRequest, code: str) -> HttpResponse:
    line = get_object_or_404(lines_for(me(request)), code=code)
    answer = service.close_line(line, request.POST.get("reason", ""), me(request), timezone.now())
    if isinstance(answer, Refused):
        return _lines(request, answer)
    messages.success(request, say(f"{line.name}を閉じました。", f"{line.name_en} is closed."))
    return redirect("access:line-list")


@require_POST
def line_cut(request: HttpRequest, code: str) -> HttpResponse:
    """One press, nothing in its way."""
    line = get_object_or_404(lines_for(me(request)), code=code)
    return after_cut(request, service.cut_line(line, me(request), timezone.now()))


@require_POST
def cut_everything(request: HttpRequest) -> HttpResponse:
    return after_cut(request, service.cut_everything(me(request), timezone.now()))


def after_cut(request: HttpRequest, answer: service.Cut | Refused) -> HttpResponse:
    """How many milliseconds it took, what is latched now, and only then: why."""
    return render(
        request,
        "access/cut.html",
        {
            "cut": answer if isinstance(answer, service.Cut) else None,
            "refused": answer if isinstance(answer, Refused) else None,
        },
    )


def latch_list(request: HttpRequest) -> HttpResponse:
    return _latches(request)


def _latches(request: HttpRequest, refused: Refused | None = None) -> HttpResponse:
    released = Latch.objects.exclude(released_at=None).select_related(
        "session", "line", "operator", "permit", "released_by"
    )
    context = {
        "latches": open_latches(),
        "released": released[:50],
        "may_release": me(request).role_of is Role.SYSTEMS,
        "refused": refused,
    }
    return render(request, "access/latch_list.html", context, status=409 if refused else 200)


@require_POST
def latch_reason(request: HttpRequest, number: str) -> HttpResponse:
    """`number` is the latch's id. One whose record the gate has yet to hand over is not there for a moment."""
    latch = Latch.objects.filter(pk=number).first()
    if latch is None:
        messages.info(
            request,
            say(
                "遮断は効いています。記録が届くまで数秒待ってください。",
                "The cut holds. Its record arrives in a few seconds.",
            ),
        )
        return redirect("access:latch-list")
    answer = service.give_latch_reason(latch, request.POST.get("reason", ""), me(request), timezone.now())
    if isinstance(answer, Refused):
        return _latches(request, answer)
    messages.success(request, say("理由を記録しました。", "The reason is recorded."))
    return redirect("access:latch-list")


@require_POST
@fresh_confirmation("release-latch", of="number")
def latch_release(request: HttpRequest, number: str) -> HttpResponse:
    latch = get_object_or_404(Latch, pk=number)
    answer = service.release_latch(latch, request.POST.get("reason", ""), me(request), timezone.now())
    if isinstance(answer, Refused):
        return _latches(request, answer)
    messages.success(request, say("遮断を解除しました。", "Released."))
    return redirect("access:latch-list")
