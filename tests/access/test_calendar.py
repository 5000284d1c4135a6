"""The calendar and the processing schedule: days as a city hall counts them, and what does not agree."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.access import schedule
from sekisho.access.calendar import Calendar, Kind, Processing, Span, calendar
from sekisho.access.icalendar_file import icalendar_file
from sekisho.access.models import Agreement
from sekisho.access.models import Processing as ProcessingRow
from sekisho.access.recurrence import Recurrence, Rule
from sekisho.contracts.grant import Grant, Term
from sekisho.contracts.hours import Hours
from sekisho.contracts.models import ClosedDay, System
from sekisho.contracts.reading import closed_days, closed_days_of_city, grant_of
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.ids import ContractCode, ContractorCode
from sekisho.kernel.text import Text
from tests.access.smalltown import SmallTown, must, refused

TODAY = date(2026, 11, 24)
CLOSED = closed_days(2025, 2028)
TITLE = Text("保守", "Maintenance")
DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))


def again(rule: Rule, first: date, until: date | None = None) -> Recurrence:
    return Recurrence(first, time(22), 180, rule, until)


def days_of(recurrence: Recurrence, first: date, last: date) -> list[date]:
    return [starts.date() for starts, _ in recurrence.between(first, last, CLOSED)]


@pytest.mark.parametrize(
    ("rule", "first", "expected"),
    [
        (Rule.ONCE, date(2026, 12, 1), ["2026-12-01"]),
        (Rule.WEEKLY, date(2026, 12, 14), ["2026-12-14", "2026-12-21", "2026-12-28"]),
        (Rule.MONTHLY, date(2026, 10, 31), ["2026-12-31"]),
        (Rule.MONTHLY, date(2026, 11, 30), ["2026-12-30"]),
        (Rule.LAST_WORKING_DAY, date(2026, 4, 1), ["2026-12-28"]),
        (Rule.YEARLY, date(2024, 12, 24), ["2026-12-24"]),
    ],
)
def test_the_rules_in_december(rule: Rule, first: date, expected: list[str]) -> None:
    """December 2026: city hall is closed from the 29th; the 31st is a month's end."""
    found = days_of(again(rule, first), date(2026, 12, 1), date(2026, 12, 31))
    assert [day.isoformat() for day in found] == expected


def test_short_months_leap_days_and_the_turn_of_an_era() -> None:
    """The 31st becomes the last, 29 February the 28th; nothing happens where an era begins."""
    monthly = again(Rule.MONTHLY, date(2024, 1, 31))
    assert days_of(monthly, date(2024, 2, 1), date(2024, 4, 30)) == [
        date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30),
    ]  # fmt: skip
    assert days_of(again(Rule.YEARLY, date(2024, 2, 29)), date(2025, 1, 1), date(2028, 12, 31)) == [
        date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29),
    ]  # fmt: skip
    assert days_of(again(Rule.MONTHLY, date(2019, 3, 31)), date(2019, 4, 1), date(2019, 5, 31)) == [
        date(2019, 4, 30), date(2019, 5, 31),
    ]  # fmt: skip


@given(st.sampled_from(list(Rule)), DAYS, DAYS, st.integers(0, 400), st.none() | DAYS)
def test_asked_by_parts_it_says_the_same(
    rule: Rule, first: date, begin: date, length: int, until: date | None
) -> None:
    """Day by day or all at once; never before the first, never after the last, never twice."""
    recurrence, end = again(rule, first, until), begin + timedelta(days=length)
    whole = days_of(recurrence, begin, end)
    assert whole == sorted(set(whole))
    assert all(first <= day and begin <= day <= end and day <= (until or end) for day in whole)
    halfway = begin + timedelta(days=length // 2)
    parts = days_of(recurrence, begin, halfway) + days_of(recurrence, halfway + timedelta(days=1), end)
    assert parts == whole


def grant(written: list[str], **change: Any) -> Grant:
    terms = {"service.hours": Term("service.hours", Hours.parse(written), ())}
    base: dict[str, Any] = {
        "starts": date(2026, 4, 1),
        "ends": date(2031, 3, 31),
        "holidays": CLOSED,
        **change,
    }
    return Grant(ContractCode("c-1"), ContractorCode("shiosai"), terms=terms, documents=(), **base)


def span(code: str, starts: datetime, hours: float, **more: Any) -> Span:
    known: dict[str, Any] = {"contract": "c-1", "title": TITLE, "system": "juki", **more}
    return Span(Kind.PERMIT, starts, starts + timedelta(hours=hours), code, **known)


def made(
    written: list[str], permits: tuple[Span, ...] = (), entries: tuple[Processing, ...] = (), **more: Any
) -> Calendar:
    given_: dict[str, Any] = {
        "first": date(2026, 11, 23),
        "days": 7,
        "table_ends": date(2099, 12, 31),
        **more,
    }
    grants = {"c-1": grant(written, **given_.pop("grant", {}))}
    return calendar(
        grants,
        {"c-1": TITLE},
        permits,
        entries,
        given_["first"],
        given_["days"],
        CLOSED,
        TODAY,
        given_["table_ends"],
    )


def codes(found: Calendar) -> list[str]:
    return [each.code for each in found.conflicts]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=TOKYO)


def test_windows_stand_on_the_day_they_begin() -> None:
    """A holiday has none; a night belongs to its evening; round the clock is a window each day."""
    found = made(["mon-fri 07:30-21:15", "sat 22:00-翌6:00"])
    shown = {day.date.day: [(s.starts.hour, s.ends.day) for s in day.spans] for day in found.days}
    assert shown == {
        23: [],
        24: [(7, 24)],
        25: [(7, 25)],
        26: [(7, 26)],
        27: [(7, 27)],
        28: [(22, 29)],
        29: [],
    }
    assert found.days[0].closed
    assert [len(day.spans) for day in made(["daily 00:00-24:00"]).days] == [1] * 7


def test_a_contract_that_is_over_has_no_windows() -> None:
    """On its last day it has, on the next it has not."""
    ended = made(["daily 00:00-24:00"], grant={"ends": date(2026, 11, 25)})
    assert [len(day.spans) for day in ended.days] == [1, 1, 1, 0, 0, 0, 0]


def test_what_does_not_agree_is_said() -> None:
    """Each kind of conflict, and none where nothing is wrong."""
    hours = ["mon-fri 07:30-21:15"]
    assert codes(made(hours, (span("R8-0001", at(24, 9), 3),))) == []
    assert codes(made(hours, (span("R8-0001", at(24, 20), 3),))) == ["permit-outside-hours"]
    assert codes(made(hours, (span("R8-0001", at(24, 22), 3, emergency=True),))) == []
    both = span("R8-0001", at(24, 9), 3), span("R8-0002", at(24, 11), 1)
    assert codes(made(hours, both)) == ["overlap"]
    apart = span("R8-0001", at(24, 9), 2), span("R8-0002", at(24, 11), 1)
    assert codes(made(hours, apart)) == []
    other = span("R8-0001", at(24, 9), 3), span("R8-0002", at(24, 11), 1, system="zei")
    assert codes(made(hours, other)) == []


def entry(**change: Any) -> Processing:
    first = Recurrence(date(2026, 11, 24), time(9), 60, Rule.ONCE)
    whole: dict[str, Any] = {
        "code": "p-1", "title": Text("異動の一括更新", "Bulk update"), "system": "juki", "contract": "c-1",
        "recurrence": first, **change,
    }  # fmt: skip
    return Processing(**whole)


def test_what_processing_does_not_agree_with() -> None:
    """Hours, contracts, permits, other processing, and divisions that have not agreed."""
    hours = ["mon-fri 07:30-21:15"]
    late = Recurrence(date(2026, 11, 24), time(22), 60, Rule.ONCE)
    assert codes(made(hours, entries=(entry(),))) == []
    assert codes(made(hours, entries=(entry(recurrence=late),))) == ["processing-outside-hours"]
    assert codes(made(hours, entries=(entry(recurrence=late, contract=""),))) == []
    assert codes(made(hours, entries=(entry(contract="c-7"),))) == ["processing-in-no-contract"]
    assert codes(made(hours, (span("R8-0001", at(24, 9, 30), 1),), (entry(),))) == ["overlap"]
    assert codes(made(hours, entries=(entry(), entry(code="p-2")))) == ["overlap"]
    assert codes(made(hours, entries=(entry(waiting=("市民課",)),))) == ["not-agreed"]
    far = Recurrence(TODAY + timedelta(days=15), time(9), 60, Rule.ONCE)
    later = {"first": TODAY, "days": 30}
    assert codes(made(hours, entries=(entry(waiting=("市民課",), recurrence=far),), **later)) == []


def test_the_end_of_the_holiday_table_is_said_a_year_ahead() -> None:
    """While a contract goes on after it; not sooner, and not for contracts that end before."""
    year = timedelta(days=366)
    assert codes(made([*["daily 00:00-24:00"]], table_ends=TODAY + year)) == ["holidays-end"]
    assert codes(made(["daily 00:00-24:00"], table_ends=TODAY + year + timedelta(days=1))) == []
    short = {"ends": TODAY + timedelta(days=30)}
    assert codes(made(["daily 00:00-24:00"], table_ends=TODAY + year, grant=short)) == []


def test_the_file_for_other_calendars_reads_back() -> None:
    """By the library, in Tokyo time, with identities that stay, and with nothing smuggled in by a title."""
    odd = Text("更新\r\nATTENDEE:mailto:x@example.invalid\r\nEND:VEVENT", "a;b,c\\n")
    spans = [span("R8-0001", at(24, 9), 3), span("R8-0002", at(24, 22), 9, title=odd)]
    file = icalendar_file(spans, datetime(2026, 11, 1, tzinfo=UTC))
    again_ = icalendar_file(spans, datetime(2026, 11, 2, tzinfo=UTC))
    events = icalendar.Calendar.from_ical(file).walk("VEVENT")
    assert [event.decoded("dtstart") for event in events] == [each.starts for each in spans]
    assert [event.decoded("dtend") for event in events] == [each.ends for each in spans]
    assert b"TZID=Asia/Tokyo" in file
    assert all("attendee" not in event for event in events)
    uids = [str(event["uid"]) for event in events]
    assert len(set(uids)) == 2
    assert uids == [str(event["uid"]) for event in icalendar.Calendar.from_ical(again_).walk("VEVENT")]


# The verbs


def wanted(town: SmallTown, **change: Any) -> schedule.Entry:
    whole: dict[str, Any] = {
        "title": "異動の一括更新", "system": System.objects.get(code="juki"), "contract": town.contract,
        "recurrence": again(Rule.MONTHLY, town.now.date()), "divisions": (town.contract.division,), **change,
    }  # fmt: skip
    return schedule.Entry(**whole)


def test_only_the_systems_division_plans(town: SmallTown) -> None:
    """Others leave nothing behind."""
    for person in town.everybody_but("systems"):
        with town.nothing_happens():
            assert "only-systems" in refused(schedule.enter_processing(wanted(town), person, town.now))
    with town.one_record("city:processing:entered", "person:systems"):
        row = must(schedule.enter_processing(wanted(town), town.person("systems"), town.now))
    for person in town.everybody_but("systems"):
        with town.nothing_happens():
            assert refused(schedule.withdraw_processing(row, person, town.now)) == ("only-systems",)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": " "}, "no-title"),
        ({"divisions": ()}, "nobody"),
        ({"recurrence": Recurrence(date(2026, 11, 24), time(9), 0, Rule.ONCE)}, "no-length"),
        ({"recurrence": Recurrence(date(2026, 11, 24), time(9), 99999, Rule.ONCE)}, "no-length"),
        ({"recurrence": again(Rule.WEEKLY, date(2026, 11, 24), date(2026, 11, 23))}, "ends-first"),
        ({"recurrence": again(Rule.ONCE, date(2026, 11, 24), date(2026, 11, 30))}, "once-until"),
        ({"recurrence": again(Rule.ONCE, date(2040, 11, 24))}, "no-contract"),
    ],
)
def test_bad_entries_are_refused(town: SmallTown, change: dict[str, Any], code: str) -> None:
    """Each with its own reason; nothing is half entered."""
    with town.nothing_happens():
        answer = schedule.enter_processing(wanted(town, **change), town.person("systems"), town.now)
        assert code in refused(answer)


def test_divisions_agree_to_what_they_read(town: SmallTown) -> None:
    """Only who is asked; an amendment asks anew; an objection may become a yes."""
    systems, kacho = town.person("systems"), town.person("kacho")
    row = must(schedule.enter_processing(wanted(town), systems, town.now))
    for person in town.everybody_but("kacho"):
        with town.nothing_happens():
            assert refused(schedule.agree(row, person, town.now, row.edition)) == ("not-asked",)
    with town.nothing_happens():
        assert refused(schedule.agree(row, kacho, town.now, "something else")) == ("amended",)
        assert refused(schedule.object_to(row, " ", kacho, town.now, row.edition)) == ("say-why",)
    with town.one_record("city:processing:objected", "person:kacho") as said:
        must(schedule.object_to(row, "月末は窓口が混む", kacho, town.now, row.edition))
    assert "窓口" not in str(said)
    with town.one_record("city:processing:agreed", "person:kacho"):
        must(schedule.agree(row, kacho, town.now, row.edition))
    assert Agreement.objects.get().objection == ""
    later = town.now + timedelta(seconds=1)
    with town.one_record("city:processing:amended", "person:systems"):
        changed = must(schedule.amend_processing(row, wanted(town, title="別の処理"), systems, later))
    assert Agreement.objects.get().agreed_at is None
    assert refused(schedule.agree(changed, kacho, later, row.edition)) == ("amended",)
    with town.one_record("city:processing:withdrawn", "person:systems"):
        must(schedule.withdraw_processing(changed, systems, later))
    assert refused(schedule.agree(changed, kacho, later, changed.edition)) == ("withdrawn",)
    assert ProcessingRow.objects.get().title == "別の処理"


def test_the_citys_own_closed_day_is_a_holiday_at_once(town: SmallTown) -> None:
    """A day that the city closes by a paper is judged by the holiday row, in the decision as in the calendar."""
    day = (town.now + timedelta(days=30)).astimezone(TOKYO).date()
    assert day not in grant_of(town.contract, town.now.date()).holidays
    ClosedDay.objects.create(code="kinenbi", name="市制記念日", name_en="Foundation day", date=day)
    assert day in grant_of(town.contract, town.now.date()).holidays
    assert day in closed_days_of_city(day.year, day.year)
