"""Tells the gate, once a transaction has committed, that a row it watches has changed."""

import contextlib

from django.conf import settings
from django.db import transaction

from sekisho.access.control import GateClient, GateUnreachable


def wake_gate() -> None:
    """Best effort: the row is the truth, and the gate looks every second anyway."""
    transaction.on_commit(_wake, robust=True)


def _wake() -> None:
    with contextlib.suppress(GateUnreachable):
        GateClient(settings.SEKISHO.gate_socket, timeout=0.3).wake()
