"""What happens to a passage while the register is still being asked whether it may open."""

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from sekisho.access.examination import Claim, Examination
from sekisho.access.facts import PROOFS, EndReason
from sekisho.access.rules import Granted
from sekisho.gate.freeze import Freeze
from sekisho.gate.passage import Passage
from sekisho.gate.relay import OperatorSession
from sekisho.kernel.ids import LoginId, PermitNumber, SystemCode, TerminalCode
from sekisho.kernel.outcome import Reason, Refused
from sekisho.kernel.text import Text

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
YES = Examination(Granted(PermitNumber("R8-0001"), NOW + timedelta(hours=1)), PermitNumber("R8-0001"), None)
NO = Examination(Refused((Reason("no-permit", Text("いいえ", "no")),)), None, None)


class Connection:
    """An operator's connection of which nothing is left to send."""

    _transport = None

    def abort(self) -> None:
        pass

    def close(self) -> None:
        pass

    async def wait_closed(self) -> None:
        pass


class House:
    """A gate whose register answers when it is let; `written` is what it was told."""

    def __init__(self, answer: Examination) -> None:
        self.answer, self.asked, self.may_answer = answer, asyncio.Event(), asyncio.Event()
        self.passages: dict[UUID, Passage] = {}
        self.written: list[tuple[str, dict[str, Any]]] = []
        self.notes: list[str] = []
        self.held: tuple[()] = ()
        self.tasks: list[asyncio.Task[None]] = []
        self.clock = self.latches = self.ledger = self.recordings = self

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    def note(self, tag: str, *_: Any) -> None:
        self.notes.append(str(tag))

    async def write(self, verb: str, args: dict[str, Any]) -> None:
        self.written.append((verb, args))

    async def close(self, _: UUID) -> None:
        return None

    async def open_session(self, *_: Any) -> Examination:
        self.asked.set()
        await self.may_answer.wait()
        return self.answer


async def ended_while_asking(answer: Examination, steps: int) -> House:
    house = House(answer)
    claim = Claim(LoginId("mori"), SystemCode("juki"), TerminalCode("t-01"), "127.0.0.1", PROOFS)
    operator = OperatorSession(lambda _: None, lambda: None, lambda _: None)
    passage = Passage(
        cast(Any, house), UUID(int=1), claim, None, cast(Any, Connection()), operator, Freeze(60, 60)
    )
    life = asyncio.get_running_loop().create_task(passage.run())
    await house.asked.wait()
    if steps < 0:  # the answer is on its way already
        house.may_answer.set()
    passage.end(EndReason.CLIENT_GONE)
    for _ in range(steps):
        await asyncio.sleep(0)
    house.may_answer.set()
    await life
    await asyncio.gather(*house.tasks)
    return house


@pytest.mark.parametrize("steps", [-1, 0, 1, 5])
def test_a_session_left_while_it_opened_is_ended_in_the_register(steps: int) -> None:
    """The client goes while the register writes the session down: its end and true reason follow, once."""
    house = asyncio.run(ended_while_asking(YES, steps))
    assert [(verb, args["reason"], args["ordinal"]) for verb, args in house.written] == [
        ("end_session", "client-gone", 2)
    ]
    assert house.passages == {}


@pytest.mark.parametrize("steps", [-1, 0, 1, 5])
def test_a_refusal_nobody_waits_for_is_evidence_all_the_same(steps: int) -> None:
    """The client goes before it is refused: that it was refused is noted, and no end of what never began."""
    house = asyncio.run(ended_while_asking(NO, steps))
    assert house.written == []
    assert house.notes == ["gate:session:refused"]
