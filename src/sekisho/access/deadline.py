"""When a session must end, by two clocks at once. Pure.

The wall clock says what the contract means; the monotonic clock cannot be set back. A session ends when
either says so: a clock set forward ends it early, a clock set back cannot make it longer.
"""

from datetime import datetime

WARN_MINUTES = (15, 5, 1)


class Deadline:
    """The end `until` (aware), anchored at one reading of both clocks. Monotonic readings are seconds."""

    def __init__(self, until: datetime, wall: datetime, monotonic: float) -> None:
        self.until = until
        self._ends = monotonic + (until - wall).total_seconds()

    def remaining(self, wall: datetime, monotonic: float) -> float:
        """Seconds left, at most; zero or less when it is over."""
        return min((self.until - wall).total_seconds(), self._ends - monotonic)

    def moved(self, until: datetime, wall: datetime, monotonic: float) -> "Deadline":
        """The deadline for a new end. Only a later end gives more time; a clock set back never does."""
        changed = Deadline(until, wall, monotonic)
        if until <= self.until:
            changed._ends = min(self._ends, changed._ends)
        return changed
