"""How many may knock at once, and how long someone must wait after wrong proofs. Pure but for its own memory.

OpenSSH's MaxStartups, MaxAuthTries and PerSourcePenalties, which AsyncSSH does not have.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sekisho.gate.proofs import MAX_WRONG_PASSWORDS

MAX_UNPROVEN = 64
MAX_UNPROVEN_PER_ADDRESS = 16
FIRST_WAIT = 10.0
LONGEST_WAIT = 900.0
_FORGET_AFTER = 3600.0
_MAX_REMEMBERED = 10_000


@dataclass(slots=True, eq=False)
class Newcomer:
    """A connection that has not given all its proofs. `send_away` ends it."""

    address: str
    send_away: Callable[[], None]
    recognised: bool = False
    """It has shown a registered terminal: nobody who only knocks can push it out any more."""


@dataclass(slots=True)
class _Misses:
    tries: int = 0
    blocked_until: float = 0.0
    last: float = 0.0


@dataclass(slots=True)
class FrontDoor:
    """Keeps room for those who have something to show, and remembers who failed. Seconds are monotonic.

    When it is full, the address with most strangers gives up its oldest. Turning the new one away instead, as
    MaxStartups does, would let a few silent connections keep every operator out for as long as they like.
    """

    _newcomers: dict[Newcomer, None] = field(default_factory=dict)
    _misses: dict[str, _Misses] = field(default_factory=dict)

    def admit(self, address: str, send_away: Callable[[], None]) -> Newcomer | None:
        """A place for a new connection, sending away a stranger if need be; None when there is none to be had.

        Every newcomer needs its `leave`.
        """
        if sum(each.address == address for each in self._newcomers) >= MAX_UNPROVEN_PER_ADDRESS:
            room = self._send_away_one_of(address)
        elif len(self._newcomers) >= MAX_UNPROVEN:
            room = self._send_away_one_of(self._most_crowded())
        else:
            room = True
        if not room:
            return None
        newcomer = Newcomer(address, send_away)
        self._newcomers[newcomer] = None
        return newcomer

    def leave(self, newcomer: Newcomer) -> None:
        """The connection has given all its proofs or is gone. Again does nothing."""
        self._newcomers.pop(newcomer, None)

    def _most_crowded(self) -> str | None:
        strangers = Counter(each.address for each in self._newcomers if not each.recognised)
        return max(strangers, key=lambda address: strangers[address], default=None)

    def _send_away_one_of(self, address: str | None) -> bool:
        for each in self._newcomers:
            if each.address == address and not each.recognised:
                self.leave(each)
                each.send_away()
                return True
        return False

    def missed(self, name: str, now: float) -> None:
        """One wrong password under `name`. Leaving before the last try of a connection buys no new ones."""
        self._forget(now)
        misses = self._misses.setdefault(name, _Misses())
        misses.last = now
        misses.tries += 1
        failures, left = divmod(misses.tries, MAX_WRONG_PASSWORDS)
        if left == 0:
            misses.blocked_until = now + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures - 1, 20))

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
