"""The console's own pages."""

from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from sekisho.access.models import Latch
from sekisho.console import home as ask
from sekisho.console.access_table import allowed
from sekisho.people.middleware import background
from sekisho.people.models import Person


def home(request: HttpRequest) -> HttpResponse:
    """Who is inside, what waits for me, what is unusual, which lines are open: on one screen."""
    me, now = _me(request), timezone.now()
    context: dict[str, Any] = {"waiting": ask.waiting(me, now), "role": me.role}
    if me.role_of.of_contractor:
        context |= {
            "permits": ask.coming_permits(me, now),
            "may_request": allowed("access:permit-new", me.role_of),
            "may_call": allowed("access:emergency-new", me.role_of),
        }
        return render(request, "console/home_contractor.html", context)
    context |= {
        "inside": ask.inside(me, now),
        "unusual": ask.unusual(me, now),
        "unusual_days": ask.UNUSUAL_DAYS,
        "latches": Latch.objects.filter(released_at=None).count(),
        "lines": ask.lines(me),
        "reads_evidence": allowed("access:evidence", me.role_of),
    }
    return render(request, "console/home.html", context)


@background
def inside(request: HttpRequest) -> HttpResponse:
    """The panel of who is inside, alone, for the home page to look again."""
    return render(request, "console/_inside.html", {"inside": ask.inside(_me(request), timezone.now())})


def health(_: HttpRequest) -> HttpResponse:
    """200 while the console and its database answer, else 503. Says nothing more: it needs no sign-in."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("database\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


def _me(request: HttpRequest) -> Person:
    assert isinstance(request.user, Person)  # noqa: S101 - the table lets nobody else through
    return request.user
