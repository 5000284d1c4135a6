"""Terminals: what the city's CA signs, read back by the real ssh-keygen and by the gate's own judge."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from sekisho.access.gateway import registered_terminal
from sekisho.evidence.models import OutboxRecord
from sekisho.gate.proofs import certificate_fault, read_certificate
from sekisho.kernel.outcome import Refused
from sekisho.people.models import Contractor, Line, Site, Terminal
from sekisho.people.roles import Role
from sekisho.people.terminals import Certified, certify_terminal, revoke_terminal
from tests.people import registered
from tests.people.registered import Machine
from tests.town import keygen, public_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    return keygen(tmp_path / "ca")


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A registered PC on a line with two networks."""
    contractor = Contractor.objects.create(code="shiosai", name="し", name_en="S")
    site = Site.objects.create(code="office", name="事", name_en="O")
    line = Line.objects.create(
        code="line-a", name="回", name_en="L", contractor=contractor, site=site, kind="ip-vpn",
        networks=["192.0.2.0/28", "2001:db8::/64"],
    )  # fmt: skip
    key = public_key(keygen(tmp_path / "pc"))
    return Terminal.objects.create(code="t-01", contractor=contractor, line=line, public_key=key)


def certify(terminal: Terminal, authority: Path, days: int = 30) -> Certified | Refused:
    return certify_terminal(terminal, timedelta(days=days), authority, Machine(), timezone.now())


def fault(certificate: str, authority: Path, address: str = "192.0.2.3") -> str | None:
    """What the gate says of the certificate, coming from `address` now."""
    import asyncssh

    ca = asyncssh.import_public_key(public_key(authority)).public_data
    blob = asyncssh.import_certificate(certificate).public_data
    read = read_certificate(blob)
    assert read is not None
    now = timezone.now()
    return certificate_fault(read, ca, registered_terminal(read.principals[0], now), address, now)


def test_the_certificate_says_exactly_what_the_register_says(
    terminal: Terminal, authority: Path, tmp_path: Path
) -> None:
    """One principal, the line's addresses, a pseudo-terminal and nothing else, as ssh-keygen reads it."""
    answer = certify(terminal, authority)
    assert isinstance(answer, Certified)
    (tmp_path / "t-cert.pub").write_text(answer.certificate)
    shown = subprocess.run(
        ["ssh-keygen", "-L", "-f", str(tmp_path / "t-cert.pub")], capture_output=True, text=True, check=True
    ).stdout
    words = " ".join(shown.split())
    assert "user certificate" in words
    assert f"Serial: {answer.terminal.serial}" in words
    assert "Principals: t-01 Critical Options: source-address 192.0.2.0/28,2001:db8::/64" in words
    assert words.endswith("Extensions: permit-pty")
    assert OutboxRecord.objects.count() == 1


def test_the_gate_takes_it_from_the_lines_addresses_only(terminal: Terminal, authority: Path) -> None:
    """The gate's judge finds no fault from the line, and one from anywhere else."""
    answer = certify(terminal, authority)
    assert isinstance(answer, Certified)
    assert fault(answer.certificate, authority) is None
    assert fault(answer.certificate, authority, "198.51.100.1") == "wrong-address"


def test_a_new_certificate_ends_the_one_before(terminal: Terminal, authority: Path) -> None:
    """Only the latest serial counts."""
    first, second = certify(terminal, authority), certify(terminal, authority)
    assert isinstance(first, Certified)
    assert isinstance(second, Certified)
    assert fault(first.certificate, authority) == "superseded"
    assert fault(second.certificate, authority) is None


def test_a_revoked_terminal_never_comes_back(terminal: Terminal, authority: Path) -> None:
    """Revoked: its certificate stops at once, and the CA signs it no other."""
    answer = certify(terminal, authority)
    assert isinstance(answer, Certified)
    assert isinstance(revoke_terminal(terminal, Machine(), timezone.now()), Terminal)
    assert fault(answer.certificate, authority) == "revoked"
    again = certify(terminal, authority)
    assert isinstance(again, Refused)
    assert again.codes == ("terminal-revoked",)
    assert isinstance(revoke_terminal(terminal, Machine(), timezone.now()), Refused)


def test_no_certificate_without_addresses(terminal: Terminal, authority: Path) -> None:
    """A line without networks gets none: an empty address list would bind to nothing."""
    Line.objects.update(networks=[])
    answer = certify(terminal, authority)
    assert isinstance(answer, Refused)
    assert Terminal.objects.get().serial is None


@pytest.mark.parametrize("days", [0, -1, 401, 100_000])
def test_odd_periods_are_refused(terminal: Terminal, authority: Path, days: int) -> None:
    """One day to 400 days."""
    assert isinstance(certify(terminal, authority, days), Refused)


def test_only_the_systems_division_certifies(terminal: Terminal, authority: Path) -> None:
    """Not the clerk, not the auditor, not the owning division."""
    for role in (Role.CLERK, Role.AUDITOR, Role.DIVISION):
        who, now = registered.person(f"x-{role.value}", role), timezone.now()
        assert isinstance(certify_terminal(terminal, timedelta(days=9), authority, who, now), Refused)
        assert isinstance(revoke_terminal(terminal, who, now), Refused)
    assert not OutboxRecord.objects.exists()
