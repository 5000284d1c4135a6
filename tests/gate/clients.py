"""Who comes to the gate: real ssh clients, people at a terminal, and those who only knock."""

import contextlib
import fcntl
import os
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.demo.fido_agent import FidoAgent, FidoKey
from sekisho.kernel.installation import Installation
from tests.gate.certificates import TerminalFiles
from tests.town import Terminal as Screen
from tests.town import open_terminal

PASSWORD = "correct horse battery"


@dataclass
class Clients:
    """Clients of the gate of one installation, as the operator `operator` from the registered terminal."""

    folder: Path
    operator: str = "mori"
    other_operator: str = "hayashi"
    system: str = "juki"
    keys: dict[str, FidoKey] = field(default_factory=dict)
    installation: Installation = field(init=False)
    terminal_files: TerminalFiles = field(init=False)

    def command(
        self,
        command: str | bytes | None,
        operator: str | None = None,
        terminal: TerminalFiles | str | None = "own",
        options: list[str] | None = None,
        tty: bool = False,
    ) -> list[str | bytes]:
        files = self.terminal_files if terminal == "own" else terminal
        assert not isinstance(files, str)
        words: list[str | bytes] = [
            "ssh", "-F", "none", *(options or []), "-p", str(self.installation.options.gate_port),
            "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self.folder}/known",
            "-o", "LogLevel=INFO", "-o", "Ciphers=aes128-gcm@openssh.com",
        ]  # fmt: skip
        if files is not None:
            words += ["-i", str(files.private), "-o", f"CertificateFile={files.certificate}"]
        words += ["-tt"] if tty else []
        words.append(f"{operator or self.operator}+{self.system}@127.0.0.1")
        return words + ([command] if command is not None else [])

    @contextlib.contextmanager
    def credentials(
        self, key: FidoKey | str | None = "own", password: str = PASSWORD, operator: str | None = None
    ) -> Iterator[dict[str, str]]:
        """An environment with the operator's agent and an askpass that knows the password."""
        chosen = self.keys[operator or self.operator] if key == "own" else key
        assert not isinstance(chosen, str)
        name = f"{time.monotonic_ns():x}"
        askpass = self.folder / f"ask-{name}"
        askpass.write_text(f"#!/bin/sh\necho '{password}'\n")
        askpass.chmod(0o700)
        with FidoAgent(self.folder / f"a-{name}", [chosen] if chosen else []) as agent:
            yield {
                **os.environ,
                "SSH_AUTH_SOCK": str(agent.path),
                "SSH_ASKPASS": str(askpass),
                "SSH_ASKPASS_REQUIRE": "force",
                "DISPLAY": ":0",
                "TERM": "xterm-256color",
            }
        askpass.unlink()

    def ssh(
        self,
        command: str | bytes | None,
        *,
        key: FidoKey | str | None = "own",
        password: str = PASSWORD,
        operator: str | None = None,
        terminal: TerminalFiles | str | None = "own",
        options: list[str] | None = None,
        stdin: bytes = b"",
        seconds: float = 30,
    ) -> "subprocess.CompletedProcess[bytes]":
        """One ssh client from beginning to end."""
        words = self.command(command, operator, terminal, options)
        with self.credentials(key, password, operator) as environment:
            process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
            try:
                out, err = process.communicate(stdin, timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
            return subprocess.CompletedProcess(words, process.returncode, out, err)

    @contextlib.contextmanager
    def running(self, command: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A client in the middle of a command."""
        with self.credentials() as environment:
            process = subprocess.Popen(
                self.command(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                process.kill()
                process.communicate()

    def run(self, command: str | bytes, **more: Any) -> "subprocess.CompletedProcess[bytes]":
        """Like `ssh`, for a client that must get in."""
        result = self.ssh(command, **more)
        assert "接続番号".encode() in result.stderr, result.stderr.decode("utf-8", "replace")
        return result

    @contextlib.contextmanager
    def terminal(
        self, size: tuple[int, int] = (80, 24), options: list[str] | None = None, operator: str | None = None
    ) -> Iterator[Screen]:
        """An interactive session under a pty of its own."""
        with self.credentials(operator=operator) as environment:
            words = [str(word) for word in self.command(None, operator, "own", options, tty=True)]
            screen = open_terminal(words, environment, size)
            try:
                yield screen
            finally:
                screen.close()

    def resize(self, screen: Screen, columns: int, rows: int) -> None:
        fcntl.ioctl(screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        screen.process.send_signal(signal.SIGWINCH)  # it has no controlling terminal that would

    # Attempts

    def copy_must_fail(self) -> None:
        secret = self.folder / "secret"
        secret.write_bytes(b"x" * 100_000)
        copy = self.folder / "copy"
        for old in ([], ["-O"]):
            with self.credentials() as environment:
                words = [str(word) for word in self.command(None)]
                options = ["-P" if word == "-p" else word for word in words[1:-1]]
                subprocess.run(
                    ["scp", *old, *options, f"{words[-1]}:{secret}", str(copy)],
                    env=environment, start_new_session=True, capture_output=True, timeout=30, check=False,
                )  # fmt: skip
            assert not copy.exists() or copy.read_bytes() != secret.read_bytes()

    def knock(self, address: str) -> socket.socket:
        """A connection from that loopback address that says nothing."""
        return socket.create_connection(("127.0.0.1", self.installation.options.gate_port), 5, (address, 0))

    @contextlib.contextmanager
    def half_open(self, number: int) -> Iterator[None]:
        """So many silent connections from 25 addresses, the operator's own among them, held open meanwhile."""
        with contextlib.ExitStack() as held:
            for each in range(number):
                held.enter_context(self.knock(f"127.0.0.{1 + each % 25}"))
            yield

    @contextlib.contextmanager
    def knocking(self, every: float) -> Iterator[None]:
        """New silent connections from eight other addresses, one each `every` seconds, at most 1000."""
        done = threading.Event()

        def knock_on() -> None:
            with contextlib.ExitStack() as held:
                for each in range(1000):
                    if done.wait(every):
                        return
                    held.enter_context(self.knock(f"127.0.0.{2 + each % 8}"))

        thread = threading.Thread(target=knock_on)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def send_garbage(self) -> None:
        for garbage in (
            b"\0" * 1000,
            b"GET / HTTP/1.1\r\n\r\n",
            b"SSH-2.0-x\r\n" + os.urandom(5000),
            b"SSH-2.0-x\r\n" + b"\xff\xff\xff\xff" * 100,
            b"SSH-2.0-x\r\n\x00\x00\x00\x0c\x04\x14" + b"\0" * 10,
        ):
            with socket.create_connection(("127.0.0.1", self.installation.options.gate_port), 5) as each:
                each.sendall(garbage)
                each.settimeout(2)
                with contextlib.suppress(OSError):
                    while each.recv(4096):
                        pass
