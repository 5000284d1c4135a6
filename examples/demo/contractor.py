"""The contractor's operator, played: a real ssh client under a pseudo-terminal, typing as a person would.

When the city cuts, the operator tries to come back every few seconds and is refused until the city releases the
latch: that is the point of it.
"""

import fcntl
import os
import pty
import random
import re
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from examples.demo.fido_agent import FidoAgent, FidoKey

PROMPT = b"$ "
ASKS_PASSWORD = "パスワード".encode()
SECRET = "himitsu-no-aikotoba"
WORK = ("help", "jobs", "df", "log", "sudo batch-clear", "jobs", "log")
RETRY_SECONDS = 15.0
_INSIDE = re.compile(rb"hosyu@juki-ap1")


@dataclass(frozen=True, slots=True)
class Desk:
    """What the operator has on his desk: the lent PC's key and certificate, his security key, his password."""

    folder: Path
    login: str
    system: str
    gate_port: int
    key: FidoKey
    password: str

    @property
    def terminal_key(self) -> Path:
        return self.folder / "terminal"

    @property
    def certificate(self) -> Path:
        return self.folder / "terminal-cert.pub"

    @property
    def terminal_public_key(self) -> str:
        """`type base64`, as the terminal is registered."""
        return " ".join((self.folder / "terminal.pub").read_text().split()[:2])

    def make_terminal_key(self) -> None:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.terminal_key)]
        subprocess.run(command, check=True)

    def command(self) -> list[str]:
        return [
            "ssh", "-tt", "-F", "none", "-p", str(self.gate_port),
            "-i", str(self.terminal_key),
            "-o", f"CertificateFile={self.certificate}",
            "-o", f"UserKnownHostsFile={self.folder}/known_hosts",
            "-o", "StrictHostKeyChecking=yes",
            f"{self.login}+{self.system}@127.0.0.1",
        ]  # fmt: skip

    def environment(self, agent: FidoAgent) -> dict[str, str]:
        """ssh asks a program for the password, so that the demo needs nobody at the keyboard."""
        askpass = self.folder / "askpass"
        if not askpass.exists():
            askpass.touch(0o700)
            askpass.write_text(f"#!/bin/sh\necho '{self.password}'\n")
        return {
            **os.environ,
            "SSH_AUTH_SOCK": str(agent.path),
            "SSH_ASKPASS": str(askpass),
            "SSH_ASKPASS_REQUIRE": "force",
            "TERM": "xterm-256color",
        }


class Operator:
    """Works until told to stop. `tell(word, screen)` hears "inside", "ended" and "refused"."""

    def __init__(self, desk: Desk, tell: Callable[[str, str], None]) -> None:
        self._desk, self._tell = desk, tell
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="operator", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _work(self) -> None:
        with FidoAgent(self._desk.folder / "agent", [self._desk.key]) as agent:
            while not self._stop.is_set():
                self._connect(agent)
                self._stop.wait(RETRY_SECONDS)

    def _connect(self, agent: FidoAgent) -> None:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        ssh = subprocess.Popen(
            self._desk.command(),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self._desk.environment(agent),
            start_new_session=True,
        )
        os.close(slave)
        try:
            self._type(_Screen(ssh, master))
        finally:
            ssh.terminate()
            ssh.wait()
            os.close(master)

    def _type(self, screen: "_Screen") -> None:
        work, inside = cycle(WORK), False
        for shown in screen.reads():
            if self._stop.is_set():
                return
            if not inside and _INSIDE.search(screen.text):
                inside = True
                self._tell("inside", shown)
            if screen.text.endswith(PROMPT):
                self._pause(2.0)
                self._keys(screen, next(work))
            elif ASKS_PASSWORD in screen.text[-60:] and screen.text.endswith(b": "):
                self._pause(0.8)
                self._keys(screen, SECRET)
        self._tell("ended" if inside else "refused", screen.text.decode("utf-8", "replace"))

    def _keys(self, screen: "_Screen", line: str) -> None:
        for character in line:
            screen.send(character)
            self._pause(random.uniform(0.04, 0.16))
        screen.send("\r")

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)


class _Screen:
    """The client's terminal: what it has shown so far, and a way to type."""

    def __init__(self, ssh: "subprocess.Popen[bytes]", master: int) -> None:
        self._ssh, self._master = ssh, master
        self.text = b""

    def reads(self) -> Iterator[str]:
        """Yields each time something new is shown, and five times a second when nothing is; ends with ssh."""
        while True:
            ready, _, _ = select.select([self._master], [], [], 0.2)
            if not ready:
                if self._ssh.poll() is not None:
                    return
                yield ""
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            self.text = (self.text + data)[-20_000:]
            yield data.decode("utf-8", "replace")

    def send(self, keys: str) -> None:
        try:
            os.write(self._master, keys.encode())
        except OSError:
            time.sleep(0.1)  # ssh has just gone; `reads` notices
