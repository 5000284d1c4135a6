"""The small program of a sign: asks its gates twice a second, shows what it knows, and drives a lamp.

Needs Python and `cryptography`, neither database nor settings nor the rest of the product. A thread asks each
gate; the main thread draws. What a thread does not hear in time is unknown, whatever it waits for.
"""

import http.client
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from sekisho.sign.beats import MOST_BYTES, BadBeat, Beat, State
from sekisho.sign.watch import FRESH, Watch, shown

LOOK_SECONDS = 0.05
RETRY_SECONDS = 0.3
LAMP_TIMEOUT = 2.0
LAMP_AGAIN = 10.0
"""A lamp is told its state again after so long: it may have lost its power meanwhile."""


class Lamp(Protocol):
    """Something at the counter that shows three states. `show` returns at once and raises nothing."""

    def show(self, state: State, sessions: int, fault: str) -> None:
        """`fault`: why it is unknown, or what is wrong with a lamp; empty where nothing is."""

    def close(self) -> None:
        """Returns when the last state is shown, or cannot be."""


@dataclass(slots=True)
class Gate:
    """One gate to ask: where it answers and the key by which its answers are known."""

    host: str
    port: int
    key: Ed25519PublicKey
    watch: Watch = field(default_factory=Watch)
    fault: str = "no answer yet"

    def keep_asking(self, stop: threading.Event) -> None:
        """Asks until `stop`. One connection for as long as it lasts."""
        while not stop.is_set():
            connection = http.client.HTTPConnection(self.host, self.port, timeout=FRESH)
            try:
                while not stop.is_set():
                    self._ask(connection)
            except (OSError, http.client.HTTPException, BadBeat) as error:
                self.fault = f"{type(error).__name__}: {error}"
                stop.wait(RETRY_SECONDS)
            finally:
                connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        nonce, asked = secrets.token_hex(16), time.monotonic()
        known = self.watch.beat(asked)
        connection.request("GET", f"/beat?nonce={nonce}&known={known.state if known else State.UNKNOWN}")
        answer = connection.getresponse()
        body = answer.read(MOST_BYTES + 1)
        if answer.status != 200:
            raise BadBeat(f"the gate answers {answer.status}")
        self.watch.answered(Beat.read(body, self.key, nonce), asked)
        self.fault = ""


def read_gate(address: str, key: Path) -> Gate:
    """A gate from `HOST:PORT` and the file of its public key. ValueError, OSError when they cannot be read."""
    host, _, port = address.rpartition(":")
    loaded = load_ssh_public_key(key.read_bytes())
    if not host or not isinstance(loaded, Ed25519PublicKey):
        raise ValueError(f"{address} {key}")
    return Gate(host.strip("[]"), int(port), loaded)


def run(gates: Sequence[Gate], lamps: Sequence[Lamp], stop: threading.Event) -> None:
    """Shows until `stop`. At the end, whatever shows is told that nobody knows any more."""
    for gate in gates:
        threading.Thread(target=gate.keep_asking, args=(stop,), daemon=True).start()
    while not stop.is_set():
        now = time.monotonic()
        state, sessions = shown([gate.watch for gate in gates], now)
        silent = [gate for gate in gates if gate.watch.beat(now) is None]
        fault = "; ".join(f"{gate.host}:{gate.port} {gate.fault or 'silent'}" for gate in silent)
        for lamp in lamps:
            lamp.show(state, sessions, fault)
        stop.wait(LOOK_SECONDS)
    for lamp in lamps:
        lamp.show(State.UNKNOWN, 0, "the sign was stopped")
    for lamp in lamps:
        lamp.close()


_WORDS = {
    State.CONNECTED: ("●", "接続中", "CONNECTED", "\x1b[97;44m"),
    State.NOT_CONNECTED: ("○", "接続していません", "NOT CONNECTED", "\x1b[30;107m"),
    State.UNKNOWN: ("✕", "不明", "UNKNOWN", "\x1b[97;41m"),
}


class Screen:
    """A terminal that shows nothing else: words, shape and colour. Drawn when something changes, and each minute."""

    def __init__(self, write: Callable[[str], object], size: Callable[[], tuple[int, int]]) -> None:
        self._write = write
        self._size = size
        self._drawn: tuple[object, ...] = ()

    def show(self, state: State, sessions: int, fault: str) -> None:
        size = self._size()
        wanted = (state, sessions, fault, size, int(time.monotonic() // 60))
        if wanted == self._drawn:
            return
        self._drawn = wanted
        columns, lines = size
        shape, ja, en, colour = _WORDS[state]
        count = f"{sessions}件 / {sessions}" if state is State.CONNECTED else ""
        middle = [f"{shape}  {ja}  {shape}", en, count, fault[:columns]]
        empty = "\r\n" * max(0, (lines - 2 * len(middle)) // 2)
        body = "\r\n\r\n".join(" " * max(0, (columns - _width(each)) // 2) + each for each in middle)
        self._write(f"\x1b[?25l{colour}\x1b[2J\x1b[H{empty}{body}\x1b[0J")

    def close(self) -> None:
        self._write("\x1b[0m\x1b[?25h\r\n")


class Command:
    """A lamp switched by a program of the city's: called with the state as its argument, at each change.

    It is called again every ten seconds, and at once after it failed. It has two seconds; what takes longer is
    ended and counts as failed.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._wanted = State.UNKNOWN
        self._changed = threading.Event()
        self._told: State | None = None
        self._thread: threading.Thread | None = None

    def show(self, state: State, sessions: int, fault: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._drive, daemon=True)
            self._thread.start()
        if state is not self._wanted:
            self._wanted = state
            self._changed.set()

    def _drive(self) -> None:
        while True:
            self._changed.clear()
            wanted = self._wanted
            fault = self._switch(wanted)
            self._told = None if fault else wanted
            if fault:
                print(fault, file=sys.stderr)  # noqa: T201
            self._changed.wait(RETRY_SECONDS if fault else LAMP_AGAIN)

    def _switch(self, state: State) -> str:
        """What went wrong, or nothing."""
        try:
            words = [self._path, state.value]
            done = subprocess.run(words, timeout=LAMP_TIMEOUT, check=False, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{self._path}: {error}"
        return f"{self._path} answered {done.returncode}" if done.returncode else ""

    def close(self) -> None:
        given_up = time.monotonic() + 2 * LAMP_TIMEOUT
        while self._told is not self._wanted and time.monotonic() < given_up:
            time.sleep(LOOK_SECONDS)


def _width(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F or letter in "●○✕" else 1 for letter in text)
