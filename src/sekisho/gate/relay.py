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
    ) -> None:
        self._recording = recording
        self._operator = operator
        self._guard = guard
        self._failed = failed
        self._stripped = stripped
        self._target: asyncssh.SSHClientChannel[bytes] | None = None
        self._waiting: list[bytes] = []
        self._waiting_type: int | None = None
        self.closed = False
        """Set by the passage when it ends: from then on nothing is forwarded."""

    def connect(self, target: "asyncssh.SSHClientChannel[bytes]") -> None:
        self._target = target

    def from_operator(self, data: bytes) -> None:
        if self._record(Kind.INPUT, data) and self._target is not None:
            self._target.write(data)

    def from_target(self, data: bytes, datatype: int | None) -> None:
        """Output, gathered until the event loop's next round: a terminal's many small packets become one
        frame and one write, which nearly doubles what a flooding pty gets through."""
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
        kind = Kind.STDERR if datatype == STDERR else Kind.OUTPUT
        if not self._record(kind, data):
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
        if self.closed:
            return
        if self._guard is not None and (rest := self._guard.flush()):
            self._operator.write(rest)
        self._operator.write_eof()

    def operator_eof(self) -> None:
        if self._target is not None and not self.closed:
            self._target.write_eof()

    def resized(self, size: tuple[int, int, int, int]) -> None:
        columns, rows = min(size[0], 9999), min(size[1], 9999)
        if self._record(Kind.RESIZE, f"{columns}x{rows}".encode()) and self._target is not None:
            self._target.change_terminal_size(columns, rows, size[2], size[3])

    def signalled(self, signal: str) -> None:
        if self._record(Kind.SIGNAL, signal.encode("ascii", "replace")) and self._target is not None:
            self._target.send_signal(signal)

    def broken(self, milliseconds: int) -> None:
        if self._record(Kind.SIGNAL, b"BREAK") and self._target is not None:
            self._target.send_break(milliseconds)

    def operator_slow(self, slow: bool) -> None:
        """Backpressure: a slow operator stops the reading of the target, never the recording."""
        if self._target is not None:
            (self._target.pause_reading if slow else self._target.resume_reading)()

    def target_slow(self, slow: bool) -> None:
        if not self.closed:
            (self._operator.pause_reading if slow else self._operator.resume_reading)()

    def _record(self, kind: Kind, data: bytes) -> bool:
        if self.closed:
            return False
        try:
            self._recording.write(kind, data)
        except RecorderFailed:
            self._failed()
            return False
        return True


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

    def joined(self, relay: Relay) -> None:
        """From now on bytes flow; first those that came early."""
        self.relay = relay
        for data in self._early:
            relay.from_operator(data)
        self._early = []
        if self._early_eof:
            relay.operator_eof()
        self.channel.resume_reading()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if self.relay is not None:
            self.relay.from_operator(data)
        else:
            self._early.append(data)
            self.channel.pause_reading()

    def eof_received(self) -> bool:
        if self.relay is not None:
            self.relay.operator_eof()
        else:
            self._early_eof = True
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
        self._lost()
