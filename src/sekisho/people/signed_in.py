"""What a browser's session says about its person: nobody, half signed in (password given), or signed in.

Only a session that passed both factors holds a person at all: before, Django's own sign-in is never called,
so that every page, decorator and template sees an anonymous visitor. The session gets a new key at each step.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from sekisho.people.models import Passkey, Person

HALF_LIVES = timedelta(minutes=5)
"""Between the password and the authenticator, or the code and the end of an enrolment's step."""
LONGEST = timedelta(hours=12)
"""A working day: after that both factors are asked again, however busy the person was."""
TOUCH = timedelta(seconds=30)
"""How precisely the last click is kept: one write in so long at most."""

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True)
class Half:
    """Somebody who gave the right password (`sign-in`) or the right code (`enrol`), and nothing more yet."""

    person: Person
    next: str
    code: int
    password_hash: str


def idle_timeout() -> timedelta:
    return timedelta(minutes=settings.SEKISHO.options.idle_minutes)


def begin(
    request: HttpRequest,
    step: str,
    person: Person,
    now: datetime,
    *,
    next_page: str = "",
    code: int = 0,
) -> None:
    """Remembers the first half in a session of its own, new from the key up."""
    request.session.flush()
    request.session["half"] = {
        "step": step,
        "person": person.pk,
        "at": now.timestamp(),
        "next": next_page,
        "code": code,
        "password_hash": "",
        "stamp": person.get_session_auth_hash(),
    }
    request.session.create()


def keep_password(request: HttpRequest, password_hash: str) -> None:
    """Enrolment's chosen password, hashed, until the authenticator is there too."""
    request.session["half"] = {**request.session["half"], "password_hash": password_hash}
    request.session.cycle_key()


def half(request: HttpRequest, step: str, now: datetime) -> Half | None:
    """The half-finished `step` of this browser, if it is still fresh and its person still active."""
    kept = request.session.get("half")
    if not kept or kept["step"] != step or now.timestamp() - kept["at"] > HALF_LIVES.total_seconds():
        return None
    person = Person.objects.filter(pk=kept["person"], is_active=True).first()
    if person is None or person.get_session_auth_hash() != kept["stamp"]:
        return None
    return Half(person, kept["next"], kept["code"], kept["password_hash"])


def complete(request: HttpRequest, passkey: Passkey, now: datetime) -> None:
    """Both factors were given: from here on the session holds the person. New key, new CSRF token."""
    request.session.flush()
    auth.login(request, passkey.person, backend=_BACKEND)
    request.session["passkey"] = passkey.pk
    request.session["signed_in_at"] = now.timestamp()
    request.session["last_click"] = now.timestamp()
    type(request.session).clear_expired()


def lapsed(session: SessionBase, person: Person, now: datetime) -> str | None:
    """Why this signed-in session counts no longer (`idle`, `too-long`, `revoked`), or None while it does."""
    at = now.timestamp()
    if at - session.get("last_click", 0) > idle_timeout().total_seconds():
        return "idle"
    if at - session.get("signed_in_at", 0) > LONGEST.total_seconds():
        return "too-long"
    mine = Passkey.objects.filter(pk=session.get("passkey", 0), person=person, revoked_at=None)
    return None if mine.exists() else "revoked"


def touch(session: SessionBase, now: datetime) -> None:
    """A click: the idle timeout starts again."""
    if now.timestamp() - session.get("last_click", 0) >= TOUCH.total_seconds():
        session["last_click"] = now.timestamp()


def person_behind(session_key: str | None) -> Person | None:
    """Who is signed in with this session now. A stream that runs for long asks again and ends on None."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    person = auth.get_user(request)
    if not isinstance(person, Person) or lapsed(request.session, person, timezone.now()):
        return None
    return person
