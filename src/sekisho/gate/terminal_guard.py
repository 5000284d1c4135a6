"""Takes out of a terminal's output the sequences with which a target could write to the operator's PC.

Pure: bytes in, bytes out. Strips whole OSC sequences (ECMA-48 5.6, xterm "Operating System Commands") that
carry data into the terminal's clipboard or files. Everything else passes byte for byte, colours and titles
too. Works only on a pty's output: without a pty the stream is data and stays binary-clean.

What it cannot see: text that the operator's own person copies; sequences a terminal invents tomorrow; an
8-bit C1 introducer in a charset that uses the same byte for letters (Shift_JIS, EUC-JP), which terminals
in those charsets do not take for a control either.
"""

import re
from enum import Enum

BLOCKED_OSC = frozenset({52, 1337, 5522})
"""52: clipboard (xterm). 1337: file transfer and copy (iTerm2). 5522: clipboard (kitty)."""

_ESC, _BEL, _CAN, _SUB, _DELETE, _C2 = 0x1B, 0x07, 0x18, 0x1A, 0x7F, 0xC2
_LONGEST_NUMBER = 16
_END_OF_STRING = re.compile(rb"[\x07\x18\x1a\x1b]")
_INTERESTING = {True: re.compile(rb"[\x1b\xc2]"), False: re.compile(rb"\x1b")}


class _State(Enum):
    GROUND = 0
    ESCAPE = 1
    NUMBER = 2
    DROPPING = 3
    DROPPING_ESCAPE = 4
    UTF8_C1 = 5


class TerminalGuard:
    """Keeps its state between chunks, so that a sequence cut in two is seen all the same."""

    def __init__(self, charset: str) -> None:
        self._utf8 = charset.lower().replace("_", "-") in ("utf-8", "utf8")
        self._interesting = _INTERESTING[self._utf8]
        self._state = _State.GROUND
        self._held = bytearray()
        self._number = ""
        self.stripped: list[int] = []
        """Numbers of the OSC sequences taken out since the caller last cleared this."""

    def feed(self, data: bytes) -> bytes:
        """What may go on to the terminal. May hold back the beginning of a sequence until its number is known."""
        # The two `in` together take a hundredth of the time of the search; most output has neither byte.
        if self._state is _State.GROUND and b"\x1b" not in data and not (self._utf8 and b"\xc2" in data):
            return data
        out = bytearray()
        at = 0
        while at < len(data):
            at = self._step(data, at, out)
        return bytes(out)

    def flush(self) -> bytes:
        """What was held back when the output ends; an unfinished blocked sequence is dropped."""
        held, self._held = bytes(self._held), bytearray()
        self._state = _State.GROUND
        return held

    def _step(self, data: bytes, at: int, out: bytearray) -> int:
        state = self._state
        if state is _State.GROUND:
            return self._ground(data, at, out)
        if state is _State.DROPPING:
            return self._dropping(data, at)
        byte = data[at]
        if state is _State.ESCAPE:
            self._after_escape(byte, out)
        elif state is _State.UTF8_C1:
            return self._after_c2(byte, at, out)
        elif state is _State.NUMBER:
            return self._in_number(byte, at, out)
        else:  # DROPPING_ESCAPE
            return self._escape_while_dropping(byte, at)
        return at + 1

    def _ground(self, data: bytes, at: int, out: bytearray) -> int:
        match = self._interesting.search(data, at)
        if match is None:
            out += data[at:]
            return len(data)
        out += data[at : match.start()]
        self._held += match.group()
        self._state = _State.ESCAPE if match.group() == b"\x1b" else _State.UTF8_C1
        return match.end()

    def _after_escape(self, byte: int, out: bytearray) -> None:
        if byte == _ESC:  # the first one was alone; the second may begin a sequence
            out.append(_ESC)
            return
        if self._utf8 and byte == _C2:  # perhaps U+009D, which begins a sequence inside another one too
            out += self._held
            self._held[:] = (_C2,)
            self._state = _State.UTF8_C1
            return
        if _passes_through(byte):  # a terminal obeys or drops it, and goes on with the escape sequence
            out.append(byte)
            return
        self._held.append(byte)
        if byte == ord("]"):
            self._begin_number()
        else:
            self._release(out)

    def _after_c2(self, byte: int, at: int, out: bytearray) -> int:
        if (
            not 0x80 <= byte <= 0xBF
        ):  # no character at all: a terminal takes this byte by itself, and so do we
            self._release(out)
            return at
        self._held.append(byte)
        if byte == 0x9D:  # U+009D, the one-character OSC
            self._begin_number()
        else:
            self._release(out)
        return at + 1

    def _begin_number(self) -> None:
        self._state, self._number = _State.NUMBER, ""

    def _in_number(self, byte: int, at: int, out: bytearray) -> int:
        if 0x30 <= byte <= 0x39 and len(self._number) < _LONGEST_NUMBER:
            self._held.append(byte)
            # Leading zeros do not change the number and must not fill the buffer.
            self._number = (self._number + chr(byte)).lstrip("0") or "0"
            del self._held[64:]
        elif _passes_through(byte) and byte not in (_BEL, _ESC, _CAN, _SUB):
            pass  # ignored by terminals inside a string: it must not hide the number from us
        elif self._number and int(self._number) in BLOCKED_OSC:
            self.stripped.append(int(self._number))
            self._held.clear()
            self._state = _State.DROPPING
            return at
        else:
            self._release(out)
            return at
        return at + 1

    def _dropping(self, data: bytes, at: int) -> int:
        match = _END_OF_STRING.search(data, at)
        if match is None:
            return len(data)
        self._state = _State.DROPPING_ESCAPE if match.group() == b"\x1b" else _State.GROUND
        return match.end()

    def _escape_while_dropping(self, byte: int, at: int) -> int:
        if byte == ord("\\"):
            self._state = _State.GROUND
            return at + 1
        self._held += b"\x1b"  # not the end of the string but a new sequence
        self._state = _State.ESCAPE
        return at

    def _release(self, out: bytearray) -> None:
        out += self._held
        self._held.clear()
        self._state = _State.GROUND


def _passes_through(byte: int) -> bool:
    """Whether a terminal's parser stays in its sequence at this byte: C0 controls, and DEL, which it drops."""
    return byte < 0x20 or byte == _DELETE
