"""Service hours: sets of moments, as papers state them by the week and by the date. Pure; Tokyo time."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from sekisho.contracts.values import BadValue
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.text import Text

DAY_MINUTES = 1440
HOLIDAY = 7
"""The row for national holidays and the city's closed days; rows 0 to 6 are Monday to Sunday."""
_FURTHEST = 8  # days: no permit's window is asked about beyond a week

_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6, "holiday": HOLIDAY}
_DAYS_JA = "月火水木金土日祝"
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "holidays")
_RANGE = re.compile(r"^(\d{1,2}):(\d{2})-(翌)?(\d{1,2}):(\d{2})$")

Row = tuple[tuple[int, int], ...]
"""Half-open minutes of one day, sorted, apart. An end beyond 1440 reaches into the next day."""


@dataclass(frozen=True, slots=True, order=True)
class Dates:
    """What holds from one date to another, both included, instead of the week's rows."""

    first: date
    last: date
    row: Row


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """One calendar as a paper states it: eight rows, Monday to Sunday and holidays; and dates that differ.

    Where dates overlap, the later line of the paper holds.
    """

    rows: tuple[Row, ...]
    dates: tuple[Dates, ...] = ()

    def row_of(self, day: date, holidays: Set[date]) -> Row:
        """The windows that begin on `day`."""
        stated = next((each.row for each in reversed(self.dates) if each.first <= day <= each.last), None)
        return stated if stated is not None else self.rows[kind_of_day(day, holidays)]

    def covers(self, day: date, minute: int, holidays: Set[date]) -> bool:
        """Whether `minute` of `day` is inside a window of that day, or of the night before."""
        yesterday = day - timedelta(days=1)
        return any(start <= minute < end for start, end in self.row_of(day, holidays)) or any(
            start <= minute + DAY_MINUTES < end for start, end in self.row_of(yesterday, holidays)
        )

    def begin_on(self, day: date, holidays: Set[date]) -> list[tuple[datetime, datetime]]:
        """The windows that begin on `day`, as moments."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=TOKYO)
        return [
            (midnight + timedelta(minutes=start), midnight + timedelta(minutes=end))
            for start, end in self.row_of(day, holidays)
        ]

    def spans(self, first: date, days: int, holidays: Set[date]) -> list[tuple[datetime, datetime]]:
        """The windows that begin on `days` days from `first`, merged where they touch."""
        spans: list[tuple[datetime, datetime]] = []
        for day in (first + timedelta(days=number) for number in range(days)):
            for span in self.begin_on(day, holidays):
                if spans and span[0] <= spans[-1][1]:
                    spans[-1] = (spans[-1][0], max(spans[-1][1], span[1]))
                else:
                    spans.append(span)
        return spans


@dataclass(frozen=True, slots=True)
class Hours:
    """Service hours: the moments that *all* of its weeks cover. A night belongs to the day it begins on."""

    weeks: frozenset[Week]

    @classmethod
    def parse(cls, written: Iterable[str]) -> Self:
        """Reads lines such as `mon-fri 07:30-21:15`, `daily 00:00-24:00`, `sat 22:00-翌6:00`. BadValue otherwise.

        A day that no line names has no service; neither have holidays, unless `holiday` or `daily` says so.
        `2026-12-28..2027-01-08 none` and `2026-05-06 08:30-12:00` hold on their dates alone, whatever the week says.
        """
        rows: list[list[tuple[int, int]]] = [[] for _ in range(8)]
        dates: list[Dates] = []
        for line in written:
            days, ranges = _parse_line(line)
            if isinstance(days, tuple):
                dates.append(Dates(*days, _merged(ranges)))
                continue
            for day in days:
                rows[day].extend(ranges)
        return cls(frozenset({Week(tuple(_merged(row) for row in rows), tuple(dates))}))

    def contains(self, moment: datetime, holidays: Set[date]) -> bool:
        """Whether `moment` (aware) is inside; `holidays` are the days judged by the holiday row."""
        local = moment.astimezone(TOKYO)
        return self._covers(local.date(), local.hour * 60 + local.minute, holidays)

    def until(self, moment: datetime, holidays: Set[date]) -> datetime:
        """When the window that contains `moment` ends (at most eight days on); `moment` itself when outside."""
        if not self.contains(moment, holidays):
            return moment
        first = moment.astimezone(TOKYO).date() - timedelta(days=1)
        return min(
            end
            for week in self.weeks
            for start, end in week.spans(first, _FURTHEST + 1, holidays)
            if start <= moment < end
        )

    def windows(self, first: date, days: int, holidays: Set[date]) -> list[tuple[datetime, datetime]]:
        """Each window that begins on one of `days` days from `first`, in order. Only moments that all weeks cover."""
        found: list[tuple[datetime, datetime]] | None = None
        for week in self.weeks:
            windows = [
                window
                for number in range(-1, days)
                for window in week.begin_on(first + timedelta(days=number), holidays)
            ]
            found = windows if found is None else _common(found, windows)
        midnight = datetime(first.year, first.month, first.day, tzinfo=TOKYO)
        return [window for window in found or [] if window[0] >= midnight]

    def leq(self, other: "Hours") -> bool:
        return all(
            not self._covers(*case) or other._covers(*case) for case in _cases(self.weeks | other.weeks)
        )

    def meet(self, other: "Hours") -> "Hours":
        return Hours(self.weeks | other.weeks)

    @property
    def is_empty(self) -> bool:
        return not any(self._covers(*case) for case in _cases(self.weeks))

    def show(self) -> Text:
        shown = [_show(week) for week in sorted(self.weeks)]
        return Text(" かつ ".join(each.ja for each in shown), " and ".join(each.en for each in shown))

    def _covers(self, day: date, minute: int, holidays: Set[date]) -> bool:
        return all(week.covers(day, minute, holidays) for week in self.weeks)


def _common(
    one: Iterable[tuple[datetime, datetime]], other: Iterable[tuple[datetime, datetime]]
) -> list[tuple[datetime, datetime]]:
    """What lies in both, in order."""
    both = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return sorted(span for span in both if span[0] < span[1])


def kind_of_day(day: date, holidays: Set[date]) -> int:
    """The row by which a day is judged."""
    return HOLIDAY if day in holidays else day.weekday()


def _cases(weeks: Iterable[Week]) -> Iterator[tuple[date, int, Set[date]]]:
    """A minute of every stretch of a day of every kind, after a day of every kind, wherever `weeks` may differ.

    Between two of their dates nothing changes but the day of the week, so nine days from each are enough; and
    between two of their minutes nothing changes at all.
    """
    weeks = tuple(weeks)
    rows = [row for week in weeks for row in (*week.rows, *(each.row for each in week.dates))]
    minutes = sorted({0, *(edge % DAY_MINUTES for row in rows for span in row for edge in span)})
    begins = {each.first for week in weeks for each in week.dates}
    begins |= {each.last + timedelta(days=1) for week in weeks for each in week.dates}
    days = {begin + timedelta(days=number) for begin in begins for number in range(9)}
    days |= {_ordinary(begins) + timedelta(days=number) for number in range(7)}
    for day in sorted(days):
        yesterday = day - timedelta(days=1)
        for holidays in (
            frozenset[date](),
            frozenset({day}),
            frozenset({yesterday}),
            frozenset({day, yesterday}),
        ):
            for minute in minutes:
                yield day, minute, holidays


def _ordinary(begins: Set[date]) -> date:
    """A day after which no paper says anything of dates."""
    return max(begins, default=date(2026, 1, 5)) + timedelta(days=30)


def _parse_line(line: str) -> tuple[list[int] | tuple[date, date], list[tuple[int, int]]]:
    words = unicodedata.normalize("NFKC", line).replace("~", "-").lower().split()
    if len(words) < 2:
        raise _unreadable(line)
    ranges = [] if words[1:] == ["none"] else [_parse_range(word, line) for word in words[1:]]
    return _parse_dates(words[0], line) or _parse_days(words[0], line), ranges


def _parse_dates(word: str, line: str) -> tuple[date, date] | None:
    """`2026-05-06` or `2026-12-28..2027-01-08`; None for anything that does not begin with a digit."""
    if not word[0].isdigit():
        return None
    first, _, last = word.partition("..")
    try:
        dates = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError as error:
        raise _unreadable(line) from error
    if dates[1] < dates[0]:
        raise _unreadable(line)
    return dates


def _parse_days(word: str, line: str) -> list[int]:
    if word == "daily":
        return list(range(8))
    days: list[int] = []
    for part in word.split(","):
        first, _, last = part.partition("-")
        if first not in _DAYS or (last and last not in _DAYS) or HOLIDAY in (_DAYS.get(last),):
            raise _unreadable(line)
        end = _DAYS[last or first]
        if end < _DAYS[first]:
            raise _unreadable(line)
        days.extend(range(_DAYS[first], end + 1))
    return days


def _parse_range(word: str, line: str) -> tuple[int, int]:
    match = _RANGE.match(word)
    if match is None:
        raise _unreadable(line)
    start = int(match[1]) * 60 + int(match[2])
    end = int(match[4]) * 60 + int(match[5])
    if int(match[2]) > 59 or int(match[5]) > 59 or start >= DAY_MINUTES or end > DAY_MINUTES or start == end:
        raise _unreadable(line)
    crosses = bool(match[3]) or end < start
    return start, end + (DAY_MINUTES if crosses else 0)


def _merged(row: list[tuple[int, int]]) -> Row:
    done: list[tuple[int, int]] = []
    for start, end in sorted(row):
        if done and start <= done[-1][1]:
            done[-1] = (done[-1][0], max(done[-1][1], end))
        else:
            done.append((start, end))
    return tuple(done)


def _unreadable(line: str) -> BadValue:
    return BadValue(
        Text(
            f"時間帯「{line}」を読めません。"
            "例: 「mon-fri 07:30-21:15」「daily 00:00-24:00」「sat 22:00-翌6:00」「holiday none」"
            "「2026-05-06 08:30-12:00」「2026-12-28..2027-01-08 none」",
            f'cannot read the hours "{line}". Write for example "mon-fri 07:30-21:15", "daily 00:00-24:00", '
            '"sat 22:00-翌6:00", "holiday none", "2026-05-06 08:30-12:00", "2026-12-28..2027-01-08 none".',
        )
    )


def _show(week: Week) -> Text:
    groups: list[tuple[list[int], Row]] = []
    for day, row in enumerate(week.rows):
        if groups and groups[-1][1] == row:
            groups[-1][0].append(day)
        else:
            groups.append(([day], row))
    stated = [(days, row) for days, row in groups if row]
    ja = [f"{_span(days, _DAYS_JA, '〜')} {_clock(row, '翌')}" for days, row in stated] or ["なし"]
    en = [f"{_span(days, _DAYS_EN, '–')} {_clock(row, 'next ')}" for days, row in stated] or ["none"]
    for each in week.dates:
        ja.append(f"ただし {_dates(each, '〜')} {_clock(each.row, '翌') or 'なし'}")
        en.append(f"but {_dates(each, '–')} {_clock(each.row, 'next ') or 'none'}")
    return Text("、".join(ja), ", ".join(en))


def _dates(dates: Dates, dash: str) -> str:
    first, last = dates.first.isoformat(), dates.last.isoformat()
    return first if first == last else f"{first}{dash}{last}"


def _span(days: list[int], names: Iterable[str], dash: str) -> str:
    known = list(names)
    if len(days) == len(known):
        return "毎日" if known[0] == "月" else "daily"
    return known[days[0]] if len(days) == 1 else f"{known[days[0]]}{dash}{known[days[-1]]}"


def _clock(row: Row, next_day: str) -> str:
    def minute(value: int) -> str:
        beyond = value > DAY_MINUTES
        value -= DAY_MINUTES if beyond else 0
        return f"{next_day if beyond else ''}{value // 60}:{value % 60:02}"

    return " ".join(f"{minute(start)}–{minute(end)}" for start, end in row)
