"""The pages of lines and latches: the city's switches."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from sekisho.access import service
from sekisho.access.models import Latch, LineSwitch
from sekisho.access.reading import lines_for, may_reason, open_latches
from sekisho.access.showing import me, names_of, say, typed
from sekisho.contracts.words import word
from sekisho.kernel.outcome import Refused
from sekisho.kernel.text import Text
from sekisho.people.fresh import fresh_confirmation
from sekisho.people.roles import Role

_CUT = "cut"
"""In the browser's session: what the gate answered to the last cut."""
CUT_REASONS = (
    Text("許可にない操作をしていた", "Work outside the permit"),
    Text("不審な操作があった", "Suspicious activity"),
    Text("作業者から頼まれた", "The operator asked for it"),
    Text("訓練・動作の確認", "Exercise or test"),
    Text("誤って押した", "Pressed by mistake"),
)
"""Said with one press. What was said is kept in the words that were pressed."""


def line_list(request: HttpRequest) -> HttpResponse:
    return _lines(request)


def _lines(request: HttpRequest, refused: Refused | None = None) -> HttpResponse:
    lines = list(lines_for(me(request)))
    switches = {switch.line_id: switch for switch in LineSwitch.objects.select_related("changed_by")}
    context = {
        "lines": [(line, switches.get(line.code), word(line.kind)) for line in lines],
        "may_switch": me(request).role_of is Role.SYSTEMS,
        "refused": refused,
    }
    return render(request, "access/line_list.html", context, status=409 if refused else 200)


@require_POST
@fresh_confirmation("open-line", of="code")
def line_open(request: HttpRequest, code: str) -> HttpResponse:
    line = get_object_or_404(lines_for(me(request)), code=code)
    answer = service.open_line(line, typed(request), me(request), timezone.now())
    if isinstance(answer, Refused):
        return _lines(request, answer)
    messages.success(request, say(f"{line.name}を開けました。", f"{line.name_en} is open."))
    return redirect("access:line-list")


@require_POST
def line_close(request: HttpRequest, code: str) -> HttpResponse:
    line = get_object_or_404(lines_for(me(request)), code=code)
    answer = service.close_line(line, typed(request), me(request), timezone.now())
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
    """On to the page of the latch, which says how many milliseconds it took, and only then asks why."""
    if isinstance(answer, Refused):
        return render(request, "access/cut.html", {"refused": answer}, status=409)
    done = answer.done
    request.session[_CUT] = {
        "latch": answer.latch,
        "milliseconds": done.milliseconds if done else None,
        "ended": len(done.ended) if done else None,
    }
    return redirect("access:latch", answer.latch)


def latch(request: HttpRequest, number: UUID) -> HttpResponse:
    """One cut. Just made, it is known from the gate's answer before its record has arrived."""
    just: dict[str, Any] = request.session.get(_CUT, {})
    just = just if just.get("latch") == str(number) else {}
    row = Latch.objects.filter(pk=number).first()
    if row is None and not just:
        raise Http404
    context = {
        "number": number,
        "latch": row,
        "silent": bool(just) and just["ended"] is None,
        "ended": just.get("ended"),
        "milliseconds": just.get("milliseconds") or (row.milliseconds if row else None),
        "may_reason": row is None or (may_reason(me(request), row) and not row.reason),
        "cut_reasons": CUT_REASONS,
    }
    return render(request, "access/cut.html", context)


def latch_list(request: HttpRequest) -> HttpResponse:
    return _latches(request)


def _latches(request: HttpRequest, refused: Refused | None = None) -> HttpResponse:
    person, held = me(request), list(open_latches())
    released = list(
        Latch.objects.exclude(released_at=None).select_related("line", "operator", "released_by")[:50]
    )
    names = names_of(latch.cut_by for latch in (*held, *released))
    context = {
        "latches": [(latch, names[latch.cut_by], may_reason(person, latch)) for latch in held],
        "released": [(latch, names[latch.cut_by]) for latch in released],
        "cut_reasons": CUT_REASONS,
        "may_release": person.role_of is Role.SYSTEMS,
        "refused": refused,
    }
    return render(request, "access/latch_list.html", context, status=409 if refused else 200)


@require_POST
def latch_reason(request: HttpRequest, number: UUID) -> HttpResponse:
    """The gate hands a latch's record over a moment after the cut; until then there is nothing to write to."""
    latch = Latch.objects.filter(pk=number).first()
    if latch is None:
        messages.info(
            request,
            say(
                "遮断は効いています。その記録が関門から届くのを待っています。数秒後に、もう一度理由を記録してください。",
                "The cut holds. Its record is on its way from the gate; give the reason again in a few seconds.",
            ),
        )
        return redirect("access:latch-list")
    answer = service.give_latch_reason(
        latch, typed(request, "chosen") or typed(request), me(request), timezone.now()
    )
    if isinstance(answer, Refused):
        return _latches(request, answer)
    messages.success(request, say("理由を記録しました。", "The reason is recorded."))
    return redirect("access:latch-list")


@require_POST
@fresh_confirmation("release-latch", of="number")
def latch_release(request: HttpRequest, number: UUID) -> HttpResponse:
    latch = get_object_or_404(Latch, pk=number)
    answer = service.release_latch(latch, typed(request), me(request), timezone.now())
    if isinstance(answer, Refused):
        return _latches(request, answer)
    messages.success(request, say("遮断を解除しました。", "Released."))
    return redirect("access:latch-list")
