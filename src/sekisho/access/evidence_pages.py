"""What the log says about a thing, in plain sentences."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from sekisho.access import service
from sekisho.access.showing import csv_file, me, names_of, typed
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
    who: Text
    text: Text
    tag: str


def timeline(subject: str, most: int = 200) -> list[Line]:
    """What the log says about `subject`, oldest first."""
    entries = Entry.objects.filter(subjects__subject=subject).order_by("index")[:most]
    return _lines(entries)


def evidence(request: HttpRequest) -> HttpResponse:
    """The whole log, newest first, by subject, tag or actor; filters stand in the URL. Searching is evidence."""
    asked, tag = typed(request, "q"), request.GET.get("tag", "")
    entries = Entry.objects.order_by("-index")
    if asked:
        names = _meant(asked)
        found = entries.filter(subjects__subject__in=names) | entries.filter(actor__in=names)
        entries = found.distinct().order_by("-index")
    tag = tag if tag in list(Tag) else ""
    if tag:
        entries = entries.filter(tag=tag)
    if asked or tag or request.GET.get("format"):
        service.note_searched(asked, tag, me(request), timezone.now())
    if request.GET.get("format") == "csv":
        rows = ((line.index, line.at, line.who, line.text, line.tag) for line in _lines(entries[:10_000]))
        return csv_file("evidence", _HEADER, rows)
    context = {
        "lines": _lines(entries[:SHOWN]),
        "shown": SHOWN,
        "asked": asked,
        "tag": tag,
        "tags": [(each.value, SAY[each]) for each in Tag],
    }
    return render(request, "access/evidence.html", context)


def _meant(asked: str) -> list[str]:
    """The subjects and actors that somebody may mean: written out, without its kind, or a person by name."""
    people = Person.objects.filter(name__contains=asked).values_list("login", flat=True)[:50]
    return [asked, *(f"{kind}:{asked}" for kind in _KINDS), *(f"person:{login}" for login in people)]


def _lines(entries: Iterable[Entry]) -> list[Line]:
    found = list(entries)
    names = names_of(entry.actor for entry in found)
    return [
        Line(
            entry.index,
            entry.at,
            names[entry.actor],
            SAY.get(entry.tag, Text(entry.tag, entry.tag)),
            entry.tag,
        )
        for entry in found
    ]


SHOWN = 200
_KINDS = ("permit", "session", "person", "line", "latch", "contract", "system", "terminal", "os-user")
_HEADER = (
    Text("番号", "number"), Text("いつ", "at"), Text("誰が", "who"), Text("何を", "what"), Text("記号", "tag"),
)  # fmt: skip
