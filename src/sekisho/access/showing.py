"""Small things all pages of this room need."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from sekisho.kernel.clock import TOKYO
from sekisho.kernel.text import Text
from sekisho.people.models import Person

MOST_TYPED = 8000
"""Characters. No box of ours takes more."""


def me(request: HttpRequest) -> Person:
    """Whoever is signed in; the access table lets nobody else reach a page."""
    assert isinstance(request.user, Person)  # noqa: S101
    return request.user


def say(ja: str, en: str) -> str:
    return Text(ja, en).in_language(get_language())


def typed(request: HttpRequest, name: str = "reason") -> str:
    """What was typed into one box. What no box of ours sends (NUL, a book) counts as nothing typed."""
    text: str = (request.POST or request.GET).get(name, "").strip().replace("\r\n", "\n")
    return "" if "\0" in text or len(text) > MOST_TYPED else text


def names_of(actors: Iterable[str]) -> dict[str, Text]:
    """Each actor of evidence by the name that people know: persons, the gate, the command line, the worker."""
    actors = set(actors)
    logins = [actor.removeprefix("person:") for actor in actors if actor.startswith("person:")]
    names = dict(Person.objects.filter(login__in=logins).values_list("login", "name"))
    return {actor: _actor(actor, names) for actor in actors}


def _actor(actor: str, names: Mapping[str, str]) -> Text:
    kind, _, name = actor.partition(":")
    if kind == "person":
        return Text(names.get(name, name), names.get(name, name))
    if kind == "os-user":
        return Text(f"コマンドから({name})", f"command line ({name})")
    if kind == "gate":
        return Text(f"関門 {name}", f"gate {name}")
    return Text("常駐処理", "worker") if kind == "worker" else Text(actor, actor)


def csv_file(name: str, header: Sequence[Text], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A CSV that Excel opens in Japanese (UTF-8 with a mark) and in which no cell is a formula."""
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow([_cell(title) for title in header])
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return response


_CALCULATES = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(TOKYO).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Text):
        value = value.in_language(get_language())
    text = "" if value is None else str(value)
    # Whatever begins so makes a spreadsheet calculate, the full-width ones too (OWASP, CSV injection).
    return f"'{text}" if text.lstrip(" \u3000")[:1] in _CALCULATES else text
