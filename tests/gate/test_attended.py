"""Attended work: nothing moves until the city is present, and nothing moves when it has left."""

import time
from collections.abc import Iterator

import pytest

from tests.gate.gatetown import GateTown
from tests.town import Terminal as Screen
from tests.town import eventually

pytestmark = pytest.mark.e2e

ATTEND = (
    "from sekisho.access import service\n"
    "session = Session.objects.get(id=which)\n"
    "answer = service.begin_attending(session, Person.objects.get(login=login), timezone.now())\n"
    "getattr(answer, 'codes', 'present')"
)
WAITING = "職員1人がそろうのを待っています".encode()
GOES_ON = "再開しました".encode()
LEFT = "立ち会う職員が足りないため止まっています".encode()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateTown]:
    """A town whose permit is for a great change, and whose gate has little patience."""
    place = GateTown(tmp_path_factory.mktemp("attended"))
    try:
        place.open({"attendance_wait_seconds": 8, "attendance_lost_seconds": 3})
        place.probe("Permit.objects.update(great_change=True)")
        yield place
    finally:
        place.close()


def called(town: GateTown) -> int:
    """How often the target has let the gate in."""
    return (town.target.folder / "log").read_text().count("Accepted publickey")


def attend(town: GateTown, session: str, login: str = "kacho") -> object:
    return town.probe(ATTEND, which=session, login=login)


def seen(town: GateTown, seconds_ago: float) -> None:
    """When the attendants' pages last gave a sign of life."""
    code = "Attending.objects.filter(ended_at=None).update(seen_at=timezone.now() - datetime.timedelta(seconds=ago))"
    town.probe(code, ago=seconds_ago)
    town.gate.wake()


def frozen(town: GateTown) -> dict[str, str]:
    return dict(town.gate.status()["frozen"])


def opened(town: GateTown, terminal: Screen) -> str:
    terminal.expect(WAITING)
    return town.live_session()


def test_nothing_moves_before_somebody_attends(town: GateTown) -> None:
    """The target is not even called; what was typed goes on when the city is there, and not before."""
    logins = called(town)
    with town.terminal() as terminal:
        session = opened(town, terminal)
        assert frozen(town) == {session: "waiting-for-attendants"}
        terminal.send(b"echo $((40 + 2))-typed-early\n")
        time.sleep(1)
        assert called(town) == logins
        assert town.recording(session)["INPUT"] == b""
        assert attend(town, session) == "present"
        terminal.expect(GOES_ON)
        terminal.expect(b"42-typed-early")
        assert frozen(town) == {}
        terminal.send(b"exit\n")
        terminal.wait_end()
    began = town.records("city:attendance:began")
    released = town.records("gate:session:released")
    assert len(began) == 1
    assert released[-1]["present"] == ["person:kacho"]


def test_who_leaves_stops_everything_and_coming_back_loses_nothing(town: GateTown) -> None:
    """Output is held, in order and unrecorded, until somebody is present again."""
    with town.terminal() as terminal:
        session = opened(town, terminal)
        attend(town, session)
        terminal.expect(GOES_ON)
        terminal.send(b"for n in 1 2 3 4 5 6 7 8 9; do echo line-$n-; sleep 0.3; done\n")
        terminal.expect(b"line-2-")
        seen(town, 11)
        terminal.expect(LEFT)
        eventually(lambda: frozen(town) == {session: "attendants-left"})
        shown = town.shown(session)
        time.sleep(1)
        assert town.shown(session) == shown
        seen(town, 0)
        terminal.expect(b"line-9-")
        screen = terminal.screen
        places = [screen.index(f"line-{number}-".encode()) for number in range(1, 10)]
        assert places == sorted(places)
        terminal.send(b"exit\n")
        terminal.wait_end()


def test_left_alone_for_long_it_ends(town: GateTown) -> None:
    """Frozen first, ended after the patience that the installation has; what was held is in the record."""
    with town.terminal() as terminal:
        session = opened(town, terminal)
        attend(town, session)
        terminal.expect(GOES_ON)
        terminal.send(b"sleep 1; echo held-$((40 + 2))\n")
        time.sleep(0.3)
        seen(town, 11)
        terminal.expect(LEFT)
        terminal.wait_end(8)
        assert b"held-42" not in terminal.screen
        assert "立ち会う職員がそろわないため終了しました".encode() in terminal.screen
    assert eventually(lambda: town.last_session()["end_reason"] == "nobody-attends")
    assert b"held-42" in town.shown(session)
    ended = eventually(lambda: town.probe("list(Attending.objects.values_list('end_reason', flat=True))"))
    assert ended[-1] == "session-ended"


def test_nobody_comes(town: GateTown) -> None:
    """A command whose attendants never come ends without having run."""
    mark = town.folder / "ran"
    result = town.ssh(f"touch {mark}", seconds=20)
    assert result.returncode != 0
    assert WAITING in result.stderr
    assert not mark.exists()
    assert eventually(lambda: town.last_session()["end_reason"] == "nobody-attends")


def test_a_command_that_ends_while_frozen_is_shown_when_they_are_back(town: GateTown) -> None:
    """Its output and its exit status come then, not before and not never."""
    with town.running("sleep 1; echo out-$((40 + 2)); echo err >&2; exit 7") as client:
        session = town.live_session()
        attend(town, session)
        time.sleep(0.5)
        seen(town, 11)
        eventually(lambda: frozen(town) == {session: "attendants-left"})
        time.sleep(1.2)
        assert client.poll() is None
        seen(town, 0)
        out, err = client.communicate(timeout=10)
    assert (out, client.returncode) == (b"out-42\n", 7)
    assert err.endswith(b"err\n")


def test_the_button_freezes_and_lets_go(town: GateTown) -> None:
    """Any session the city may cut; within a moment, whatever floods; and who pressed is in the evidence."""
    with town.terminal() as terminal:
        session = opened(town, terminal)
        attend(town, session)
        terminal.expect(GOES_ON)
        terminal.send(b"yes 0123456789012345678901234567890123456789\n")
        for _ in range(20):
            terminal.read()
        assert town.gate.freeze(session, by="person:kacho") == "button"
        while terminal.read(0.5):
            pass
        shown = town.shown(session)
        time.sleep(0.5)
        assert terminal.read(0.2) == b""
        assert town.shown(session) == shown
        terminal.send(b"\x03")
        assert town.gate.resume(session, by="person:systems") is None
        terminal.send(b"echo back-$((40 + 2))\n")
        terminal.expect(b"back-42")
        assert town.gate.freeze(session, by="person:kacho") == "button"
        seen(town, 11)
        assert eventually(lambda: town.gate.resume(session, by="person:kacho") == "attendants-left")
        seen(town, 0)
        terminal.send(b"exit\n")
        terminal.wait_end()
    actors = town.probe(
        "list(Entry.objects.filter(tag='gate:session:frozen').order_by('index').values_list('actor', flat=True))"
    )
    assert actors[-3:-1] == ["person:kacho", "person:kacho"] or "person:kacho" in actors


def test_a_cut_ends_what_stands_still(town: GateTown) -> None:
    """Frozen is no shelter: it is out at once, and what was held is in the record, not on the screen."""
    with town.terminal() as terminal:
        session = opened(town, terminal)
        attend(town, session)
        terminal.expect(GOES_ON)
        terminal.send(b"sleep 0.5; echo after-$((40 + 2))\n")
        terminal.expect(b"after-$((40")
        town.gate.freeze(session, by="person:kacho")
        time.sleep(1)
        town.gate.cut_session(session, by="person:systems")
        terminal.wait_end(2)
        assert b"after-42" not in terminal.screen
    town.release_latches()
    assert b"after-42" in town.shown(session)


def test_those_who_do_not_count(town: GateTown) -> None:
    """The contractor's people, other roles, and a clock that runs ahead."""
    with town.terminal() as terminal:
        session = opened(town, terminal)
        for login in ("mori", "kanri", "hayashi"):
            assert attend(town, session, login) == ["not-yours"]
        attend(town, session)
        terminal.expect(GOES_ON)
        seen(town, -3600)
        terminal.expect(LEFT)
        seen(town, 0)
        town.probe("Person.objects.filter(login='kacho').update(is_active=False)")
        terminal.wait_end(8)
    town.probe("Person.objects.filter(login='kacho').update(is_active=True)")
