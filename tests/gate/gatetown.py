"""A town with a gate: registers, permit, open line, a real target, and real ssh clients that try to get in."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.demo.fido_agent import FidoKey
from sekisho.access.control import GateClient
from sekisho.commands.founding import found
from sekisho.kernel.installation import Options
from tests.gate import registers
from tests.gate.certificates import TerminalFiles, certify
from tests.gate.clients import PASSWORD
from tests.gate.knowledge import Knowledge
from tests.postgres import Cluster, database_of_its_own, new_database
from tests.town import (
    REPOSITORY,
    Probe,
    Sshd,
    account,
    end,
    eventually,
    free_port,
    keygen,
    listening,
    public_key,
)


@dataclass
class GateTown(Knowledge):
    """One installation with its gate running. `close` ends everything it started.

    On the database this test run is about, or on the one named: "sqlite", or "postgresql", a cluster of its own
    that can be taken away (`database_gone`).
    """

    database: str | None = None
    terminal_code: str = "t-01"
    line: str = "line-a"
    permit: str = "R8-0001"
    waiting: bool = False
    gate_process: subprocess.Popen[bytes] | None = None
    worker_process: subprocess.Popen[bytes] | None = None
    cluster: Cluster | None = field(init=False, default=None)
    _started: contextlib.ExitStack = field(init=False, default_factory=contextlib.ExitStack)

    # Founding

    def open(self, options: dict[str, Any] | None = None) -> "GateTown":
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = Options(
            gate_port=free_port(),
            web_port=free_port(),
            database=self._database(),
            log_origin="test.invalid/log-1",
            **(options or {}),
        )
        self.installation = found(self.folder / "home", settings)
        self.home = self.installation.home
        self.environment = {
            **os.environ,
            "SEKISHO_HOME": str(self.home),
            "DJANGO_SETTINGS_MODULE": "sekisho.settings",
        }
        self.target = Sshd(self.folder / "target", self.home / "keys" / "gate-ca.pub").start()
        self._started.callback(self.target.stop)
        self.probe = Probe(self.environment)
        self._started.callback(self.probe.close)
        self.probe("from django.core.management import call_command\ncall_command('migrate', verbosity=0)")
        self.terminal_files = self._new_terminal(self.terminal_code)
        self.foreign_terminal = self._new_terminal("t-99")
        self.keys = {self.operator: FidoKey(), self.other_operator: FidoKey()}
        self.probe(registers.SEED, **self._seed())
        self.gate = GateClient(self.installation.gate_socket)
        self.start_worker()
        self.start_gate()
        return self

    def close(self) -> None:
        end(self.gate_process)
        end(self.worker_process)
        self._started.close()

    def _database(self) -> str:
        if self.database != "postgresql":
            return self.database or database_of_its_own()
        self.cluster = self._started.enter_context(Cluster())
        return new_database(self.cluster.url("postgres"))

    def _seed(self) -> dict[str, Any]:
        return {
            "host_key": public_key(self.target.host_key),
            "port": self.target.port,
            "account": account(),
            "password": PASSWORD,
            "terminals": {
                self.terminal_code: public_key(self.terminal_files.private),
                "t-99": public_key(self.foreign_terminal.private),
            },
            "authenticators": {login: key.public_key for login, key in self.keys.items()},
        }

    # Processes

    def start_gate(self) -> None:
        self.gate_process = self.start_part("gate")
        eventually(lambda: listening(self.installation.options.gate_port), 20, "the gate listens")
        eventually(lambda: self.gate.status()["ready"], 20, "the gate is ready")

    def start_gate_without_register(self) -> None:
        """It serves its socket, and lets nobody in before it has seen the register."""
        self.gate_process = self.start_part("gate")
        eventually(lambda: listening(self.installation.options.gate_port), 20, "the gate listens")
        assert not self.gate.status()["ready"]

    def stop_gate(self) -> int | None:
        return end(self.gate_process)

    def kill_gate(self) -> None:
        assert self.gate_process is not None
        self.gate_process.kill()
        self.gate_process.wait()

    def start_worker(self) -> None:
        self.worker_process = self.start_part("worker")

    def stop_worker(self) -> None:
        end(self.worker_process)

    def restart_gate(self) -> None:
        end(self.gate_process)
        self.start_gate()

    def restart_target(self, extra: str) -> None:
        self.target.stop()
        self.target.extra = extra
        self.target.start()

    def start_part(self, part: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{part}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "sekisho.cli", part],
                env=self.environment,
                cwd=REPOSITORY,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @contextlib.contextmanager
    def database_gone(self, how: str = "stopped") -> Iterator[None]:
        """The register "stopped" or "frozen" meanwhile; afterwards the gate has found it again."""
        assert self.cluster is not None, "only a cluster of its own can be taken away"
        with self.cluster.stopped() if how == "stopped" else self.cluster.frozen():
            yield
        eventually(lambda: self.gate.status()["database"], 20, "the gate finds the register again")

    # What must not happen

    def refused(self, fault: str | None, **how: Any) -> None:
        """Nobody gets in; where `fault` is given the evidence names it."""
        before = self.proof_faults()
        result = self.ssh("echo INSIDE", **how)
        assert b"INSIDE" not in result.stdout
        assert result.returncode == 255
        if fault is not None:
            seen = eventually(lambda: self.proof_faults()[len(before) :], 5, f"evidence of {fault}")
            assert fault in seen
        self.forget_failures()

    def refused_with(self, word: str, **how: Any) -> None:
        """All three proofs, and still no: the reason's code begins with `word` and is on the screen."""
        result = self.ssh("echo INSIDE", **how)
        assert b"INSIDE" not in result.stdout
        assert f"[{word}".encode() in result.stderr, result.stderr.decode()

    def forget_failures(self) -> None:
        """Only a restart forgets who must wait: the gate has no switch for it."""
        if self.waiting:
            self.restart_gate()
            self.waiting = False

    def refused_anyhow(self) -> None:
        result = self.ssh("echo INSIDE")
        assert b"INSIDE" not in result.stdout

    # The city's side, directly in the register (the console's verbs have tests of their own)

    def open_line(self) -> None:
        self._switch(True)

    def close_line(self) -> None:
        self._switch(False)

    def _switch(self, is_open: bool) -> None:
        self.probe(
            "LineSwitch.objects.filter(line_id=line).update(is_open=is_open)", line=self.line, is_open=is_open
        )
        self.gate.wake()

    @contextlib.contextmanager
    def permit_moved(self, hours: int) -> Iterator[None]:
        move = (
            "p = Permit.objects.get(number=number)\nd = datetime.timedelta(hours=hours)\n"
            "Permit.objects.filter(number=number).update(starts=p.starts + d, ends=p.ends + d)"
        )
        self.probe(move, number=self.permit, hours=hours)
        try:
            yield
        finally:
            self.probe(move, number=self.permit, hours=-hours)

    @contextlib.contextmanager
    def permit_state(self, state: str) -> Iterator[None]:
        change = "Permit.objects.filter(number=number).update(state=state)"
        self.probe(change, number=self.permit, state=state)
        self.gate.wake()
        try:
            yield
        finally:
            self.probe(change, number=self.permit, state="approved")

    def set_permit_end(self, moment: float | None) -> None:
        code = "Permit.objects.filter(number=number).update(ends=datetime.datetime.fromtimestamp(moment, datetime.UTC))"
        self.probe(code, number=self.permit, moment=moment or time.time() + 4 * 3600)
        self.gate.wake()

    def release_latches(self) -> None:
        """Releases all, those too that the gate has yet to hand over."""

        def all_released() -> bool:
            self.probe("Latch.objects.filter(released_at=None).update(released_at=timezone.now())")
            self.gate.wake()
            return self.gate.status()["latches"] == 0

        eventually(all_released, 10, "the gate forgets released latches")

    def restore_latch(self, row: dict[str, Any]) -> None:
        code = "Latch.objects.create(id=row['id'], cut_by=row['cut_by'], cut_at=timezone.now())"
        self.probe(code, row=row)

    def register_key(self, login: str, key: FidoKey) -> FidoKey:
        code = (
            "SshAuthenticator.objects.create(person=Person.objects.get(login=login), public_key=key,"
            " registered_at=timezone.now())"
        )
        self.probe(code, login=login, key=key.public_key)
        return key

    def swap_target_key(self) -> None:
        """Another host key on the target; called again, the registered one."""
        key, other = self.target.host_key, self.folder / "target" / "other-key"
        if not other.exists():
            keygen(other)
        self.target.stop()
        for suffix in ("", ".pub"):
            one, two = Path(f"{key}{suffix}"), Path(f"{other}{suffix}")
            one.rename(f"{one}.swap")
            two.rename(one)
            Path(f"{one}.swap").rename(two)
        self.target.start()

    def _new_terminal(self, code: str) -> TerminalFiles:
        private = keygen(self.folder / f"terminal-{code}")
        return certify(self.home / "keys" / "terminal-ca", private, code)

    def odd_certificate(self, *, ca: str = "city", **change: Any) -> TerminalFiles:
        """A certificate for the registered terminal's own key that is wrong in one way."""
        authority = self.home / "keys" / "terminal-ca"
        if ca == "other":
            authority = self.folder / "other-ca"
            if not authority.exists():
                keygen(authority)
        return certify(authority, self.terminal_files.private, self.terminal_code, **change)
