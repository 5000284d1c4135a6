"""`web`, `gate`, `worker`: each part of an installation as one process. `up`: all of them on one machine."""

import errno
import fcntl
import signal
import socket
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sekisho.commands.shell import Commands, fail, installation, set_up_django
from sekisho.kernel.installation import BadInstallation, Installation
from sekisho.kernel.text import Text

GRACE_SECONDS = {"worker": 15.0, "gate": 15.0, "web": 8.0}
"""The parts in the order of their start, and how long each may take to end."""
STREAMS_END_SECONDS = 3
"""A live view is a response without an end: at a stop it is given this long."""


def add_to(commands: Commands) -> None:
    commands.add("web", Text("画面(コンソール)だけを動かす。", "Run the console alone."), _web)
    commands.add("gate", Text("関門だけを動かす。", "Run the gate alone."), _gate)
    commands.add("worker", Text("常駐処理だけを動かす。", "Run the worker alone."), _worker)
    text = Text("全部を一台で動かし、見守る。", "Run and supervise all parts on this machine.")
    commands.add("up", text, _up)


def _web(arguments: Namespace) -> None:
    found = set_up_django(arguments.home)
    with only_one(found, "web"):
        _serve_web(found)


def _gate(arguments: Namespace) -> None:
    found = set_up_django(arguments.home)
    from sekisho.gate.main import run

    with only_one(found, "gate"), _port_in_use(found.options.gate_address, found.options.gate_port):
        run(found)


def _worker(arguments: Namespace) -> None:
    found = set_up_django(arguments.home)
    from sekisho.evidence.log import LogError
    from sekisho.worker.main import run

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with only_one(found, "worker"):
            run(stop)
    except LogError as error:
        fail(error.text)
    except BadInstallation as error:
        fail(Text("常駐処理を始められません。", str(error)))


def _up(arguments: Namespace) -> None:
    found = installation(arguments.home)
    from sekisho.commands.supervisor import Part, run

    with only_one(found, "up"):
        run([Part(name, command_of(name, found.home), grace) for name, grace in GRACE_SECONDS.items()])


def command_of(part: str, home: Path) -> list[str]:
    """The command line that runs `part` in a process of its own, with this very Python."""
    return [sys.executable, "-m", "sekisho.cli", part, "--home", str(home)]


@contextmanager
def only_one(found: Installation, part: str) -> Iterator[None]:
    """Holds `part` for this process; ends the command when another process holds it. Freed by any end of it."""
    try:
        lock = (found.run / f"{part}.lock").open("a")
    except OSError as error:
        fail(
            Text(
                f"{found.run} に書けません。正しい利用者で実行しているか、sekisho doctor で確かめてください。",
                f"{found.run} cannot be written ({error}). Is this the right account? Try sekisho doctor.",
            )
        )
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fail(
                Text(
                    f"{part} は、この設置フォルダー({found.home})ですでに動いています。",
                    f"{part} is already running for the installation at {found.home}.",
                )
            )
        yield


@contextmanager
def _port_in_use(address: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        fail(
            Text(
                f"{address}:{port} は、ほかのプログラムが使っています。それを止めるか、sekisho.toml で変えてください。",
                f"Another program uses {address}:{port}. Stop it, or choose another port in sekisho.toml.",
            )
        )


def _serve_web(found: Installation) -> None:
    import uvicorn

    options = found.options
    behind_proxy = options.web_scheme == "https"
    config = uvicorn.Config(
        "sekisho.asgi:application",
        host=options.web_address,
        port=options.web_port,
        # Only the proxy on this machine may say where a request came from, and only where there is one.
        proxy_headers=behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STREAMS_END_SECONDS,
    )
    with _port_in_use(options.web_address, options.web_port):
        listener = socket.create_server((options.web_address, options.web_port))
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal that ended it once more when all is done: that is a clean end too.
        signal.signal(number, lambda *_: sys.exit(0))
    uvicorn.Server(config).run(sockets=[listener])
