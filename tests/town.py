"""A real installation for tests: its folder, its processes, a real sshd as target, real ssh clients.

Nothing is faked but the operator's security key (`examples/demo/fido_agent.py`). Everything listens on
loopback, lives in one temporary folder and is ended by `close`.
"""

import getpass
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
PROBE = Path(__file__).parent / "probe.py"
SSHD = "/usr/sbin/sshd"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def eventually(condition: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """Waits until `condition()` is true and returns it; AssertionError when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.02)
    raise AssertionError(f"did not happen within {seconds} s: {what or condition}")


def keygen(path: Path, kind: str = "ed25519") -> Path:
    """A new key pair without a passphrase, at `path` and `path.pub`."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(path)], check=True)
    return path


def public_key(path: Path) -> str:
    """`type base64` of the public half beside `path`."""
    return " ".join(Path(f"{path}.pub").read_text().split()[:2])


@dataclass
class Sshd:
    """A real sshd on loopback that trusts the gate's CA for the account that runs the tests.

    That account's home is an empty folder here: what a developer's own profile does at every login, and how
    it takes being killed in the middle of it, is none of the tests' business.
    """

    folder: Path
    trusted_ca: Path
    port: int = field(default_factory=free_port)
    extra: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def host_key(self) -> Path:
        return self.folder / "host-key"

    def start(self) -> "Sshd":
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        if not self.host_key.exists():
            keygen(self.host_key)
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        config = self.folder / "sshd_config"
        config.write_text(
            f"{self.extra}\nSetEnv HOME={home}\nPort {self.port}\nListenAddress 127.0.0.1\nHostKey {self.host_key}\n"
            f"TrustedUserCAKeys {self.trusted_ca}\nAuthorizedKeysFile none\nPermitRootLogin yes\n"
            f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\n"
            f"MaxStartups 300:30:400\nMaxSessions 50\nPidFile {self.folder}/pid\nPrintMotd no\n"
        )
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(config)], stdout=log, stderr=log, start_new_session=True
            )
        eventually(lambda: listening(self.port), what="sshd listens")
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Probe:
    """A Django process on the installation that runs snippets: `probe("Session.objects.count()")`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROBE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            cwd=REPOSITORY,
            text=True,
        )

    def __call__(self, code: str, **values: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"code": code, "values": values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the probe died"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)


@dataclass
class Terminal:
    """A `ssh` process under a pseudo-terminal, as a person would use it."""

    process: subprocess.Popen[bytes]
    master: int
    screen: bytes = b""

    def send(self, data: bytes) -> None:
        os.write(self.master, data)

    def read(self, seconds: float = 0.05) -> bytes:
        """What has come within `seconds`; b"" also when the other side is gone."""
        poll = select.poll()
        poll.register(self.master, select.POLLIN)
        if not poll.poll(seconds * 1000):
            return b""
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return b""
        self.screen += data
        return data

    def expect(self, text: bytes, seconds: float = 15.0) -> None:
        """Waits until `text` is on the screen."""
        deadline = time.monotonic() + seconds
        while text not in self.screen:
            assert time.monotonic() < deadline, f"never saw {text!r} in {self.screen[-2000:]!r}"
            self.read()

    def wait_end(self, seconds: float = 10.0) -> float:
        """Waits for the client's end and returns the monotonic moment at which it was noticed."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"still running: {self.screen[-500:]!r}"
            self.read(0.002)
        moment = time.monotonic()
        while self.read(0.02):
            pass
        return moment

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


def open_terminal(
    command: list[str], environment: Mapping[str, str], size: tuple[int, int] = (80, 24)
) -> Terminal:
    """Starts `command` under a pseudo-terminal of its own, as its controlling terminal."""
    import fcntl
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=dict(environment), start_new_session=True
    )
    os.close(slave)
    return Terminal(process, master)


def account() -> str:
    """The account on the target: whoever runs the tests."""
    return getpass.getuser()


def end(process: subprocess.Popen[bytes] | None, seconds: float = 15.0) -> int | None:
    """Ends a process politely, then not; returns its code."""
    if process is None:
        return None
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
