"""Who may knock, how often, and how long one waits after failing."""

from pathlib import Path
from uuid import uuid4

from sekisho.access.rules import LatchFacts
from sekisho.gate.backoff import LONGEST_WAIT, MAX_UNPROVEN, MAX_UNPROVEN_PER_ADDRESS, FrontDoor
from sekisho.gate.knocks import NOTED_A_MINUTE, Knocks
from sekisho.gate.latches import LatchStore
from sekisho.kernel.ids import LineCode, LoginId, PermitNumber


def test_one_address_cannot_take_all_places() -> None:
    """Beyond its share an address is turned away; others still come in; whoever leaves makes room."""
    door = FrontDoor()
    assert [door.admit("192.0.2.1") for _ in range(MAX_UNPROVEN_PER_ADDRESS)] == [
        None
    ] * MAX_UNPROVEN_PER_ADDRESS
    assert door.admit("192.0.2.1") == "too-many-from-address"
    assert door.admit("192.0.2.2") is None
    door.leave("192.0.2.1")
    assert door.admit("192.0.2.1") is None


def test_there_is_an_end_to_half_open_connections() -> None:
    """From however many addresses: no more than the limit are unproven at once."""
    door = FrontDoor()
    answers = [door.admit(f"192.0.2.{number}") for number in range(MAX_UNPROVEN + 5)]
    assert answers.count(None) == MAX_UNPROVEN
    assert answers[-1] == "too-many-unproven"


def test_waiting_doubles_and_ends_with_success() -> None:
    """Each failure doubles the wait up to the longest; a success forgets them."""
    door = FrontDoor()
    waits = [door.failed("mori", now=0.0) for _ in range(12)]
    assert waits[:3] == [10.0, 20.0, 40.0]
    assert waits[-1] == LONGEST_WAIT
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
