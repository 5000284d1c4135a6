"""Value domains: each is a set of what is allowed, with `leq` (⊆), `meet` (∩) and a way to show it. Pure.

Names and counts stand here, hours in `hours.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from sekisho.contracts.words import word
from sekisho.kernel.text import Text

MANY = 1_000_000
"""A count without an upper bound."""


class BadValue(ValueError):
    """A value as written in a paper cannot be read; `text` says what to write instead."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True, slots=True)
class Names:
    """A set of registered names: sites, persons, lines, terminals, systems, kinds, methods."""

    names: frozenset[str]

    @classmethod
    def parse(cls, written: Iterable[str]) -> Self:
        return cls(frozenset(written))

    def leq(self, other: "Names") -> bool:
        return self.names <= other.names

    def meet(self, other: "Names") -> "Names":
        return Names(self.names & other.names)

    def without(self, other: "Names") -> "Names":
        return Names(self.names - other.names)

    @property
    def is_empty(self) -> bool:
        return not self.names

    def show(self) -> Text:
        shown = [word(name) for name in sorted(self.names)]
        return Text(
            "、".join(each.ja for each in shown) or "なし", ", ".join(each.en for each in shown) or "none"
        )


@dataclass(frozen=True, slots=True)
class Count:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int

    @classmethod
    def parse(cls, written: Iterable[int]) -> Self:
        numbers = sorted(written)
        if len(numbers) not in (1, 2):
            raise BadValue(
                Text("数は1つか、下限と上限の2つです。", "One number, or a lower and an upper one.")
            )
        return cls(numbers[0], numbers[-1])

    @classmethod
    def at_least(cls, written: Iterable[int]) -> Self:
        """`[2]` for two or more: where papers differ, the greater binds."""
        return cls(_positive(cls.parse(written).low), MANY)

    @classmethod
    def at_most(cls, written: Iterable[int]) -> Self:
        """`[24]` for up to 24: where papers differ, the smaller binds."""
        return cls(0, _positive(cls.parse(written).high))

    def leq(self, other: "Count") -> bool:
        return self.is_empty or (other.low <= self.low and self.high <= other.high)

    def meet(self, other: "Count") -> "Count":
        return Count(max(self.low, other.low), min(self.high, other.high))

    @property
    def is_empty(self) -> bool:
        return self.low > self.high

    def show(self) -> Text:
        if self.is_empty:
            return Text("なし", "none")
        if self.high >= MANY:
            return Text(f"{self.low}以上", f"{self.low} or more")
        if self.low == 0 < self.high:
            return Text(f"{self.high}以内", f"up to {self.high}")
        text = str(self.low) if self.low == self.high else f"{self.low}–{self.high}"
        return Text(text, text)


def _positive(number: int) -> int:
    if number < 1:
        raise BadValue(Text("1以上の数を書いてください。", "Write a number of 1 or more."))
    return number
