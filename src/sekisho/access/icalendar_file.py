"""The calendar as iCalendar (RFC 5545), for the programs people keep their own days in. No names of people."""

from collections.abc import Iterable
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from icalendar import Calendar, Event

from sekisho.access.calendar import Kind, Span
from sekisho.kernel.clock import TOKYO
from sekisho.kernel.text import Text

_KINDS = {
    Kind.HOURS: Text("サービス時間帯", "service hours"),
    Kind.PERMIT: Text("許可", "permit"),
    Kind.PROCESSING: Text("処理", "processing"),
}


def icalendar_file(spans: Iterable[Span], now: datetime) -> bytes:
    """One VEVENT a span, in Tokyo time, with an identity that stays the same from file to file."""
    file = Calendar()
    file.add("prodid", "-//Sekisho//calendar//JA")
    file.add("version", "2.0")
    file.add("x-wr-calname", "関所 Sekisho")
    for span in spans:
        event = Event()
        key = f"{span.kind}:{span.code}:{span.starts.isoformat()}"
        event.add("uid", f"{uuid5(NAMESPACE_URL, f'sekisho:{key}')}@sekisho.invalid")
        event.add("dtstamp", now)
        event.add("dtstart", span.starts.astimezone(TOKYO))
        event.add("dtend", span.ends.astimezone(TOKYO))
        event.add("summary", f"{_KINDS[span.kind].ja}: {span.title.ja}")
        event.add("description", f"{_KINDS[span.kind].en}: {span.title.en}")
        event.add("categories", [span.kind.value])
        file.add_component(event)
    file.add_missing_timezones()
    return bytes(file.to_ical())
