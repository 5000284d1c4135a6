"""Keeps an installation's parts running as separate processes: restart with back-off, an orderly end, one log.

A part that ends by itself is started again after a pause that doubles while it keeps failing. Told to stop,
the parts end one after another, the last started first, each with time to finish. Should this process be
killed, the kernel ends the parts (`setpriv --pdeathsig`): nothing is left running unwatched.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0
"""A part that ran this long has not "failed again": its next pause is the first one."""
LINE_BYTES = 1 << 16

Say = Callable[[str, str], None]
"""Takes a part's name and one line."""


def pause(failures: int) -> float:
    """Seconds to wait before the start after `failures` ends in a row: 0.5, 1, 2 … at most 30."""
    return float(min(FIRST_PAUSE * 2 ** min(failures - 1, 20), LONGEST_PAUSE))


@dataclass
class Part:
    """One process to keep running. `grace`: seconds between SIGTERM and SIGKILL at the end."""

    name: str
    command: Sequence[str]
    grace: float = 10.0
    process: asyncio.subprocess.Process | None = None
    ending: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, say: Say) -> None:
        """Runs the process, again and again, until `end` is called."""
        failures = 0
        while not self.ending.is_set():
            started = time.monotonic()
            code = await self._run(say)
            if self.ending.is_set():
                return
            failures = 1 if time.monotonic() - started >= STEADY_SECONDS else failures + 1
            say(self.name, f"ended with {code}; starts again in {pause(failures):g} s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause(failures)):
                    await self.ending.wait()

    async def end(self) -> None:
        """Asks the process to end, waits for its grace, then kills it."""
        self.ending.set()
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.grace):
                await process.wait()
        except TimeoutError:
            process.kill()

    async def _run(self, say: Say) -> int:
        self.process = await asyncio.create_subprocess_exec(
            "setpriv",
            "--pdeathsig",
            "TERM",
            "--",
            *self.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_BYTES,
            start_new_session=True,
        )
        assert self.process.stdout is not None  # noqa: S101 - a pipe was asked for
        await _lines(self.process.stdout, lambda line: say(self.name, line))
        return await self.process.wait()


async def supervise(parts: Sequence[Part], say: Say, stop: asyncio.Event) -> None:
    """Starts `parts` in order, keeps them running until `stop`, ends them in the opposite order."""
    async with asyncio.TaskGroup() as tasks:
        for part in parts:
            tasks.create_task(part.keep(say))
        await stop.wait()
        for part in reversed(parts):
            await part.end()


def run(parts: Sequence[Part]) -> None:
    """`supervise` until SIGTERM or SIGINT, its log on standard output, each line with its part's name."""
    width = max(len(part.name) for part in parts)

    def say(name: str, line: str) -> None:
        sys.stdout.write(f"{name:<{width}} | {line}\n")
        sys.stdout.flush()

    async def until_told() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await supervise(parts, say, stop)

    asyncio.run(until_told())


async def _lines(stream: asyncio.StreamReader, take: Callable[[str], None]) -> None:
    """Hands on each line; one longer than the buffer is handed on in pieces, never waited for."""
    while True:
        try:
            line = await stream.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            if end.partial:
                take(end.partial.decode("utf-8", "replace"))
            return
        except asyncio.LimitOverrunError as long:
            line = await stream.readexactly(long.consumed)
        take(line.decode("utf-8", "replace").rstrip("\n"))
