"""Connects this room to what happens below it."""

from datetime import datetime
from typing import Any

from django.apps import AppConfig


class Access(AppConfig):
    """Whoever signs out is no longer present at any session."""

    name = "sekisho.access"

    def ready(self) -> None:
        from sekisho.access.attending import signed_out
        from sekisho.people.models import Person
        from sekisho.people.service import SIGNED_OUT

        def leave_everywhere(person: Person, now: datetime, **_: Any) -> None:
            signed_out(person, now)

        SIGNED_OUT.connect(leave_everywhere, weak=False, dispatch_uid="attendance")
