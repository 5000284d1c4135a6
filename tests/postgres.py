"""A PostgreSQL cluster of a test's own, on a Unix socket only, that can be stopped, frozen and started again.

    python -m tests.postgres COMMAND [ARGUMENT ...]

runs a command beside one and removes it afterwards; its URL is in SEKISHO_TEST_DATABASE.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg

BASE = Path("/tmp")  # a socket's path is at most 107 bytes long
OWNER = "sekisho"


class Cluster:
    """Use as a context manager. Without fsync: it outlives no crash of the machine, and need not."""

    def __init__(self) -> None:
        # All in lower case, because a URL's host part, where the socket's folder stands, is read in lower case.
        self.folder = BASE / f"sekisho-postgresql-{uuid4().hex[:12]}"
        self._bin = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
        self._account = "postgres" if os.getuid() == 0 else None  # initdb refuses root

    def __enter__(self) -> "Cluster":
        if self._bin is None:
            raise SystemExit("PostgreSQL が見つかりません。 missing: postgresql")
        self.folder.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(self.folder, pwd.getpwnam(self._account).pw_uid, -1)
        try:
            self._run("initdb", "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        return f"postgresql://{OWNER}@{quote(str(self.folder), safe='')}/{database}"

    def start(self) -> None:
        settings = f"-c listen_addresses='' -k '{self.folder}' -c fsync=off -c max_connections=200"
        self._run("pg_ctl", "-l", "server.log", "-w", "-t", "60", "-o", settings, "start")

    def stop(self) -> None:
        """At once, as a power cut would; what was committed is there at the next start."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Nobody answers: connections break, new ones are refused."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Nobody answers and nothing breaks: whoever asks waits."""
        server = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        everyone = [server, *map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split())]
        for process in everyone:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in everyone:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def _run(self, program: str, *arguments: str) -> None:
        assert self._bin is not None
        as_owner = ["runuser", "-u", self._account, "--"] if self._account else []
        with (self.folder / "log").open("ab") as log:
            done = subprocess.run(
                [*as_owner, str(self._bin / program), "-D", "data", *arguments],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False,
            )  # fmt: skip
        if done.returncode:
            print((self.folder / "log").read_text(), file=sys.stderr)
            done.check_returncode()


def new_database(server: str) -> str:
    """A database of its own on the server of the given URL; its URL."""
    base = server.rpartition("/")[0]
    name = f"town_{uuid4().hex}"
    with psycopg.connect(f"{base}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"{base}/{name}"


def database_of_its_own() -> str:
    """For an installation's options: SQLite, or a new database where this run is about PostgreSQL."""
    server = os.environ.get("SEKISHO_TEST_DATABASE", "sqlite")
    return server if server == "sqlite" else new_database(server)


def main() -> int:
    """The command's exit status."""
    with Cluster() as cluster:
        environment = {**os.environ, "SEKISHO_TEST_DATABASE": cluster.url("sekisho")}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
