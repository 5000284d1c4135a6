"""A town with a gate: registers, permit, open line, a real target, and real ssh clients that try to get in."""

import contextlib
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from examples.demo.fido_agent import FidoAgent, FidoKey
from sekisho.access.control import GateClient
from sekisho.commands.founding import found
from sekisho.kernel.installation import Installation, Options
from sekisho.vault.format import Kind, decode_header, read_head
from tests.gate import registers
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
    open_terminal,
    public_key,
)
from tests.town import Terminal as Screen

PASSWORD = "correct horse battery"


@dataclass
class TerminalFiles:
    """A PC's private key and the certificate it offers."""

    private: Path
    certificate: Path


@dataclass
class GateTown:
    """One installation with its gate running. `close` ends everything it started."""

    folder: Path
    database: str = "sqlite"
    operator: str = "mori"
    other_operator: str = "hayashi"
    system: str = "juki"
    terminal_code: str = "t-01"
    line: str = "line-a"
    permit: str = "R8-0001"
    keys: dict[str, FidoKey] = field(default_factory=dict)
    gate_process: subprocess.Popen[bytes] | None = None
    worker_process: subprocess.Popen[bytes] | None = None

    # Founding

    def open(self, options: dict[str, Any] | None = None) -> "GateTown":
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = Options(
            gate_port=free_port(),
            database=self.database,
            log_origin="test.invalid/log-1",
            **(options or {}),
        )
        self.installation: Installation = found(self.folder / "home", settings)
        self.home = self.installation.home
        self.environment = {
            **os.environ,
            "SEKISHO_HOME": str(self.home),
            "DJANGO_SETTINGS_MODULE": "sekisho.settings",
        }
        self.target = Sshd(self.folder / "target", self.home / "keys" / "gate-ca.pub").start()
        self.probe = Probe(self.environment)
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
        self.probe.close()
        self.target.stop()

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
        self.gate_process = self._start("gate")
        eventually(lambda: listening(self.installation.options.gate_port), 20, "the gate listens")
        eventually(lambda: self.gate.status()["ready"], 20, "the gate is ready")

    def stop_gate(self) -> int | None:
        return end(self.gate_process)

    def kill_gate(self) -> None:
        assert self.gate_process is not None
        self.gate_process.kill()
        self.gate_process.wait()

    @contextlib.contextmanager
    def database_gone(self) -> Iterator[None]:
        """Nobody can read or write the register: every table is locked away."""
        import sqlite3

        lock = sqlite3.connect(self.home / "sekisho.sqlite3", isolation_level=None)
        files = [Path(f"{self.home}/sekisho.sqlite3{end}") for end in ("", "-wal", "-shm")]
        lock.close()
        moved = [(file, file.with_name(f"gone-{file.name}")) for file in files if file.exists()]
        for file, away in moved:
            file.rename(away)
        (self.home / "sekisho.sqlite3").mkdir()
        try:
            yield
        finally:
            (self.home / "sekisho.sqlite3").rmdir()
            for file, away in moved:
                away.rename(file)

    def refused_anyhow(self) -> None:
        result = self.ssh("echo INSIDE")
        assert b"INSIDE" not in result.stdout

    def start_worker(self) -> None:
        self.worker_process = self._start("worker")

    def stop_worker(self) -> None:
        end(self.worker_process)

    def restart_gate(self) -> None:
        end(self.gate_process)
        self.start_gate()

    def restart_target(self, extra: str) -> None:
        self.target.stop()
        self.target.extra = extra
        self.target.start()

    def _start(self, part: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{part}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "sekisho.cli", part],
                env=self.environment,
                cwd=REPOSITORY,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    # Clients

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
            "ssh", "-F", "none", "-p", str(self.installation.options.gate_port),
            "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={self.folder}/known",
            "-o", "LogLevel=INFO", "-o", "Ciphers=aes128-gcm@openssh.com",
        ]  # fmt: skip
        if files is not None:
            words += ["-i", str(files.private), "-o", f"CertificateFile={files.certificate}"]
        words += ["-tt"] if tty else []
        words += [*(options or []), f"{operator or self.operator}+{self.system}@127.0.0.1"]
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

    waiting: bool = False

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
        return self._certify(private, code, serial=7)

    def _certify(
        self,
        private: Path,
        name: str,
        serial: int = 7,
        principals: list[str] | None = None,
        valid: timedelta = timedelta(hours=1),
        ca: str = "city",
        networks: list[str] | None = None,
        force_command: str | None = None,
    ) -> TerminalFiles:
        authority = self.home / "keys" / "terminal-ca"
        if ca == "other":
            authority = self.folder / "other-ca"
            if not authority.exists():
                keygen(authority)
        until = time.strftime("%Y%m%d%H%M%S", time.localtime(time.time() + valid.total_seconds()))
        since = time.strftime("%Y%m%d%H%M%S", time.localtime(time.time() - 7200))
        copy = self.folder / f"cert-{time.monotonic_ns():x}"
        copy.with_suffix(".pub").write_text(Path(f"{private}.pub").read_text())
        options = ["-O", "clear", "-O", "permit-pty"]
        addresses = ["127.0.0.0/8"] if networks is None else networks
        options += ["-O", f"source-address={','.join(addresses)}"] if addresses else []
        options += ["-O", f"force-command={force_command}"] if force_command else []
        subprocess.run(
            ["ssh-keygen", "-q", "-s", str(authority), "-I", name, "-z", str(serial), "-V", f"{since}:{until}",
             "-n", ",".join(principals or [name]), *options, str(copy.with_suffix(".pub"))],
            check=True,
        )  # fmt: skip
        return TerminalFiles(private, Path(f"{copy}-cert.pub"))

    def odd_certificate(self, **change: Any) -> TerminalFiles:
        """A certificate for the registered terminal's own key that is wrong in one way."""
        return self._certify(self.terminal_files.private, self.terminal_code, **change)

    # What is known afterwards

    def last_session(self) -> dict[str, Any]:
        fields = "'id', 'end_reason', 'exit_status', 'recording_bytes', 'recording_root', 'ended_at'"
        row = eventually(
            lambda: self.probe(
                f"Session.objects.exclude(ended_at=None).order_by('-id').values({fields}).first()"
            ),
            5,
        )
        assert isinstance(row, dict)
        return row

    def live_session(self) -> str:
        sessions = eventually(lambda: self.gate.status()["sessions"], 5)
        return str(sessions[-1])

    def latches(self) -> list[dict[str, Any]]:
        fields = "'id', 'cut_by', 'milliseconds', 'operator__login', 'permit_id', 'line_id'"
        return list(self.probe(f"list(Latch.objects.filter(released_at=None).values({fields}))"))

    def records(self, tag: str) -> list[dict[str, Any]]:
        """The details of all records with this tag, oldest first, in the log's index or still on the way."""
        code = (
            "from sekisho.evidence.record import decode\n"
            "rows = [bytes(e.payload) for e in Entry.objects.order_by('index')]\n"
            "rows += [bytes(o.payload) for o in OutboxRecord.objects.order_by('id')]\n"
            "[dict(r.detail) for r in map(decode, rows) if r.tag == tag]"
        )
        return list(self.probe(code, tag=tag))

    def count(self, tag: str) -> int:
        return len(self.records(tag))

    def proof_faults(self) -> list[str]:
        return [str(detail["fault"]) for detail in self.records("gate:proof:refused")]

    def denied_requests(self) -> list[str]:
        return [str(detail["request"]) for detail in self.records("gate:request:denied")]

    def tags_of(self, subject: str, at_least: int = 1) -> list[str]:
        code = "[e.tag for e in Entry.objects.filter(subjects__subject=subject).order_by('index')]"
        tags = list(self.probe(code, subject=subject))
        return tags if len(tags) >= at_least else []

    def recording_path(self, session: str) -> Path:
        return self.installation.recordings / f"{session}.skrec"

    def recording(self, session: str) -> dict[str, bytes]:
        """All bytes of a recording by kind, read here without the product's reader."""
        from sekisho.vault.archive import open_recording

        with open_recording(self.recording_path(session)) as recording:
            data = recording.read()
        _, at = decode_header(data)
        kinds: dict[str, bytes] = {kind.name: b"" for kind in Kind}
        while (head := read_head(data, at)) is not None:
            kind, _, length, start = head
            kinds[kind.name] += data[start : start + length]
            at = start + length
        assert at == len(data)
        return kinds

    def recording_root(self, session: str) -> str:
        from sekisho.evidence import merkle
        from sekisho.vault.archive import open_recording
        from sekisho.vault.recorder import digest_of

        with open_recording(self.recording_path(session)) as recording:
            return merkle.root(digest_of(recording).leaves).hex()
