"""What the log says about a thing, in plain sentences."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from sekisho.access.showing import csv_file, me
from sekisho.access.tag_sentences import SAY
from sekisho.evidence.models import Entry
from sekisho.evidence.tags import Tag
from sekisho.kernel.text import Text
from sekisho.people.models import Person


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the log, as a person reads it."""

    index: int
    at: datetime
    who: str
    text: Text
    tag: str


def timeline(subject: str, most: int = 200) -> list[Line]:
    """What the log says about `subject`, oldest first."""
    entries = Entry.objects.filter(subjects__subject=subject).order_by("index")[:most]
    return _lines(list(entries))


def evidence(request: HttpRequest) -> HttpResponse:
    """The whole log, newest first, by subject, tag or actor; filters stand in the URL."""
    asked, tag = request.GET.get("q", "").strip(), request.GET.get("tag", "")
    entries = Entry.objects.order_by("-index")
    if asked:
        found = entries.filter(subjects__subject=asked) | entries.filter(actor=asked)
        entries = found.distinct().order_by("-index")
    if tag in list(Tag):
        entries = entries.filter(tag=tag)
    if request.GET.get("format") == "csv":
        rows = (
            (line.index, line.at, line.who, line.tag, line.text.ja) for line in _lines(list(entries[:10_000]))
        )
        return csv_file("evidence", ("number", "at", "who", "tag", "text"), rows)
    context = {
        "lines": _lines(list(entries[:200])),
        "asked": asked,
        "tag": tag,
        "tags": [(each.value, SAY[each]) for each in Tag],
        "now": timezone.now(),
        "me": me(request),
    }
    return render(request, "access/evidence.html", context)


def _lines(entries: list[Entry]) -> list[Line]:
    logins = {entry.actor.removeprefix("person:") for entry in entries}
    names = dict(Person.objects.filter(login__in=logins).values_list("login", "name"))
    return [
        Line(
            entry.index,
            entry.at,
            names.get(entry.actor.removeprefix("person:"), entry.actor),
            _say(entry.tag),
            entry.tag,
        )
        for entry in entries
    ]


def _say(tag: str) -> Text:
    return SAY.get(tag, Text(tag, tag))
