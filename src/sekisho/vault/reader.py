"""Reads a recording frame by frame, finished or still growing, in constant memory."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from sekisho.vault.archive import open_recording
from sekisho.vault.format import BadRecording, Frame, Header, decode_header, read_head

_BLOCK = 1 << 18
_LONGEST_HEADER = 512


class Reader:
    """A recording opened for reading. `frames` yields what is whole now; call it again for what came since."""

    def __init__(self, path: Path) -> None:
        """FileNotFoundError when there is none of that name; BadRecording when it is no recording."""
        self._file = open_recording(path)
        self.header: Header
        self.header, self._offset = decode_header(self._file.read(_LONGEST_HEADER))
        self._file.seek(self._offset)
        self._buffer = b""
        self._micros = 0

    @property
    def offset(self) -> int:
        """Where the next frame begins: everything before it has been given out."""
        return self._offset

    def skip_to(self, offset: int, micros: int) -> None:
        """Goes on at a frame's beginning, known from an index, `micros` after the start."""
        self._file.seek(offset)
        self._offset, self._micros, self._buffer = offset, micros, b""

    def frames(self) -> Iterator[Frame]:
        """Whole frames from here on. A frame cut short at the end is left for later."""
        while True:
            yield from self._whole_frames()
            more = self._file.read(_BLOCK)
            if not more:
                return
            self._buffer += more

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _whole_frames(self) -> Iterator[Frame]:
        at = 0
        while True:
            try:
                head = read_head(self._buffer, at)
            except BadRecording as error:
                raise BadRecording(f"{error} (frame at byte {self._offset} of the file)") from error
            if head is None or head[3] + head[2] > len(self._buffer):
                break
            kind, micros, length, start = head
            data = self._buffer[start : start + length]
            self._micros += micros
            frame = Frame(kind, self._micros / 1_000_000, data, self._offset)
            self._offset += start + length - at
            at = start + length
            yield frame
        self._buffer = self._buffer[at:]
