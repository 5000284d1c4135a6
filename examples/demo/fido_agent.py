"""A software ssh-agent that signs as a FIDO2 authenticator would, with and without the user's finger.

For tests and the demo only: what it proves is that somebody has this program's key, nothing about a finger.
Speaks the agent protocol (draft-miller-ssh-agent) over a Unix socket and the security-key signature format
of OpenSSH's PROTOCOL.u2f: sign(sha256(application) || flags || counter || sha256(message)).
"""

import hashlib
import os
import socket
import socketserver
import struct
import threading
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

TOUCHED = 0x01
VERIFIED = 0x04
_APPLICATION = b"ssh:"
_FAILURE, _SUCCESS, _LIST, _IDENTITIES, _SIGN, _SIGNATURE, _EXTENSION = 5, 6, 11, 12, 13, 14, 27


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _mpint(number: int) -> bytes:
    return _string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _take(data: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">I", data, at)
    return data[at + 4 : at + 4 + length], at + 4 + length


@dataclass
class FidoKey:
    """One security key. `flags` is what it claims about its user: TOUCHED, VERIFIED, both or neither."""

    kind: str = "ed25519"
    flags: int = TOUCHED | VERIFIED
    counter: int = 0
    seed: bytes = field(default_factory=lambda: os.urandom(32))

    def __post_init__(self) -> None:
        self._ed = Ed25519PrivateKey.from_private_bytes(self.seed)
        self._ec = ec.derive_private_key(int.from_bytes(self.seed, "big") >> 1 or 1, ec.SECP256R1())

    @property
    def algorithm(self) -> bytes:
        return (
            b"sk-ssh-ed25519@openssh.com" if self.kind == "ed25519" else b"sk-ecdsa-sha2-nistp256@openssh.com"
        )

    @property
    def blob(self) -> bytes:
        """The public key as SSH encodes it."""
        if self.kind == "ed25519":
            raw = self._ed.public_key().public_bytes_raw()
            return _string(self.algorithm) + _string(raw) + _string(_APPLICATION)
        point = self._ec.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return _string(self.algorithm) + _string(b"nistp256") + _string(point) + _string(_APPLICATION)

    @property
    def public_key(self) -> str:
        """`type base64`, as it is registered at the counter."""
        return f"{self.algorithm.decode()} {b64encode(self.blob).decode()}"

    def sign(self, message: bytes) -> bytes:
        self.counter += 1
        trailer = bytes([self.flags]) + struct.pack(">I", self.counter)
        signed = hashlib.sha256(_APPLICATION).digest() + trailer + hashlib.sha256(message).digest()
        if self.kind == "ed25519":
            signature = self._ed.sign(signed)
        else:
            r, s = decode_dss_signature(self._ec.sign(signed, ec.ECDSA(hashes.SHA256())))
            signature = _mpint(r) + _mpint(s)
        return _string(self.algorithm) + _string(signature) + trailer


@dataclass
class TerminalKey:
    """A terminal's own key with its certificate, for clients that keep both in the agent."""

    private: Ed25519PrivateKey
    certificate: bytes
    """The certificate's blob (base64-decoded second word of the `-cert.pub` file)."""

    @property
    def blob(self) -> bytes:
        return self.certificate

    def sign(self, message: bytes) -> bytes:
        return _string(b"ssh-ed25519") + _string(self.private.sign(message))


class FidoAgent:
    """The agent on its socket. Use as a context manager; `keys` may be changed while it runs."""

    def __init__(self, path: Path, keys: "list[FidoKey | TerminalKey]") -> None:
        self.path = path
        self.keys = keys
        agent = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                agent._serve(self.request)

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "FidoAgent":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.path.unlink(missing_ok=True)

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rwb")
        while len(head := stream.read(4)) == 4:
            (length,) = struct.unpack(">I", head)
            answer = self._answer(stream.read(length))
            stream.write(_string(answer))
            stream.flush()

    def _answer(self, message: bytes) -> bytes:
        if message[0] == _LIST:
            listed = b"".join(_string(key.blob) + _string(b"") for key in self.keys)
            return bytes([_IDENTITIES]) + struct.pack(">I", len(self.keys)) + listed
        if message[0] == _SIGN:
            blob, at = _take(message, 1)
            data, _ = _take(message, at)
            for key in self.keys:
                if key.blob == blob:
                    return bytes([_SIGNATURE]) + _string(key.sign(data))
        return bytes([_SUCCESS if message[0] == _EXTENSION else _FAILURE])
