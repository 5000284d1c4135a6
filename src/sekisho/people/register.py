"""The pages of the register of people, for the systems division; the auditor reads."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language

from sekisho.kernel.outcome import Refused
from sekisho.kernel.text import Text
from sekisho.people import kana, service
from sekisho.people.forms import KeyForm, PeopleFilter, PersonForm
from sekisho.people.fresh import fresh_confirmation
from sekisho.people.models import Passkey, Person, SshAuthenticator
from sekisho.people.roles import Role


def person_list(request: HttpRequest) -> HttpResponse:
    form = PeopleFilter(request.GET)
    form.is_valid()
    people = sorted(_found(form.cleaned_data), key=lambda person: kana.order(person.furigana))
    context = {
        "people": people,
        "form": form,
        "roles": list(Role),
        "filtered": any(form.cleaned_data.values()),
        "may_change": _me(request).role_of is Role.SYSTEMS,
    }
    return render(request, "people/person_list.html", context)


def _found(asked: dict[str, str]) -> list[Person]:
    people = Person.objects.select_related("division", "contractor")
    if text := asked.get("q", "").strip():
        by_sound = Q(furigana__icontains=kana.hiragana(text))
        people = people.filter(Q(login__icontains=text) | Q(name__icontains=text) | by_sound)
    if role := asked.get("role"):
        people = people.filter(role=role)
    if state := asked.get("state"):
        people = people.filter(is_active=state == "active")
    return list(people)


def person(request: HttpRequest, login: str) -> HttpResponse:
    return _person_page(request, get_object_or_404(Person, login=login))


def person_new(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST or None)
    refused = None
    if request.method == "POST" and form.is_valid():
        asked = {**form.cleaned_data, "role": Role(form.cleaned_data["role"])}
        answer = service.register_person(**asked, by=_me(request), now=timezone.now())
        if not isinstance(answer, Refused):
            return redirect("people:person", answer.login)
        refused = answer
    context = {"form": form, "refused": refused}
    return render(request, "people/person_new.html", context, status=400 if refused else 200)


@fresh_confirmation("issue-code", of="login")
def issue_code(request: HttpRequest, login: str) -> HttpResponse:
    """Shows the code once, in the answer to the POST itself: there is no page to come back to."""
    if request.method != "POST":
        return redirect("people:person", login)
    whose = get_object_or_404(Person, login=login)
    issued = service.issue_enrolment_code(whose, _me(request), timezone.now())
    if isinstance(issued, Refused):
        return _person_page(request, whose, issued)
    return render(request, "people/code.html", {"person": whose, "issued": issued})


def suspend(request: HttpRequest, login: str) -> HttpResponse:
    whose = get_object_or_404(Person, login=login)
    if request.method != "POST":
        return render(request, "people/suspend.html", {"person": whose})
    answer = service.suspend_person(whose, _me(request), timezone.now())
    if isinstance(answer, Refused):
        return _person_page(request, whose, answer)
    messages.success(request, _say("利用を停止しました。", "Suspended."))
    return redirect("people:person", login)


def add_key(request: HttpRequest, login: str) -> HttpResponse:
    if request.method != "POST":
        return redirect("people:person", login)
    whose = get_object_or_404(Person, login=login)
    line = request.POST.get("public_key", "")
    answer = service.register_ssh_authenticator(whose, line, _me(request), timezone.now())
    if isinstance(answer, Refused):
        return _person_page(request, whose, answer)
    messages.success(
        request, _say("関門用の認証器を登録しました。", "Registered the authenticator for the gate.")
    )
    return redirect("people:person", login)


def revoke(request: HttpRequest, login: str, kind: str, number: int) -> HttpResponse:
    which = _authenticator(login, kind, number)
    if request.method != "POST":
        return render(request, "people/revoke.html", {"person": which.person, "which": which, "kind": kind})
    if refused := service.revoke_authenticator(which, _me(request), timezone.now()):
        return _person_page(request, which.person, refused)
    messages.success(request, _say("認証器を失効させました。", "Revoked the authenticator."))
    return redirect("people:person", login)


def _authenticator(login: str, kind: str, number: int) -> Passkey | SshAuthenticator:
    if kind == "ssh":
        return get_object_or_404(SshAuthenticator, pk=number, person__login=login)
    return get_object_or_404(Passkey, pk=number, person__login=login)


def _person_page(request: HttpRequest, whose: Person, refused: Refused | None = None) -> HttpResponse:
    context = {
        "person": whose,
        "passkeys": whose.passkeys.order_by("registered_at"),
        "ssh_authenticators": whose.ssh_authenticators.order_by("registered_at"),
        "key_form": KeyForm(),
        "is_operator": whose.role_of is Role.OPERATOR,
        "may_change": _me(request).role_of is Role.SYSTEMS,
        "refused": refused,
    }
    return render(request, "people/person.html", context, status=409 if refused else 200)


def _me(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # noqa: S101 - the table lets nobody else through
    return request.user


def _say(ja: str, en: str) -> str:
    return Text(ja, en).in_language(get_language())
