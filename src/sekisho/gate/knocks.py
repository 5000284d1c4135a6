"""Keeps someone who hammers at the gate from filling the log: a few records a minute each, the rest counted."""

from dataclasses import dataclass, field

NOTED_A_MINUTE = 120
_MAX_ADDRESSES = 10_000


@dataclass(slots=True)
class _Window:
    since: float
    noted: int = 0
    suppressed: int = 0


@dataclass(slots=True)
class Knocks:
    """Owned by the event loop. Seconds are monotonic."""

    _windows: dict[str, _Window] = field(default_factory=dict)

    def may_note(self, address: str, now: float) -> int | None:
        """None when this one is only counted; else how many were only counted before it."""
        if len(self._windows) >= _MAX_ADDRESSES:
            self._windows.clear()
        window = self._windows.setdefault(address, _Window(now))
        missed = 0
        if now - window.since >= 60:
            missed = window.suppressed
            self._windows[address] = window = _Window(now)
        if window.noted < NOTED_A_MINUTE:
            window.noted += 1
            return missed
        window.suppressed += 1
        return None
