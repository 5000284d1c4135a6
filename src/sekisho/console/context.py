"""What every page shows around its content: who is signed in, the menu of that role, the language."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language

from sekisho.console.access_table import navigation
from sekisho.kernel.text import Text
from sekisho.people import demo_authenticator
from sekisho.people.models import Person


def shell(request: HttpRequest) -> dict[str, Any]:
    """`me` (Person or None), `menu` (URL, Text, "page" or "true" or ""), `address` (to come back to), `language`, and
    whether this is a demo (`demo`) with its software authenticator (`demo_authenticator`).
    """
    me = getattr(request, "user", None)
    person = me if isinstance(me, Person) else None
    return {
        "me": person,
        "menu": _menu(request, person) if person else [],
        "address": request.get_full_path() if request.method == "GET" else "/",
        "language": "en" if (get_language() or "").startswith("en") else "ja",
        "demo": settings.SEKISHO.demo,
        "demo_authenticator": demo_authenticator.available(),
    }


def _menu(request: HttpRequest, person: Person) -> list[tuple[str, Text, str]]:
    """The entries of this person's menu, with `aria-current` for the page itself and for the area it lies in."""
    entries = [(reverse(name), label) for name, label in navigation(person.role_of)]
    area = max((url for url, _ in entries if request.path.startswith(url)), key=len, default="")
    current = "page" if area == request.path else "true"
    return [
        (url, label, current if url == area and (url != "/" or current == "page") else "")
        for url, label in entries
    ]
