"""A session that has not passed both factors, or counts no longer, is nobody."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin

from sekisho.people.models import Person
from sekisho.people.service import note_signed_out
from sekisho.people.signed_in import lapsed, touch

View = TypeVar("View", bound=Callable[..., Any])


def background(view: View) -> View:
    """Marks what a page fetches by itself (polls, streams): it never keeps the idle timeout from running."""
    view.background = True  # type: ignore[attr-defined]
    return view


class SignedInWithAuthenticator(MiddlewareMixin):
    """Leaves `request.user` a Person only while the session counts: see `signed_in.py`.

    Django itself gives nobody for a person who is suspended or whose password changed.
    """

    def process_request(self, request: HttpRequest) -> None:
        if not isinstance(request.user, Person):
            return
        now = timezone.now()
        if why := lapsed(request.session, request.user, now):
            note_signed_out(request.user, why, now)
            request.session.flush()
            request.user = AnonymousUser()

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        if isinstance(request.user, Person) and not getattr(view, "background", False):
            touch(request.session, timezone.now())
