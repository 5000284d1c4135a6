"""The ways from a client to the same target: direct, sshd with tlog, ssh-mitm, and the gate."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.gate.gatetown import GateTown
from tests.town import Sshd, account, end, eventually, free_port, keygen, listening

CIPHER = "aes128-gcm@openssh.com"


@dataclass
class Way:
    """One way in: how to build the client's command line, its environment, and what records it."""

    name: str
    base: list[str]
    environment: dict[str, str]
    records: bool

    def command(self, what: str | None, tty: bool) -> list[str]:
        return [*self.base, *(["-tt"] if tty else []), f"{account()}@127.0.0.1", *([what] if what else [])]


class GateWay(Way):
    """The gate addresses operator and system, and the name stands last."""

    def __init__(self, town: GateTown, environment: dict[str, str]) -> None:
        super().__init__("sekisho", [], environment, True)
        self._town = town

    def command(self, what: str | None, tty: bool) -> list[str]:
        return [str(word) for word in self._town.command(what, tty=tty, options=["-o", "LogLevel=ERROR"])]


def _plain(port: int, key: Path) -> list[str]:
    return [
        "ssh", "-F", "none", "-p", str(port), "-i", str(key), "-o", f"Ciphers={CIPHER}",
        "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
    ]  # fmt: skip


@contextlib.contextmanager
def all_ways(folder: Path, database: str = "sqlite") -> Iterator[tuple[GateTown, list[Way]]]:
    """Starts everything once; every round uses the same processes."""
    with contextlib.ExitStack() as stack:
        town = GateTown(folder / "town", database=database)
        stack.callback(town.close)
        town.open({"sign_address": "127.0.0.1", "sign_port": free_port()})
        # It indexes every recording afterwards, at the lowest priority but on the same processors.
        town.stop_worker()
        key = keygen(folder / "key")
        keys = folder / "authorized"
        keys.write_text(Path(f"{key}.pub").read_text())
        town.restart_target(f"AuthorizedKeysFile {keys}")
        logs = folder / "logs"
        logs.mkdir()
        tlog = Sshd(folder / "tlog", town.home / "keys" / "gate-ca.pub", extra=_tlog(keys, logs)).start()
        stack.callback(tlog.stop)
        mitm_port = free_port()
        stack.callback(end, _mitm(mitm_port, town.target.port, key, folder, logs))
        eventually(lambda: listening(mitm_port), 30, "ssh-mitm listens")
        environment = stack.enter_context(town.credentials())
        plain = dict(os.environ)
        yield (
            town,
            [
                Way("direct sshd", _plain(town.target.port, key), plain, False),
                Way("sshd + tlog", _plain(tlog.port, key), plain, True),
                Way("ssh-mitm", _plain(mitm_port, key), plain, True),
                GateWay(town, environment),
            ],
        )


def _tlog(keys: Path, logs: Path) -> str:
    Path("/run/utmp").touch()  # tlog-rec gives up where there is none
    script = logs / "record"
    script.write_text(
        "#!/bin/sh\nLANG=C.UTF-8; export LANG\n"
        f"exec tlog-rec --writer=file --file-path={logs}/tlog-$$.json --log-input=on -- "
        '/bin/bash ${SSH_ORIGINAL_COMMAND:+-c} ${SSH_ORIGINAL_COMMAND:+"$SSH_ORIGINAL_COMMAND"}\n'
    )
    script.chmod(0o755)
    return f"AuthorizedKeysFile {keys}\nForceCommand {script}"


def _mitm(port: int, target: int, key: Path, folder: Path, logs: Path) -> subprocess.Popen[bytes]:
    with (folder / "mitm.log").open("wb") as log:
        return subprocess.Popen(
            [
                sys.executable, str(Path(__file__).with_name("mitm.py")), "server",
                "--listen-address", "127.0.0.1", "--listen-port", str(port),
                "--remote-host", "127.0.0.1", "--remote-port", str(target),
                "--auth-username", account(), "--auth-key", str(key), "--accept-first-publickey",
                "--disable-remote-fingerprint-warning", "--disable-auth-method-lookup",
                "--store-ssh-session", "--store-command-data", "--session-log-dir", str(logs),
            ],
            stdout=log, stderr=log, cwd=folder, start_new_session=True,
        )  # fmt: skip
