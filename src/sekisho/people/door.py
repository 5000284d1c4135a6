"""The pages before sign-in is complete: password, then authenticator; or code, password, new authenticator."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text
from sekisho.people import attempts, demo_authenticator, signed_in
from sekisho.people.forms import CodeForm, PasswordForm, SignInForm
from sekisho.people.fresh import purpose_of
from sekisho.people.models import Challenge, EnrolmentCode, Passkey, Person
from sekisho.people.passkeys import (
    ask_for_new,
    ask_for_proof,
    browser_of,
    check_new,
    check_proof,
    usable_by,
)
from sekisho.people.sentences import NO_AUTHENTICATOR, WRONG_LOGIN
from sekisho.people.service import check_code, enrol, note_refused, note_signed_in, note_signed_out

SIGN_IN, ENROL = "sign-in", "enrol"


def sign_in(request: HttpRequest) -> HttpResponse:
    """The first factor. The same answer, at the same price, for a wrong password and an unknown login."""
    if isinstance(request.user, Person):
        return redirect("console:home")
    form = SignInForm(request.POST or None)
    refused = None
    if request.method == "POST" and form.is_valid():
        answer = _password(request, form.cleaned_data["login"], form.cleaned_data["password"])
        if not isinstance(answer, Refused):
            signed_in.begin(request, SIGN_IN, answer, timezone.now(), next_page=_next(request))
            return redirect("people:prove")
        refused = answer
    context = {"form": form, "refused": refused, "next": _next(request)}
    return render(request, "people/sign_in.html", context, status=403 if refused else 200)


def _password(request: HttpRequest, login: str, password: str) -> Person | Refused:
    now = timezone.now()
    keys = attempts.key("login", login), attempts.key("address", _address(request))
    if wait := attempts.reserve(keys, now):
        return _too_many(int(wait.total_seconds()) + 1)
    person = authenticate(request, username=login, password=password)
    if not isinstance(person, Person):
        note_refused(login, "password", now)
        return WRONG_LOGIN
    attempts.forgive(*keys, now)
    return person if usable_by(person) else NO_AUTHENTICATOR


def prove(request: HttpRequest) -> HttpResponse:
    """The second factor: one of the person's own authenticators, its user verified."""
    now = timezone.now()
    half = signed_in.half(request, SIGN_IN, now)
    if half is None:
        return redirect("people:sign-in")
    refused = None
    if request.method == "POST":
        passkey = _passkey(request, half.person, now)
        if not isinstance(passkey, Refused):
            signed_in.complete(request, passkey, now)
            note_signed_in(passkey, now)
            return redirect(half.next or "console:home")
        refused = passkey
    context = {"person": half.person, "refused": refused}
    return render(request, "people/prove.html", context, status=403 if refused else 200)


def _passkey(request: HttpRequest, person: Person, now: datetime) -> Passkey | Refused:
    keys = attempts.key("login", person.login), attempts.key("address", _address(request))
    if wait := attempts.reserve(keys, now):
        return _too_many(int(wait.total_seconds()) + 1)
    answer = check_proof(person, SIGN_IN, _browser(request), *_answered(request), now)
    if isinstance(answer, Refused):
        note_refused(person.login, "authenticator", now)
    else:
        attempts.forgive(*keys, now)
    return answer


def sign_out(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        if isinstance(request.user, Person):
            note_signed_out(request.user, "asked", timezone.now())
        request.session.flush()
    return redirect("people:sign-in")


def enrol_code(request: HttpRequest) -> HttpResponse:
    """Enrolment, step 1: the code from the counter."""
    form = CodeForm(request.POST or None)
    refused = None
    if request.method == "POST" and form.is_valid():
        answer = _code(request, form.cleaned_data["login"], form.cleaned_data["code"])
        if not isinstance(answer, Refused):
            signed_in.begin(request, ENROL, answer.person, timezone.now(), code=answer.pk)
            return redirect("people:enrol-password")
        refused = answer
    context = {"form": form, "refused": refused}
    return render(request, "people/enrol_code.html", context, status=403 if refused else 200)


def _code(request: HttpRequest, login: str, code: str) -> EnrolmentCode | Refused:
    now = timezone.now()
    keys = attempts.key("code", login), attempts.key("address", _address(request))
    if wait := attempts.reserve(keys, now):
        return _too_many(int(wait.total_seconds()) + 1)
    answer = check_code(login, code, now)
    if isinstance(answer, Refused):
        note_refused(login, "code", now)
    else:
        attempts.forgive(*keys, now)
    return answer


def enrol_password(request: HttpRequest) -> HttpResponse:
    """Enrolment, step 2: a password. Nothing is kept in the register before step 3 is done."""
    half = signed_in.half(request, ENROL, timezone.now())
    if half is None:
        return redirect("people:enrol")
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["password"]
        if password != form.cleaned_data["again"]:
            form.add_error("again", _say(_NOT_THE_SAME))
        else:
            try:
                validate_password(password, half.person)
            except ValidationError as error:
                form.add_error("password", error)
            else:
                signed_in.keep_password(request, make_password(password))
                return redirect("people:enrol-authenticator")
    return render(request, "people/enrol_password.html", {"form": form, "person": half.person})


def enrol_authenticator(request: HttpRequest) -> HttpResponse:
    """Enrolment, step 3: the authenticator. Uses up the code; the person then signs in with both."""
    now = timezone.now()
    half = signed_in.half(request, ENROL, now)
    if half is None or not half.password_hash:
        return redirect("people:enrol")
    refused = None
    if request.method == "POST":
        new = check_new(half.person, ENROL, _browser(request), *_answered(request), now)
        code = EnrolmentCode.objects.get(pk=half.code)
        label = timezone.localtime(now).strftime("%Y-%m-%d %H:%M")
        made = new if isinstance(new, Refused) else enrol(code, half.password_hash, new, label, now)
        if not isinstance(made, Refused):
            request.session.flush()
            messages.success(request, _say(_ENROLLED))
            return redirect("people:sign-in")
        refused = made
    context = {"person": half.person, "refused": refused}
    return render(request, "people/enrol_authenticator.html", context, status=403 if refused else 200)


@require_POST
def challenge(request: HttpRequest) -> HttpResponse:
    """A challenge for what this browser is in the middle of: `sign-in`, `enrol`, `confirm:ACTION:OBJECT`."""
    asked = _question(request, request.POST.get("purpose", ""))
    return JsonResponse(asked or {}, status=200 if asked else 403)


def _question(request: HttpRequest, purpose: str) -> dict[str, Any] | None:
    now = timezone.now()
    kind, _, rest = purpose.partition(":")
    if kind == "confirm" and isinstance(request.user, Person):
        action, _, of = rest.partition(":")
        known = purpose_of(action, of)
        return ask_for_proof(request.user, known, _browser(request), now) if known else None
    if purpose == SIGN_IN and (half := signed_in.half(request, SIGN_IN, now)):
        return ask_for_proof(half.person, SIGN_IN, _browser(request), now)
    if purpose == ENROL and (half := signed_in.half(request, ENROL, now)) and half.password_hash:
        return ask_for_new(half.person, ENROL, _browser(request), now)
    return None


@require_POST
def demo_answer(request: HttpRequest) -> HttpResponse:
    """The demo's authenticator answers a challenge of this very browser. Routed in a demo only."""
    asked = _question(request, request.POST.get("purpose", ""))
    if asked is None:
        return JsonResponse({}, status=403)
    person = Challenge.objects.select_related("person").get(id=asked["challenge"]).person
    answered = demo_authenticator.answer(person, asked)
    return JsonResponse({"challenge": asked["challenge"], "response": answered})


def _answered(request: HttpRequest) -> tuple[str, str]:
    return request.POST.get("webauthn_challenge", ""), request.POST.get("webauthn_response", "")


def _browser(request: HttpRequest) -> str:
    return browser_of(request.session.session_key)


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: a page of this console, or nowhere in particular."""
    page = request.POST.get("next") or request.GET.get("next") or ""
    mine = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if mine and page.startswith("/") else ""


def _say(text: Text) -> str:
    return text.in_language(get_language())


def _too_many(seconds: int) -> Refused:
    return Refused(
        (
            Reason(
                "too-many-tries",
                Text(
                    f"誤りが続いたため、しばらく受け付けません。{seconds}秒たってから、もう一度入れてください。",
                    f"Too many wrong tries. Please wait {seconds} seconds and try again.",
                ),
            ),
        )
    )


_NOT_THE_SAME = Text("2回のパスワードが同じではありません。", "The two passwords are not the same.")
_ENROLLED = Text(
    "登録が終わりました。新しいパスワードと認証器でサインインしてください。",
    "Enrolment is complete. Sign in with your new password and authenticator.",
)
