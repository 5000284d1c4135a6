"""What reaches whom a moment later, or in another form: live views, spreadsheets, a permit's history."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone

from sekisho.access import reports
from sekisho.access.evidence_pages import _lines
from sekisho.access.reading import recording_of
from sekisho.access.session_pages import _stream
from sekisho.access.showing import csv_file
from sekisho.evidence.models import Entry, EntrySubject
from sekisho.evidence.tags import Tag
from sekisho.kernel.text import Text
from sekisho.people.models import Passkey, Person
from sekisho.people.roles import Role
from tests.access.smalltown import SmallTown
from tests.people import registered
from tests.vault.making import Kind, recording


@pytest.mark.parametrize(
    "what",
    [
        lambda client: client.post("/sign-out/"),
        lambda _: Passkey.objects.update(revoked_at=timezone.now()),
        lambda _: Person.objects.filter(login="systems").update(is_active=False),
        lambda _: Person.objects.filter(login="systems").update(role=Role.CLERK.value),
    ],
    ids=["signed out", "key revoked", "suspended", "another role"],
)
def test_a_live_view_ends_with_the_right_to_watch(town: SmallTown, what: Callable[[Any], Any]) -> None:
    """A stream begun in time goes on for as long as its browser's person may watch, and not a look longer."""
    session = town.session(lease_until=timezone.now() + timedelta(minutes=5))
    path = recording(recording_of(session), [(1.0, Kind.OUTPUT, b"first")])
    client = registered.signed_in(town.person("systems"))
    key = client.session.session_key

    async def watch() -> list[str]:
        stream = _stream(session, key)
        seen = [await anext(stream)]
        await sync_to_async(what)(client)
        return [*seen, *[message async for message in stream]]

    seen = async_to_sync(watch)()
    assert "first" in seen[0]
    assert seen[1:] == []
    path.unlink()


def test_nobodys_name_is_a_formula() -> None:
    """A cell that begins like a formula is text in the file, whether it came as text or in two languages."""
    rows = [("=1+1", Text("=cmd|'/c calc'!A1", "@SUM(A1)"))]
    body = csv_file("x", (Text("題", "title"),), rows).content.decode("utf-8-sig")
    assert "'=1+1" in body
    assert "'=cmd" in body


def test_a_contractor_does_not_read_who_watched(town: SmallTown) -> None:
    """On a permit's page the city reads what happened; the contractor's people not who looked at a recording."""
    session = town.session()
    reports.note_looked(Tag.RECORDING_WATCHED, session, town.person("systems"), town.now)
    said = town.said()[-1]
    entry = Entry.objects.create(
        index=0, record_id=session.id, tag=said.tag, at=town.now, actor=said.actor, payload=b"{}"
    )
    EntrySubject.objects.bulk_create(EntrySubject(entry=entry, subject=each) for each in said.subjects)
    words = _lines([entry])[0].text.ja
    shown = {
        login: words in registered.signed_in(town.person(login)).get("/permits/R8-0001/").content.decode()
        for login in ("systems", "kacho", "kanri", "mori")
    }
    assert shown == {"systems": True, "kacho": True, "kanri": False, "mori": False}
