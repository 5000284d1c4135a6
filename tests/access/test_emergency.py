"""The emergency lane: narrow, opened by who is on call, approved afterwards or an incident."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from sekisho.access import service
from sekisho.access.emergency import ANSWER_WITHIN, sweep_emergencies
from sekisho.access.examination import Claim, GateState, examine
from sekisho.access.facts import PROOFS
from sekisho.access.models import Incident, LineSwitch, OnCall, Permit
from sekisho.access.rules import Granted
from sekisho.contracts.models import Document, FactRow, System
from sekisho.kernel.ids import LoginId, SystemCode, TerminalCode
from sekisho.kernel.outcome import Refused
from sekisho.people.models import Person
from tests.access.smalltown import SmallTown, must, refused

LANE: dict[str, list[Any]] = {
    "emergency.hours": ["daily 00:00-24:00"],
    "emergency.longest": [3],
    "emergency.approval": [24],
    "service.hours": ["2020-01-01 00:00-01:00"],
}


@pytest.fixture
def town(town: SmallTown) -> SmallTown:
    """A town whose contract states the lane, whose service hours are over, and whose line is closed."""
    state(town, LANE)
    LineSwitch.objects.update(is_open=False)
    return town


def state(town: SmallTown, facts: dict[str, list[Any]]) -> None:
    """A further paper that says so of the contract: papers never change."""
    count = Document.objects.count()
    paper = Document.objects.create(
        code=f"more-{count}", version=1, procurement=town.contract.procurement, kind="contract", title="覚書",
        sha256=uuid4().hex * 2, in_force_from=town.contract.starts, imported_at=town.now,
    )  # fmt: skip
    for position, (key, value) in enumerate(facts.items()):
        FactRow.objects.create(
            document=paper, position=position, subject="contract:c-1", key=key, mode="state", value=value, page=1,
            clause=str(position), quote="…", read_by="x", confirmed_by="y",
        )  # fmt: skip


def asked(town: SmallTown) -> Permit:
    juki = System.objects.get(code="juki")
    return must(
        service.ask_emergency(town.contract, juki, "窓口の発行が止まった", town.person("mori"), town.now)
    )


def on_call(town: SmallTown, login: str = "kacho") -> Person:
    OnCall.objects.create(
        person=town.person(login), starts=town.now - timedelta(hours=1), ends=town.now + timedelta(hours=9),
        entered_by=town.person("systems"),
    )  # fmt: skip
    return town.person(login)


def opened(town: SmallTown) -> Permit:
    return must(service.open_emergency(asked(town), on_call(town), town.now))


def examined(town: SmallTown, login: str = "mori", later: timedelta = timedelta()) -> Granted | Refused:
    claim = Claim(LoginId(login), SystemCode("juki"), TerminalCode("t-01"), "127.0.0.1", PROOFS)
    return examine(claim, GateState(), town.now + later).answer


def test_nothing_passes_before_who_is_on_call_has_opened(town: SmallTown) -> None:
    """Asking is not opening; opening lets one operator in although hours are over and the line is closed."""
    Permit.objects.filter(number="R8-0001").delete()
    permit = asked(town)
    answer = examined(town)
    assert isinstance(answer, Refused)
    assert "permit-requested" in answer.codes
    with town.one_record("city:emergency:opened", "person:kacho") as said:
        permit = must(service.open_emergency(permit, on_call(town), town.now))
    assert "窓口" not in str(said)
    answer = examined(town)
    assert isinstance(answer, Granted)
    assert answer.until == town.now + timedelta(hours=3)
    assert permit.ratify_by == town.now + timedelta(hours=24)
    other = examined(town, "hayashi")
    assert isinstance(other, Refused)
    assert isinstance(examined(town, later=timedelta(hours=3)), Refused)


def test_the_line_stays_closed_for_everybody_else(town: SmallTown) -> None:
    """An ordinary permit of another operator does not pass in an emergency's shadow."""
    opened(town)
    town.permit.operators.set([town.person("hayashi")])
    answer = examined(town, "hayashi")
    assert isinstance(answer, Refused)
    assert {"line-closed", "outside-hours"} <= set(answer.codes)


def test_one_session_at_a_time(town: SmallTown) -> None:
    """A second one hears why; when the first has ended it may."""
    permit = opened(town)
    session = town.session(permit=permit)
    answer = examined(town)
    assert isinstance(answer, Refused)
    assert answer.codes == ("emergency-one-at-a-time",)
    session.ended_at = town.now
    session.save()
    assert isinstance(examined(town), Granted)


def test_a_latch_holds_in_an_emergency_too(town: SmallTown) -> None:
    """The city's cut stands above everything."""
    opened(town)
    service.cut_everything(town.person("systems"), town.now)
    answer = examined(town)
    assert isinstance(answer, Refused)
    assert answer.codes == ("latched",)


def test_only_an_operator_on_the_roster_asks(town: SmallTown) -> None:
    """For himself, in his own company's contract, with a reason."""
    juki = System.objects.get(code="juki")
    for person in town.everybody_but("mori", "hayashi"):
        with town.nothing_happens():
            answer = service.ask_emergency(town.contract, juki, "止まった", person, town.now)
            assert refused(answer)[0] == "not-operator"
    with town.nothing_happens():
        assert refused(service.ask_emergency(town.contract, juki, " ", town.person("mori"), town.now)) == (
            "say-why",
        )
        zei = replace_system(juki)
        answer = service.ask_emergency(town.contract, zei, "止まった", town.person("mori"), town.now)
        assert refused(answer) == ("system-not-in-terms",)


def test_one_call_at_a_time(town: SmallTown) -> None:
    """Asking again and again fills no list; after an hour it may be asked anew."""
    asked(town)
    juki, mori = System.objects.get(code="juki"), town.person("mori")
    with town.nothing_happens():
        assert refused(service.ask_emergency(town.contract, juki, "止まった", mori, town.now)) == (
            "asked-already",
        )
    must(service.ask_emergency(town.contract, juki, "まだ止まっている", mori, town.now + ANSWER_WITHIN))


def replace_system(system: System) -> System:
    return System(code="zei", name="税", name_en="Tax", division=system.division)


@pytest.mark.parametrize("missing", [key for key in LANE if key.startswith("emergency.")])
def test_papers_that_do_not_state_the_lane_have_none(town: SmallTown, missing: str) -> None:
    """Each of the three is needed, and their absence is said."""
    FactRow.objects.filter(key=missing).delete()
    state(town, {"retention.years": [5]})  # papers never change: a grant is known by the papers it is made of
    with town.nothing_happens():
        juki = System.objects.get(code="juki")
        answer = service.ask_emergency(town.contract, juki, "止まった", town.person("mori"), town.now)
        assert refused(answer) == ("no-emergency-lane",)


def test_only_who_is_on_call_opens(town: SmallTown) -> None:
    """Neither another division, nor who was on call yesterday, nor the contractor."""
    permit = asked(town)
    for person in town.everybody_but():
        with town.nothing_happens():
            assert "not-on-call" in refused(service.open_emergency(permit, person, town.now))
    OnCall.objects.create(
        person=town.person("kacho"), starts=town.now - timedelta(hours=9), ends=town.now,
        entered_by=town.person("systems"),
    )  # fmt: skip
    assert "not-on-call" in refused(service.open_emergency(permit, town.person("kacho"), town.now))
    assert "not-on-call" in refused(service.open_emergency(permit, on_call(town, "zeimu"), town.now))
    must(service.open_emergency(permit, on_call(town, "systems"), town.now))
    assert "state-changed" in refused(service.open_emergency(permit, on_call(town), town.now))


def test_an_old_call_is_not_opened_unread(town: SmallTown) -> None:
    """After an hour it is asked anew."""
    permit, kacho = asked(town), on_call(town)
    late = town.now + ANSWER_WITHIN + timedelta(seconds=1)
    with town.nothing_happens():
        assert refused(service.open_emergency(permit, kacho, late)) == ("stale",)


def test_no_other_verb_opens_or_lengthens_an_emergency(town: SmallTown) -> None:
    """The division neither approves it beforehand nor extends it; an ordinary request is not opened on call."""
    permit, kacho = asked(town), on_call(town)
    assert "emergency" in refused(service.approve_permit(permit, kacho, town.now))
    assert "not-emergency" in refused(service.open_emergency(town_request(town), kacho, town.now))
    permit = must(service.open_emergency(permit, kacho, town.now))
    later = permit.ends + timedelta(hours=1)
    assert "emergency" in refused(service.extend_permit(permit, later, kacho, town.now))


def town_request(town: SmallTown) -> Permit:
    row = town.permit
    row.number, row.state = "R8-0900", Permit.State.REQUESTED
    row.decided_by = row.decided_at = None
    row.save(force_insert=True)
    return row


def test_approved_afterwards(town: SmallTown) -> None:
    """By the owning division alone, once; in time no incident follows."""
    permit = opened(town)
    for person in town.everybody_but("kacho"):
        with town.nothing_happens():
            assert refused(service.ratify_emergency(permit, person, town.now)) == ("not-owner",)
    with town.one_record("city:emergency:approved", "person:kacho"):
        must(service.ratify_emergency(permit, town.person("kacho"), town.now))
    assert refused(service.ratify_emergency(permit, town.person("kacho"), town.now)) == (
        "nothing-to-approve",
    )
    with town.nothing_happens():
        assert sweep_emergencies(town.now + timedelta(days=9)) == 0


def test_never_approved_it_becomes_an_incident(town: SmallTown) -> None:
    """Once, at its hour and not before; approval then is late and says so, and the incident is closed by a word."""
    permit = opened(town)
    with town.nothing_happens():
        assert sweep_emergencies(town.now + timedelta(hours=24)) == 0
    over = town.now + timedelta(hours=24, seconds=1)
    with town.one_record("worker:incident:opened", "worker"):
        assert sweep_emergencies(over) == 1
    with town.nothing_happens():
        assert sweep_emergencies(over + timedelta(days=1)) == 0
    with town.one_record("city:emergency:approved", "person:kacho") as said:
        must(service.ratify_emergency(permit, town.person("kacho"), over))
    assert said[0].detail["late"] == "yes"
    incident = Incident.objects.get()
    for person in town.everybody_but("kacho", "systems"):
        with town.nothing_happens():
            assert refused(service.close_incident(incident, "確かめた", person, over)) == ("not-yours",)
    with town.one_record("city:incident:closed", "person:systems") as said:
        must(service.close_incident(incident, "確かめた", town.person("systems"), over))
    assert "確かめた" not in str(said)
    assert refused(service.close_incident(incident, "もう一度", town.person("systems"), over)) == ("closed",)


def test_disowned_it_ends_and_is_an_incident(town: SmallTown) -> None:
    """A running session has no permit any more."""
    permit = opened(town)
    with town.one_record("city:emergency:disowned", "person:kacho"):
        must(service.disown_emergency(permit, "頼んでいない", town.person("kacho"), town.now))
    answer = examined(town)
    assert isinstance(answer, Refused)
    assert Incident.objects.get().kind == Incident.Kind.DISOWNED


def test_the_on_call_list(town: SmallTown) -> None:
    """The systems division enters anybody of the city's two divisions; a division its own; nobody backwards."""
    kacho, systems = town.person("kacho"), town.person("systems")
    later = town.now + timedelta(hours=8)
    for person in town.everybody_but("kacho", "systems"):
        with town.nothing_happens():
            assert "not-yours" in refused(service.enter_duty(kacho, town.now, later, person, town.now))
    for login in ("mori", "kansa", "iin", "shomu"):
        with town.nothing_happens():
            answer = service.enter_duty(town.person(login), town.now, later, systems, town.now)
            assert "no-duty" in refused(answer)
    assert "ends-first" in refused(service.enter_duty(kacho, later, town.now, systems, town.now))
    with town.one_record("city:on-call:entered", "person:kacho"):
        duty = must(service.enter_duty(kacho, town.now, later, kacho, town.now))
    assert refused(service.remove_duty(duty, town.person("zeimu"), town.now)) == ("not-yours",)
    with town.one_record("city:on-call:removed", "person:systems"):
        service.remove_duty(duty, systems, town.now)


def test_the_longest_is_the_shortest_of_three(town: SmallTown) -> None:
    """The papers' hours, the lane's own window, and nothing beyond."""
    state(town, {"emergency.longest": [1]})
    permit = opened(town)
    assert permit.ends == town.now + timedelta(hours=1)
