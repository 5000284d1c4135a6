"""Who counts as present, until when; and the verbs by which somebody comes and goes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.access import service
from sekisho.access.attendance import SILENCE, Attendant, Need, standing
from sekisho.access.attending import MOST_AT_ONCE, sweep_attendings
from sekisho.access.gateway import standings
from sekisho.access.models import Attending, Session
from sekisho.contracts.attendance import Work
from sekisho.gate.freeze import Freeze, Why
from sekisho.kernel.ids import LoginId
from sekisho.people.roles import Role
from tests.access.smalltown import SmallTown, must, refused

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
NEED = Need(1, frozenset({Role.DIVISION, Role.SYSTEMS}), 5, frozenset({Work.GREAT_CHANGE}))
TWO = Need(2, NEED.by, 5, NEED.kinds)
OPERATOR = LoginId("mori")


def attendant(
    login: str = "kacho", confirmed: float = 0, seen: float = 0, role: Role = Role.DIVISION
) -> Attendant:
    """Confirmed and seen so many seconds ago."""
    return Attendant(LoginId(login), role, NOW - timedelta(seconds=confirmed), NOW - timedelta(seconds=seen))


@pytest.mark.parametrize(
    ("who", "until"),
    [
        (attendant(), 10),
        (attendant(seen=9), 1),
        (attendant(seen=10), None),
        (attendant(confirmed=299), 1),
        (attendant(confirmed=300), None),
        (attendant(confirmed=290, seen=3), 7),
        (attendant(role=Role.AUDITOR), None),
        (attendant(role=Role.OPERATOR), None),
        (attendant(login="mori"), None),
        (attendant(seen=-3600), None),
        (attendant(confirmed=-3600), None),
        (attendant(seen=-1), 11),
    ],
)
def test_who_counts(who: Attendant, until: float | None) -> None:
    """Fresh answer, page in front, right role, not the operator, no time from the future."""
    found = standing(NEED, [who], OPERATOR, NOW)
    assert found.until == (NOW + timedelta(seconds=until) if until else None)
    assert bool(found.present) is (until is not None)


def test_two_are_two_different_people() -> None:
    """One person at two desks is one; enough lasts as long as the second longest."""
    both = [attendant("kacho", seen=2), attendant("kacho")]
    assert standing(TWO, both, OPERATOR, NOW).until is None
    both = [attendant("kacho", seen=2), attendant("systems", role=Role.SYSTEMS)]
    assert standing(TWO, both, OPERATOR, NOW).until == NOW + timedelta(seconds=8)
    assert standing(Need(0, NEED.by, 5, NEED.kinds), both, OPERATOR, NOW).until is None


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(-30, 30), st.booleans()), max_size=40))
def test_nothing_moves_longer_than_the_register_vouches(steps: list[tuple[float, float, bool]]) -> None:
    """Whatever the register says and however the clock jumps: at most `SILENCE` beyond the last good word."""
    freeze, steady, last_good = Freeze(60, 60, NEED), 100.0, -1000.0
    for passed, left, speaks in steps:
        steady += passed
        if speaks:
            until = NOW + timedelta(seconds=left) if left > 0 else None
            freeze.told(standing(NEED, [], OPERATOR, NOW) if until is None else _until(until), NOW, steady)
            last_good = steady if until else -1000.0
        moves = freeze.why(steady) is None
        assert not moves or steady - last_good < SILENCE.total_seconds()


def _until(moment: datetime) -> Any:
    from sekisho.access.attendance import Standing

    return Standing((LoginId("kacho"),), moment)


def test_it_starts_still_and_ends_when_nobody_comes() -> None:
    """Waiting first, with its own patience; afterwards another; the button holds whoever is present."""
    freeze = Freeze(wait=30, limit=10, need=NEED)
    assert freeze.why(0.0) is Why.WAITING
    assert not freeze.over(0.0)
    assert freeze.over(30.0)
    freeze.told(_until(NOW + timedelta(seconds=10)), NOW, 31.0)
    assert freeze.why(31.0) is None
    assert not freeze.over(31.0)
    freeze.began = True
    freeze.pressed = True
    assert freeze.why(32.0) is Why.BUTTON
    freeze.pressed = False
    assert freeze.why(41.0) is Why.LEFT
    assert not freeze.over(41.0)
    assert freeze.over(51.0)
    assert Freeze(30, 10).why(5.0) is None


# The verbs


def attended(town: SmallTown, **more: Any) -> Session:
    return town.session(attendance=NEED.as_json(), **more)


def test_only_the_city_and_only_whom_the_terms_name(town: SmallTown) -> None:
    """Others hear why; nothing of theirs stays behind."""
    session = attended(town)
    for person in town.everybody_but("kacho", "systems"):
        with town.nothing_happens():
            assert refused(service.begin_attending(session, person, town.now)) == ("not-yours",)
    narrow = attended(town, operator=town.person("hayashi"))
    narrow.attendance = Need(1, frozenset({Role.SYSTEMS}), 5, frozenset()).as_json()
    narrow.save()
    with town.nothing_happens():
        assert refused(service.begin_attending(narrow, town.person("kacho"), town.now)) == ("not-named",)
        free = town.session()
        free.delete()
    with town.one_record("city:attendance:began", "person:kacho") as said:
        must(service.begin_attending(session, town.person("kacho"), town.now))
    assert session.subject in said[0].subjects
    assert standings([session], town.now)[session.id].present == ("kacho",)


def test_what_is_over_or_needs_nobody_is_not_attended(town: SmallTown) -> None:
    """Each with its reason."""
    kacho = town.person("kacho")
    assert refused(service.begin_attending(town.session(), kacho, town.now)) == ("not-needed",)
    over = attended(town, ended_at=town.now)
    assert refused(service.begin_attending(over, kacho, town.now)) == ("over",)
    for _ in range(MOST_AT_ONCE):
        must(service.begin_attending(attended(town), kacho, town.now))
    assert refused(service.begin_attending(attended(town), kacho, town.now)) == ("too-many",)


def test_beginning_twice_is_an_answer_to_the_check(town: SmallTown) -> None:
    """One row, one person, two answers."""
    session, kacho = attended(town), town.person("kacho")
    must(service.begin_attending(session, kacho, town.now))
    with town.one_record("city:attendance:confirmed", "person:kacho"):
        must(service.begin_attending(session, kacho, town.now + timedelta(seconds=6)))
    assert Attending.objects.get().confirmed_at == town.now + timedelta(seconds=6)


def test_leaving_signing_out_falling_silent_and_answering_late(town: SmallTown) -> None:
    """Four ways to be no longer present, each under its own name, each once."""
    kacho, systems, later = town.person("kacho"), town.person("systems"), town.now + timedelta(seconds=20)
    session = attended(town)
    must(service.begin_attending(session, kacho, town.now))
    must(service.begin_attending(session, systems, town.now))
    with town.one_record("city:attendance:ended", "person:kacho") as said:
        service.leave(session, kacho, later)
    assert said[0].detail == {"why": "left"}
    with town.nothing_happens():
        service.leave(session, kacho, later)
    with town.one_record("city:attendance:ended", "person:systems") as said:
        service.signed_out(systems, later)
    assert said[0].detail == {"why": "signed-out"}
    assert standings([session], later)[session.id].until is None
    for seen, why in ((timedelta(), "silent"), (timedelta(seconds=311), "late")):
        must(service.begin_attending(session, kacho, town.now))
        service.saw(kacho, town.now + seen)
        sweep_attendings(town.now + timedelta(seconds=20))
        assert Attending.objects.filter(ended_at=None).count() == 1
        with town.one_record("city:attendance:ended", "person:kacho") as said:
            assert sweep_attendings(town.now + timedelta(seconds=311 if why == "late" else 31)) == 1
        assert said[0].detail == {"why": why}


def test_a_sign_of_life_is_no_answer(town: SmallTown) -> None:
    """The page alone does not make anybody present for longer than his authenticator did."""
    session, kacho = attended(town), town.person("kacho")
    must(service.begin_attending(session, kacho, town.now))
    with town.nothing_happens_but_rows("access.Attending"):
        service.saw(kacho, town.now + timedelta(seconds=301))
    assert standings([session], town.now + timedelta(seconds=301))[session.id].until is None
    with town.one_record("city:attendance:confirmed", "person:kacho"):
        service.confirm_attending(kacho, town.now + timedelta(seconds=301))
    assert standings([session], town.now + timedelta(seconds=301))[session.id].until is not None


def test_nobody_presses_the_button_of_a_silent_gate_unawares(town: SmallTown) -> None:
    """The answer says that nothing stands still."""
    session = town.session()
    assert refused(service.freeze_session(session, town.person("kacho"))) == ("gate-silent",)
    assert refused(service.freeze_session(session, town.person("mori"))) == ("not-yours",)
