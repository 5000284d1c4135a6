"""Value domains: each is a set of what is allowed, with `leq` (⊆), `meet` (∩) and a way to show it."""

from typing import Protocol, Self

from sekisho.kernel.text import Text


class Value(Protocol):
    """A set of permitted things."""

    def leq(self, other: Self) -> bool:
        """Whether everything this allows, `other` allows too."""

    def meet(self, other: Self) -> Self:
        """What both allow."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is allowed."""

    def show(self) -> Text:
        """For people, in both languages."""
