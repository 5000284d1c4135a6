"""One passage: a connection that has given its three proofs, until its end.

Owns every reason for which it can end (`end`): whoever is first wins, the rest changes nothing. Enters the
register before it asks whether it may open, so that a cut or a closed line in between is not missed.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, cast
from uuid import UUID

import asyncssh

from sekisho.access.attendance import Standing
from sekisho.access.deadline import WARN_MINUTES, Deadline
from sekisho.access.examination import Claim, Examination, Target, Work
from sekisho.access.facts import EndReason, LatchFacts
from sekisho.access.rules import Granted
from sekisho.evidence.tags import Tag
from sekisho.gate import messages
from sekisho.gate.freeze import Freeze, Why
from sekisho.gate.latches import LatchStore
from sekisho.gate.ledger import Ledger
from sekisho.gate.permitted_work import other_work
from sekisho.gate.recordings import Recordings
from sekisho.gate.relay import OperatorSession, Relay, TargetSession
from sekisho.gate.target import Connect, TargetFailed, TargetKeyChanged
from sekisho.gate.terminal_guard import TerminalGuard
from sekisho.kernel.clock import Clock
from sekisho.kernel.ids import LineCode, PermitNumber
from sekisho.kernel.outcome import Refused
from sekisho.vault.format import Kind
from sekisho.vault.recorder import RecorderFailed

log = logging.getLogger(__name__)

LAST_WORDS_SECONDS = 0.02
"""How long a cut waits for its last line to leave, where nothing else is queued."""
DRAIN_SECONDS = 30.0
"""How long a finished session may take to deliver its last output."""

MAX_DENIED = 32


class House(Protocol):
    """What a passage needs of its gate."""

    clock: Clock
    connect: Connect
    passages: "dict[UUID, Passage]"
    latches: LatchStore
    ledger: Ledger
    recordings: Recordings

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """A task that ends nothing but itself when it fails."""

    async def open_session(self, session: UUID, claim: Claim) -> Examination:
        """Enters the session in the register, or says why not."""


@dataclass(slots=True)
class Passage:
    """Lives on the event loop; nothing here blocks."""

    gate: House
    id: UUID
    claim: Claim
    line: LineCode | None
    connection: asyncssh.SSHServerConnection
    operator: OperatorSession
    freeze: Freeze
    permit: PermitNumber | None = None
    ended: EndReason | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    _target: asyncssh.SSHClientConnection | None = None
    _target_session: TargetSession | None = None
    _relay: Relay | None = None
    _deadline: Deadline | None = None
    _warned: set[int] = field(default_factory=set)
    _ordinal: int = 0
    _denied: list[str] = field(default_factory=list)
    _frozen: Why | None = None
    _moving: asyncio.Event = field(default_factory=asyncio.Event)
    _target_left: bool = False
    """The target finished while the session stood still; it is over when what waited has been shown."""

    def covered_by(self, latch: LatchFacts) -> bool:
        """Whether a latch holds this passage."""
        named = [
            (latch.line, self.line),
            (latch.operator, self.claim.operator),
            (latch.permit, self.permit),
        ]
        return any(each == mine for each, mine in named if each) or not any(each for each, _ in named)

    # The life of a passage

    async def run(self) -> None:
        """From the request to the end. Every way out goes through `end`."""
        try:
            examination = await self._open()
            if isinstance(examination.answer, Granted) and examination.target and not self.ended:
                await self._go_on(examination.target, examination.answer, examination.work)
        except TargetKeyChanged:
            self._alarm(Tag.TARGET_KEY_CHANGED)
            self.end(EndReason.TARGET_KEY_CHANGED)
        except TargetFailed:
            self._alarm(Tag.TARGET_FAILED)
            self.end(EndReason.TARGET_FAILED)
        except RecorderFailed:
            self.end(EndReason.RECORDER_FAILED)
        except Exception:
            log.exception("passage %s", self.id)
            self.end(EndReason.PROTOCOL)

    async def _open(self) -> Examination:
        gate = self.gate
        gate.passages[self.id] = self
        examination = await gate.open_session(self.id, self.claim)
        if isinstance(examination.answer, Refused):
            gate.passages.pop(self.id, None)
            self._refuse(examination.answer)
            return examination
        self._ordinal = 1
        self.permit = examination.permit
        for what in self._denied:  # asked for before the shell, when there was no session to note it under
            self.evidence(Tag.REQUEST_DENIED, {"request": what})
        self._set_deadline(examination.answer.until)
        self.freeze.need = examination.answer.attendance
        if self.ended:  # while the register was asked: it says open, and nobody has told it otherwise
            gate.spawn(self._write_end(self.ended))
        if any(self.covered_by(latch) for latch in gate.latches.held):
            self.end(EndReason.CUT)
        return examination

    async def _go_on(self, target: Target, granted: Granted, work: Work | None) -> None:
        request = self.operator.request
        size = (request.size[0], request.size[1]) if request.terminal is not None else None
        recorder = self.gate.recordings.begin(self.id, self.gate.clock.now(), size, target.charset)
        guard = TerminalGuard(target.charset) if request.terminal is not None else None
        limit = (work.most_output, lambda: self.end(EndReason.OUTPUT_LIMIT)) if work else None
        relay = Relay(
            recorder, self.operator.channel, guard, self._recorder_failed, self._output_stripped, limit
        )
        self._relay = relay
        text = messages.notice(target.name, str(self.permit), granted.until, str(self.id))
        relay.from_gate(text, request.terminal is not None)
        if request.command is not None:  # input like any other: recorded before it is forwarded
            recorder.write(Kind.COMMAND, request.command)
        if work is not None and (fault := await other_work(self.operator, work)):
            self.evidence(Tag.OTHER_WORK, fault)
            self.end(EndReason.OTHER_WORK)
        self.look()
        await self._moving.wait()
        if self.ended:
            return
        self._target = await self.gate.connect(target, self.id, self.claim.operator, self.gate.clock.now())
        if self.ended:
            self._target.abort()
            return
        session = TargetSession(relay, self._target_gone)
        channel, _ = await self._target.create_session(
            lambda: session,
            # Typed as text, but sent as it is: a command in Shift_JIS must stay what it was.
            command=cast(str | None, request.command),
            request_pty="force" if request.terminal is not None else False,
            term_type=request.terminal or None,
            term_size=request.size,
            term_modes=request.modes or {},
            encoding=None,
        )
        self._target_session = session
        relay.connect(channel)
        self.operator.joined(relay)

    def _refuse(self, refused: Refused) -> None:
        detail = {
            "reasons": list(refused.codes),
            "system": self.claim.system,
            "terminal": self.claim.terminal,
        }
        detail["denied_requests"] = self._denied
        self.gate.ledger.note(Tag.SESSION_REFUSED, [f"person:{self.claim.operator}"], detail)
        if self.ended:
            return
        self._say(messages.refusal(refused))
        self._close_channel(1)
        self.ended = EndReason.NO_LONGER_ALLOWED
        self.gate.spawn(self._close_connection(DRAIN_SECONDS))

    # What is told to it while it lives

    def decided(self, answer: Granted | Refused) -> None:
        """The decision, made again on the present facts."""
        if isinstance(answer, Granted):
            self._set_deadline(answer.until)
        else:
            self.end(_end_reason(answer.codes), answer)

    def attended(self, standing: Standing) -> None:
        """Who is present, as the register said just now."""
        self.freeze.told(standing, self.gate.clock.now(), self.gate.clock.monotonic())
        self.look()

    def press(self, pressed: bool, by: str) -> None:
        """The city's button: stands still, or goes on if nothing else holds it."""
        self.freeze.pressed = pressed
        self.look(by)

    @property
    def frozen(self) -> Why | None:
        """Why it stands still; None while it moves, or before anything could."""
        return self._frozen

    def look(self, by: str | None = None) -> None:
        """Stands still or moves, as is right this moment. Whoever pressed the button is the record's actor."""
        now = self.gate.clock.monotonic()
        why = self.freeze.why(now)
        if self._relay is None or self.ended or (why is self._frozen and (why or self._moving.is_set())):
            return
        was, self._frozen = self._frozen, why
        if why is not None:
            self._moving.clear()
            self._relay.hold()
        present = [f"person:{login}" for login in self.freeze.present(now)]
        terminal = self.operator.request.terminal is not None
        if why is not None or was is not None:
            self._relay.from_gate(messages.standing_still(why, self.freeze, len(present)), terminal)
            tag = Tag.SESSION_RELEASED if why is None else Tag.SESSION_FROZEN
            self.evidence(tag, {"why": why or was, "present": present}, by)
        if why is None:
            self.freeze.began = True
            self._moving.set()
            self._relay.resume()
            if self._target_left:
                self.end(EndReason.FINISHED)

    def tick(self, wall: datetime, monotonic: float) -> None:
        """Looks at the clock: warnings at 15, 5 and 1 minutes, then the end."""
        if self._deadline is None or self.ended:
            return
        left = self._deadline.remaining(wall, monotonic)
        if left <= 0:
            self.end(EndReason.WINDOW_ENDED)
            return
        self.look()
        if self._relay is not None and self.freeze.over(monotonic):
            self.end(EndReason.NOBODY_ATTENDS)
            return
        due = [minutes for minutes in WARN_MINUTES if left <= minutes * 60 and minutes not in self._warned]
        if due and self._relay is not None:
            self._warned.update(due)
            self._relay.from_gate(messages.warning(min(due)), self.operator.request.terminal is not None)
            self.evidence(Tag.SESSION_WARNED, {"minutes": min(due)})

    def denied(self, what: str) -> None:
        """The client asked for what is never given. Too many and it ends."""
        self._denied.append(what)
        if self._ordinal:
            self.evidence(Tag.REQUEST_DENIED, {"request": what})
        if len(self._denied) > MAX_DENIED:
            self.end(EndReason.TOO_MANY_REQUESTS)

    def operator_gone(self) -> None:
        self.end(EndReason.CLIENT_GONE)

    def evidence(self, tag: Tag, detail: dict[str, Any], by: str | None = None) -> None:
        """One record of this session, counted, so that a missing one is noticed."""
        if self._ordinal == 0 or self.ended:
            return
        self._ordinal += 1
        self.gate.ledger.note(tag, self._subjects(), {**detail, "ordinal": self._ordinal}, by)

    # The end

    def end(self, reason: EndReason, refused: Refused | None = None) -> None:
        """Ends the passage at once. The first reason stands."""
        if self.ended:
            return
        self.ended = reason
        self.gate.passages.pop(self.id, None)
        if self._ordinal == 0:
            for what in self._denied:
                self.gate.ledger.note(Tag.REQUEST_DENIED, self._subjects(), {"request": what})
        if reason is EndReason.FINISHED:
            self._close_channel(None)
            grace = DRAIN_SECONDS
        else:
            self._last_words(reason, refused)
            grace = LAST_WORDS_SECONDS
        if self._relay is not None:
            self._relay.let_go()
            self._relay.closed = True
        self._moving.set()
        if self._target is not None:
            self._target.abort()
        if grace == LAST_WORDS_SECONDS and self._unsent():
            self.connection.abort()
        self.gate.spawn(self._close_connection(grace))
        if self._ordinal:
            self.gate.spawn(self._write_end(reason))

    async def _close_connection(self, grace: float) -> None:
        try:
            async with asyncio.timeout(grace):
                if self.operator.channel is not None:
                    await self.operator.channel.wait_closed()
                self.connection.close()
                await self.connection.wait_closed()
        except TimeoutError:
            self.connection.abort()
        finally:
            self.closed.set()

    async def _write_end(self, reason: EndReason) -> None:
        recording = await self.gate.recordings.close(self.id)
        self._ordinal += 1
        session = self._target_session
        await self.gate.ledger.write(
            "end_session",
            {
                "session": str(self.id),
                "reason": reason.value,
                "exit_status": session.status if session else None,
                "exit_signal": session.signal[0][:16] if session and session.signal else None,
                "recording": recording,
                "ordinal": self._ordinal,
            },
        )

    def _last_words(self, reason: EndReason, refused: Refused | None) -> None:
        text = messages.ended(reason)
        if text is None or self._unsent():
            return
        if refused is not None:
            text += messages.refusal(refused)
        self._say(text)
        self._close_channel(1)

    def _close_channel(self, status: int | None) -> None:
        session, channel = self._target_session, self.operator.channel
        if channel is None:
            return
        if status is None and session is not None and session.signal is not None:
            channel.exit_with_signal(*session.signal)
        elif status is None and session is not None and session.status is None:
            channel.close()
        else:
            channel.exit(status if status is not None else (session.status or 0) if session else 1)

    def _say(self, text: str) -> None:
        channel = self.operator.channel
        if channel is None or channel.is_closing():
            return
        terminal = self.operator.request.terminal is not None
        if self._relay is not None and self.ended is not EndReason.RECORDER_FAILED:
            self._relay.from_gate(text, terminal)
        elif terminal:
            channel.write(text.replace("\n", "\r\n").encode())
        else:
            channel.write_stderr(text.encode())

    def _unsent(self) -> bool:
        transport = self.connection._transport
        channel = self.operator.channel
        return bool(
            transport is None
            or transport.get_write_buffer_size()
            or (channel is not None and channel.get_write_buffer_size())
        )

    # What the relay and the target tell

    def _target_gone(self, error: Exception | None) -> None:
        session = self._target_session
        known = session is not None and (session.status is not None or session.signal is not None)
        if self._frozen and not self.ended and (known or error is None):
            self._target_left = True
            return
        self.end(EndReason.FINISHED if known or error is None else EndReason.TARGET_FAILED)

    def _recorder_failed(self) -> None:
        self.end(EndReason.RECORDER_FAILED)

    def _output_stripped(self, numbers: Sequence[int]) -> None:
        self.evidence(Tag.OUTPUT_STRIPPED, {"osc": sorted(set(numbers)), "count": len(numbers)})

    def _alarm(self, tag: Tag) -> None:
        self.evidence(tag, {})

    def _set_deadline(self, until: datetime) -> None:
        wall, monotonic = self.gate.clock.now(), self.gate.clock.monotonic()
        if self._deadline is None:
            self._deadline = Deadline(until, wall, monotonic)
        self._deadline = self._deadline.moved(until, wall, monotonic)
        left = self._deadline.remaining(wall, monotonic)
        self._warned = {minutes for minutes in self._warned if left <= minutes * 60}

    def _subjects(self) -> list[str]:
        subjects = [f"session:{self.id}", f"person:{self.claim.operator}"]
        return [*subjects, *([f"permit:{self.permit}"] if self.permit else [])]


def _end_reason(codes: Sequence[str]) -> EndReason:
    ranked = (
        ("latched", EndReason.CUT),
        ("line-closed", EndReason.LINE_CLOSED),
        ("permit-withdrawn", EndReason.PERMIT_WITHDRAWN),
        ("permit-ended", EndReason.WINDOW_ENDED),
        ("outside-hours", EndReason.WINDOW_ENDED),
    )
    return next(
        (reason for word, reason in ranked if any(code.startswith(word) for code in codes)),
        EndReason.NO_LONGER_ALLOWED,
    )
