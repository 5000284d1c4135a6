"""The way on to the target: the gate's own short-lived certificate, the registered host key, nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncssh

from sekisho.access.examination import Target
from sekisho.gate.connection import READ_BYTES

CERTIFICATE_LIFE = timedelta(minutes=5)
"""Long enough for one sign-in with clocks a little apart; the session itself may last longer."""
CONNECT_TIMEOUT = 15.0


class TargetFailed(Exception):
    """The target cannot be reached or will not let the gate in."""


class TargetKeyChanged(Exception):
    """The target showed a host key that is not registered: somebody else may be answering."""


@dataclass(frozen=True, slots=True)
class TargetKeys:
    """The gate's own credentials: a CA that targets trust, and a key for old targets that cannot."""

    ca: asyncssh.SSHKey
    fallback: asyncssh.SSHKey


Connect = Callable[[Target, UUID, str, datetime], Awaitable[asyncssh.SSHClientConnection]]


class _Client(asyncssh.SSHClient):
    """Reads from the target in pieces small enough for the neighbours; see `READ_BYTES`."""

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        transport = conn._transport
        if transport is not None:
            transport.max_size = READ_BYTES  # type: ignore[attr-defined]


async def connect(
    keys: TargetKeys, target: Target, session: UUID, operator: str, now: datetime
) -> asyncssh.SSHClientConnection:
    """Connects on to `target` for one session. Raises TargetFailed or TargetKeyChanged."""
    known = [asyncssh.import_public_key(line) for line in target.host_keys]
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connection, _ = await asyncssh.create_connection(
                _Client,
                target.host,
                target.port,
                config=None,
                known_hosts=(known, [], []),
                username=target.account,
                client_keys=_credential(keys, target, session, operator, now),
                agent_path=None,
                agent_forwarding=False,
                x11_forwarding=False,
                password_auth=False,
                kbdint_auth=False,
                gss_host=None,
                compression_algs=None,
                encryption_algs=[
                    "aes128-gcm@openssh.com",
                    "aes256-gcm@openssh.com",
                    "chacha20-poly1305@openssh.com",
                    "aes256-ctr",
                ],
                keepalive_interval=15,
                keepalive_count_max=3,
                client_version="Sekisho",
            )
    except asyncssh.HostKeyNotVerifiable as error:
        raise TargetKeyChanged(str(error)) from error
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise TargetFailed(str(error)) from error
    return connection


def _credential(
    keys: TargetKeys, target: Target, session: UUID, operator: str, now: datetime
) -> list[object]:
    if target.credential == "key":
        return [keys.fallback]
    own = asyncssh.generate_private_key("ssh-ed25519")
    certificate = keys.ca.generate_user_certificate(
        own,
        key_id=f"sekisho session={session} operator={operator}",
        principals=[target.account],
        valid_after=(now - CERTIFICATE_LIFE).timestamp(),
        valid_before=(now + CERTIFICATE_LIFE).timestamp(),
        permit_x11_forwarding=False,
        permit_agent_forwarding=False,
        permit_port_forwarding=False,
        permit_user_rc=False,
    )
    return [(own, certificate)]
