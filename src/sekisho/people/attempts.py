"""How guessing is slowed down: per login and per address, in the database, on every node alike.

A try is counted before it is judged, so that many at once cannot all slip under the limit; one that was
right is given back. Limits, said plainly: somebody who knows a login can keep its owner waiting, at most
`LONGEST` at a time, while he keeps guessing. `sekisho cut` needs no sign-in.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256

from django.db import transaction

from sekisho.people.models import FailedTries

FREE = {"login": 5, "code": 5, "address": 20}
"""Failures that cost no waiting, by kind of key."""
LONGEST = timedelta(minutes=5)
FORGOTTEN_AFTER = timedelta(hours=1)


def key(kind: str, value: str) -> str:
    """`kind` is one of FREE; `value` is what was typed, or where it came from."""
    return f"{kind}:{sha256(value.encode()).hexdigest()}"


def waiting(kind: str, failures: int) -> timedelta:
    """How long after the last of `failures` the next try is heard: 2, 4, 8 seconds … up to LONGEST."""
    over = failures - FREE[kind]
    return min(LONGEST, timedelta(seconds=2 ** min(over + 1, 20))) if over >= 0 else timedelta(0)


def reserve(keys: Iterable[str], now: datetime) -> timedelta:
    """Counts one try against all `keys` and gives zero; or counts nothing and gives how long to wait."""
    with transaction.atomic():
        rows = [_row(each, now) for each in sorted(keys)]
        left = max(row.last_at + waiting(row.key.partition(":")[0], row.failures) - now for row in rows)
        if left > timedelta(0):
            return left
        for row in rows:
            row.failures, row.last_at = row.failures + 1, now
            row.save()
        return timedelta(0)


def forgive(login_key: str, address_key: str, now: datetime) -> None:
    """A try was right: the login starts afresh, the address only gets this one try back.

    Otherwise one good account at an address would buy endless guesses at the others.
    """
    _forget(now)
    with transaction.atomic():
        FailedTries.objects.filter(key=login_key).delete()
        row = FailedTries.objects.select_for_update().filter(key=address_key, failures__gt=0).first()
        if row is not None:
            row.failures -= 1
            row.save()


def _forget(now: datetime) -> None:
    """Drops what nobody counts any more. Rows in use are left for the next time: no waiting, no deadlock."""
    with transaction.atomic():
        old = FailedTries.objects.filter(last_at__lt=now - FORGOTTEN_AFTER).select_for_update(
            skip_locked=True
        )
        FailedTries.objects.filter(key__in=list(old.values_list("key", flat=True)[:500])).delete()


def _row(name: str, now: datetime) -> FailedTries:
    FailedTries.objects.get_or_create(key=name, defaults={"last_at": now})
    row = FailedTries.objects.select_for_update().get(key=name)
    if now - row.last_at > FORGOTTEN_AFTER:
        row.failures = 0
    return row
