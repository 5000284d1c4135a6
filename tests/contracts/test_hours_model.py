"""Service hours against a second, slower reading of the same lines: a hundred thousand moments chosen at random."""

import random
import re
from datetime import date, datetime, timedelta

import pytest

from sekisho.contracts.hours import Hours
from sekisho.contracts.reading import closed_days
from sekisho.kernel.clock import TOKYO

CASES = 100_000
SEED = 20261123
NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
CLOSED = closed_days(2018, 2034)
EDGES = (
    "2019-04-30 23:59", "2019-05-01", "2020-02-29 12:00", "2024-02-28 23:59", "2026-03-31 23:59", "2026-04-01",
    "2026-11-23", "2026-12-28 23:59", "2026-12-29", "2027-01-03 23:59", "2027-01-04", "2032-02-29 23:59",
)  # fmt: skip
"""Where calendars go wrong: a new era, leap days, the year's end, a holiday, a month's end. Tokyo time."""


def some_lines(chooser: random.Random) -> list[str]:
    """One to three lines as a paper might have them, nights and whole days among them."""
    lines = []
    for _ in range(chooser.randint(1, 4)):
        first = chooser.randrange(7)
        days = chooser.choice(
            [
                NAMES[first],
                f"{NAMES[first]}-{NAMES[chooser.randint(first, 6)]}",
                "holiday",
                "daily",
                "mon,wed,sun",
            ]
        )
        start, end = chooser.randrange(1440), chooser.choice([0, 1440, chooser.randrange(1441)])
        if start != end:
            night = "翌" if end < start and chooser.random() < 0.5 else ""
            if chooser.random() < 0.2:
                days = some_dates(chooser)
            lines.append(f"{days} {start // 60:02}:{start % 60:02}-{night}{end // 60:02}:{end % 60:02}")
    if chooser.random() < 0.2:
        lines.append(f"{some_dates(chooser)} none")
    return lines or ["daily 00:00-24:00"]


def some_dates(chooser: random.Random) -> str:
    """A date or a range of them, often around an edge."""
    first = datetime.fromisoformat(chooser.choice(EDGES)).date() + timedelta(days=chooser.randint(-400, 400))
    last = first + timedelta(days=chooser.choice([0, 1, 20, 400]))
    return f"{first}..{last}" if last > first else str(first)


def read_slowly(lines: list[str], around: date) -> list[tuple[datetime, datetime]]:
    """Every window that begins within ten days of `around`, as a person would write them into a diary."""
    windows = []
    for number in range(-2, 11):
        day = around + timedelta(days=number)
        for line in lines_of(day, lines):
            hours = line.split()[1]
            if hours == "none":
                continue
            start, next_day, end = re.fullmatch(r"(\d\d:\d\d)-(翌?)(\d\d:\d\d)", hours).groups()  # type: ignore[union-attr]
            opens, closes = at(day, start), at(day, end)
            if next_day or closes < opens:
                closes = at(day + timedelta(days=1), end)
            windows.append((opens, closes))
    return windows


def lines_of(day: date, lines: list[str]) -> list[str]:
    """The lines that say something of a day: the last that names its date, else those of the week."""
    dated = [line for line in lines if line[0].isdigit() and in_dates(day, line.split()[0])]
    return dated[-1:] or [line for line in lines if not line[0].isdigit() and belongs(day, line.split()[0])]


def in_dates(day: date, dates: str) -> bool:
    first, _, last = dates.partition("..")
    return first <= str(day) <= (last or first)


def belongs(day: date, days: str) -> bool:
    if days == "daily":
        return True
    if day in CLOSED:
        return days == "holiday"
    if "-" in days:
        first, last = days.split("-")
        return NAMES.index(first) <= day.weekday() <= NAMES.index(last)
    return NAMES[day.weekday()] in days.split(",")


def at(day: date, clock: str) -> datetime:
    hours, minutes = clock.split(":")
    midnight = datetime(day.year, day.month, day.day, tzinfo=TOKYO)
    return midnight + timedelta(hours=int(hours), minutes=int(minutes))


def closes_at(windows: list[tuple[datetime, datetime]], moment: datetime) -> datetime:
    """Follows windows that touch or overlap, one after the other, until there is a gap."""
    while later := [end for start, end in windows if start <= moment < end]:
        moment = max(later)
    return moment


@pytest.mark.timeout(400)
def test_a_hundred_thousand_moments_are_judged_alike() -> None:
    """Inside or outside, and until when: the product and the diary agree, seconds before and after each edge too."""
    chooser = random.Random(SEED)
    inside = 0
    for number in range(CASES):
        if number % 20 == 0:
            lines = some_lines(chooser)
            hours = Hours.parse(lines)
        if chooser.random() < 0.2:
            edge = datetime.fromisoformat(chooser.choice(EDGES)).replace(tzinfo=TOKYO)
            moment = edge + timedelta(seconds=chooser.randint(-90, 90))
        else:
            moment = datetime(2019, 1, 1, tzinfo=TOKYO) + timedelta(
                seconds=chooser.randrange(14 * 365 * 86_400)
            )
        windows = read_slowly(lines, moment.date())
        expected = any(start <= moment < end for start, end in windows)
        assert hours.contains(moment, CLOSED) == expected, (SEED, number, lines, moment)
        if expected:
            inside += 1
            until, closes = hours.until(moment, CLOSED), closes_at(windows, moment)
            assert moment < until <= closes, (SEED, number, lines, moment)
            if closes - moment < timedelta(days=6):
                assert until == closes, (SEED, number, lines, moment, until, closes)
    assert CASES / 10 < inside < CASES * 9 / 10, "the cases say little"


def test_the_windows_shown_are_those_that_hold() -> None:
    """What the calendar shows of some days covers the same moments as the diary's windows that begin on them."""
    chooser = random.Random(SEED)
    for number in range(5_000):
        if number % 20 == 0:
            lines = some_lines(chooser)
            hours = Hours.parse(lines)
        first = date(2019, 1, 1) + timedelta(days=chooser.randrange(14 * 365))
        days = chooser.randint(1, 9)
        shown = hours.windows(first, days, CLOSED)
        begun = [
            each
            for each in read_slowly(lines, first)
            if first <= each[0].date() < first + timedelta(days=days)
        ]
        assert all(first <= start.date() < first + timedelta(days=days) for start, _ in shown)
        for _ in range(5):
            moment = at(first, "00:00") + timedelta(seconds=chooser.randrange((days + 1) * 86_400))
            inside = any(start <= moment < end for start, end in begun)
            assert any(start <= moment < end for start, end in shown) == inside, (SEED, number, lines, moment)
