"""Lines, cuts and latches: only the city, each once, and the cut even when the gate is silent."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings

from sekisho.access import service
from sekisho.access.models import Latch, LineSwitch
from tests.access.smalltown import SmallTown, must, refused
from tests.cli.fake_gate import FakeGate


@pytest.fixture
def gate() -> Iterator[FakeGate]:
    """A gate's socket that says what a gate would say."""
    settings.SEKISHO.gate_socket.unlink(missing_ok=True)
    with FakeGate(settings.SEKISHO.gate_socket, []) as running:
        yield running
    settings.SEKISHO.gate_socket.unlink(missing_ok=True)


def held(town: SmallTown, **covers: object) -> Latch:
    return Latch.objects.create(id=uuid4(), cut_by="os-user:root", cut_at=town.now, **covers)


def test_only_the_systems_division_switches_a_line(town: SmallTown) -> None:
    """Nobody else opens or closes one; without a reason not even they."""
    for person in town.everybody_but("systems"):
        with town.nothing_happens():
            assert refused(service.open_line(town.line, "作業", person, town.now)) == ("only-systems",)
            assert refused(service.close_line(town.line, "作業", person, town.now)) == ("only-systems",)
    with town.nothing_happens():
        assert refused(service.open_line(town.line, " \n", town.person("systems"), town.now)) == ("say-why",)
    with town.one_record("city:line:closed", "person:systems") as said:
        must(service.close_line(town.line, "作業が終わった", town.person("systems"), town.now))
    assert not LineSwitch.objects.get().is_open
    assert said[0].subjects == ["line:line-a"]
    assert "作業" not in str(said)
    with town.one_record("city:line:opened", "person:systems"):
        must(service.open_line(town.line, "作業", town.person("systems"), town.now))
    assert LineSwitch.objects.get().is_open


def test_a_cut_goes_to_the_gate_first(town: SmallTown, gate: FakeGate) -> None:
    """The gate cuts and keeps the evidence; the register is told by the gate's journal, not here."""
    session = town.session()
    with town.nothing_happens():
        for login in ("systems", "kacho"):
            cut = must(service.cut_session(session, town.person(login), town.now))
            assert cut.done is not None
            assert cut.done.milliseconds == 2.5
        must(service.cut_line(town.line, town.person("systems"), town.now))
        must(service.cut_everything(town.person("systems"), town.now))
    cuts = [each for each in gate.asked if each["verb"] == "cut"]
    assert [each["by"] for each in cuts] == ["person:systems", "person:kacho", *["person:systems"] * 2]
    assert [set(each) - {"verb", "by"} for each in cuts] == [
        {"session"}, {"session"}, {"line"}, {"everything"},
    ]  # fmt: skip


def test_a_cut_with_the_gate_silent_latches_in_the_register(town: SmallTown) -> None:
    """Where the gate will read it before it lets anybody in; the answer says that nobody knows more."""
    session, systems = town.session(), town.person("systems")
    with town.one_record("city:session:cut", "person:systems") as said:
        assert must(service.cut_session(session, systems, town.now)).done is None
    assert said[0].detail == {"gate_answered": False, "ended": 0}
    latch = Latch.objects.get()
    assert (latch.session_id, latch.operator, latch.permit_id, latch.line_id) == (
        session.id, session.operator, "R8-0001", None,
    )  # fmt: skip
    with town.one_record("city:session:cut", "person:systems"):
        service.cut_line(town.line, systems, town.now + timedelta(seconds=1))
    with town.one_record("city:session:cut", "person:systems"):
        service.cut_everything(systems, town.now + timedelta(seconds=2))
    assert Latch.objects.filter(line=None, operator=None, permit=None).count() == 1


def test_a_line_that_the_gate_refuses_to_cut_is_latched_all_the_same(town: SmallTown, gate: FakeGate) -> None:
    """No terminal stands on it yet; whoever cuts it means whoever would come."""
    gate.answers["cut"] = {
        "ok": False,
        "error": "unknown-line",
        "ja": "知らない回線です。",
        "en": "Unknown line.",
    }
    with town.one_record("city:session:cut", "person:systems"):
        assert must(service.cut_line(town.line, town.person("systems"), town.now)).done is None
    assert Latch.objects.get().line_id == town.line.code


def test_a_session_that_is_over_is_said_to_be_over(town: SmallTown, gate: FakeGate) -> None:
    """The second press of the same button is a refusal with the gate's own words."""
    gate.answers["cut"] = {
        "ok": False,
        "error": "not-connected",
        "ja": "もう終わっています。",
        "en": "It has ended.",
    }
    session = town.session()
    with town.nothing_happens():
        answer = service.cut_session(session, town.person("systems"), town.now)
        assert refused(answer) == ("not-connected",)


def test_who_may_not_watch_may_not_cut(town: SmallTown, gate: FakeGate) -> None:
    """Another division, the auditor, the clerk, the contractor: the gate is not even asked."""
    session = town.session()
    for person in town.everybody_but("systems", "kacho"):
        with town.nothing_happens():
            assert refused(service.cut_session(session, person, town.now)) == ("not-yours",)
            assert refused(service.cut_line(town.line, person, town.now)) == ("only-systems",)
            assert refused(service.cut_everything(person, town.now)) == ("only-systems",)
    assert refused(service.cut_line(town.line, town.person("kacho"), town.now)) == ("only-systems",)
    assert gate.asked == []


def test_the_reason_is_said_once(town: SmallTown) -> None:
    """Who cut it, the systems division or the division concerned; what is said stays said."""
    latch = held(town, permit=town.permit, operator=town.person("mori"))
    for person in town.everybody_but("systems", "kacho"):
        with town.nothing_happens():
            assert refused(service.give_latch_reason(latch, "なぜ", person, town.now)) == ("not-yours",)
    with town.nothing_happens():
        assert refused(service.give_latch_reason(latch, "", town.person("kacho"), town.now)) == ("say-why",)
    with town.one_record("city:latch:reasoned", "person:kacho") as said:
        must(service.give_latch_reason(latch, "不審な操作", town.person("kacho"), town.now))
    assert "不審" not in str(said)
    with town.nothing_happens():
        answer = service.give_latch_reason(latch, "やはり誤り", town.person("systems"), town.now)
        assert refused(answer) == ("reasoned",)


def test_a_cut_of_everything_is_not_every_divisions(town: SmallTown) -> None:
    """A latch of no permit concerns the systems division, and the colleague who made it."""
    latch = held(town)
    with town.nothing_happens():
        assert refused(service.give_latch_reason(latch, "x", town.person("kacho"), town.now)) == (
            "not-yours",
        )
    own = Latch.objects.create(id=uuid4(), cut_by="person:zeimu", cut_at=town.now)
    must(service.give_latch_reason(own, "訓練", town.person("zeimu"), town.now))


def test_only_the_systems_division_releases_and_once(town: SmallTown) -> None:
    """Not the division that cut, not the contractor; with a reason; the second press changes nothing."""
    latch = held(town, line=town.line)
    for person in town.everybody_but("systems"):
        with town.nothing_happens():
            assert refused(service.release_latch(latch, "済んだ", person, town.now)) == ("only-systems",)
    with town.nothing_happens():
        assert refused(service.release_latch(latch, "", town.person("systems"), town.now)) == ("say-why",)
    with town.one_record("city:latch:released", "person:systems") as said:
        must(service.release_latch(latch, "確認が済んだ", town.person("systems"), town.now))
    assert {f"latch:{latch.id}", "line:line-a"} == set(said[0].subjects)
    with town.nothing_happens():
        assert refused(service.release_latch(latch, "x", town.person("systems"), town.now)) == ("released",)
