"""`sekisho up` and each part alone: they start, come back after kill -9, and end cleanly."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sekisho.access.control import GateClient, GateUnreachable
from sekisho.kernel.installation import Installation, load
from tests.cli.conftest import Run
from tests.town import eventually, free_port

pytestmark = pytest.mark.e2e


@pytest.fixture
def city(tmp_path: Path, sekisho: Run, database: str) -> Installation:
    """An installation as `init` leaves it, on ports of its own."""
    home = tmp_path / "city"
    ports = ("--web-port", free_port(), "--gate-port", free_port())
    done = sekisho("init", home, "--database", database, *ports)
    assert done.returncode == 0, done.stderr
    return load(home)


class Up:
    """`sekisho up` running on `city`, its output in a file."""

    def __init__(self, city: Installation) -> None:
        self.city, self.log = city, city.home / "up.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sekisho.cli", "up", "--home", str(city.home)], stdout=log, stderr=log
            )

    def wait_ready(self) -> None:
        eventually(lambda: self.gate_answers() and self.console_answers(), 30, "all parts answer")

    def gate_answers(self) -> bool:
        try:
            return bool(GateClient(self.city.gate_socket, 1).status()["ready"])
        except GateUnreachable:
            return False

    def console_answers(self) -> bool:
        address = f"http://localhost:{self.city.options.web_port}/"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def part(self, name: str) -> psutil.Process | None:
        """The process of one part, if it is running."""
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if name in child.cmdline()[-3:]:
                    return child
        return None

    def parts(self, *names: str) -> list[psutil.Process]:
        """The processes of several, all running."""
        found = [self.part(name) for name in names]
        return [each for each in found if each is not None]


@pytest.fixture
def up(city: Installation) -> Iterator[Up]:
    running = Up(city)
    try:
        running.wait_ready()
        yield running
    finally:
        running.process.terminate()
        running.process.wait(60)


def test_everything_starts_and_ends_cleanly_on_one_signal(up: Up) -> None:
    """SIGTERM: web, gate, worker end in this order, the code is 0, and nothing is left running."""
    parts = up.parts("web", "gate", "worker")
    assert len(parts) == 3
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(30) == 0
    assert not any(part.is_running() for part in parts)
    assert not up.city.gate_socket.exists()
    log = up.log.read_text()
    assert "Traceback" not in log
    assert re.search(r"^web    \| ", log, re.MULTILINE)


@pytest.mark.parametrize("name", ["web", "gate", "worker"])
def test_a_killed_part_comes_back(up: Up, name: str) -> None:
    """kill -9 of any part: it is running again within seconds, the others never stopped."""
    others = up.parts(*({"web", "gate", "worker"} - {name}))
    (killed,) = up.parts(name)
    killed.kill()
    eventually(lambda: (back := up.part(name)) and back != killed, 20, "it is back")
    up.wait_ready()
    assert all(other.is_running() for other in others)


def test_ctrl_c_at_a_terminal_ends_it_too(up: Up) -> None:
    """SIGINT to the supervisor alone, as the terminal sends it, is a clean end."""
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(30) == 0


def test_a_second_one_on_the_same_folder_is_refused(up: Up, sekisho: Run) -> None:
    """Two gates on one folder would leave the first deaf to a cut; two workers would fight for the log."""
    for part in ("up", "gate", "worker", "web"):
        second = sekisho(part, "--home", up.city.home)
        assert second.returncode == 1
        assert "already running" in second.stderr
    assert up.gate_answers()


@pytest.mark.parametrize("part", ["web", "gate"])
def test_a_port_in_use_is_said_in_one_sentence(city: Installation, sekisho: Run, part: str) -> None:
    """No traceback: which address, and what to do."""
    port = city.options.web_port if part == "web" else city.options.gate_port
    with socket.create_server(("127.0.0.1", port)):
        busy = sekisho(part, "--home", city.home)
    assert busy.returncode == 1
    assert str(port) in busy.stderr
    assert "Traceback" not in busy.stderr


@pytest.mark.parametrize("part", ["web", "gate", "worker"])
def test_a_part_alone_ends_on_a_signal(city: Installation, part: str) -> None:
    """As systemd runs it: started alone, ended by SIGTERM, code 0."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sekisho.cli", part],
        env={**os.environ, "SEKISHO_HOME": str(city.home)},
        stderr=subprocess.DEVNULL,
    )
    eventually((city.run / f"{part}.lock").exists, 20, "it has started")
    time.sleep(1.0)
    process.terminate()
    assert process.wait(20) == 0
