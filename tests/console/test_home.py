"""What the home page asks of the registers and the log, person by person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from sekisho.access import models as access
from sekisho.access.models import Latch, LineSwitch, Permit, Session, WorkReport
from sekisho.console import home
from sekisho.contracts import models as contracts
from sekisho.evidence.models import Entry, EntrySubject
from sekisho.evidence.tags import Tag
from sekisho.people import models as people
from sekisho.people.models import Person, Terminal
from tests.gate.registers import SEED

pytestmark = pytest.mark.django_db


@pytest.fixture
def town() -> Mapping[str, Any]:
    """The registers of a small town; its names by what the seed calls them."""
    import datetime

    space: dict[str, Any] = {
        "timezone": timezone, "datetime": datetime, "port": 22, "account": "root", "host_key": "k", "password": "x",
        "terminals": {"t-01": "key-1", "t-99": "key-2"}, "authenticators": {},
    }  # fmt: skip
    for module in (people, contracts, access):
        space.update(vars(module))
    exec(SEED, space)
    return space


def person(login: str) -> Person:
    return Person.objects.get(login=login)


def session(town: Mapping[str, Any], **more: Any) -> Session:
    now = timezone.now()
    given = {
        "operator": person("mori"), "line": town["line"], "permit": town["permit"], "opened_at": now,
        "lease_until": now + timedelta(seconds=9), **more,
    }  # fmt: skip
    terminal = Terminal.objects.get(code="t-01")
    return Session.objects.create(
        id=uuid4(), terminal=terminal, source_address="127.0.0.1", gate="gate-1", **given
    )


def happened(number: int, tag: Tag, *subjects: str, days: int = 0) -> None:
    at = timezone.now() - timedelta(days=days)
    entry = Entry.objects.create(
        index=number, record_id=uuid4(), tag=tag, at=at, actor="gate:gate-1", payload=b""
    )
    for subject in subjects:
        EntrySubject.objects.create(entry=entry, subject=subject)


def waiting(login: str) -> list[str]:
    return [item.text.en for item in home.waiting(person(login), timezone.now())]


def test_inside_is_who_holds_a_lease(town: Mapping[str, Any]) -> None:
    """An open session whose lease runs is inside; an ended one, or one whose lease ran out, is not."""
    now = timezone.now()
    here = session(town)
    session(town, ended_at=now)
    session(town, lease_until=now - timedelta(seconds=1))
    found = home.inside(person("systems"), now)
    assert [row for row, _ in found.sessions] == [here]
    assert not found.gate_answers


def test_a_division_sees_its_own_contracts_sessions(town: Mapping[str, Any]) -> None:
    """The owning division sees and may cut; another division sees nothing."""
    session(town)
    division = people.Division.objects.create(code="zeimu", name="税務課", name_en="Tax")
    other = Person.objects.create(login="zei", name="z", furigana="z", role="division", division=division)
    now = timezone.now()
    assert [may for _, may in home.inside(person("kacho"), now).sessions] == [True]
    assert home.inside(other, now).sessions == []


def test_what_waits_for_the_systems_division(town: Mapping[str, Any]) -> None:
    """A line to open for a permit that begins, a cut without a reason, a report to confirm."""
    assert waiting("systems") == []
    LineSwitch.objects.update(is_open=False)
    Latch.objects.create(id=uuid4(), cut_by="os-user:root", cut_at=timezone.now())
    done = session(town, ended_at=timezone.now())
    WorkReport.objects.create(
        session=done, done="d", outcome="o", filed_by=person("mori"), filed_at=timezone.now()
    )
    assert waiting("systems") == [
        "A permit begins and its line is closed",
        "A cut has no reason yet",
        "A work report waits to be confirmed",
    ]


def test_what_waits_for_the_owning_division_and_the_contractor(town: Mapping[str, Any]) -> None:
    """Requests wait for the division, returned ones for the manager, reports owed for the operator himself."""
    session(town, ended_at=timezone.now())
    Permit.objects.update(state="requested")
    assert waiting("kacho") == ["A request waits for your decision"]
    Permit.objects.update(state="returned")
    assert waiting("kacho") == []
    assert waiting("kanri") == ["A request was sent back: mend it and resubmit"]
    assert waiting("mori") == ["Please file the work report"]
    assert waiting("hayashi") == []


def test_unusual_is_counted_by_kind_gravest_first(town: Mapping[str, Any]) -> None:
    """Seven days, ordinary events left out; a division only of its own contracts."""
    happened(1, Tag.PROOF_REFUSED)
    happened(2, Tag.PROOF_REFUSED, "person:mori", "line:line-a")
    happened(3, Tag.SESSION_OPENED, "contract:c-1")
    happened(4, Tag.CUT, "contract:c-1", "session:x", days=2)
    happened(5, Tag.CUT, days=8)
    found = home.unusual(person("systems"), timezone.now())
    assert [(each.text.en, each.count) for each in found] == [("cut and latched", 1), ("refused a proof", 2)]
    assert [each.count for each in home.unusual(person("kacho"), timezone.now())] == [1]


def test_lines_are_closed_until_somebody_opened_them(town: Mapping[str, Any]) -> None:
    """No row is closed; a latch on the line, or on everything, shows on it."""
    shown = {each.line.code: each for each in home.lines(person("systems"))}
    assert shown["line-a"].is_open
    assert not shown["line-z"].is_open
    assert not any(each.latched for each in shown.values())
    Latch.objects.create(id=uuid4(), line=town["line"], cut_by="person:systems", cut_at=timezone.now())
    assert [each.latched for each in home.lines(person("systems"))] == [True, False]
    Latch.objects.create(id=uuid4(), cut_by="person:systems", cut_at=timezone.now())
    assert [each.latched for each in home.lines(person("systems"))] == [True, True]


def test_a_contractors_people_see_their_own_permits(town: Mapping[str, Any]) -> None:
    """The manager the company's, the operator only those that name him; what is over is left out."""
    now = timezone.now()
    assert [len(home.coming_permits(person(login), now)) for login in ("kanri", "mori", "hayashi")] == [
        1,
        1,
        0,
    ]
    assert len(home.coming_permits(person("kanri"), now + timedelta(days=1))) == 0
