"""Lines as they were typed, with everything masked that was not echoed. Pure.

A typed character counts as shown only if the very next output begins with it (escape sequences aside);
with the first difference all that is still waiting is masked. So a password is masked, and so is much that
is harmless (keys in a full-screen editor, history recalled with an arrow key): when in doubt, hidden.

What it cannot know: a password typed where the target does echo it; a single character of a password that
happens to be what the target prints next.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sekisho.vault.format import Frame, Kind

MASK = "••••"
"""Stands for any number of hidden characters: their number is nobody's business either."""

ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-~])"
    r"|[\x00-\x07\x0e-\x1a\x1c-\x1f]"
)


@dataclass(frozen=True, slots=True)
class TypedLine:
    """One line of input: when it was finished, and what of it may be read."""

    seconds: float
    text: str


@dataclass(slots=True)
class _Typed:
    char: str
    shown: bool = False


@dataclass(slots=True)
class _Line:
    chars: list[_Typed] = field(default_factory=list)

    def text(self) -> str:
        out: list[str] = []
        for typed in self.chars:
            if typed.shown:
                out.append(typed.char)
            elif not out or out[-1] != MASK:
                out.append(MASK)
        return "".join(out)


def typed_lines(frames: Iterable[Frame], charset: str) -> Iterator[TypedLine]:
    """The lines typed in a session, in order. The last may be unfinished."""
    name = "cp932" if charset == "shift_jis" else charset
    decode_in = codecs.getincrementaldecoder(name)("replace")
    decode_out = codecs.getincrementaldecoder(name)("replace")
    line = _Line()
    waiting: list[_Typed] = []
    done: list[tuple[float, _Line]] = []
    last = 0.0
    for frame in frames:
        last = frame.seconds
        if frame.kind is Kind.INPUT:
            for char in decode_in.decode(frame.data):
                if char in "\r\n":
                    done.append((frame.seconds, line))
                    line = _Line()
                elif char.isprintable():
                    typed = _Typed(char)
                    line.chars.append(typed)
                    waiting.append(typed)
        elif frame.kind is Kind.COMMAND:
            yield TypedLine(frame.seconds, decode_in.decode(frame.data, final=True))
        elif frame.kind in (Kind.OUTPUT, Kind.STDERR):
            waiting = _echo(waiting, decode_out.decode(frame.data))
            yield from (TypedLine(seconds, each.text()) for seconds, each in done)
            done = []
    if line.chars:
        done.append((last, line))
    yield from (TypedLine(seconds, each.text()) for seconds, each in done)


def _echo(waiting: list[_Typed], shown: str) -> list[_Typed]:
    """Marks what `shown` echoes; what is left waiting only if all of `shown` was echo."""
    text = ESCAPES.sub("", shown)
    if not text:
        return waiting
    count = 0
    for typed, char in zip(waiting, text, strict=False):
        if typed.char != char:
            break
        typed.shown = True
        count += 1
    return waiting[count:] if count == len(text) else []
