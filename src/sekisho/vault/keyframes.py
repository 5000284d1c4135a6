"""Pictures of the screen along a recording, so that opening it anywhere needs no replay from the start.

Kept beside the recording in `.skidx` (JSON lines). Not evidence: it can be thrown away and made again.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyte

from sekisho.vault.cast import Screen, event_lines, header_line
from sekisho.vault.format import BadRecording
from sekisho.vault.reader import Reader

EVERY_BYTES = 256 * 1024
"""A picture at least every so much output; between pictures a player replays in an instant."""
_COLOURS = {"black": 0, "red": 1, "green": 2, "brown": 3, "blue": 4, "magenta": 5, "cyan": 6, "white": 7}


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The screen as it stood before the frame at `offset`; the frame before that was at `micros`."""

    micros: int
    offset: int
    size: tuple[int, int]
    paint: str
    """Escape sequences that paint that screen on an empty one."""


def index_path(recording: Path) -> Path:
    return recording.with_suffix(".skidx")


def is_wanted(recording: Path, size: int) -> bool:
    """Whether a recording of `size` bytes gains from an index and has none yet."""
    return size > EVERY_BYTES and not index_path(recording).exists()


def build(recording: Path) -> None:
    """Makes the index of a finished recording, whole or not at all. About a second per megabyte of output.

    A damaged recording is indexed as far as it can be read.
    """
    target = index_path(recording)
    temporary = target.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as file, contextlib.suppress(BadRecording):
        for keyframe in _keyframes(recording):
            line = [keyframe.micros, keyframe.offset, *keyframe.size, keyframe.paint]
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    temporary.replace(target)


def cast_from(recording: Path, seconds: float) -> Iterator[str]:
    """asciicast v3 from the last picture before `seconds` on; times count from the recording's own start."""
    keyframe = _before(recording, int(seconds * 1_000_000))
    with Reader(recording) as reader:
        screen = Screen(reader.header)
        if keyframe is None:
            yield header_line(reader.header, screen.size)
            yield from event_lines(screen.events(reader.frames()), 0.0)
            return
        yield header_line(reader.header, keyframe.size)
        reader.skip_to(keyframe.offset, keyframe.micros)
        at = keyframe.micros / 1_000_000
        yield json.dumps([at, "o", keyframe.paint], ensure_ascii=False) + "\n"
        yield from event_lines(screen.events(reader.frames()), at)


def _before(recording: Path, micros: int) -> Keyframe | None:
    found = None
    try:
        with index_path(recording).open(encoding="utf-8") as file:
            for line in file:
                at, offset, columns, rows, paint = json.loads(line)
                if at > micros:
                    break
                found = Keyframe(at, offset, (columns, rows), paint)
    except FileNotFoundError:
        return None
    return found


def _keyframes(recording: Path) -> Iterator[Keyframe]:
    with Reader(recording) as reader:
        decoder = Screen(reader.header)
        screen = pyte.Screen(*decoder.size)
        stream = pyte.Stream(screen)
        since, micros = 0, 0
        for frame in reader.frames():
            if since >= EVERY_BYTES:
                yield Keyframe(micros, frame.offset, (screen.columns, screen.lines), paint(screen))
                since = 0
            micros = round(frame.seconds * 1_000_000)
            for _, code, data in decoder.events([frame]):
                if code == "r":
                    columns, rows = map(int, data.split("x"))
                    screen.resize(max(1, rows), max(1, columns))
                else:
                    stream.feed(data)
                    since += len(data)


def paint(screen: pyte.Screen) -> str:
    """A screen as escape sequences: cleared, each line with its colours, the cursor where it was."""
    out = ["\x1b[0m\x1b[2J"]
    for row in range(screen.lines):
        line = screen.buffer[row]
        out.append(f"\x1b[{row + 1};1H")
        style = ""
        for column in range(screen.columns):
            cell = line[column]
            if cell.data == "":  # the second half of a wide character
                continue
            now = _style(cell)
            if now != style:
                out.append(now)
                style = now
            out.append(cell.data)
        out.append("\x1b[0m")
    out.append(f"\x1b[{screen.cursor.y + 1};{screen.cursor.x + 1}H")
    return "".join(out)


def _style(cell: pyte.screens.Char) -> str:
    codes = ["0"]
    flags = ((cell.bold, "1"), (cell.italics, "3"), (cell.underscore, "4"), (cell.reverse, "7"))
    codes += [code for on, code in flags if on]
    codes += _colour(cell.fg, 30) + _colour(cell.bg, 40)
    return f"\x1b[{';'.join(codes)}m"


def _colour(name: str, base: int) -> list[str]:
    if name == "default":
        return []
    bright = name.removeprefix("bright")
    if bright in _COLOURS:
        return [str(base + _COLOURS[bright] + (60 if bright != name else 0))]
    if len(name) == 6:
        red, green, blue = (int(name[at : at + 2], 16) for at in (0, 2, 4))
        return [f"{base + 8};2;{red};{green};{blue}"]
    return []


if __name__ == "__main__":
    os.nice(19)
    build(Path(sys.argv[1]))
