"""Carries bytes between an operator and a target, each written to the recording before it goes on.

Two AsyncSSH sessions joined by a `Relay`. Nothing here decides; whatever goes wrong is told to the passage.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import asyncssh

from sekisho.gate.terminal_guard import TerminalGuard
from sekisho.gate.transfers import copier
from sekisho.vault.format import Kind
from sekisho.vault.recorder import RecorderFailed

HELD_MOST = 256 * 1024
"""Bytes of output taken from a target whose session stands still; then it is made to wait."""

STDERR = asyncssh.EXTENDED_DATA_STDERR


class Recording(Protocol):
    """What the relay needs of a recorder: a frame is with the operating system when `write` returns."""

    def write(self, kind: Kind, data: bytes) -> None:
        """Raises RecorderFailed, now and ever after, when the frame could not be written."""


@dataclass(slots=True)
class Request:
    """What the operator asked for: a shell or a command, with a terminal or without."""

    command: bytes | None = None
    shell: bool = False
    terminal: str | None = None
    size: tuple[int, int, int, int] = (0, 0, 0, 0)
    modes: dict[int, int] | None = None


class Relay:
    """One operator's channel and one target's channel. `failed` and `finished` are the passage's."""

    def __init__(
        self,
        recording: Recording,
        operator: "asyncssh.SSHServerChannel[bytes]",
        guard: TerminalGuard | None,
        failed: Callable[[], None],
        stripped: Callable[[list[int]], None],
        limit: tuple[int, Callable[[], None]] | None = None,
    ) -> None:
        """`limit`: so many bytes of output, and what is told when they are exceeded."""
        self._recording = recording
        self._operator = operator
        self._guard = guard
        self._failed = failed
        self._stripped = stripped
        self._left = limit[0] if limit else 0
        self._exceeded = limit[1] if limit else None
        self._target: asyncssh.SSHClientChannel[bytes] | None = None
        self._waiting: list[bytes] = []
        self._waiting_type: int | None = None
        self._operator_slow = False
        self._target_slow = False
        self._typed: list[bytes] = []
        self._held_back: list[tuple[bytes, int | None]] = []
        self._held_bytes = 0
        self._size: tuple[int, int, int, int] | None = None
        self._eof_of: set[str] = set()
        self.held = False
        """Set by `hold`: nothing moves in either direction; what comes waits, in order."""
        self.closed = False
        """Set by the passage when it ends: from then on nothing is forwarded."""

    def connect(self, target: "asyncssh.SSHClientChannel[bytes]") -> None:
        self._target = target

    def hold(self) -> None:
        """Stands still until `resume`. What the target says meanwhile is not recorded yet either."""
        self.flush()
        self.held = True
        self.pace()

    def resume(self) -> None:
        """Goes on: first what waited, as if it came now."""
        self.held = False
        typed, self._typed = self._typed, []
        size, self._size = self._size, None
        if size is not None:
            self.resized(size)
        for data in typed:
            self.from_operator(data)
        waited, self._held_back, self._held_bytes = self._held_back, [], 0
        for data, datatype in waited:
            self.from_target(data, datatype)
        self.flush()
        ends, self._eof_of = self._eof_of, set()
        if "operator" in ends:
            self.operator_eof()
        if "target" in ends:
            self.target_eof()
        self.pace()

    def let_go(self) -> None:
        """The end of a session that stood still: what waited is recorded, and goes no further."""
        for data, datatype in self._held_back:
            self._record(_kind(datatype), data)

    def from_operator(self, data: bytes) -> None:
        if self.held:
            self._typed.append(data)
        elif self._record(Kind.INPUT, data) and self._target is not None:
            self._target.write(data)

    def from_target(self, data: bytes, datatype: int | None) -> None:
        """Output, gathered until the event loop's next round: a terminal's many small packets become one
        frame and one write, which nearly doubles what a flooding pty gets through."""
        if self.held:
            self._held_back.append((data, datatype))
            self._held_bytes += len(data)
            self.pace()
            return
        if self._waiting and datatype != self._waiting_type:
            self.flush()
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.flush)
        self._waiting_type = datatype
        self._waiting.append(data)

    def flush(self) -> None:
        """Records and forwards what was gathered."""
        if not self._waiting:
            return
        data, datatype = b"".join(self._waiting), self._waiting_type
        self._waiting = []
        if not self._record(_kind(datatype), data):
            return
        if self._exceeded is not None:
            self._left -= len(data)
            if self._left < 0:
                self._exceeded()
                return
        if self._guard is not None:
            data = self._guard.feed(data)
            if self._guard.stripped:
                self._stripped(self._guard.stripped)
                self._guard.stripped = []
        if data:
            self._operator.write(data, datatype)

    def from_gate(self, text: str, terminal: bool) -> None:
        """The gate's own words, recorded as such: on stderr where there is no terminal."""
        self.flush()
        data = text.replace("\n", "\r\n").encode() if terminal else text.encode()
        if self._record(Kind.NOTE, data):
            self._operator.write(data, None if terminal else STDERR)

    def target_eof(self) -> None:
        self.flush()
        if self.held:
            self._eof_of.add("target")
        if self.closed or self.held:
            return
        if self._guard is not None and (rest := self._guard.flush()):
            self._operator.write(rest)
        self._operator.write_eof()

    def operator_eof(self) -> None:
        if self.held:
            self._eof_of.add("operator")
        elif self._target is not None and not self.closed:
            self._target.write_eof()

    def resized(self, size: tuple[int, int, int, int]) -> None:
        if self.held:
            self._size = size
            return
        columns, rows = min(size[0], 9999), min(size[1], 9999)
        if self._record(Kind.RESIZE, f"{columns}x{rows}".encode()) and self._target is not None:
            self._target.change_terminal_size(columns, rows, size[2], size[3])

    def signalled(self, signal: str) -> None:
        if (
            not self.held
            and self._record(Kind.SIGNAL, signal.encode("ascii", "replace"))
            and self._target is not None
        ):
            self._target.send_signal(signal)

    def broken(self, milliseconds: int) -> None:
        if not self.held and self._record(Kind.SIGNAL, b"BREAK") and self._target is not None:
            self._target.send_break(milliseconds)

    def operator_slow(self, slow: bool) -> None:
        """Backpressure: a slow operator stops the reading of the target, never the recording."""
        self._operator_slow = slow
        self.pace()

    def target_slow(self, slow: bool) -> None:
        self._target_slow = slow
        self.pace()

    def pace(self) -> None:
        """Reads from each side only what the other can take, and nothing while held."""
        if self._target is None or self.closed:
            return
        read_target = not self._operator_slow and self._held_bytes < HELD_MOST
        (self._target.resume_reading if read_target else self._target.pause_reading)()
        read_operator = not (self.held or self._target_slow)
        (self._operator.resume_reading if read_operator else self._operator.pause_reading)()

    def _record(self, kind: Kind, data: bytes) -> bool:
        if self.closed:
            return False
        try:
            self._recording.write(kind, data)
        except RecorderFailed:
            self._failed()
            return False
        return True


def _kind(datatype: int | None) -> Kind:
    return Kind.STDERR if datatype == STDERR else Kind.OUTPUT


class TargetSession(asyncssh.SSHClientSession[bytes]):
    """The target's side of a relay."""

    def __init__(self, relay: Relay, ended: Callable[[Exception | None], None]) -> None:
        self._relay = relay
        self._ended = ended
        self.status: int | None = None
        self.signal: tuple[str, bool, str, str] | None = None

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._relay.from_target(data, datatype)

    def eof_received(self) -> bool:
        self._relay.target_eof()
        return True

    def exit_status_received(self, status: int) -> None:
        self.status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        self.signal = (signal, core_dumped, msg, lang)

    def pause_writing(self) -> None:
        self._relay.target_slow(True)

    def resume_writing(self) -> None:
        self._relay.target_slow(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._relay.flush()
        self._ended(exc)


class OperatorSession(asyncssh.SSHServerSession[bytes]):
    """The operator's side. Collects the request, then waits for the passage to connect a relay."""

    def __init__(
        self,
        begin: Callable[["OperatorSession"], None],
        lost: Callable[[], None],
        denied: Callable[[str], None],
    ) -> None:
        self._begin = begin
        self._lost = lost
        self._denied = denied
        self._early: list[bytes] = []
        self._early_eof = False
        self._deaf = False
        self._collects = 0
        self._collected = asyncio.Event()
        self.request = Request()
        self.relay: Relay | None = None
        self.channel: Any = None

    def connection_made(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        self.channel = chan

    def pty_requested(
        self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Mapping[int, int]
    ) -> bool:
        self.request.terminal = term_type
        self.request.size = term_size
        self.request.modes = dict(term_modes)
        return True

    def shell_requested(self) -> bool:
        self.request.shell = True
        return True

    def command_requested(self, command: bytes) -> bool:
        """A command, as the bytes that the client sent (see `GateChannel`)."""
        if name := copier(command):
            self._denied(f"file-transfer:{name}")
            return False
        self.request.command = command
        return True

    def session_started(self) -> None:
        self._begin(self)

    async def everything(self, most: int) -> bytes | None:
        """All that the client sends until its end, kept for `joined`; None when it is more than `most` bytes."""
        self._collects = most
        self.channel.resume_reading()
        await self._collected.wait()
        early = b"".join(self._early)
        return early if len(early) <= most else None

    def hear_nothing(self) -> None:
        """Whatever the client sends from now on is dropped; for the target its input has ended."""
        self._early, self._early_eof, self._deaf = [], True, True

    def joined(self, relay: Relay) -> None:
        """From now on bytes flow; first those that came early."""
        self.relay = relay
        for data in self._early:
            relay.from_operator(data)
        self._early = []
        if self._early_eof:
            relay.operator_eof()
        relay.pace()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self._deaf:
            return
        if self.relay is not None:
            self.relay.from_operator(data)
        else:
            self._early.append(data)
            if sum(map(len, self._early)) > self._collects:
                self._collected.set()
                self.channel.pause_reading()

    def eof_received(self) -> bool:
        if self.relay is not None and not self._deaf:
            self.relay.operator_eof()
        else:
            self._early_eof = True
            self._collected.set()
        return True

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        self.request.size = (width, height, pixwidth, pixheight)
        if self.relay is not None:
            self.relay.resized(self.request.size)

    def signal_received(self, signal: str) -> None:
        if self.relay is not None:
            self.relay.signalled(signal)

    def break_received(self, msec: int) -> bool:
        if self.relay is not None:
            self.relay.broken(msec)
        return True

    def pause_writing(self) -> None:
        if self.relay is not None:
            self.relay.operator_slow(True)

    def resume_writing(self) -> None:
        if self.relay is not None:
            self.relay.operator_slow(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._collected.set()
        self._lost()
