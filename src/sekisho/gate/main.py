"""Starts a gate from an installation and stops it cleanly on SIGTERM or SIGINT."""

import asyncio
import functools
import gc
import logging
import os
import signal
import sys
from typing import NoReturn

import asyncssh
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from sekisho.gate.connection import connection_factory, server_options
from sekisho.gate.control_server import ControlServer
from sekisho.gate.gate import Gate
from sekisho.gate.heartbeat import Heartbeat
from sekisho.gate.target import TargetKeys, connect
from sekisho.gate.visitor import GateVisitor
from sekisho.kernel.clock import Clock, SystemClock
from sekisho.kernel.installation import BadInstallation, Installation

log = logging.getLogger(__name__)
LOGIN_SECONDS = 60.0
BACKLOG = 128


def run(installation: Installation) -> NoReturn:
    """Runs until told to stop, then ends the process. Needs Django set up (`sekisho gate` does)."""
    asyncssh.set_log_level(logging.WARNING)
    # Each read and write of the event loop gives the interpreter away; a thread busy with the database
    # would keep it for 5 ms by default, and a keystroke would wait for it.
    sys.setswitchinterval(0.0005)
    asyncio.run(serve(installation, SystemClock()))
    # The interpreter would wait for every thread, and one may ask a database that never answers.
    logging.shutdown()
    os._exit(0)


async def serve(installation: Installation, clock: Clock, stop: asyncio.Event | None = None) -> None:
    """The gate's life: listen, serve, stop. Returns when `stop` is set and everything is closed."""
    stopped = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    keys = TargetKeys(
        ca=asyncssh.read_private_key(str(installation.keys / "gate-ca")),
        fallback=asyncssh.read_private_key(str(installation.keys / "gate-target-key")),
    )
    terminal_ca = asyncssh.read_public_key(str(installation.keys / "terminal-ca.pub"))
    gate = Gate(installation, clock, terminal_ca.public_data, functools.partial(connect, keys))
    control = ControlServer(gate, installation.gate_socket)
    options = server_options(
        asyncssh.read_private_key(str(installation.keys / "gate-host-key")), LOGIN_SECONDS
    )
    await control.start()
    server = await loop.create_server(
        connection_factory(options, lambda: GateVisitor(gate)),
        installation.options.gate_address,
        installation.options.gate_port,
        backlog=BACKLOG,
    )

    heartbeat = await _heartbeat(installation, gate, clock)

    async def started() -> None:
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked at in the middle of a keystroke
        log.info("gate %s listens on %s", gate.name, server.sockets[0].getsockname())

    try:
        await gate.run(started, stopped, *([heartbeat.keep_looking()] if heartbeat else []))
    finally:
        server.close()
        if heartbeat is not None:
            heartbeat.stop()
        await control.stop()


async def _heartbeat(installation: Installation, gate: Gate, clock: Clock) -> Heartbeat | None:
    """Answers signs from now on, where the settings say so."""
    options = installation.options
    if not options.sign_address:
        return None
    key = load_ssh_private_key((installation.keys / "gate-sign-key").read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInstallation(f"{installation.keys / 'gate-sign-key'} must be an Ed25519 key")
    heartbeat = Heartbeat(gate.name, key, gate.inside, clock.monotonic)
    await heartbeat.start(options.sign_address, options.sign_port)
    return heartbeat
