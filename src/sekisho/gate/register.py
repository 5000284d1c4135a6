"""The gate's way to the register: every call to `access/gateway.py` in a thread, never on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

Unreachable = (DatabaseError, InterfaceError)
"""What a call raises when the database cannot be asked."""


class Register:
    """A few threads with a database connection each, and one that only looks after the leases."""

    def __init__(self) -> None:
        self._asking = ThreadPoolExecutor(4, "database")
        self._watching = ThreadPoolExecutor(1, "watch")

    async def ask(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a read or verb of the register. One of `Unreachable` when it cannot be reached."""
        return await _in_thread(self._asking, lambda: call(*args, **kwargs))

    async def watch(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Like `ask`, but waits behind nobody's sign-in."""
        return await _in_thread(self._watching, lambda: call(*args, **kwargs))


async def _in_thread(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    def fresh() -> T:
        close_old_connections()
        return call()

    return await asyncio.get_running_loop().run_in_executor(threads, fresh)
