"""Small things all pages of this room need."""

import csv
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from sekisho.kernel.clock import TOKYO
from sekisho.kernel.text import Text
from sekisho.people.models import Person


def me(request: HttpRequest) -> Person:
    """Whoever is signed in; the access table lets nobody else reach a page."""
    assert isinstance(request.user, Person)  # noqa: S101
    return request.user


def say(ja: str, en: str) -> str:
    return Text(ja, en).in_language(get_language())


def csv_file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A CSV that Excel opens in Japanese (UTF-8 with a mark) and in which no cell is a formula."""
    response = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return response


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(TOKYO).strftime("%Y-%m-%d %H:%M:%S")
    text = "" if value is None else str(value)
    # A leading =, +, -, @, tab or return makes a spreadsheet calculate (OWASP, CSV injection).
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
