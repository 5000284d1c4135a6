"""Attendance (立会い): which kinds of work may run while nobody of the city is present. Pure.

A set of what is allowed like every other value: the kinds that may be unattended. Attended, all may.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sekisho.contracts.values import BadValue
from sekisho.contracts.words import word
from sekisho.kernel.text import Text


class Work(StrEnum):
    """What papers tell apart. One session may be several of these at once."""

    ROUTINE = "routine"
    GREAT_CHANGE = "great-change"
    """Changes the system greatly; the request for the permit says so."""
    FIRST_USE = "first-use"
    """The first session under a permit."""
    SPECIFIC = "specific-personal-information"
    """The target holds specific personal information (特定個人情報)."""


WORDS = (
    "routine-unattended",
    "great-change-attended",
    "first-use-attended",
    "specific-personal-information-attended",
    "always-attended",
)
"""What papers write. Each on its own line of the value."""


@dataclass(frozen=True, slots=True)
class Attendance:
    """The kinds of work that may be unattended."""

    unattended: frozenset[Work]

    @classmethod
    def parse(cls, written: Iterable[str]) -> Self:
        """Reads `WORDS`. Great changes are attended whatever is written; so is what no word lets run alone.

        Where routine work may be unattended, so may the first use of a permit and work on specific personal
        information, unless their own word says otherwise. BadValue when `always-attended` is not alone.
        """
        words = frozenset(written)
        if "always-attended" in words and "routine-unattended" in words:
            raise BadValue(_BOTH)
        if "routine-unattended" not in words:
            return cls(frozenset())
        attended = {kind for kind in Work if f"{kind}-attended" in words}
        return cls(frozenset(Work) - attended - {Work.GREAT_CHANGE})

    def wants(self, kinds: Set[Work]) -> frozenset[Work]:
        """Which of a session's kinds must be attended."""
        return frozenset(kinds) - self.unattended

    def leq(self, other: "Attendance") -> bool:
        return self.unattended <= other.unattended

    def meet(self, other: "Attendance") -> "Attendance":
        return Attendance(self.unattended & other.unattended)

    def without(self, other: "Attendance") -> "Attendance":
        return Attendance(self.unattended - other.unattended)

    @property
    def is_empty(self) -> bool:
        """Never: attended, any work may be done."""
        return False

    def show(self) -> Text:
        if Work.ROUTINE not in self.unattended:
            return word("always-attended")
        attended = [f"{kind}-attended" for kind in Work if kind not in self.unattended]
        shown = [word(each) for each in ("routine-unattended", *attended)]
        return Text("、".join(each.ja for each in shown), ", ".join(each.en for each in shown))


_BOTH = Text(
    "「always-attended」(いつも立ち会う)と「routine-unattended」(定例の作業は立会いなし)は両立しません。どちらかを消してください。",
    '"always-attended" and "routine-unattended" exclude each other. Strike one of them.',
)
