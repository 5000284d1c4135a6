"""What counts as a proof: every field of a terminal's certificate, and the flags of an authenticator."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import asyncssh
import pytest

from examples.demo.fido_agent import TOUCHED, VERIFIED, FidoKey
from sekisho.access.facts import Proof
from sekisho.access.gateway import TerminalRecord
from sekisho.gate.proofs import (
    Certificate,
    Progress,
    authenticator_fault,
    certificate_fault,
    public_text,
    read_certificate,
)
from sekisho.kernel.ids import TerminalCode

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CA = asyncssh.generate_private_key("ssh-ed25519")
TERMINAL = asyncssh.generate_private_key("ssh-ed25519")
REGISTERED = TerminalRecord(TerminalCode("t-01"), public_text(TERMINAL), serial=7, usable=True)
GOOD = Certificate(
    signing_key=CA.public_data,
    kind=1,
    principals=("t-01",),
    serial=7,
    valid_after=int((NOW - timedelta(days=1)).timestamp()),
    valid_before=int((NOW + timedelta(days=1)).timestamp()),
    public_key=REGISTERED.public_key,
    networks=(ip_network("192.0.2.0/28"),),
    forced_command=False,
)


def fault(
    certificate: Certificate, registered: TerminalRecord | None = REGISTERED, address: str = "192.0.2.3"
) -> str | None:
    return certificate_fault(certificate, CA.public_data, registered, address, NOW)


def test_the_registered_terminal_on_its_line_is_proven() -> None:
    """Everything as registered: no fault."""
    assert fault(GOOD) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signing_key": b"other"}, "not-our-ca"),
        ({"kind": 2}, "not-a-user-certificate"),
        ({"valid_after": int(NOW.timestamp()) + 1}, "not-yet-valid"),
        ({"valid_before": int(NOW.timestamp())}, "expired"),
        ({"principals": ()}, "odd-principals"),
        ({"principals": ("t-01", "root")}, "odd-principals"),
        ({"forced_command": True}, "odd-options"),
        ({"public_key": "ssh-ed25519 AAAA"}, "other-key"),
        ({"serial": 6}, "superseded"),
        ({"networks": ()}, "no-source-address"),
        ({"networks": (ip_network("198.51.100.0/24"),)}, "wrong-address"),
    ],
)
def test_each_field_can_refuse(change: dict[str, object], code: str) -> None:
    """One wrong field is enough, and the evidence says which."""
    assert fault(replace(GOOD, **change)) == code  # type: ignore[arg-type]


def test_unknown_and_revoked_terminals_are_refused() -> None:
    """A certificate of our own CA for a terminal that is not, or no longer, registered proves nothing."""
    assert fault(GOOD, registered=None) == "unknown-terminal"
    assert fault(GOOD, registered=replace(REGISTERED, usable=False)) == "revoked"


def test_real_certificates_are_read() -> None:
    """What OpenSSH's format says arrives field by field; anything else is no certificate."""
    made = CA.generate_user_certificate(
        TERMINAL, "t-01", serial=7, principals=["t-01"], source_address=["192.0.2.0/28"], valid_before="+1d"
    )
    read = read_certificate(made.public_data)
    assert read is not None
    assert (read.principals, read.serial, read.public_key) == (("t-01",), 7, REGISTERED.public_key)
    assert read.networks == (ip_network("192.0.2.0/28"),)
    assert read_certificate(TERMINAL.public_data) is None
    assert read_certificate(made.public_data[:-3]) is None
    assert read_certificate(b"") is None


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (TOUCHED | VERIFIED, None),
        (TOUCHED, "user-not-verified"),
        (VERIFIED, "user-not-present"),
        (0, "user-not-present"),
    ],
)
def test_the_finger_is_required(kind: str, flags: int, code: str | None) -> None:
    """A touch without verification is no proof, whatever the kind of key; neither is verification untouched."""
    key = FidoKey(kind, flags)
    assert authenticator_fault(key.algorithm, key.sign(b"message")) == code


def test_other_keys_are_no_authenticators() -> None:
    """An ordinary key has no flags to show; a cut-off signature neither."""
    assert authenticator_fault(b"ssh-ed25519", TERMINAL.sign(b"x", b"ssh-ed25519")) == "not-an-authenticator"
    key = FidoKey()
    assert authenticator_fault(key.algorithm, key.sign(b"x")[:-4]) == "malformed-signature"


def test_proofs_come_in_one_order() -> None:
    """Terminal, authenticator, password: nothing can be given out of turn or twice."""
    progress = Progress()
    for proof in (Proof.TERMINAL, Proof.AUTHENTICATOR, Proof.PASSWORD):
        for other in set(Proof) - {proof}:
            with pytest.raises(ValueError, match="not awaited"):
                progress.give(other)
        progress.give(proof)
    assert progress.awaited is None
