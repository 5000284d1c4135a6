"""Search in what was shown: lines of text without escape sequences, with the moment each was there whole. Pure.

Reads the stream, not the screen: what a full-screen program draws by moving the cursor is found word by
word, not line by line.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sekisho.vault.cast import Event
from sekisho.vault.masking import ESCAPES

_LONGEST_LINE = 2000
_MOVES = re.compile(r"\x1b\[[0-9;]*[ABEFGHdfJ]")


@dataclass(frozen=True, slots=True)
class Hit:
    """A line in which the words stand, and when its last letter was shown (seconds since the start)."""

    seconds: float
    line: str


def shown_lines(events: Iterable[Event]) -> Iterator[Hit]:
    """Every line shown, in order; a line ends with a newline or where the cursor is moved elsewhere."""
    rest, last = "", 0.0
    for seconds, code, data in events:
        if code != "o":
            continue
        first, *more = _MOVES.sub("\n", data).replace("\r\n", "\n").split("\n")
        rest = rest[-_LONGEST_LINE:] + first
        if _plain(first):
            last = seconds
        for piece in more:
            if line := _plain(rest):
                yield Hit(last, line)
            rest, last = piece, seconds
    if line := _plain(rest):
        yield Hit(last, line)


def search(events: Iterable[Event], words: str, most: int = 200) -> list[Hit]:
    """Lines that contain `words`, whatever their width or case (NFKC, casefold); at most `most`."""
    wanted = fold(words).strip()
    hits: list[Hit] = []
    if not wanted:
        return hits
    for hit in shown_lines(events):
        if wanted in fold(hit.line):
            hits.append(hit)
            if len(hits) >= most:
                break
    return hits


def fold(text: str) -> str:
    """Text as it is compared: full-width and half-width alike, capitals and small letters alike."""
    return unicodedata.normalize("NFKC", text).casefold()


def _plain(piece: str) -> str:
    """A line without escape sequences; after a bare carriage return the later text stands."""
    text = ESCAPES.sub("", piece).rstrip()
    return text.rsplit("\r", 1)[-1].strip() if "\r" in text else text.strip()
