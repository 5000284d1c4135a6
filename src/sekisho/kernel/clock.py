"""The port through which time enters. Rules take `now` as an argument and never come here."""

from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")
"""Every clause of a Japanese city's paper speaks of this time zone."""


class Clock(Protocol):
    """Wall time for what people agreed on, monotonic time for how long something lasted."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        import time

        return time.monotonic()
