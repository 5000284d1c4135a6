"""What is measured, each for one way in."""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sekisho.sign.beats import State
from sekisho.sign.program import read_gate
from sekisho.sign.watch import shown
from sekisho.vault.archive import packed_path
from tests.bench.contenders import Way
from tests.gate.gatetown import GateTown
from tests.town import Terminal, eventually, open_terminal

KEYSTROKES = 200
FLOOD = "timeout 60 yes 0123456789012345678901234567890123456789"


@contextlib.contextmanager
def echoing(way: Way) -> Iterator[Terminal]:
    """An interactive session in which each byte typed comes back from the target's terminal."""
    terminal = open_terminal(way.command(None, tty=True), way.environment)
    try:
        _expect_prompt(terminal)
        terminal.send(b"stty -icanon; cat >/dev/null\n")
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            terminal.read(0.1)
        yield terminal
    finally:
        terminal.close()


def _expect_prompt(terminal: Terminal, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not terminal.screen.rstrip(b"\x1b[?2004h").endswith((b"# ", b"$ ")):
        assert time.monotonic() < deadline, f"no prompt in {terminal.screen[-300:]!r}"
        terminal.read(0.1)


def _until_silent(terminal: Terminal, seconds: float = 1.0) -> None:
    while terminal.read(seconds):
        pass


def keystrokes(terminal: Terminal, count: int = KEYSTROKES) -> list[float]:
    """Milliseconds from pressing a key to seeing it, at about 200 keys a second."""
    taken = []
    for _ in range(count):
        time.sleep(0.005)
        before, began = len(terminal.screen), time.perf_counter()
        terminal.send(b"x")
        while len(terminal.screen) == before:
            if time.perf_counter() - began > 5:
                raise TimeoutError("no echo within 5 s")
            terminal.read(1)
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def output_rate(way: Way, file: Path, tty: bool) -> float:
    """MiB/s at which a client receives a file from the target."""
    began = time.perf_counter()
    result = subprocess.run(
        way.command(f"cat {file}", tty), env=way.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, start_new_session=True, timeout=20, check=False,
    )  # fmt: skip
    if (lost := file.stat().st_size - len(result.stdout)) > 0:
        print(f"    {way.name}: {lost} bytes never came", flush=True)
    return len(result.stdout) / (time.perf_counter() - began) / 2**20


def beside_a_flood(way: Way, count: int = KEYSTROKES) -> list[float]:
    """A neighbour's keystrokes while another session floods as fast as it can."""
    # tlog goes on recording into the void when its client is gone, unless a terminal hangs up on it.
    flood = subprocess.Popen(
        way.command(FLOOD, tty="tlog" in way.name), env=way.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        with echoing(way) as terminal:
            return keystrokes(terminal, count)
    finally:
        flood.kill()
        flood.wait()


def cut_latency(town: GateTown, flooding: bool, database_gone: bool = False) -> float:
    """Milliseconds from asking the gate's socket to the client's end."""
    with town.terminal() as terminal, contextlib.ExitStack() as gone:
        terminal.expect("接続番号".encode())
        session = town.live_session()
        if flooding:
            terminal.send(FLOOD.encode() + b"\n")
            for _ in range(40):
                terminal.read()
        if database_gone:
            gone.enter_context(town.database_gone())
        began = time.monotonic()
        asking = threading.Thread(target=town.gate.cut_session, args=(session, "person:bench"))
        asking.start()
        ended = terminal.wait_end(5)
        asking.join()
    return (ended - began) * 1000


def freeze_latency(town: GateTown) -> float:
    """Milliseconds from asking the gate's socket to the last byte that a flooding session shows."""
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        session = town.live_session()
        terminal.send(FLOOD.encode() + b"\n")
        for _ in range(40):
            terminal.read()
        began = last = time.monotonic()
        asking = threading.Thread(target=town.gate.freeze, args=(session, "person:bench"))
        asking.start()
        while terminal.read(0.5):
            last = time.monotonic()
        asking.join()
        assert town.gate.status()["frozen"] == {session: "button"}
    return (last - began) * 1000


def sign_latency(town: GateTown) -> tuple[float, float]:
    """Milliseconds from a cut to the sign's "not connected"; seconds from a stopped gate to its "unknown"."""
    assert town.gate_process is not None
    address = f"127.0.0.1:{town.installation.options.sign_port}"
    gate, stop = read_gate(address, town.home / "keys" / "gate-sign-key.pub"), threading.Event()
    asking = threading.Thread(target=gate.keep_asking, args=(stop,))
    asking.start()

    def until(state: State) -> float:
        while shown([gate.watch], time.monotonic())[0] is not state:
            time.sleep(0.001)
        return time.monotonic()

    try:
        with town.terminal() as terminal:
            terminal.expect("接続番号".encode())
            until(State.CONNECTED)
            began = time.monotonic()
            town.gate.cut_session(town.live_session(), by="person:bench")
            changed = (until(State.NOT_CONNECTED) - began) * 1000
        town.gate_process.send_signal(signal.SIGSTOP)
        lost = time.monotonic()
        unknown = until(State.UNKNOWN) - lost
    finally:
        town.gate_process.send_signal(signal.SIGCONT)
        stop.set()
        asking.join()
    return changed, unknown


def among_many(town: GateTown, sessions: int) -> list[float]:
    """A session's keystrokes while so many others are open and typed into, one key a second each."""
    with contextlib.ExitStack() as stack:
        others = []
        for _ in range(sessions - 1):
            others.append(stack.enter_context(town.terminal()))
            others[-1].expect("接続番号".encode(), 30)
            others[-1].send(b"stty -icanon; cat >/dev/null\n")
        mine = stack.enter_context(echoing_town(town))
        mine.send(b"stty -icanon; cat >/dev/null\n")
        stop = threading.Event()

        def type_slowly() -> None:
            while not stop.is_set():
                for each in others:
                    each.send(b"x")
                    each.read(0)
                    stop.wait(1 / len(others))

        typing = threading.Thread(target=type_slowly)
        typing.start()
        try:
            _until_silent(mine)
            return keystrokes(mine)
        finally:
            stop.set()
            typing.join()


def memory(town: GateTown) -> float:
    """Resident megabytes of the gate process."""
    assert town.gate_process is not None
    status = Path(f"/proc/{town.gate_process.pid}/status").read_text()
    return next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmRSS"))


def memory_with(town: GateTown, sessions: int) -> float:
    """Resident megabytes with so many idle interactive sessions."""
    with contextlib.ExitStack() as stack:
        for _ in range(sessions):
            terminal = stack.enter_context(town.terminal())
            terminal.expect("接続番号".encode(), 30)
        eventually(lambda: len(town.gate.status()["sessions"]) >= sessions, 20)
        return memory(town)


def recording_overhead(town: GateTown, commands: list[str]) -> tuple[float, float]:
    """A session's recording over its raw bytes: as written, and as the worker packs it away."""
    with echoing_town(town) as terminal:
        _expect_prompt(terminal)
        for command in commands:
            for byte in f"{command}\n".encode():
                terminal.send(bytes([byte]))
                terminal.read(0.01)
            _until_silent(terminal)
    session = eventually(town.last_session, 10)
    packed = packed_path(town.recording_path(session["id"]))
    eventually(packed.exists, 30, "the worker packs the recording")
    raw = sum(len(part) for part in town.recording(session["id"]).values())
    return session["recording_bytes"] / raw, packed.stat().st_size / raw


@contextlib.contextmanager
def echoing_town(town: GateTown) -> Iterator[Terminal]:
    with town.terminal() as terminal:
        terminal.expect("接続番号".encode())
        yield terminal
