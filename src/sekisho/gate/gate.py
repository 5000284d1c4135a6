"""The gate: everything one gate process holds, and the loops that keep it honest.

`passages`, `latches` and `door` belong to the event loop. What is written down is `ledger`'s, what is recorded
`recordings`', and the database is reached only through `register`.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError

from sekisho.access import gateway
from sekisho.access.examination import Claim, Examination, GateState
from sekisho.access.facts import EndReason, LatchFacts
from sekisho.evidence.tags import Tag
from sekisho.gate import messages
from sekisho.gate.backoff import FrontDoor
from sekisho.gate.freeze import Freeze
from sekisho.gate.latches import LatchStore
from sekisho.gate.ledger import Ledger
from sekisho.gate.passage import Passage
from sekisho.gate.recordings import Recordings
from sekisho.gate.register import Register, Unreachable
from sekisho.gate.target import Connect
from sekisho.kernel.clock import Clock
from sekisho.kernel.ids import LineCode, LoginId, PermitNumber, time_ordered_id
from sekisho.kernel.installation import Installation
from sekisho.kernel.outcome import Reason, Refused

log = logging.getLogger(__name__)

_CODE = re.compile(r"[-a-zA-Z0-9_]{1,40}")
WATCH_SECONDS = 1.0
WATCH_TIMEOUT = 4.0
TICK_SECONDS = 0.2


class Gate:
    """One gate process. `serve` in `main.py` runs it."""

    def __init__(
        self, installation: Installation, clock: Clock, terminal_ca: bytes, connect: Connect
    ) -> None:
        self.clock = clock
        self.connect = connect
        self.terminal_ca = terminal_ca
        self.name = installation.options.gate_name
        self.passages: dict[UUID, Passage] = {}
        self.door = FrontDoor()
        self.latches = LatchStore(installation.gate)
        self.recordings = Recordings(installation.recordings)
        self.register = Register()
        self.ledger = Ledger(
            installation.gate, self.name, clock, self.register, self.spawn, self._evidence_failed
        )
        self.ready = False
        self.stopping = False
        self.database_seen = False
        self._lines: Mapping[str, LineCode] = {}
        self._lease = timedelta(seconds=installation.options.lease_seconds)
        self._renewed = clock.monotonic()
        self._options = installation.options
        self._wake = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._spawned: set[asyncio.Task[None]] = set()

    async def run(
        self,
        started: Callable[[], Coroutine[Any, Any, None]],
        stop: asyncio.Event,
        *beside: Coroutine[Any, Any, None],
    ) -> None:
        """Runs the loops, and those of `beside`, until `stop`; then ends every passage and hands over what it can."""
        loops = (
            self._keep_watch(),
            self._keep_time(),
            self.recordings.keep_synced(self._recorder_failed),
            self.ledger.keep_handing_over(),
            *beside,
        )
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            running = {tasks.create_task(each) for each in loops}
            self.ledger.note(Tag.GATE_STARTED, [f"gate:{self.name}"], {})
            await started()
            await stop.wait()
            self.stopping = True
            leaving = list(self.passages.values())
            self.end_all(EndReason.GATE_STOPPED)
            for passage in leaving:
                await passage.closed.wait()
            await self.ledger.write("note", {"tag": Tag.GATE_STOPPED, "subjects": [f"gate:{self.name}"]})
            await self.ledger.hand_over_rest(WATCH_TIMEOUT)
            for task in running | self._spawned:  # one of them may wait for a database that never answers
                task.cancel()
        self.ledger.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """A task of the gate's own group; its failure is logged and ends nothing but itself."""
        if self._tasks is None:
            work.close()
            return
        task = self._tasks.create_task(_logged(work))
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    def stopping_reason(self) -> str | None:
        if self.stopping:
            return "stopping"
        return None if self.ready else "not-ready"

    # Opening

    @property
    def state(self) -> GateState:
        """What only the gate knows, for the decision."""
        return GateState(
            latches=self.latches.held,
            recording_ready=self.recordings.ready,
            evidence_ready=self.ledger.ready,
        )

    async def open_session(self, session: UUID, claim: Claim) -> Examination:
        """Asks the register; what cannot be asked is refused."""
        now = self.clock.now()
        try:
            return await self.register.ask(
                gateway.open_session, session, claim, self.state, self.name, now + self._lease, now
            )
        except Unreachable:
            log.exception("the register cannot be reached")
            return Examination(Refused((Reason("not-ready", messages.NOT_READY),)), None, None)

    def line_of(self, terminal: str) -> LineCode | None:
        return self._lines.get(terminal)

    def may_be_a_line(self, code: str) -> bool:
        """Whether anybody could come over this line, as far as the gate knows: before its first look, anything."""
        return code in self._lines.values() or (not self._lines and _CODE.fullmatch(code) is not None)

    def freeze(self) -> Freeze:
        """A new session's own: how long it may stand still."""
        return Freeze(self._options.attendance_wait_seconds, self._options.attendance_lost_seconds)

    # The cut

    async def cut(
        self, covers: LatchFacts, by: str, account: str, session: UUID | None = None
    ) -> tuple[UUID, list[UUID], float]:
        """Ends what `covers` names and latches it. Returns the latch, the sessions ended and the milliseconds."""
        started = self.clock.monotonic()
        latch = time_ordered_id(self.clock.now())
        self.latches.latch(latch, covers)
        covered = [each for each in self.passages.values() if each.covered_by(covers)]
        for passage in covered:
            passage.end(EndReason.CUT)
        await asyncio.gather(*(passage.closed.wait() for passage in covered))
        milliseconds = (self.clock.monotonic() - started) * 1000
        await self._persist_latches()
        ended = [passage.id for passage in covered]
        await self.ledger.write(
            "apply_cut",
            {
                "latch": str(latch),
                "session": str(session) if session else None,
                "line": covers.line,
                "operator": covers.operator,
                "permit": covers.permit,
                "by": by,
                "account": account,
                "sessions": [str(each) for each in ended],
                "milliseconds": milliseconds,
            },
        )
        return latch, ended, milliseconds

    async def _persist_latches(self) -> None:
        try:
            await asyncio.to_thread(self.latches.persist)
        except OSError:
            # The journal has room kept free for this cut, and after a restart its latch comes back from there.
            log.exception("the latches cannot be written down")

    def cover_of(self, session: UUID) -> LatchFacts | None:
        """What a cut of this session latches: its operator and its permit."""
        passage = self.passages.get(session)
        if passage is None:
            return None
        return LatchFacts(
            operator=LoginId(passage.claim.operator),
            permit=PermitNumber(passage.permit) if passage.permit else None,
        )

    def end_all(self, reason: EndReason) -> None:
        for passage in list(self.passages.values()):
            passage.end(reason)

    def inside(self) -> int:
        """How many sessions there are this moment."""
        return sum(1 for passage in self.passages.values() if passage.permit)

    def woken(self) -> None:
        """A row has changed: look at once."""
        self._wake.set()

    def _evidence_failed(self) -> None:
        self.end_all(EndReason.EVIDENCE_FAILED)

    def _recorder_failed(self, session: UUID) -> None:
        if session in self.passages:
            self.passages[session].end(EndReason.RECORDER_FAILED)

    # The loops

    async def _keep_watch(self) -> None:
        while True:
            self._wake.clear()
            try:
                async with asyncio.timeout(WATCH_TIMEOUT):
                    await self._watch_once()
            except (TimeoutError, *Unreachable) as error:
                self.database_seen = False
                log.warning("the register cannot be reached: %s", type(error).__name__)
                self._end_what_lost_its_lease()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_SECONDS):
                    await self._wake.wait()

    async def _watch_once(self) -> None:
        asked, now = self.clock.monotonic(), self.clock.now()
        if not self.ready:
            await self._recover()
        claims = {key: each.claim for key, each in self.passages.items() if each.permit}
        watch = await self.register.watch(gateway.watch, claims, self.state, now + self._lease, now)
        self._lines = watch.lines
        self._renewed = asked
        self.database_seen = True
        self.latches.release(watch.released)
        self.latches.add({key: each for key, each in watch.held.items() if key not in watch.released})
        for session, standing in watch.attended.items():
            if session in self.passages:
                self.passages[session].attended(standing)
        for session, answer in watch.answers.items():
            passage = self.passages.get(session)
            if passage is not None:
                passage.decided(answer)

    async def _keep_time(self) -> None:
        while True:
            wall, monotonic = self.clock.now(), self.clock.monotonic()
            self._end_what_lost_its_lease()
            for passage in list(self.passages.values()):
                passage.tick(wall, monotonic)
            await asyncio.sleep(TICK_SECONDS)

    def _end_what_lost_its_lease(self) -> None:
        if self.clock.monotonic() - self._renewed > self._lease.total_seconds():
            self.end_all(EndReason.LEASE_LOST)

    async def _recover(self) -> None:
        """Ends in the register what a crash left open, with the digest of what was recorded."""
        if not await self.ledger.hand_over():
            raise DatabaseError("the journal could not be handed over")
        for session in await self.register.ask(gateway.sessions_left_open, self.name):
            if session in self.passages:
                continue
            recording = await self.recordings.left_behind(session)
            args = {"session": str(session), "reason": EndReason.GATE_CRASHED.value, "recording": recording}
            await self.ledger.write("end_session", args)
        self.ready = True


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("a task of the gate failed")
