"""Turns recordings into asciicast for the player: version 3 for a replay, messages for live watching.

asciicast v3 is JSON lines: a header, then `[interval, code, data]` with the interval since the event before
(docs.asciinema.org/manual/asciicast/v3). The recording's bytes are decoded by the target's declared charset;
what cannot be decoded shows as U+FFFD and is never lost from the recording itself.
"""

import codecs
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from sekisho.vault.format import Frame, Header, Kind
from sekisho.vault.reader import Reader

_PLAIN_SIZE = (120, 32)
"""How a session without a terminal is shown."""
_CODECS = {"shift_jis": "cp932", "euc_jp": "euc_jp", "utf-8": "utf-8"}

Event = tuple[float, str, str]
"""Seconds since the start, asciicast event code, data."""


class Screen:
    """Decodes frames into events, keeping the state of half-received characters."""

    def __init__(self, header: Header) -> None:
        self.size = header.size or _PLAIN_SIZE
        self._terminal = header.size is not None
        name = _CODECS.get(header.charset, "utf-8")
        self._charset, make = name, codecs.getincrementaldecoder(name)
        self._decoders = {Kind.OUTPUT: make("replace"), Kind.STDERR: make("replace")}

    def events(self, frames: Iterable[Frame]) -> Iterator[Event]:
        """What a viewer sees of these frames: a command yes, what is typed not (see `masking`)."""
        for frame in frames:
            if frame.kind is Kind.RESIZE:
                yield frame.seconds, "r", frame.data.decode("ascii", "replace")
            elif text := self._text(frame):
                yield frame.seconds, "o", text

    def _text(self, frame: Frame) -> str:
        if frame.kind in self._decoders:
            text = self._decoders[frame.kind].decode(frame.data)
            return text if self._terminal else text.replace("\n", "\r\n")
        if frame.kind is Kind.COMMAND:
            command = frame.data.decode(self._charset, "replace").replace("\n", "\r\n")
            return f"$ {command}\r\n"
        if frame.kind is Kind.NOTE:
            text = frame.data.decode("utf-8", "replace")
            return text if self._terminal else text.replace("\n", "\r\n")
        return ""


def asciicast(path: Path) -> Iterator[str]:
    """A whole recording as asciicast v3, line by line."""
    with Reader(path) as reader:
        screen = Screen(reader.header)
        yield header_line(reader.header, screen.size)
        yield from event_lines(screen.events(reader.frames()), 0.0)


def header_line(header: Header, size: tuple[int, int]) -> str:
    columns, rows = size
    content = {
        "version": 3,
        "term": {"cols": columns, "rows": rows},
        "timestamp": int(header.started.timestamp()),
    }
    return json.dumps(content) + "\n"


def event_lines(events: Iterable[Event], since: float) -> Iterator[str]:
    """Events as lines with relative intervals, the first since `since`."""
    for seconds, code, data in events:
        yield json.dumps([round(seconds - since, 6), code, data], ensure_ascii=False) + "\n"
        since = seconds


class Live:
    """A running recording for one watcher: what is stored first, then what comes, without gap or repeat."""

    def __init__(self, path: Path) -> None:
        self._reader = Reader(path)
        self._screen = Screen(self._reader.header)

    def first(self) -> str:
        """The message that sets up the player: size, time, and everything shown so far."""
        events = list(self._screen.events(self._reader.frames()))
        sizes = [data for _, code, data in events if code == "r"]
        columns, rows = (map(int, sizes[-1].split("x"))) if sizes else self._screen.size
        shown = "".join(data for _, code, data in events if code == "o")[-200_000:]
        time = events[-1][0] if events else 0.0
        return json.dumps({"cols": columns, "rows": rows, "time": time, "init": shown}, ensure_ascii=False)

    def more(self) -> list[str]:
        """Messages for what was recorded since the last call."""
        return [json.dumps(event, ensure_ascii=False) for event in self._screen.events(self._reader.frames())]

    def close(self) -> None:
        self._reader.close()
