"""What `doctor` says of one thing it looked at: how it is, and how to mend it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sekisho.kernel.installation import Installation
from sekisho.kernel.text import Text


class Level(StrEnum):
    """How bad it is. Only WRONG makes `doctor` end with a failure."""

    GOOD = "good"
    CARE = "care"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, and, unless it is good, how to mend it."""

    level: Level
    what: Text
    mend: Text | None = None


Findings = Iterator[Finding]
Check = Callable[[Installation], Findings]


def good(ja: str, en: str) -> Finding:
    return Finding(Level.GOOD, Text(ja, en))


def care(what: tuple[str, str], mend: tuple[str, str]) -> Finding:
    return Finding(Level.CARE, Text(*what), Text(*mend))


def wrong(what: tuple[str, str], mend: tuple[str, str]) -> Finding:
    return Finding(Level.WRONG, Text(*what), Text(*mend))
