"""One SSH connection from an operator, on AsyncSSH with its doors closed.

The only module that reaches into AsyncSSH's private parts, because its server has no public way to ask for
two public keys and a password in a row, to see a user-verified flag, or to be told of refused requests
(ADR 0003 lists each reach and the test that breaks when AsyncSSH changes). Decides nothing: every question
goes to the `Visitor` that the gate gives to each connection.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

import asyncssh
from asyncssh.auth import MSG_USERAUTH_PK_OK, _server_auth_handlers, _ServerPasswordAuth, _ServerPublicKeyAuth
from asyncssh.channel import SSHServerChannel
from asyncssh.connection import SSHServerConnection
from asyncssh.constants import MSG_CHANNEL_OPEN, MSG_GLOBAL_REQUEST
from asyncssh.packet import SSHPacket, String

READ_BYTES = 1 << 15
"""At most this much is read and worked off before other connections get their turn (asyncio's default is
256 KiB: 6 ms of work, a neighbour's keystroke would wait for it)."""

_HARMLESS_GLOBAL = {
    b"keepalive@openssh.com",
    b"no-more-sessions@openssh.com",
    b"hostkeys-prove-00@openssh.com",
}


class Visitor(Protocol):
    """Who stands at the gate: answers AsyncSSH's questions for one connection."""

    def arrived(self, connection: "GateConnection", address: str) -> bool:
        """A connection has begun. False turns it away before the key exchange."""

    def awaits_key(self) -> bool:
        """Whether the next proof is a key."""

    def proven(self) -> bool:
        """Whether everything has been proven."""

    def awaits_password(self) -> bool:
        """Whether the next proof is the password."""

    async def offered_key(
        self, name: str, algorithm: bytes, key_data: bytes, signature: bytes, verify: Callable[[], bool]
    ) -> bool:
        """A key is offered (`signature` empty) or used. Whether it is acceptable, or accepted."""

    async def offered_password(self, name: str, password: str) -> bool:
        """Whether all proofs are now given."""

    def denied(self, what: str) -> None:
        """The client asked for something that is never given: `env:LANG`, `channel:direct-tcpip` …"""

    def session(self) -> "asyncssh.SSHServerSession[bytes] | None":
        """The one session of this connection; None when it already had it."""

    def lost(self, error: Exception | None) -> None:
        """The connection is gone."""


class _ThreeProofKeys(_ServerPublicKeyAuth):
    """Public keys, each a step: success is only partial until everything is proven."""

    @classmethod
    def supported(cls, conn: SSHServerConnection) -> bool:
        return cast(GateConnection, conn).visitor.awaits_key()

    async def _start(self, packet: SSHPacket) -> None:
        signed = packet.get_boolean()
        algorithm = packet.get_string()
        key_data = packet.get_string()
        message = packet.get_consumed_payload() if signed else b""
        signature = packet.get_string() if signed else b""
        packet.check_end()
        connection = cast(GateConnection, self._conn)

        def verify() -> bool:
            return _verify(key_data, String(connection._session_id) + message, signature)

        accepted = await connection.visitor.offered_key(
            self._username, algorithm, key_data, signature, verify
        )
        if accepted and not signed:
            self.send_packet(MSG_USERAUTH_PK_OK, String(algorithm), String(key_data))
        elif accepted and connection.visitor.proven():
            await self.send_success()
        else:
            self.send_failure(partial_success=accepted)


class _LastProof(_ServerPasswordAuth):
    """The password, offered only once both keys are proven."""

    @classmethod
    def supported(cls, conn: SSHServerConnection) -> bool:
        return cast(GateConnection, conn).visitor.awaits_password()


_server_auth_handlers[b"publickey"] = _ThreeProofKeys
_server_auth_handlers[b"password"] = _LastProof


def _verify(key_data: bytes, message: bytes, signature: bytes) -> bool:
    try:
        key: Any = asyncssh.public_key.decode_ssh_certificate(key_data).key
    except asyncssh.KeyImportError:
        key = asyncssh.public_key.decode_ssh_public_key(key_data)
    key.set_touch_required(True)
    return bool(key.verify(message, signature))


class _Server(asyncssh.SSHServer):
    """AsyncSSH's view of the visitor: sessions and passwords; everything it can refuse, it refuses."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def begin_auth(self, username: str) -> bool:
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        return await self._visitor.offered_password(username, password)

    def session_requested(self) -> Any:
        session = self._visitor.session()
        if session is None:
            self._visitor.denied("channel:second-session")
        return session or False

    def connection_lost(self, exc: Exception | None) -> None:
        self._visitor.lost(exc)


class GateConnection(SSHServerConnection):
    """A server connection that reports what it refuses and hands out `GateChannel`s."""

    visitor: Visitor

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A plain attribute of asyncio's own socket transport; ignored by any other.
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]
        address = str(transport.get_extra_info("peername")[0])
        if not self.visitor.arrived(self, address):
            cast(asyncio.Transport, transport).abort()
        super().connection_made(transport)

    def create_server_channel(
        self, encoding: str | None = "", errors: str = "", window: int = 0, max_pktsize: int = 0
    ) -> "GateChannel":
        size = max_pktsize or self._max_pktsize
        self._update_recv_pktlen(size)
        return GateChannel(
            self, self._loop, True, False, False, 0, 0, None, "strict", window or self._window, size
        )

    def _process_global_request(self, pkttype: int, pktid: int, packet: SSHPacket) -> None:
        request = _peek_string(packet)
        if request not in _HARMLESS_GLOBAL:
            self.visitor.denied(f"global:{_printable(request)}")
        super()._process_global_request(pkttype, pktid, packet)

    def _process_channel_open(self, pkttype: int, pktid: int, packet: SSHPacket) -> None:
        kind = _peek_string(packet)
        if kind != b"session":
            self.visitor.denied(f"channel:{_printable(kind)}")
        super()._process_channel_open(pkttype, pktid, packet)

    # AsyncSSH looks packets up in a table of functions, not of names: overriding alone is not enough.
    _packet_handlers = {
        **SSHServerConnection._packet_handlers,
        MSG_GLOBAL_REQUEST: _process_global_request,
        MSG_CHANNEL_OPEN: _process_channel_open,
    }

    async def create_agent_listener(self) -> bool:
        return False

    async def attach_x11_listener(self, *_: Any) -> str | None:
        return None


class GateChannel(SSHServerChannel[bytes]):
    """A session channel without environment, agent, X11 and subsystems; commands are bytes, not text."""

    _conn: GateConnection

    def _process_env_request(self, packet: SSHPacket) -> bool:
        self._conn.visitor.denied(f"env:{_printable(packet.get_string())}")
        return False

    def _process_x11_req_request(self, packet: SSHPacket) -> bool:
        self._conn.visitor.denied("x11-forwarding")
        return False

    def _process_auth_agent_req_at_openssh_dot_com_request(self, packet: SSHPacket) -> bool:  # type: ignore[override]
        self._conn.visitor.denied("agent-forwarding")
        return False

    def _process_subsystem_request(self, packet: SSHPacket) -> bool:
        self._conn.visitor.denied(f"subsystem:{_printable(packet.get_string())}")
        return False

    def _process_exec_request(self, packet: SSHPacket) -> bool:
        command = packet.get_string()
        packet.check_end()
        if self._session_started:
            return False
        self._session_started = True
        session: Any = self._session
        return bool(session.command_requested(command))


def server_options(host_key: asyncssh.SSHKey, login_timeout: float) -> asyncssh.SSHServerConnectionOptions:
    """AsyncSSH's options for the gate: no configuration file, no files, no forwarding, keep-alive on."""
    return asyncssh.SSHServerConnectionOptions(
        server_factory=asyncssh.SSHServer,
        server_host_keys=[host_key],
        config=None,
        public_key_auth=True,
        password_auth=True,
        kbdint_auth=False,
        host_based_auth=False,
        gss_host=None,
        agent_forwarding=False,
        x11_forwarding=False,
        allow_scp=False,
        sftp_factory=None,
        line_editor=False,
        encoding=None,
        compression_algs=None,
        keepalive_interval=15,
        keepalive_count_max=3,
        login_timeout=login_timeout,
        server_version="Sekisho",
    )


def connection_factory(
    options: asyncssh.SSHServerConnectionOptions, new_visitor: Callable[[], Visitor]
) -> Callable[[], GateConnection]:
    """What an asyncio server needs to make a connection for each socket."""

    def factory() -> GateConnection:
        visitor = new_visitor()
        connection = GateConnection(asyncio.get_running_loop(), options, None, None)
        connection.visitor = visitor
        connection._protocol_factory = lambda: _Server(visitor)
        return connection

    return factory


def _peek_string(packet: SSHPacket) -> bytes:
    return SSHPacket(packet.get_remaining_payload()).get_string()


def _printable(name: bytes) -> str:
    """A client's word, fit for a log: ASCII letters only, at most 64 characters."""
    return "".join(chr(byte) if 0x21 <= byte < 0x7F else "?" for byte in name[:64])
