"""How often processing is done (処理スケジュール): once, or again by a rule. Pure; days of Tokyo.

The rules themselves are RFC 5545's, by dateutil. Ours is what a city hall means by them: the 31st of a month of
30 days is its last, and the last working day steps back over weekends and holidays.
"""

from collections.abc import Iterator, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from dateutil.rrule import MONTHLY, WEEKLY, YEARLY, rrule

from sekisho.kernel.clock import TOKYO


class Rule(StrEnum):
    """How an entry comes again."""

    ONCE = "once"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    """On the same day of each month; on the last where the month is shorter."""
    LAST_WORKING_DAY = "last-working-day"
    YEARLY = "yearly"
    """On the same day of each year; on 28 February where there is no 29th."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """From `first` on by `rule`, up to and with `until`; each time at `at` (Tokyo) for `minutes`."""

    first: date
    at: time
    minutes: int
    rule: Rule
    until: date | None = None

    def between(self, first: date, last: date, closed: Set[date]) -> list[tuple[datetime, datetime]]:
        """Each time that begins on a day from `first` to `last`, both included. `closed`: holidays of the city."""
        found = [day for day in self._days(last, closed) if first <= day <= min(last, self.until or last)]
        return [self._span(day) for day in sorted(set(found))]

    def _days(self, last: date, closed: Set[date]) -> Iterator[date]:
        if self.rule is Rule.ONCE:
            yield self.first
            return
        # A month more: the last working day of a month may be asked about before its last day is reached.
        stop = datetime.combine(last + timedelta(days=31), time())
        start = datetime.combine(self.first, time())
        match self.rule:
            case Rule.WEEKLY:
                rule = rrule(WEEKLY, dtstart=start, until=stop)
            case Rule.MONTHLY:
                days = list(range(min(28, self.first.day), self.first.day + 1))
                rule = rrule(MONTHLY, dtstart=start.replace(day=1), until=stop, bymonthday=days, bysetpos=-1)
            case Rule.LAST_WORKING_DAY:
                rule = rrule(MONTHLY, dtstart=start.replace(day=1), until=stop, bymonthday=-1)
            case Rule.YEARLY:
                days = list(range(min(28, self.first.day), self.first.day + 1))
                rule = rrule(
                    YEARLY,
                    dtstart=start.replace(day=1),
                    until=stop,
                    bymonth=self.first.month,
                    bymonthday=days,
                    bysetpos=-1,
                )
        for moment in rule:
            day = moment.date()
            if self.rule is Rule.LAST_WORKING_DAY:
                while day.weekday() >= 5 or day in closed:
                    day -= timedelta(days=1)
            if day >= self.first:
                yield day

    def _span(self, day: date) -> tuple[datetime, datetime]:
        begins = datetime.combine(day, self.at, tzinfo=TOKYO)
        return begins, begins + timedelta(minutes=self.minutes)
