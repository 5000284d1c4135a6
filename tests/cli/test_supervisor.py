"""`sekisho up`'s supervisor: parts come back, end in order, and never outlive it."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sekisho.commands.supervisor import LONGEST_PAUSE, Part, pause, supervise
from tests.town import eventually

PATIENT = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_pause_doubles_and_is_bounded() -> None:
    """A part that cannot start does not burn the machine, and is tried again for ever."""
    assert [pause(count) for count in range(1, 8)] == [0.5, 1, 2, 4, 8, 16, 30]
    assert pause(10_000) == LONGEST_PAUSE


async def run_until(
    parts: list[Part], enough: Callable[[list[tuple[str, str]]], bool]
) -> list[tuple[str, str]]:
    """Supervises until what was said is enough, then stops; gives all that was said."""
    said: list[tuple[str, str]] = []
    stop = asyncio.Event()

    def say(name: str, line: str) -> None:
        said.append((name, line))
        if enough(said):
            stop.set()

    async with asyncio.timeout(20):
        await supervise(parts, say, stop)
    return said


def lines(count: int) -> Callable[[list[tuple[str, str]]], bool]:
    return lambda said: len(said) >= count


async def test_a_part_that_ends_is_started_again() -> None:
    """It ends with a code, that is said, and it runs anew after the pause."""
    said = await run_until([Part("part", python("print('up', flush=True); raise SystemExit(3)"))], lines(3))
    assert said == [("part", "up"), ("part", "ended with 3; starts again in 0.5 s"), ("part", "up")]


async def test_parts_end_one_after_another_the_last_started_first(tmp_path: Path) -> None:
    """The worker outlives the gate and the gate the console, so that the last evidence is still taken."""
    code = (
        "import signal, sys, time\n"
        "def end(*_): open(sys.argv[1], 'a').write(sys.argv[2]); time.sleep(0.2); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(60)"
    )
    ended = tmp_path / "ended"
    parts = [Part(name, [*python(code), str(ended), name]) for name in ("1", "2", "3")]
    await run_until(parts, lines(3))
    assert ended.read_text() == "321"
    assert all(part.process is not None and part.process.returncode == 0 for part in parts)


async def test_a_part_that_will_not_end_is_killed_after_its_grace() -> None:
    """A stuck part holds up nobody for ever."""
    part = Part("stuck", python(STUBBORN), grace=0.3)
    await run_until([part], lines(1))
    assert part.process is not None
    assert part.process.returncode == -signal.SIGKILL


async def test_a_line_longer_than_any_buffer_is_passed_on() -> None:
    """A part that writes without line ends neither blocks nor is lost."""
    code = "import time; print('x' * 300_000); print('end', flush=True); time.sleep(60)"
    said = await run_until([Part("part", python(code))], lambda said: said[-1][1] == "end")
    assert sum(line.count("x") for _, line in said) == 300_000


def supervising(code: str) -> subprocess.Popen[str]:
    """A supervisor in a process of its own, keeping one part `p` that runs `code`."""
    told = f"from sekisho.commands.supervisor import Part, run; run([Part('p', {python(code)!r})])"
    return subprocess.Popen([sys.executable, "-c", told], stdout=subprocess.PIPE, text=True)


def test_parts_die_with_a_supervisor_that_is_killed() -> None:
    """kill -9 of the supervisor leaves nothing running unwatched."""
    with supervising("import os, time; print(os.getpid(), flush=True); time.sleep(60)") as process:
        assert process.stdout is not None
        child = int(process.stdout.readline().partition("|")[2])
        process.kill()
        eventually(lambda: not _alive(child), what="the part is gone")


def test_sigterm_ends_the_supervisor_cleanly() -> None:
    """One signal, and everything ends, with code 0."""
    with supervising(PATIENT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "p | up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
