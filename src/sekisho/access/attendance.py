"""Attendance at a session (立会い): what it needs, who counts, and until when. Pure.

An attendant counts while two things are fresh: the answer of his authenticator, given at most `Need.minutes`
ago, and his page, which says every few seconds that it is open and in front. Whatever bears a time that has
not come yet counts for nothing: a clock set back must not make anybody present for longer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sekisho.contracts.attendance import Work
from sekisho.kernel.ids import LoginId
from sekisho.people.roles import Role

SILENCE = timedelta(seconds=10)
"""A page that has said nothing for so long is not being looked at: closed, hidden, asleep or cut off."""
AHEAD = timedelta(seconds=2)
"""By so much two processes' clocks may differ."""
CHECK_MINUTES = 5
"""Between presence checks, where the terms name no shorter time."""
MAY_ATTEND = frozenset({Role.DIVISION, Role.SYSTEMS})


@dataclass(frozen=True, slots=True)
class Need:
    """What a session needs before anything of it moves."""

    number: int
    by: frozenset[Role]
    minutes: int
    kinds: frozenset[Work]
    """Why: the kinds of work for which the terms want it; empty where the city asked for it with the permit."""

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "by": sorted(self.by),
            "minutes": self.minutes,
            "kinds": sorted(self.kinds),
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        return cls(
            int(said["number"]),
            frozenset(Role(each) for each in said["by"]),
            int(said["minutes"]),
            frozenset(Work(each) for each in said["kinds"]),
        )


@dataclass(frozen=True, slots=True)
class Attendant:
    """One person at one session, as the register has it."""

    login: LoginId
    role: Role
    confirmed_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is present at this moment; `until` when that is enough without a further sign, None when it is not."""

    present: tuple[LoginId, ...]
    until: datetime | None


def standing(need: Need, attendants: Iterable[Attendant], operator: LoginId, now: datetime) -> Standing:
    """Who counts among `attendants`. The operator himself never does."""
    ends = {
        each.login: end
        for each in attendants
        if each.role in need.by and each.login != operator and (end := _counts_until(need, each, now)) > now
    }
    enough = sorted(ends.values(), reverse=True)[: need.number]
    until = enough[-1] if len(enough) == need.number and need.number > 0 else None
    return Standing(tuple(sorted(ends)), until)


def check_due(need: Need, attendant: Attendant) -> datetime:
    """When his authenticator must have answered again."""
    return attendant.confirmed_at + timedelta(minutes=need.minutes)


def _counts_until(need: Need, attendant: Attendant, now: datetime) -> datetime:
    if max(attendant.confirmed_at, attendant.seen_at) > now + AHEAD:
        return now
    return min(check_due(need, attendant), attendant.seen_at + SILENCE)
