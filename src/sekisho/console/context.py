"""What every page shows around its content: who is signed in, the menu of that role, the language."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from sekisho.console.access_table import navigation
from sekisho.people import demo_authenticator
from sekisho.people.models import Person


def shell(request: HttpRequest) -> dict[str, Any]:
    """`me` (Person or None), `menu` ((url name, Text) pairs), `here` (this URL's name), `language`, and
    whether this is a demo (`demo`) with its software authenticator (`demo_authenticator`).
    """
    me = getattr(request, "user", None)
    person = me if isinstance(me, Person) else None
    match = request.resolver_match
    return {
        "me": person,
        "menu": navigation(person.role_of) if person else [],
        "here": match.view_name if match else "",
        "language": "en" if (get_language() or "").startswith("en") else "ja",
        "demo": settings.SEKISHO.demo,
        "demo_authenticator": demo_authenticator.available(),
    }
