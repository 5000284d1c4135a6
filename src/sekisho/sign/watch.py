"""What a sign says, from what its gates have answered. Pure; seconds are of a steady clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sekisho.sign.beats import Beat, State

FRESH = 2.5
"""An answer counts for so long from the moment at which it was *asked for*."""


@dataclass(slots=True)
class Watch:
    """One gate as one sign knows it."""

    _beat: Beat | None = None
    _asked: float = field(default=float("-inf"))

    def answered(self, beat: Beat, asked: float) -> None:
        """A good answer to what was asked at `asked`. An answer to an older question changes nothing."""
        if asked >= self._asked:
            self._beat, self._asked = beat, asked

    def beat(self, now: float) -> Beat | None:
        """What is known of the gate at this moment; None where nothing is."""
        return self._beat if 0 <= now - self._asked < FRESH else None


def shown(watches: Iterable[Watch], now: float) -> tuple[State, int]:
    """What to show for all gates together, and how many sessions are known of.

    One gate with somebody inside is enough for "connected"; for "not connected" every gate must have said so.
    """
    beats = [watch.beat(now) for watch in watches]
    known = [beat for beat in beats if beat is not None]
    sessions = sum(beat.sessions for beat in known if beat.state is State.CONNECTED)
    if any(beat.state is State.CONNECTED for beat in known):
        return State.CONNECTED, sessions
    if known and len(known) == len(beats):
        return State.NOT_CONNECTED, 0
    return State.UNKNOWN, 0
