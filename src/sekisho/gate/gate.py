"""The gate: everything one gate process holds, and the loops that keep it honest.

State and who may touch it: `passages`, `latches`, `door` belong to the event loop; the journal belongs to the
one thread of `_disk`; the database is reached only through the threads of `_database`.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError, close_old_connections

from sekisho.access import gateway
from sekisho.access.examination import Claim, Examination, GateState, Target
from sekisho.access.rules import EndReason, LatchFacts
from sekisho.evidence import merkle
from sekisho.evidence.tags import Tag
from sekisho.gate import messages
from sekisho.gate.backoff import FrontDoor
from sekisho.gate.journal import Journal, JournalEntry, JournalFailed
from sekisho.gate.knocks import Knocks
from sekisho.gate.latches import LatchStore
from sekisho.gate.passage import Passage
from sekisho.gate.relay import Request
from sekisho.gate.target import Connect
from sekisho.kernel.clock import Clock
from sekisho.kernel.ids import LineCode, LoginId, PermitNumber, time_ordered_id
from sekisho.kernel.installation import Installation
from sekisho.kernel.outcome import Reason, Refused
from sekisho.vault.archive import open_recording, recording_path
from sekisho.vault.format import CHUNK_BYTES, Header
from sekisho.vault.recorder import Recorder, RecorderFailed, digest_of

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

WATCH_SECONDS = 1.0
WATCH_TIMEOUT = 4.0
TICK_SECONDS = 0.2
SYNC_SECONDS = 0.5


class Gate:
    """One gate process. `serve` in `main.py` runs it."""

    def __init__(
        self, installation: Installation, clock: Clock, terminal_ca: bytes, connect: Connect
    ) -> None:
        self.clock = clock
        self.connect = connect
        self.terminal_ca = terminal_ca
        self.gateway = gateway
        self.name = installation.options.gate_name
        self.passages: dict[UUID, Passage] = {}
        self.door = FrontDoor()
        self.latches = LatchStore(installation.gate)
        self.ready = False
        self.stopping = False
        self.database_seen = False
        self._installation = installation
        self._journal = Journal(installation.gate)
        self._disk = ThreadPoolExecutor(1, "journal")
        self._sync = ThreadPoolExecutor(1, "sync")
        self._database = ThreadPoolExecutor(4, "database")
        self._watcher = ThreadPoolExecutor(1, "watch")
        self._recorders: dict[UUID, Recorder] = {}
        self._lines: dict[str, LineCode] = {}
        self._lease = timedelta(seconds=installation.options.lease_seconds)
        self._renewed = clock.monotonic()
        self._wake = asyncio.Event()
        self._to_hand_over = asyncio.Event()
        self._handing_over = asyncio.Lock()
        self._knocks = Knocks()
        self._tasks: asyncio.TaskGroup | None = None

    # Tasks and threads

    async def run(self, started: Callable[[], Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
        """Runs the loops until `stop`; then ends every passage and hands over what it can."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            loops = [
                tasks.create_task(each)
                for each in (
                    self._keep_watch(),
                    self._keep_time(),
                    self._keep_synced(),
                    self._keep_handing_over(),
                )
            ]
            self.note(Tag.GATE_STARTED, [f"gate:{self.name}"], {})
            await started()
            await stop.wait()
            self.stopping = True
            leaving = list(self.passages.values())
            self.end_all(EndReason.GATE_STOPPED)
            for passage in leaving:
                await passage.closed.wait()
            await self.journal_now("note", {"tag": Tag.GATE_STOPPED, "subjects": [f"gate:{self.name}"]})
            await self._hand_over_rest()
            for task in loops:
                task.cancel()
        self._journal.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """A task of the gate's own group; its failure is logged and ends nothing but itself."""
        if self._tasks is None:
            work.close()
            return
        self._tasks.create_task(_logged(work))

    async def in_database(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a read or verb of the register in a thread. DatabaseError when it cannot be reached."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._database, lambda: _in_database(call, *args, **kwargs))

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
            recording_ready=self._installation.recordings.is_dir(),
            evidence_ready=not self._journal.failed,
        )

    async def open_session(self, session: UUID, claim: Claim) -> Examination:
        """Asks the register; what cannot be asked is refused."""
        now = self.clock.now()
        try:
            return await self.in_database(
                gateway.open_session, session, claim, self.state, self.name, now + self._lease, now
            )
        except (DatabaseError, InterfaceError):
            log.exception("the register cannot be reached")
            return Examination(Refused((Reason("not-ready", messages.NOT_READY),)), None, None)

    def new_recorder(self, session: UUID, target: Target, request: Request) -> Recorder:
        """Begins the recording of a session. RecorderFailed when it cannot be begun."""
        size = (request.size[0], request.size[1]) if request.terminal is not None else None
        header = Header(session=session, started=self.clock.now(), size=size, charset=target.charset)
        path = recording_path(self._installation.recordings, session)
        recorder = Recorder(path, header, time.monotonic)
        self._recorders[session] = recorder
        return recorder

    async def close_recorder(self, recorder: Recorder | None) -> dict[str, Any] | None:
        """Closes a recording and says what it was: size and RFC 6962 root over its chunks."""
        if recorder is None:
            return None
        self._recorders = {key: each for key, each in self._recorders.items() if each is not recorder}
        digest = await asyncio.get_running_loop().run_in_executor(self._sync, recorder.close)
        return {
            "bytes": digest.size,
            "root": merkle.root(digest.leaves).hex(),
            "chunk_bytes": CHUNK_BYTES,
        }

    def line_of(self, terminal: str) -> LineCode | None:
        return self._lines.get(terminal)

    # Evidence

    def note(self, tag: Tag, subjects: Iterable[str], detail: dict[str, Any]) -> None:
        """Evidence of the gate's own, journalled as soon as the disk is free."""
        args = {"tag": tag.value, "subjects": list(subjects), "detail": detail}
        self.spawn(self._journal_later("note", args))

    def note_knock(self, tag: Tag, address: str, detail: dict[str, Any], terminal: str | None = None) -> None:
        """Evidence of somebody who is not in yet; at most a few a minute from one address, the rest counted."""
        now = self.clock.monotonic()
        suppressed = self._knocks.may_note(address, now)
        if suppressed is None:
            return
        subjects = [f"address:{address}", *([f"terminal:{terminal}"] if terminal else [])]
        self.note(tag, subjects, {**detail, **({"not_noted": suppressed} if suppressed else {})})

    async def journal_now(self, verb: str, args: dict[str, Any]) -> JournalEntry | None:
        """Writes down what happened and returns when it is on disk; without evidence every passage ends."""
        at = self.clock.now()
        loop = asyncio.get_running_loop()
        try:
            entry = await loop.run_in_executor(self._disk, self._journal.append, verb, args, at)
        except JournalFailed:
            log.exception("the journal cannot be written")
            self.end_all(EndReason.EVIDENCE_FAILED)
            return None
        self._to_hand_over.set()
        return entry

    async def _journal_later(self, verb: str, args: dict[str, Any]) -> None:
        await self.journal_now(verb, args)

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
        await asyncio.get_running_loop().run_in_executor(self._disk, self.latches.persist)
        ended = [passage.id for passage in covered]
        await self.journal_now(
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

    def woken(self) -> None:
        """A row has changed: look at once."""
        self._wake.set()

    # The loops

    async def _keep_watch(self) -> None:
        while True:
            self._wake.clear()
            try:
                async with asyncio.timeout(WATCH_TIMEOUT):
                    await self._watch_once()
            except (TimeoutError, DatabaseError, InterfaceError) as error:
                self.database_seen = False
                log.warning("the register cannot be reached: %s", type(error).__name__)
                if self.clock.monotonic() - self._renewed > self._lease.total_seconds():
                    self.end_all(EndReason.LEASE_LOST)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH_SECONDS):
                    await self._wake.wait()

    async def _watch_once(self) -> None:
        asked, now = self.clock.monotonic(), self.clock.now()
        if not self.ready:
            await self._recover()
        claims = {key: each.claim for key, each in self.passages.items() if each.permit}
        loop = asyncio.get_running_loop()
        seen = await loop.run_in_executor(
            self._watcher,
            lambda: _in_database(_look, claims, self.state, now + self._lease, now),
        )
        watch, self._lines = seen
        self._renewed = asked
        self.database_seen = True
        self.latches.release(watch.released)
        self.latches.add({key: each for key, each in watch.held.items() if key not in watch.released})
        for session, answer in watch.answers.items():
            passage = self.passages.get(session)
            if passage is not None:
                passage.decided(answer)

    async def _keep_time(self) -> None:
        while True:
            wall, monotonic = self.clock.now(), self.clock.monotonic()
            if monotonic - self._renewed > self._lease.total_seconds():
                self.end_all(EndReason.LEASE_LOST)
            for passage in list(self.passages.values()):
                passage.tick(wall, monotonic)
            await asyncio.sleep(TICK_SECONDS)

    async def _keep_synced(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for session, recorder in list(self._recorders.items()):
                try:
                    await loop.run_in_executor(self._sync, recorder.sync)
                except RecorderFailed:
                    if session in self.passages:
                        self.passages[session].end(EndReason.RECORDER_FAILED)
            await asyncio.sleep(SYNC_SECONDS)

    async def _keep_handing_over(self) -> None:
        while True:
            await self._to_hand_over.wait()
            self._to_hand_over.clear()
            while not await self._hand_over_all():  # noqa: ASYNC110 - waits for a database, which signals nothing
                await asyncio.sleep(1)

    async def _hand_over_all(self) -> bool:
        """Hands over what is pending, oldest first. False when the register cannot be reached."""
        async with self._handing_over:
            return await self._hand_over_pending()

    async def _hand_over_pending(self) -> bool:
        loop = asyncio.get_running_loop()
        for entry in await loop.run_in_executor(self._disk, self._journal.pending):
            try:
                await self.in_database(
                    gateway.hand_over, entry.id, entry.at, self.name, entry.verb, entry.args
                )
            except (DatabaseError, InterfaceError):
                return False
            await loop.run_in_executor(self._disk, self._journal.handed_over, entry)
        return True

    async def _hand_over_rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WATCH_TIMEOUT):
                await self._hand_over_all()

    async def _recover(self) -> None:
        """Ends in the register what a crash left open, with the digest of what was recorded."""
        if not await self._hand_over_all():
            raise DatabaseError("the journal could not be handed over")
        for session in await self.in_database(gateway.sessions_left_open, self.name):
            if session in self.passages:
                continue
            recording = await asyncio.to_thread(self._digest_left_behind, session)
            args = {"session": str(session), "reason": EndReason.GATE_CRASHED.value, "recording": recording}
            await self.journal_now("end_session", args)
        self.ready = True

    def _digest_left_behind(self, session: UUID) -> dict[str, Any] | None:
        try:
            with open_recording(recording_path(self._installation.recordings, session)) as recording:
                digest = digest_of(recording)
        except FileNotFoundError:
            return None
        root = merkle.root(digest.leaves).hex()
        return {"bytes": digest.size, "root": root, "chunk_bytes": CHUNK_BYTES}


def _look(
    claims: dict[UUID, Claim], state: GateState, lease_until: datetime, now: datetime
) -> tuple[gateway.Watch, dict[str, LineCode]]:
    return gateway.watch(claims, state, lease_until, now), gateway.lines_of_terminals()


def _in_database(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    close_old_connections()
    return call(*args, **kwargs)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("a task of the gate failed")
