"""How many may knock at once, and how long someone must wait after wrong proofs. Pure but for its own memory.

OpenSSH's MaxStartups, MaxAuthTries and PerSourcePenalties, which AsyncSSH does not have.
"""

from dataclasses import dataclass, field

MAX_UNPROVEN = 64
MAX_UNPROVEN_PER_ADDRESS = 16
FIRST_WAIT = 10.0
LONGEST_WAIT = 900.0
_FORGET_AFTER = 3600.0
_MAX_REMEMBERED = 10_000


@dataclass(slots=True)
class _Misses:
    count: int = 0
    blocked_until: float = 0.0
    last: float = 0.0


@dataclass(slots=True)
class FrontDoor:
    """Counts connections that have not proven themselves, and remembers who failed. Seconds are monotonic."""

    unproven: dict[str, int] = field(default_factory=dict)
    _misses: dict[str, _Misses] = field(default_factory=dict)

    def admit(self, address: str) -> str | None:
        """None when a new connection may begin; else why not. Every admission needs its `leave`."""
        if sum(self.unproven.values()) >= MAX_UNPROVEN:
            return "too-many-unproven"
        if self.unproven.get(address, 0) >= MAX_UNPROVEN_PER_ADDRESS:
            return "too-many-from-address"
        self.unproven[address] = self.unproven.get(address, 0) + 1
        return None

    def leave(self, address: str) -> None:
        """The connection has proven itself or is gone."""
        left = self.unproven.get(address, 0) - 1
        if left > 0:
            self.unproven[address] = left
        else:
            self.unproven.pop(address, None)

    def failed(self, name: str, now: float) -> float:
        """Somebody used up the tries under `name` (operator or terminal). Returns the wait in seconds."""
        self._forget(now)
        misses = self._misses.setdefault(name, _Misses())
        misses.count += 1
        misses.last = now
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(misses.count - 1, 20))
        misses.blocked_until = now + wait
        return wait

    def wait(self, name: str, now: float) -> float:
        """Seconds that `name` still has to wait; 0 when it may try."""
        misses = self._misses.get(name)
        return max(0.0, misses.blocked_until - now) if misses else 0.0

    def succeeded(self, name: str) -> None:
        self._misses.pop(name, None)

    def _forget(self, now: float) -> None:
        if len(self._misses) >= _MAX_REMEMBERED:
            old = [name for name, misses in self._misses.items() if now - misses.last > _FORGET_AFTER]
            for name in old or sorted(self._misses, key=lambda name: self._misses[name].last)[:100]:
                del self._misses[name]
