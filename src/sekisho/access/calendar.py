"""The calendar: service windows, permits and processing side by side, and where they do not agree. Pure.

Values in, days and conflicts out. A span belongs to the day on which it begins, also where it crosses midnight.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import combinations

from sekisho.access.recurrence import Recurrence
from sekisho.contracts.grant import Grant
from sekisho.contracts.hours import Hours
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.text import Text

AGREE_DAYS = 14
"""Processing that somebody has not agreed to is a conflict when it comes within so many days."""
TABLE_AHEAD = timedelta(days=366)
"""That the table of holidays ends is said so long before."""


class Kind(StrEnum):
    """What a span is."""

    HOURS = "hours"
    PERMIT = "permit"
    PROCESSING = "processing"


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of time. `code`: the contract's, the permit's or the entry's; `system` where there is one."""

    kind: Kind
    starts: datetime
    ends: datetime
    code: str
    contract: str
    title: Text
    system: str = ""
    emergency: bool = False

    @property
    def day(self) -> date:
        return self.starts.astimezone(TOKYO).date()

    @property
    def over_night(self) -> bool:
        """Whether it ends on another day than it begins; midnight itself still belongs to the day."""
        return self.day < (self.ends - timedelta(seconds=1)).astimezone(TOKYO).date()


@dataclass(frozen=True, slots=True)
class Processing:
    """One entry of the processing schedule. `waiting`: the divisions that have not agreed to it."""

    code: str
    title: Text
    system: str
    contract: str
    """Whose work it is; empty where the city does it itself."""
    recurrence: Recurrence
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that does not agree, on a day, about one or two spans."""

    code: str
    day: date
    text: Text
    about: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """One day: what begins on it, in order."""

    date: date
    closed: bool
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    days: tuple[Day, ...]
    conflicts: tuple[Conflict, ...]


def calendar(
    grants: Mapping[str, Grant],
    titles: Mapping[str, Text],
    permits: Sequence[Span],
    processing: Sequence[Processing],
    first: date,
    days: int,
    closed: Set[date],
    today: date,
    table_ends: date,
) -> Calendar:
    """The calendar of `days` days from `first`. `grants` and `titles` by contract; `closed` are holidays."""
    last = first + timedelta(days=days - 1)
    hours = [
        span for code, grant in grants.items() for span in _windows(code, grant, titles[code], first, days)
    ]
    shown = [span for span in permits if first <= span.day <= last]
    work = [(entry, span) for entry in processing for span in _times(entry, first, last, closed)]
    spans = sorted(
        (*hours, *shown, *(span for _, span in work)), key=lambda span: (span.starts, span.kind, span.code)
    )
    conflicts = [
        *_table(grants, today, table_ends),
        *_outside(grants, shown),
        *_processing(grants, work, today),
        *_overlaps([*shown, *(span for _, span in work)]),
    ]
    return Calendar(
        tuple(_day(first + timedelta(days=number), spans, closed) for number in range(days)),
        tuple(sorted(conflicts, key=lambda each: (each.day, each.code))),
    )


def _day(day: date, spans: Iterable[Span], closed: Set[date]) -> Day:
    return Day(day, day in closed, tuple(span for span in spans if span.day == day))


def _windows(code: str, grant: Grant, title: Text, first: date, days: int) -> Iterator[Span]:
    term = grant.terms.get("service.hours")
    if grant.empty or term is None or not isinstance(term.value, Hours):
        return
    for starts, ends in term.value.windows(first, days, grant.holidays):
        day = starts.astimezone(TOKYO).date()
        if grant.starts <= day <= grant.ends:
            yield Span(Kind.HOURS, starts, ends, code, code, title)


def _times(entry: Processing, first: date, last: date, closed: Set[date]) -> Iterator[Span]:
    for starts, ends in entry.recurrence.between(first, last, closed):
        yield Span(Kind.PROCESSING, starts, ends, entry.code, entry.contract, entry.title, entry.system)


def _table(grants: Mapping[str, Grant], today: date, ends: date) -> Iterator[Conflict]:
    beyond = sorted(code for code, grant in grants.items() if grant.ends > ends)
    if beyond and today >= ends - TABLE_AHEAD:
        names = ", ".join(beyond)
        yield Conflict(
            "holidays-end",
            today,
            Text(
                f"祝日の表は{ends.isoformat()}で終わりますが、契約はその後も続きます({names})。"
                "それより後は誰も入れません。関所を新しい版にしてください。",
                f"The table of holidays ends on {ends.isoformat()}, contracts go on ({names}). "
                "Nobody gets in after that. Install a newer version.",
            ),
        )


def _outside(grants: Mapping[str, Grant], permits: Iterable[Span]) -> Iterator[Conflict]:
    for span in permits:
        if not span.emergency and not _inside(grants.get(span.contract), span):
            text = Text(
                f"許可 {span.code} が、契約のサービス時間帯に収まっていません。",
                f"Permit {span.code} is not inside its contract's hours.",
            )
            yield Conflict("permit-outside-hours", span.day, text, (span,))


def _processing(
    grants: Mapping[str, Grant], work: Iterable[tuple[Processing, Span]], today: date
) -> Iterator[Conflict]:
    for entry, span in work:
        grant = grants.get(entry.contract)
        name = entry.title
        if entry.contract and (grant is None or not grant.starts <= span.day <= grant.ends):
            text = Text(
                f"「{name.ja}」の日に、契約 {entry.contract} はありません。",
                f'"{name.en}" lies in no contract: {entry.contract} does not hold that day.',
            )
            yield Conflict("processing-in-no-contract", span.day, text, (span,))
        elif entry.contract and not _inside(grant, span):
            text = Text(
                f"「{name.ja}」が、契約 {entry.contract} のサービス時間帯に収まっていません。",
                f'"{name.en}" is not inside the hours of contract {entry.contract}.',
            )
            yield Conflict("processing-outside-hours", span.day, text, (span,))
        if entry.waiting and today <= span.day <= today + timedelta(days=AGREE_DAYS):
            text = Text(
                f"「{name.ja}」に、まだ同意していない課があります: {'、'.join(entry.waiting)}",
                f'Not everybody has agreed to "{name.en}": {", ".join(entry.waiting)}',
            )
            yield Conflict("not-agreed", span.day, text, (span,))


def _overlaps(spans: Iterable[Span]) -> Iterator[Conflict]:
    by_system: dict[str, list[Span]] = {}
    for span in spans:
        by_system.setdefault(span.system, []).append(span)
    for system, there in by_system.items():
        for one, other in combinations(sorted(there, key=lambda span: (span.starts, span.code)), 2):
            if one.code != other.code and system and other.starts < one.ends and one.starts < other.ends:
                text = Text(
                    f"{_name(one).ja}と{_name(other).ja}が、同じシステム({system})で重なります。",
                    f"{_name(one).en} and {_name(other).en} overlap on the same system ({system}).",
                )
                yield Conflict("overlap", other.day, text, (one, other))


def _name(span: Span) -> Text:
    if span.kind is Kind.PERMIT:
        return Text(f"許可 {span.code}", f"permit {span.code}")
    return Text(f"「{span.title.ja}」", f'"{span.title.en}"')


def _inside(grant: Grant | None, span: Span) -> bool:
    if grant is None or grant.empty:
        return False
    hours = grant.terms["service.hours"].value
    if not isinstance(hours, Hours) or not hours.contains(span.starts, grant.holidays):
        return False
    return hours.until(span.starts, grant.holidays) >= span.ends
