"""The three proofs, in their one order: terminal, authenticator, password. Pure.

What is checked here is what AsyncSSH leaves open: that a certificate names exactly the registered terminal
and its addresses, that an authenticator says it verified its user, and that nothing is proven out of turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import cast

import asyncssh

from sekisho.access.facts import PROOFS, Proof, type_of_network
from sekisho.access.gateway import TerminalRecord

USER_PRESENT = 0x01
USER_VERIFIED = 0x04
"""Flags of a FIDO2 assertion (WebAuthn level 2, section 6.1), as OpenSSH carries them (PROTOCOL.u2f)."""

MAX_WRONG_PASSWORDS = 3
MAX_WRONG_KEYS = 12
"""A client may try all keys of its agent, twice; more is somebody searching."""

_CERTIFICATE_TYPE_USER = 1
_SK_ALGORITHMS = (b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com")


@dataclass(slots=True)
class Progress:
    """How far one connection has come. Mutable state of that connection alone."""

    order: tuple[Proof, ...] = PROOFS
    given: list[Proof] = field(default_factory=list)
    terminal: str | None = None
    wrong_keys: int = 0
    wrong_passwords: int = 0

    @property
    def awaited(self) -> Proof | None:
        """The proof that must come next; None when all are given."""
        return self.order[len(self.given)] if len(self.given) < len(self.order) else None

    def give(self, proof: Proof) -> None:
        """Notes a proof. ValueError when it is not its turn: a programming error, never a client's doing."""
        if proof is not self.awaited:
            raise ValueError(f"{proof} is not awaited")
        self.given.append(proof)

    @property
    def exhausted(self) -> bool:
        return self.wrong_keys >= MAX_WRONG_KEYS or self.wrong_passwords >= MAX_WRONG_PASSWORDS


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a terminal's certificate says, its CA signature already verified against its own signing key."""

    signing_key: bytes
    kind: int
    principals: tuple[str, ...]
    serial: int
    valid_after: int
    valid_before: int
    public_key: str
    networks: tuple[type_of_network, ...]
    forced_command: bool


def read_certificate(key_data: bytes) -> Certificate | None:
    """Decodes an OpenSSH certificate; None when it is none, is malformed or carries an unknown critical option."""
    try:
        certificate = asyncssh.public_key.decode_ssh_certificate(key_data)
    except (asyncssh.KeyImportError, asyncssh.misc.ProtocolError, ValueError):
        return None
    if not isinstance(certificate, asyncssh.public_key.SSHOpenSSHCertificate):
        return None
    return Certificate(
        signing_key=certificate.signing_key.public_data,
        kind=certificate._cert_type,
        principals=tuple(certificate.principals),
        serial=certificate._serial,
        valid_after=certificate._valid_after,
        valid_before=certificate._valid_before,
        public_key=public_text(certificate.key),
        networks=tuple(cast(Sequence[type_of_network], certificate.options.get("source-address") or ())),
        forced_command="force-command" in certificate.options,
    )


def certificate_fault(
    certificate: Certificate, ca_key: bytes, registered: TerminalRecord | None, address: str, now: datetime
) -> str | None:
    """Why this certificate does not prove the terminal (a code for the evidence), or None when it does."""
    moment = now.timestamp()
    checks = (
        ("not-our-ca", certificate.signing_key == ca_key),
        ("not-a-user-certificate", certificate.kind == _CERTIFICATE_TYPE_USER),
        ("not-yet-valid", certificate.valid_after <= moment),
        ("expired", moment < certificate.valid_before),
        ("odd-principals", len(certificate.principals) == 1),
        ("odd-options", not certificate.forced_command),
        ("unknown-terminal", registered is not None),
        ("revoked", registered is not None and registered.usable),
        ("other-key", registered is not None and certificate.public_key == registered.public_key),
        ("superseded", registered is not None and certificate.serial == registered.serial),
        ("no-source-address", bool(certificate.networks)),
        ("wrong-address", any(ip_address(address) in network for network in certificate.networks)),
    )
    return next((code for code, holds in checks if not holds), None)


def authenticator_fault(algorithm: bytes, signature: bytes) -> str | None:
    """Why this signature is not a verified user's, judged by its flags; the signature itself is checked elsewhere.

    A signature blob is `string algorithm, string signature, byte flags, uint32 counter, …` (PROTOCOL.u2f).
    """
    if algorithm not in _SK_ALGORITHMS:
        return "not-an-authenticator"
    try:
        packet = asyncssh.packet.SSHPacket(signature)
        packet.get_string()
        packet.get_string()
        flags = packet.get_byte()
        packet.get_uint32()
    except asyncssh.packet.PacketDecodeError:
        return "malformed-signature"
    if not flags & USER_PRESENT:
        return "user-not-present"
    return None if flags & USER_VERIFIED else "user-not-verified"


def public_text(key: asyncssh.SSHKey) -> str:
    """A public key as `type base64`, the form in which the registers keep it."""
    return " ".join(key.export_public_key("openssh").decode("ascii").split()[:2])
