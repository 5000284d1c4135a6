"""Who may knock, how often, and how long one waits after failing."""

from pathlib import Path
from uuid import uuid4

from sekisho.access.facts import LatchFacts
from sekisho.gate.backoff import LONGEST_WAIT, MAX_UNPROVEN, MAX_UNPROVEN_PER_ADDRESS, FrontDoor, Newcomer
from sekisho.gate.knocks import NOTED_A_MINUTE, Knocks
from sekisho.gate.latches import LatchStore
from sekisho.gate.proofs import MAX_WRONG_PASSWORDS
from sekisho.kernel.ids import LineCode, LoginId, PermitNumber


class Crowd:
    """Connections at a door; `sent_away` holds the addresses of those who had to give way, in order."""

    def __init__(self) -> None:
        self.door = FrontDoor()
        self.sent_away: list[str] = []

    def knock(self, address: str, recognised: bool = False) -> Newcomer | None:
        newcomer = self.door.admit(address, lambda: self.sent_away.append(address))
        if newcomer is not None:
            newcomer.recognised = recognised
        return newcomer


def test_the_operator_finds_room_in_any_crowd() -> None:
    """However many stand silent at the door, a new one comes in and the oldest of the biggest crowd gives way."""
    crowd = Crowd()
    for number in range(MAX_UNPROVEN * 8):
        assert crowd.knock(f"192.0.2.{number % 5}") is not None
    assert crowd.sent_away != []
    before = len(crowd.sent_away)
    operator = crowd.knock("198.51.100.1")
    assert operator is not None
    for number in range(MAX_UNPROVEN * 8):
        crowd.knock(f"192.0.2.{number % 5}")
    assert len(crowd.sent_away) > before
    assert "198.51.100.1" not in crowd.sent_away


def test_one_address_crowds_out_only_itself() -> None:
    """Beyond its share an address pushes out its own oldest, nobody else's; whoever leaves makes room."""
    crowd = Crowd()
    neighbour = crowd.knock("192.0.2.2")
    all_of_one = [crowd.knock("192.0.2.1") for _ in range(MAX_UNPROVEN_PER_ADDRESS)]
    assert crowd.sent_away == []
    crowd.knock("192.0.2.1")
    assert crowd.sent_away == ["192.0.2.1"]
    assert neighbour is not None
    assert all_of_one[-1] is not None
    crowd.door.leave(all_of_one[-1])
    crowd.knock("192.0.2.1")
    assert crowd.sent_away == ["192.0.2.1"]


def test_who_has_shown_a_terminal_is_not_pushed_out() -> None:
    """Not by a crowd from the same address either; and recognised ones too are limited in number."""
    crowd = Crowd()
    assert crowd.knock("192.0.2.1", recognised=True)
    for _ in range(MAX_UNPROVEN_PER_ADDRESS * 4):
        assert crowd.knock("192.0.2.1")
    assert len(crowd.sent_away) == MAX_UNPROVEN_PER_ADDRESS * 3 + 1
    full = Crowd()
    for _ in range(MAX_UNPROVEN_PER_ADDRESS):
        assert full.knock("192.0.2.1", recognised=True)
    assert full.knock("192.0.2.1") is None
    for number in range(MAX_UNPROVEN - MAX_UNPROVEN_PER_ADDRESS):
        assert full.knock(f"198.51.100.{number}", recognised=True)
    assert full.knock("203.0.113.1") is None
    assert full.sent_away == []


def test_waiting_doubles_and_ends_with_success() -> None:
    """Each three wrong passwords double the wait up to the longest; a success forgets them."""
    door, waits = FrontDoor(), []
    for _ in range(12 * MAX_WRONG_PASSWORDS):
        door.missed("mori", now=0.0)
        waits.append(door.wait("mori", now=0.0))
    assert waits[:9] == [0, 0, 10, 10, 10, 20, 20, 20, 40]
    assert waits[-1] == LONGEST_WAIT
    assert door.wait("sato", now=0.0) == 0
    assert door.wait("mori", now=LONGEST_WAIT - 1) == 1
    assert door.wait("mori", now=LONGEST_WAIT + 1) == 0
    door.succeeded("mori")
    assert door.wait("mori", now=0) == 0


def test_hammering_is_counted_not_copied() -> None:
    """A few knocks a minute are noted; the next noted one says how many were only counted."""
    knocks = Knocks()
    noted = [knocks.may_note("192.0.2.1", now=1.0) for _ in range(500)]
    assert noted.count(0) == NOTED_A_MINUTE
    assert knocks.may_note("192.0.2.1", now=62.0) == 500 - NOTED_A_MINUTE


def test_latches_outlive_the_process(tmp_path: Path) -> None:
    """A persisted latch holds after a restart, and only the database's release takes it away."""
    store, first, second = LatchStore(tmp_path), uuid4(), uuid4()
    store.latch(first, LatchFacts(operator=LoginId("mori"), permit=PermitNumber("R8-0001")))
    store.latch(second, LatchFacts(line=LineCode("line-a")))
    store.persist()
    again = LatchStore(tmp_path)
    assert set(again.held) == set(store.held)
    again.add({})  # a database that knows no latch releases none
    assert len(LatchStore(tmp_path).held) == 2
    again.release([first])
    assert LatchStore(tmp_path).held == (LatchFacts(line=LineCode("line-a")),)
