"""A fresh biometric for a dangerous verb: bound to one action on one object, good once, for 60 seconds.

On the view, which must be a POST of a signed-in person:

    @fresh_confirmation("open-line", of="code")          # `code` is the view's own URL argument
    def open_line(request, code): ...

In its form, which may have fields of its own; the fragment brings the button(s) and the script:

    <form method="post" action="{% url 'access:line-open' line.code %}">{% csrf_token %}
      …
      {% include "people/_confirm.html" with action="open-line" object=line.code ja="回線を開く" en="Open the line" %}
    </form>

The browser asks `people:challenge` for a challenge, has the authenticator sign it, and posts the form
with the answer. A view reached without it answers 403 and says why; its verb is never called.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from sekisho.kernel.outcome import Refused
from sekisho.people.models import Person
from sekisho.people.passkeys import browser_of, check_proof
from sekisho.people.service import note_confirmed, note_refused

View = TypeVar("View", bound=Callable[..., HttpResponse])
_ACTION = re.compile(r"[a-z][a-z-]{0,39}")
_OBJECT = re.compile(r"[\w@.:-]{1,100}")


def purpose_of(action: str, of: str) -> str | None:
    """What a challenge for this action on this object is good for; None for names that no view has."""
    if not _ACTION.fullmatch(action) or not _OBJECT.fullmatch(of):
        return None
    return f"confirm:{action}:{of}"


def fresh_confirmation(action: str, *, of: str) -> Callable[[View], View]:
    """Lets a POST through only with a fresh biometric for `action` on the object named by URL argument `of`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST" and (refused := _confirm(request, action, str(kwargs[of]))):
                return render(request, "people/not_confirmed.html", {"refused": refused}, status=403)
            return view(request, *args, **kwargs)

        return cast(View, confirmed)

    return decorate


def _confirm(request: HttpRequest, action: str, of: str) -> Refused | None:
    purpose = purpose_of(action, of)
    person = request.user
    if purpose is None or not isinstance(person, Person):
        raise ValueError(f"nobody confirms {action} of {of}")
    now = timezone.now()
    challenge = request.POST.get("webauthn_challenge", "")
    response = request.POST.get("webauthn_response", "")
    browser = browser_of(request.session.session_key)
    passkey = check_proof(person, purpose, browser, challenge, response, now)
    if isinstance(passkey, Refused):
        note_refused(person.login, "confirm", now)
        return passkey
    note_confirmed(passkey, action, of, now)
    return None
