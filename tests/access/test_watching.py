"""What the gate asks once a second, and what is known of sessions whose gate is silent or has died."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from sekisho.access import gateway
from sekisho.access.examination import Claim, GateState
from sekisho.access.facts import PROOFS, EndReason, LatchFacts
from sekisho.access.models import Latch, LineSwitch, Permit, Session
from sekisho.access.rules import Granted
from sekisho.kernel.ids import LineCode, LoginId, SystemCode, TerminalCode
from tests.access.smalltown import SmallTown, refused

CLAIM = Claim(LoginId("mori"), SystemCode("juki"), TerminalCode("t-01"), "127.0.0.1", PROOFS)
GRACE = gateway.SWEEP_GRACE


def look(town: SmallTown, sessions: list[Session]) -> gateway.Watch:
    claims = {row.id: CLAIM for row in sessions}
    return gateway.watch(claims, GateState(), town.now + timedelta(seconds=10), town.now)


def test_a_hundred_sessions_cost_no_more_questions_than_one(town: SmallTown) -> None:
    """The register is asked the same few things, however many are inside."""
    sessions = [town.session() for _ in range(100)]
    look(town, sessions[:1])  # the grant of a contract is kept
    asked = []
    for number in (1, 100):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            watch = look(town, sessions[:number])
        assert len(watch.answers) == number
        assert all(isinstance(answer, Granted) for answer in watch.answers.values())
        asked.append(len(queries))
    assert asked[0] == asked[1], asked


def test_a_look_renews_every_lease_and_leaves_no_record(town: SmallTown) -> None:
    """Looking is no event; the leases of all that were asked about run anew, of no other."""
    mine, other = town.session(), town.session()
    before = town.said()
    look(town, [mine])
    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.lease_until == town.now + timedelta(seconds=10)
    assert other.lease_until == town.now + timedelta(seconds=9)
    assert town.said() == before


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (lambda town: LineSwitch.objects.update(is_open=False), "line-closed"),
        (lambda town: Permit.objects.update(state="withdrawn"), "permit-withdrawn"),
        (lambda town: Permit.objects.update(ends=town.now), "permit-ended"),
        (lambda town: Latch.objects.create(id=uuid4(), cut_by="os-user:x", cut_at=town.now), "latched"),
        (lambda town: Session.objects.update(ended_at=town.now), "session-closed"),
    ],
)  # fmt: skip
def test_what_changes_in_the_register_reaches_who_is_inside(town: SmallTown, what, code: str) -> None:  # type: ignore[no-untyped-def]
    """A closed line, a withdrawn or ended permit, a latch, a session closed there: the next look says no."""
    session = town.session()
    assert isinstance(look(town, [session]).answers[session.id], Granted)
    what(town)
    assert any(each.startswith(code) for each in refused(look(town, [session]).answers[session.id]))


def test_the_gate_learns_of_latches_and_of_their_release(town: SmallTown) -> None:
    """What is held is told with what it covers; what was released is told by its number; lines by terminal."""
    held = Latch.objects.create(id=uuid4(), line=town.line, cut_by="os-user:x", cut_at=town.now)
    gone = Latch.objects.create(id=uuid4(), cut_by="os-user:x", cut_at=town.now, released_at=town.now)
    watch = look(town, [])
    assert watch.held == {held.id: LatchFacts(line=LineCode("line-a"))}
    assert watch.released == {gone.id}
    assert watch.lines["t-01"] == "line-a"


def test_a_session_whose_lease_is_lost_is_ended_once(town: SmallTown) -> None:
    """At the end of its lease, as nobody knows better; one record; living sessions are left alone."""
    begun = town.now - timedelta(minutes=1)
    lost = town.session(opened_at=begun, lease_until=town.now - GRACE - timedelta(seconds=1))
    alive = town.session(lease_until=town.now - GRACE + timedelta(seconds=1))
    with town.one_record("gate:session:recovered", "worker") as said:
        assert gateway.sweep_lost_leases(town.now) == 1
    assert f"session:{lost.id}" in said[0].subjects
    lost.refresh_from_db()
    alive.refresh_from_db()
    assert (lost.end_reason, lost.ended_at) == (EndReason.LEASE_LOST, lost.lease_until)
    assert alive.ended_at is None
    with town.nothing_happens():
        assert gateway.sweep_lost_leases(town.now) == 0


def test_only_a_gates_own_unaccounted_sessions_are_left_open(town: SmallTown) -> None:
    """Those without a recording's digest, ended or not; never another gate's."""
    crashed = town.session()
    swept = town.session(ended_at=town.now, end_reason="lease-lost")
    town.session(ended_at=town.now, end_reason="finished", recording_bytes=5)
    town.session(gate="gate-2")
    assert set(gateway.sessions_left_open("gate-1")) == {crashed.id, swept.id}


def end(town: SmallTown, session: Session, reason: EndReason, later: int) -> None:
    recording = {"bytes": 7, "root": "ab", "chunk_bytes": 65536}
    args = {"session": str(session.id), "reason": reason.value, "recording": recording, "ordinal": 2}
    gateway.hand_over(uuid4(), town.now + timedelta(seconds=later), "gate-1", "end_session", args)
    session.refresh_from_db()


def cut(town: SmallTown, session: Session) -> None:
    args = {
        "latch": str(uuid4()), "by": "os-user:root", "account": "os-user:root", "milliseconds": 3.2,
        "sessions": [str(session.id)], "operator": "mori", "permit": "R8-0001", "line": None,
        "session": str(session.id),
    }  # fmt: skip
    gateway.hand_over(uuid4(), town.now, "gate-1", "apply_cut", args)
    session.refresh_from_db()


def test_a_cut_session_stays_cut_though_the_gate_died_with_it(town: SmallTown) -> None:
    """The cut is known at once; what the gate finds at its next start adds the recording, not another reason."""
    session = town.session()
    with town.one_record("city:session:cut", "os-user:root"):
        cut(town, session)
    assert session.end_reason == EndReason.CUT
    with town.one_record("gate:session:recovered", "gate:gate-1"):
        end(town, session, EndReason.GATE_CRASHED, 60)
    assert (session.end_reason, session.ended_at, session.recording_bytes) == (EndReason.CUT, town.now, 7)


def test_a_crash_is_not_dated_after_the_lease(town: SmallTown) -> None:
    """The gate came back an hour later: the session did not last until then."""
    session = town.session()
    end(town, session, EndReason.GATE_CRASHED, 3600)
    assert (session.end_reason, session.ended_at) == (EndReason.GATE_CRASHED, session.lease_until)


def test_what_the_register_does_not_know_is_kept_all_the_same(town: SmallTown) -> None:
    """A session of a register restored from an older backup: evidence by its digest, and the journal goes on."""
    with town.one_record("gate:journal:unapplied", "gate:gate-1") as said:
        args = {"session": str(UUID(int=5)), "reason": "finished", "ordinal": 2}
        gateway.hand_over(uuid4(), town.now, "gate-1", "end_session", args)
    assert said[0].detail["verb"] == "end_session"


def test_what_the_register_cannot_hold_does_not_stop_the_journal(
    town: SmallTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL refuses a value that no column takes: evidence by its digest, and the journal goes on."""

    def too_long(*_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM access_latch WHERE cut_at > 'no time'")
        raise DataError("a database that takes anything")

    monkeypatch.setitem(gateway.VERBS, "apply_cut", too_long)
    with town.one_record("gate:journal:unapplied", "gate:gate-1") as said:
        gateway.hand_over(uuid4(), town.now, "gate-1", "apply_cut", {"by": "x"})
    assert said[0].detail["verb"] == "apply_cut"
