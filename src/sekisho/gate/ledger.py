"""What the gate has to say for itself: on its own disk first, then handed over to the register in order."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sekisho.access import gateway
from sekisho.evidence.tags import Tag
from sekisho.gate.journal import Journal, JournalEntry, JournalFailed
from sekisho.gate.knocks import Knocks
from sekisho.gate.register import Register, Unreachable
from sekisho.kernel.clock import Clock

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0

P = ParamSpec("P")
T = TypeVar("T")
Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Ledger:
    """Evidence and verbs of one gate. The journal belongs to its one thread, the rest to the event loop."""

    def __init__(
        self,
        folder: Path,
        name: str,
        clock: Clock,
        register: Register,
        spawn: Spawn,
        failed: Callable[[], None],
    ) -> None:
        """`failed` is told when nothing can be written down any more."""
        self._name = name
        self._clock = clock
        self._register = register
        self._spawn = spawn
        self._failed = failed
        self._journal = Journal(folder)
        self._disk = ThreadPoolExecutor(1, "journal")
        self._waiting = asyncio.Event()
        self._handing_over = asyncio.Lock()
        self._knocks = Knocks()

    @property
    def ready(self) -> bool:
        """Whether evidence can be left."""
        return not self._journal.failed

    def note(self, tag: Tag, subjects: Iterable[str], detail: dict[str, Any], by: str | None = None) -> None:
        """Evidence of the gate's own, or of what `by` made it do; written as soon as the disk is free."""
        args = {"tag": tag.value, "subjects": list(subjects), "detail": detail, "actor": by}
        self._spawn(self._write_later("note", args))

    def note_knock(self, tag: Tag, address: str, detail: dict[str, Any], terminal: str | None = None) -> None:
        """Evidence of somebody who is not in yet; at most a few a minute from one address, the rest counted."""
        suppressed = self._knocks.may_note(address, self._clock.monotonic())
        if suppressed is None:
            return
        subjects = [f"address:{address}", *([f"terminal:{terminal}"] if terminal else [])]
        self.note(tag, subjects, {**detail, **({"not_noted": suppressed} if suppressed else {})})

    async def write(self, verb: str, args: dict[str, Any]) -> JournalEntry | None:
        """Writes down what happened and returns when it is on disk; None, and `failed` is told, when it cannot be."""
        at = self._clock.now()
        try:
            entry = await self._on_disk(self._journal.append, verb, args, at)
        except JournalFailed:
            log.exception("the journal cannot be written")
            self._failed()
            return None
        self._waiting.set()
        return entry

    async def hand_over(self) -> bool:
        """Hands over what is pending, oldest first. False when the register cannot be reached."""
        async with self._handing_over:
            for entry in await self._on_disk(self._journal.pending):
                try:
                    await self._register.ask(
                        gateway.hand_over, entry.id, entry.at, self._name, entry.verb, entry.args
                    )
                except Unreachable:
                    return False
                await self._on_disk(self._journal.handed_over, entry)
        return True

    async def keep_handing_over(self) -> None:
        """Hands over whatever is written, for ever; tries again while the register cannot be reached."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while not await self.hand_over():  # noqa: ASYNC110 - waits for a database, which signals nothing
                await asyncio.sleep(RETRY_SECONDS)

    async def hand_over_rest(self, seconds: float) -> None:
        """What can be handed over within `seconds`; the rest waits on disk for the next start."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.hand_over()

    def close(self) -> None:
        """Nothing can be written any more."""
        self._journal.close()

    async def _write_later(self, verb: str, args: dict[str, Any]) -> None:
        await self.write(verb, args)

    async def _on_disk(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._disk, lambda: call(*args, **kwargs))
