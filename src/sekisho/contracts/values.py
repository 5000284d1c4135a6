"""Value domains: each is a set of what is allowed, with `leq` (⊆), `meet` (∩) and a way to show it. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from sekisho.contracts.words import word
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


class BadValue(ValueError):
    """A value as written in a paper cannot be read; `text` says what to write instead."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True, slots=True)
class Names:
    """A set of registered names: sites, persons, lines, terminals, systems, kinds, methods."""

    names: frozenset[str]

    @classmethod
    def parse(cls, written: Iterable[str]) -> Self:
        return cls(frozenset(written))

    def leq(self, other: "Names") -> bool:
        return self.names <= other.names

    def meet(self, other: "Names") -> "Names":
        return Names(self.names & other.names)

    def without(self, other: "Names") -> "Names":
        return Names(self.names - other.names)

    @property
    def is_empty(self) -> bool:
        return not self.names

    def show(self) -> Text:
        shown = [word(name) for name in sorted(self.names)]
        return Text(
            "、".join(each.ja for each in shown) or "なし", ", ".join(each.en for each in shown) or "none"
        )


Row = tuple[tuple[int, int], ...]
"""Half-open minutes of one kind of day, sorted, apart. An end beyond 1440 reaches into the next day."""


@dataclass(frozen=True, slots=True)
class Week:
    """One weekly calendar as a paper states it: eight rows, Monday to Sunday and holidays."""

    rows: tuple[Row, ...]

    def covers(self, yesterday: int, today: int, minute: int) -> bool:
        """Whether `minute` of a day of kind `today`, after a day of kind `yesterday`, is inside."""
        return any(start <= minute < end for start, end in self.rows[today]) or any(
            start <= minute + DAY_MINUTES < end for start, end in self.rows[yesterday]
        )

    def spans(self, first: date, days: int, holidays: Set[date]) -> list[tuple[datetime, datetime]]:
        """The windows that begin on `days` days from `first`, merged where they touch."""
        spans: list[tuple[datetime, datetime]] = []
        for day in (first + timedelta(days=number) for number in range(days)):
            midnight = datetime(day.year, day.month, day.day, tzinfo=TOKYO)
            for start, end in self.rows[kind_of_day(day, holidays)]:
                span = (midnight + timedelta(minutes=start), midnight + timedelta(minutes=end))
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
        """
        rows: list[list[tuple[int, int]]] = [[] for _ in range(8)]
        for line in written:
            days, ranges = _parse_line(line)
            for day in days:
                rows[day].extend(ranges)
        return cls(frozenset({Week(tuple(_merged(row) for row in rows))}))

    def contains(self, moment: datetime, holidays: Set[date]) -> bool:
        """Whether `moment` (aware) is inside; `holidays` are the days judged by the holiday row."""
        local = moment.astimezone(TOKYO)
        day = local.date()
        kinds = kind_of_day(day - timedelta(days=1), holidays), kind_of_day(day, holidays)
        minute = local.hour * 60 + local.minute
        return all(week.covers(*kinds, minute) for week in self.weeks)

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

    def leq(self, other: "Hours") -> bool:
        return all(not self._covers(*case) or other._covers(*case) for case in _cases())

    def meet(self, other: "Hours") -> "Hours":
        return Hours(self.weeks | other.weeks)

    @property
    def is_empty(self) -> bool:
        return not any(self._covers(*case) for case in _cases())

    def show(self) -> Text:
        shown = [_show(week) for week in sorted(self.weeks, key=lambda week: week.rows)]
        return Text(" かつ ".join(each.ja for each in shown), " and ".join(each.en for each in shown))

    def _covers(self, yesterday: int, today: int, minute: int) -> bool:
        return all(week.covers(yesterday, today, minute) for week in self.weeks)


@dataclass(frozen=True, slots=True)
class Count:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int

    @classmethod
    def parse(cls, written: Iterable[int]) -> Self:
        numbers = sorted(written)
        if len(numbers) not in (1, 2):
            raise BadValue(
                Text("数は1つか、下限と上限の2つです。", "One number, or a lower and an upper one.")
            )
        return cls(numbers[0], numbers[-1])

    def leq(self, other: "Count") -> bool:
        return self.is_empty or (other.low <= self.low and self.high <= other.high)

    def meet(self, other: "Count") -> "Count":
        return Count(max(self.low, other.low), min(self.high, other.high))

    @property
    def is_empty(self) -> bool:
        return self.low > self.high

    def show(self) -> Text:
        if self.is_empty:
            return Text("なし", "none")
        text = str(self.low) if self.low == self.high else f"{self.low}–{self.high}"
        return Text(text, text)


Value = Names | Hours | Count


def kind_of_day(day: date, holidays: Set[date]) -> int:
    """The row by which a day is judged."""
    return HOLIDAY if day in holidays else day.weekday()


def _cases() -> Iterator[tuple[int, int, int]]:
    """Every minute of every kind of day after every kind of day that can precede it."""
    for weekday in range(7):
        for today in (weekday, HOLIDAY):
            for yesterday in ((weekday - 1) % 7, HOLIDAY):
                for minute in range(DAY_MINUTES):
                    yield yesterday, today, minute


def _parse_line(line: str) -> tuple[list[int], list[tuple[int, int]]]:
    words = unicodedata.normalize("NFKC", line).replace("~", "-").lower().split()
    if len(words) < 2:
        raise _unreadable(line)
    ranges = [] if words[1:] == ["none"] else [_parse_range(word, line) for word in words[1:]]
    return _parse_days(words[0], line), ranges


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
            "例: 「mon-fri 07:30-21:15」「daily 00:00-24:00」「sat 22:00-翌6:00」「holiday none」",
            f'cannot read the hours "{line}". Write for example "mon-fri 07:30-21:15", "daily 00:00-24:00", '
            '"sat 22:00-翌6:00", "holiday none".',
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
    if not stated:
        return Text("なし", "none")
    ja = "、".join(f"{_span(days, _DAYS_JA, '〜')} {_clock(row, '翌')}" for days, row in stated)
    en = ", ".join(f"{_span(days, _DAYS_EN, '–')} {_clock(row, 'next ')}" for days, row in stated)
    return Text(ja, en)


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
