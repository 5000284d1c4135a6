"""The table: which role may reach which URL. Closed by default: what has no row answers 403 to everybody.

Each room's `urls.py` brings its own rows, beside the routes they speak of:

    ROLES = {"access:permit-list": EVERYBODY, "access:line-open": frozenset({Role.SYSTEMS})}
    WITHOUT_SIGN_IN = {"people:sign-in"}                    # only where there is no other way
    NAVIGATION = [("access:permit-list", Text("許可", "Permits"))]

What a role may see *of* a page (a contractor never another's) is decided by the room's own queries: the
table cannot see objects.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType

from sekisho.kernel.text import Text
from sekisho.people.roles import Role

ROOMS = ("console", "access", "contracts", "people")


class DoubleRow(Exception):
    """Two rooms, or two lists of one room, speak of the same URL."""


def allowed(url_name: str | None, role: Role) -> bool:
    """Whether `role` may reach the URL of that full name (`access:permit-list`). No name, no row: no."""
    return role in rows().get(url_name or "", frozenset())


def without_sign_in(url_name: str | None) -> bool:
    """Whether a URL is open to somebody who has not signed in."""
    return url_name in open_names()


@cache
def rows() -> Mapping[str, frozenset[Role]]:
    """Every row of every room."""
    table: dict[str, frozenset[Role]] = {}
    for room in _rooms():
        for name, roles in getattr(room, "ROLES", {}).items():
            if name in table or name in open_names():
                raise DoubleRow(name)
            table[name] = frozenset(roles)
    return table


@cache
def open_names() -> frozenset[str]:
    """The full names of the URLs that need no sign-in."""
    return frozenset(name for room in _rooms() for name in getattr(room, "WITHOUT_SIGN_IN", ()))


def navigation(role: Role) -> list[tuple[str, Text]]:
    """The main menu of a role: URL name and label, in the rooms' order."""
    entries = [entry for room in _rooms() for entry in getattr(room, "NAVIGATION", ())]
    return [(name, label) for name, label in entries if allowed(name, role)]


def _rooms() -> Iterator[ModuleType]:
    for room in ROOMS:
        yield import_module(f"sekisho.{room}.urls")
