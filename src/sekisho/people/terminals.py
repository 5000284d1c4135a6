"""The verbs of terminals: the city's CA certifies a registered PC's key for its line's addresses, or takes it back.

The certificate (OpenSSH PROTOCOL.certkeys) names exactly one terminal as its principal, is bound to the
line's source addresses by a critical option, permits a pseudo-terminal and nothing else. Only the serial in
the register counts: a new certificate ends the one before it.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    SSHCertificateBuilder,
    SSHCertificateType,
    load_ssh_private_key,
    load_ssh_public_key,
)
from django.db import transaction

from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.outcome import Refused
from sekisho.people.models import Terminal
from sekisho.people.sentences import ALREADY_REVOKED, BAD_PERIOD, NO_NETWORKS, TERMINAL_REVOKED
from sekisho.people.service import Actor, may_not

LONGEST = timedelta(days=400)
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Certified:
    """The certificate, one line for the file `NAME-cert.pub` beside the terminal's own key."""

    terminal: Terminal
    certificate: str


def certify_terminal(
    terminal: Terminal, valid_for: timedelta, ca_key: Path, by: Actor, now: datetime
) -> Certified | Refused:
    """Signs a certificate with the CA's key in the file `ca_key`. Ends whatever certificate was valid before."""
    if refused := may_not(by):
        return refused
    if not timedelta(days=1) <= valid_for <= LONGEST:
        return BAD_PERIOD
    with transaction.atomic():
        row = Terminal.objects.select_for_update(of=("self",)).select_related("line").get(pk=terminal.pk)
        if row.revoked_at is not None:
            return TERMINAL_REVOKED
        if not row.line.networks:
            return NO_NETWORKS
        row.serial = secrets.randbits(52) + 1
        row.certified_until = (now + valid_for).replace(microsecond=0)
        certificate = _sign(row, ca_key, now)
        row.save(update_fields=["serial", "certified_until"])
        record(
            Tag.TERMINAL_CERTIFIED,
            actor=by.actor,
            subjects=[f"terminal:{row.code}", f"line:{row.line_id}"],
            at=now,
            detail={"serial": row.serial, "until": row.certified_until.isoformat()},
        )
        return Certified(row, certificate)


def revoke_terminal(terminal: Terminal, by: Actor, now: datetime) -> Terminal | Refused:
    """Ends a terminal for good: lost, returned, broken. The gate refuses it from its next look on."""
    if refused := may_not(by):
        return refused
    with transaction.atomic():
        row = Terminal.objects.select_for_update().get(pk=terminal.pk)
        if row.revoked_at is not None:
            return ALREADY_REVOKED
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        record(Tag.TERMINAL_REVOKED, actor=by.actor, subjects=[f"terminal:{row.code}"], at=now)
        return row


def _sign(row: Terminal, ca_key: Path, now: datetime) -> str:
    authority = load_ssh_private_key(ca_key.read_bytes(), password=None)
    if not isinstance(authority, Ed25519PrivateKey):
        raise TypeError(f"{ca_key} is not an Ed25519 key")
    assert row.serial is not None  # noqa: S101 - set by the caller
    assert row.certified_until is not None  # noqa: S101
    builder = (
        SSHCertificateBuilder()
        .public_key(load_ssh_public_key(row.public_key.encode()))  # type: ignore[arg-type]
        .type(SSHCertificateType.USER)
        .serial(row.serial)
        .key_id(f"terminal:{row.code}".encode())
        .valid_principals([row.code.encode()])
        .valid_after(int((now - CLOCKS_DIFFER).timestamp()))
        .valid_before(int(row.certified_until.timestamp()))
        .add_critical_option(b"source-address", ",".join(row.line.networks).encode())
        .add_extension(b"permit-pty", b"")
    )
    return builder.sign(authority).public_bytes().decode() + "\n"
