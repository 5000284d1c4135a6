"""The pages of the calendar: month, week, fiscal year, the file for other calendars, the sheet of systems."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from sekisho.access.calendar import Calendar, Kind, Processing, Span, calendar
from sekisho.access.icalendar_file import icalendar_file
from sekisho.access.models import Permit
from sekisho.access.models import Processing as ProcessingRow
from sekisho.access.reading import contracts_for, permits_for, processing_for
from sekisho.access.recurrence import Recurrence, Rule
from sekisho.access.showing import csv_file, me
from sekisho.contracts.models import System
from sekisho.contracts.reading import TABLE_ENDS, closed_days_of_city, grant_of
from sekisho.contracts.showing import allowed_shown
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.era import era_year, fiscal_year, parse_date
from sekisho.kernel.text import Text

FILE_DAYS = 400
"""How far ahead the file for other calendars reaches: a fiscal year and a month."""
SHEET_KEYS = ("service.hours", "arrangement", "work.places", "line.codes", "attendance")


def calendar_page(request: HttpRequest) -> HttpResponse:
    """A month, or a week, around the day `?on=`."""
    view = "week" if request.GET.get("view") == "week" else "month"
    on = _asked_day(request)
    first, days = (on - timedelta(days=on.weekday()), 7) if view == "week" else _month(on)
    found = _calendar(request, first, days)
    before, after = (first - timedelta(days=1), first + timedelta(days=days))
    if view == "month":
        before, after = (
            on.replace(day=1) - timedelta(days=1),
            (on.replace(day=28) + timedelta(days=4)).replace(day=1),
        )
    context = {
        "view": view, "on": on, "weeks": [found.days[at : at + 7] for at in range(0, len(found.days), 7)],
        "conflicts": [each for each in found.conflicts if first <= each.day < first + timedelta(days=days)],
        "before": before, "after": after, "today": _today(), "era": era_year(on),
        "weekdays": _WEEKDAYS, **_filters(request),
    }  # fmt: skip
    return render(request, "access/calendar.html", context)


def calendar_year(request: HttpRequest) -> HttpResponse:
    """The processing schedule of one fiscal year: which batch on which days of which month."""
    year = fiscal_year(_asked_day(request))
    first, last = date(year, 4, 1), date(year + 1, 3, 31)
    months = [date(year + (number > 9), (number + 2) % 12 + 1, 1) for number in range(1, 13)]
    closed = closed_days_of_city(year - 1, year + 2)
    rows = []
    for row in processing_for(me(request)):
        days = [
            starts.astimezone(TOKYO).date() for starts, _ in _recurrence(row).between(first, last, closed)
        ]
        rows.append((row, [[day.day for day in days if day.month == month.month] for month in months]))
    context = {
        "year": year, "era": era_year(date(year, 5, 1)), "months": months, "rows": rows,
        "before": date(year - 1, 4, 1), "after": date(year + 1, 4, 1),
    }  # fmt: skip
    return render(request, "access/calendar_year.html", context)


def calendar_file(request: HttpRequest) -> HttpResponse:
    """Everything this person may see of the calendar, for another calendar program."""
    first = _today() - timedelta(days=31)
    spans = [span for day in _calendar(request, first, FILE_DAYS).days for span in day.spans]
    response = HttpResponse(
        icalendar_file(spans, timezone.now()), content_type="text/calendar; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="sekisho.ics"'
    return response


def system_sheet(request: HttpRequest) -> HttpResponse:
    """The inventory of systems on one sheet: what they hold, who maintains them, when, from where."""
    rows = [_sheet_row(system) for system in System.objects.select_related("division").order_by("code")]
    if request.GET.get("format") == "csv":
        return csv_file("systems", _SHEET, [_cells(row) for row in rows])
    return render(request, "access/system_sheet.html", {"rows": rows, "today": _today()})


def _sheet_row(system: System) -> dict[str, Any]:
    contracts = []
    for contract in system.contracts.select_related("contractor").order_by("code"):
        grant = grant_of(contract, _today())
        said = {key: allowed_shown(grant, key) for key in SHEET_KEYS}
        contracts.append({"contract": contract, "said": said, "empty": grant.empty})
    return {"system": system, "contracts": contracts}


def _cells(row: Mapping[str, Any]) -> list[object]:
    system: System = row["system"]
    holds = _YES if system.special_personal_information else _NO
    said = [
        "; ".join(
            f"{each['contract'].code}: {', '.join(text.ja for text in each['said'][key])}"
            for each in row["contracts"]
        )
        for key in SHEET_KEYS
    ]
    return [system.code, Text(system.name, system.name_en), system.division.name, holds, *said]


def _calendar(request: HttpRequest, first: date, days: int) -> Calendar:
    person = me(request)
    contract, system = request.GET.get("contract", ""), request.GET.get("system", "")
    contracts = list(contracts_for(person).filter(**({"code": contract} if contract else {})))
    if system:
        contracts = [each for each in contracts if each.systems.filter(code=system).exists()]
    codes = [each.code for each in contracts]
    middle = first + timedelta(days=days // 2)
    permits = permits_for(person).filter(contract__in=codes).exclude(state=Permit.State.WITHDRAWN)
    processing = processing_for(person).filter(**({"system_id": system} if system else {}))
    if contract:
        processing = processing.filter(contract_id=contract)
    return calendar(
        {each.code: grant_of(each, middle) for each in contracts},
        {each.code: Text(each.title, each.title_en) for each in contracts},
        [_permit_span(each) for each in permits.filter(**({"system_id": system} if system else {}))],
        [_processing(each) for each in processing],
        first,
        days,
        closed_days_of_city(first.year - 1, first.year + 2),
        _today(),
        TABLE_ENDS,
    )


def _permit_span(permit: Permit) -> Span:
    title = Text(permit.system.name, permit.system.name_en)
    when = permit.starts, permit.ends
    return Span(
        Kind.PERMIT, *when, permit.number, permit.contract_id, title, permit.system_id, permit.emergency
    )


def _processing(row: ProcessingRow) -> Processing:
    waiting = tuple(each.division.name for each in row.agreements.all() if each.agreed_at is None)
    title = Text(row.title, row.title)
    return Processing(str(row.id), title, row.system_id, row.contract_id or "", _recurrence(row), waiting)


def _recurrence(row: ProcessingRow) -> Recurrence:
    return Recurrence(row.first, row.at, row.minutes, Rule(row.rule), row.until)


def _filters(request: HttpRequest) -> dict[str, Any]:
    contracts = contracts_for(me(request))
    systems = System.objects.filter(contracts__in=contracts).distinct().order_by("code")
    return {
        "contracts": contracts,
        "systems": systems,
        "contract": request.GET.get("contract", ""),
        "system": request.GET.get("system", ""),
    }


def _asked_day(request: HttpRequest) -> date:
    try:
        asked = parse_date(request.GET.get("on", ""))
    except ValueError:
        return _today()
    return asked if 1990 <= asked.year <= TABLE_ENDS.year else _today()


def _month(on: date) -> tuple[date, int]:
    """From the Monday on or before the first to the Sunday on or after the last."""
    first = on.replace(day=1)
    last = (on.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    begin = first - timedelta(days=first.weekday())
    return begin, ((last - begin).days // 7 + 1) * 7


def _today() -> date:
    return timezone.now().astimezone(TOKYO).date()


_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WEEKDAYS = [Text(ja, en) for ja, en in zip("月火水木金土日", _EN, strict=True)]
_YES, _NO = Text("あり", "yes"), Text("なし", "no")
_SHEET = (
    Text("コード", "code"), Text("システム", "system"), Text("所管課", "division"),
    Text("特定個人情報", "specific personal information"), Text("サービス時間帯", "hours"),
    Text("体制(常駐など)", "arrangement"), Text("履行場所", "places"), Text("回線", "lines"),
    Text("立会い", "attendance"),
)  # fmt: skip
