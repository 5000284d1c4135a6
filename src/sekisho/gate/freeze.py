"""Whether a session stands still (停止), and why. Pure but for its own memory; seconds are monotonic.

A session stands still while the city has pressed the button, or while too few of the right people are
present at work that must be attended. It starts so, and whatever is not known to be attended is not.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sekisho.access.attendance import SILENCE, Need, Standing


class Why(StrEnum):
    """Why nothing moves. Stored in evidence and shown under these names."""

    WAITING = "waiting-for-attendants"
    """Nobody has attended yet: the target has not even been called."""
    LEFT = "attendants-left"
    BUTTON = "button"


_NOBODY = Standing((), None)


@dataclass(slots=True)
class Freeze:
    """`wait`: how long it may wait for its first attendants; `limit`: how long without them afterwards."""

    wait: float
    limit: float
    need: Need | None = None
    pressed: bool = False
    began: bool = False
    """Whether anything has moved yet."""
    _attended_until: float = 0.0
    _alone_since: float | None = None
    _standing: Standing = field(default=_NOBODY)

    def why(self, now: float) -> Why | None:
        """None where it may move."""
        if self.pressed:
            return Why.BUTTON
        if self._attended(now):
            return None
        return Why.LEFT if self.began else Why.WAITING

    def told(self, standing: Standing, wall: datetime, now: float) -> None:
        """What the register said at the moment `wall`, which is `now`. Believed for `SILENCE` and no longer."""
        self._standing = standing
        left = (standing.until - wall).total_seconds() if standing.until else 0.0
        self._attended_until = now + max(0.0, min(left, SILENCE.total_seconds()))

    def present(self, now: float) -> tuple[str, ...]:
        """Who is known to be present: nobody, where what was said is too old to be believed."""
        return self._standing.present if self._standing.until is None or self._attended(now) else ()

    def over(self, now: float) -> bool:
        """Whether it has been without its attendants for so long that it ends."""
        if self._attended(now):
            self._alone_since = None
            return False
        if self._alone_since is None:
            self._alone_since = now
        return now - self._alone_since >= (self.limit if self.began else self.wait)

    def _attended(self, now: float) -> bool:
        return self.need is None or now < self._attended_until
