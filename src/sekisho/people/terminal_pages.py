"""The pages of terminals: the list, and one terminal's certificate."""

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language

from sekisho.kernel.outcome import Refused
from sekisho.kernel.text import Text
from sekisho.people.forms import CertifyForm
from sekisho.people.fresh import fresh_confirmation
from sekisho.people.models import Person, Terminal
from sekisho.people.roles import Role
from sekisho.people.terminals import certify_terminal, revoke_terminal

SOON = timedelta(days=30)


def terminal_list(request: HttpRequest) -> HttpResponse:
    terminals = Terminal.objects.select_related("contractor", "line").order_by("contractor", "code")
    rows = [(terminal, state_of(terminal)) for terminal in terminals]
    return render(request, "people/terminal_list.html", {"rows": rows})


def terminal(request: HttpRequest, code: str) -> HttpResponse:
    return _terminal_page(request, _get(code))


@fresh_confirmation("certify-terminal", of="code")
def certify(request: HttpRequest, code: str) -> HttpResponse:
    """The certificate as a file to put beside the terminal's key. It is kept nowhere here: it can be made anew."""
    if request.method != "POST":
        return redirect("people:terminal", code)
    form = CertifyForm(request.POST)
    row = _get(code)
    if not form.is_valid():
        return _terminal_page(request, row, form=form)
    answer = certify_terminal(
        row,
        timedelta(days=form.cleaned_data["days"]),
        settings.SEKISHO.keys / "terminal-ca",
        _me(request),
        timezone.now(),
    )
    if isinstance(answer, Refused):
        return _terminal_page(request, row, answer)
    response = HttpResponse(answer.certificate, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{row.code}-cert.pub"'
    return response


def revoke(request: HttpRequest, code: str) -> HttpResponse:
    row = _get(code)
    if request.method != "POST":
        return render(request, "people/terminal_revoke.html", {"terminal": row})
    answer = revoke_terminal(row, _me(request), timezone.now())
    if isinstance(answer, Refused):
        return _terminal_page(request, row, answer)
    done = Text("端末を失効させました。", "Revoked the terminal.")
    messages.success(request, done.in_language(get_language()))
    return redirect("people:terminal", code)


def state_of(row: Terminal) -> str:
    """`revoked`, `never`, `expired`, `soon` (within 30 days) or `valid`."""
    left = row.certified_until - timezone.now() if row.certified_until else None
    if row.revoked_at is not None:
        return "revoked"
    if left is None:
        return "never"
    if left <= timedelta(0):
        return "expired"
    return "soon" if left <= SOON else "valid"


def _terminal_page(
    request: HttpRequest, row: Terminal, refused: Refused | None = None, form: CertifyForm | None = None
) -> HttpResponse:
    context = {
        "terminal": row,
        "state": state_of(row),
        "form": form or CertifyForm(),
        "refused": refused,
        "may_change": _me(request).role_of is Role.SYSTEMS,
    }
    return render(request, "people/terminal.html", context, status=409 if refused else 400 if form else 200)


def _get(code: str) -> Terminal:
    return get_object_or_404(Terminal.objects.select_related("contractor", "line__site"), code=code)


def _me(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # noqa: S101 - the table lets nobody else through
    return request.user
