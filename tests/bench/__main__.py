"""`python -m tests.bench [--rounds N] [--only WORD]`: the table of numbers, printed as it is measured."""

import argparse
import contextlib
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from sekisho.access.rules import decide
from tests.access.test_rules import FACTS, NOW, PERMIT, grant
from tests.bench import measures
from tests.bench.contenders import Way, all_ways
from tests.gate.gatetown import GateTown
from tests.town import REPOSITORY

MIB = 2**20


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def row(what: str, cells: dict[str, str]) -> None:
    print(f"{what:50}" + "".join(f"{cells.get(name, '-'):>20}" for name in NAMES), flush=True)


NAMES = ("direct sshd", "sshd + tlog", "ssh-mitm", "sekisho")


def interleaved(
    ways: list[Way], rounds: int, measure: Callable[[Way], list[float]]
) -> dict[str, list[list[float]]]:
    """Every way once a round, in turn, so that a slow minute hits all alike."""
    seen: dict[str, list[list[float]]] = defaultdict(list)
    for _ in range(rounds):
        for way in ways:
            try:
                seen[way.name].append(measure(way))
            except (AssertionError, RuntimeError, TimeoutError, OSError, subprocess.TimeoutExpired) as error:
                print(f"    {way.name}: failed ({type(error).__name__}: {str(error)[:90]})", flush=True)
    return seen


def delays(what: str, ways: list[Way], rounds: int, measure: Callable[[Way], list[float]]) -> None:
    seen = interleaved(ways, rounds, measure)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        medians = {
            way: statistics.median(percentile(r, share) for r in runs) for way, runs in seen.items() if runs
        }
        row(f"{what}, {name} [ms]", {way: f"{value:.2f}" for way, value in medians.items()})


def rates(what: str, ways: list[Way], rounds: int, file: Path, tty: bool) -> None:
    seen = interleaved(ways, rounds, lambda way: [measures.output_rate(way, file, tty)])
    row(
        f"{what} [MiB/s]",
        {way: f"{statistics.median(r[0] for r in runs):.1f}" for way, runs in seen.items() if runs},
    )


def typed(way: Way) -> list[float]:
    with measures.echoing(way) as terminal:
        return measures.keystrokes(terminal)


def cuts(what: str, town: GateTown, rounds: int, gone: bool = False) -> None:
    for flooding, state in ((False, "idle"), (True, "flooding")):
        taken = []
        for _ in range(rounds * 6):
            taken.append(measures.cut_latency(town, flooding, gone))
            town.release_latches()
        cell = f"{statistics.median(taken):.1f} / {percentile(taken, 0.99):.1f}"
        row(f"{what}, {state}: p50 / p99 [ms]", {"sekisho": cell})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--sessions", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, all_ways(Path(folder)) as (town, ways):
        file = Path(folder) / "text"
        line = b"2026-11-23 10:00:00 INFO batch 0123456789 finished in 0.123 s, 4567 rows\n"
        file.write_bytes(line * (64 * MIB // len(line)))
        less = Path(folder) / "less"
        less.write_bytes(line * (16 * MIB // len(line)))
        prose = Path(folder) / "small"
        prose.write_bytes(b"".join(page.read_bytes() for page in sorted((REPOSITORY / "docs").rglob("*.md"))))
        rounds = arguments.rounds
        print(
            f"{'median of ' + str(rounds) + ' interleaved rounds':50}"
            + "".join(f"{name:>20}" for name in NAMES)
        )
        steps: dict[str, Callable[[], None]] = {
            "keystroke": lambda: delays("keystroke", ways, rounds, typed),
            # tlog records terminals only; without one it hangs (its issue 346).
            "output": lambda: rates(
                "output without a pty",
                [way for way in ways if "tlog" not in way.name],
                rounds,
                file,
                tty=False,
            ),
            "pty": lambda: rates("output with a pty", ways, rounds, less, tty=True),
            "neighbour": lambda: delays("keystroke beside a flood", ways, rounds, measures.beside_a_flood),
            "cut": lambda: _all_cuts(town, rounds, Path(folder) / "on-postgresql"),
            "freeze": lambda: _freeze(town, rounds),
            "sign": lambda: _sign(town, rounds),
            "many": lambda: _many(town, arguments.sessions),
            "decision": _decision,
            "memory": lambda: _memory(town, arguments.sessions),
            "size": lambda: _size(town, prose),
        }
        for name, step in steps.items():
            if arguments.only in name:
                step()


def _all_cuts(town: GateTown, rounds: int, folder: Path) -> None:
    cuts("cut", town, rounds)
    with contextlib.closing(GateTown(folder, database="postgresql")) as other:
        other.open()
        other.stop_worker()
        cuts("cut, PostgreSQL", other, rounds)
        cuts("cut, PostgreSQL stopped", other, rounds, gone=True)


def _freeze(town: GateTown, rounds: int) -> None:
    taken = [measures.freeze_latency(town) for _ in range(rounds * 3)]
    cell = f"{statistics.median(taken):.1f} / {max(taken):.1f}"
    row("freeze, flooding: median / longest [ms]", {"sekisho": cell})


def _sign(town: GateTown, rounds: int) -> None:
    changed, unknown = [], []
    for _ in range(rounds * 2):
        one, other = measures.sign_latency(town)
        changed.append(one)
        unknown.append(other)
        town.release_latches()
    row(
        "sign after a change: median / longest [ms]",
        {"sekisho": f"{statistics.median(changed):.0f} / {max(changed):.0f}"},
    )
    row(
        "sign after a loss: median / longest [s]",
        {"sekisho": f"{statistics.median(unknown):.2f} / {max(unknown):.2f}"},
    )


def _many(town: GateTown, most: int) -> None:
    taken = measures.among_many(town, most)
    cell = f"{percentile(taken, 0.5):.2f} / {percentile(taken, 0.99):.2f}"
    row(f"keystroke among {most} that type: p50 / p99 [ms]", {"sekisho": cell})


def _decision() -> None:
    taken, terms = [], grant()
    for _ in range(20_000):
        began = time.perf_counter()
        decide(terms, PERMIT, FACTS, NOW)
        taken.append((time.perf_counter() - began) * 1000)
    row(
        "decision: p50 / p99 [ms]",
        {"sekisho": f"{percentile(taken, 0.5):.3f} / {percentile(taken, 0.99):.3f}"},
    )


def _memory(town: GateTown, most: int) -> None:
    town.restart_gate()
    empty, twenty = measures.memory(town), measures.memory_with(town, 20)
    row("gate's memory: empty / 20 sessions [MB]", {"sekisho": f"{empty:.0f} / {twenty:.0f}"})
    many = measures.memory_with(town, most)
    row(f"gate's memory: {most} sessions [MB]", {"sekisho": f"{many:.0f}"})
    row("each further session [MB]", {"sekisho": f"{(many - twenty) / (most - 20):.2f}"})


WORK = ["ls -laR /etc", "ps aux", "df -h; uptime", "dpkg -l", "head -c 300000 /var/lib/dpkg/status"]


def _size(town: GateTown, prose: Path) -> None:
    town.start_worker()
    for what, commands in (("listings and files", WORK), ("Japanese prose", [f"cat {prose}"])):
        plain, packed = measures.recording_overhead(town, commands)
        row(f"recording over raw bytes, {what}", {"sekisho": f"{plain:.3f}, packed {packed:.3f}"})


if __name__ == "__main__":
    main()
