"""Where one installation keeps its things, and how it is reached: one folder, one settings file."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path


class BadInstallation(Exception):
    """The installation's folder or its `sekisho.toml` cannot be used; the message says the mend."""


@dataclass(frozen=True, slots=True)
class Options:
    """`sekisho.toml`, key by key. Every key may be left out but `host_name`."""

    host_name: str = "localhost"
    """The console's host name: the WebAuthn relying party. Never a bare IP address."""
    web_address: str = "127.0.0.1"
    web_port: int = 8300
    web_scheme: str = "http"
    """`https` wherever the console is not on this very machine (nginx in `deploy/` terminates TLS)."""
    gate_address: str = "127.0.0.1"
    gate_port: int = 2222
    gate_name: str = "gate-1"
    sign_address: str = ""
    """Where the gate answers signs at the counters; empty for nowhere."""
    sign_port: int = 2280
    database: str = "sqlite"
    """`sqlite`, or `postgresql://user@host/name` (password in a `~/.pgpass`)."""
    log_origin: str = "sekisho.invalid/log-1"
    """The evidence log's name, the first line of each checkpoint (C2SP tlog-checkpoint)."""
    lease_seconds: int = 10
    """How long a session may live without the gate renewing its lease in the database."""
    attendance_wait_seconds: int = 1800
    """How long a session waits for its attendants before it ends."""
    attendance_lost_seconds: int = 600
    """How long a session stands still without its attendants before it ends."""
    idle_minutes: int = 15
    """Console sign-in ends after so long without a click."""


@dataclass(frozen=True, slots=True)
class Installation:
    """The paths of one installation. Nothing else in the product joins paths to the home folder."""

    home: Path
    options: Options
    demo: bool = False

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    @property
    def evidence(self) -> Path:
        return self.home / "evidence"

    @property
    def recordings(self) -> Path:
        return self.home / "recordings"

    @property
    def gate(self) -> Path:
        """The gate's own memory: latches and journal, readable with the database down."""
        return self.home / "gate"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def gate_socket(self) -> Path:
        return self.run / "gate.sock"

    @property
    def worker_socket(self) -> Path:
        return self.run / "worker.sock"

    @property
    def console_url(self) -> str:
        return f"{self.options.web_scheme}://{self.options.host_name}" + (
            f":{self.options.web_port}" if self.options.web_scheme == "http" else ""
        )


DEMO_MARK = "DEMO"
"""The file that makes a folder a demo. Only the demo's own command writes it, into a new folder."""


def load(home: Path) -> Installation:
    """Reads `home/sekisho.toml`. Raises BadInstallation with the line to mend."""
    path = home / "sekisho.toml"
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BadInstallation(f"{path} is missing. `sekisho init {home}` makes a new installation.") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInstallation(f"{path}: {error}") from error
    known = {field.name: field for field in fields(Options)}
    for key, value in data.items():
        if key not in known:
            raise BadInstallation(f"{path}: unknown key `{key}`. Known: {', '.join(known)}.")
        if type(value) is not type(known[key].default):
            kind = type(known[key].default).__name__
            raise BadInstallation(f"{path}: `{key}` must be a {kind}, not {value!r}.")
    return Installation(home, Options(**data), demo=(home / DEMO_MARK).exists())
