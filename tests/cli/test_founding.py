"""`sekisho init`: a new installation is complete, its keys are secret, and nothing is ever overwritten."""

import stat
import subprocess
from pathlib import Path

import pytest

from sekisho.commands.founding import FOLDERS, SSH_KEYS, found
from sekisho.evidence.note import Signer, Verifier
from sekisho.kernel.installation import Installation, Options, load
from tests.cli.conftest import Run


def test_a_new_installation_can_be_loaded_and_says_what_it_was_told(tmp_path: Path) -> None:
    """What init writes is read back as the same options."""
    options = Options(host_name="sekisho.city.example", web_scheme="https", gate_port=2300)
    made = found(tmp_path / "city", options)
    assert load(made.home) == made


def test_only_the_owner_reads_anything(home: Installation) -> None:
    """Folders 0700, private keys 0600: nobody else on the machine sees a key."""
    for folder in (home.home, *(home.home / name for name in FOLDERS)):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    for name in (*SSH_KEYS, "log-signing-key", "web-secret"):
        assert stat.S_IMODE((home.keys / name).stat().st_mode) == 0o600, name


@pytest.mark.parametrize("name", SSH_KEYS)
def test_openssh_itself_reads_each_key_and_finds_its_public_half(home: Installation, name: str) -> None:
    """ssh-keygen derives from the private key exactly the public key beside it."""
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(home.keys / name)], capture_output=True, text=True, check=True
    )
    beside = (home.keys / f"{name}.pub").read_text().split()[:2]
    assert derived.stdout.split()[:2] == beside


def test_every_key_is_its_own(tmp_path: Path) -> None:
    """Two installations share no key, and one has no key twice."""
    one, two = (found(tmp_path / name, Options()) for name in ("one", "two"))
    keys = [(each.keys / f"{name}.pub").read_text().split()[1] for each in (one, two) for name in SSH_KEYS]
    assert len(set(keys)) == len(keys)


def test_the_logs_key_signs_under_the_logs_name(home: Installation) -> None:
    """An auditor's copy of the public key fits the private one and carries the origin."""
    signer = Signer.parse((home.keys / "log-signing-key").read_text())
    assert signer.name == home.options.log_origin
    assert Verifier.parse((home.keys / "log-signing-key.pub").read_text()) == signer.verifier


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, sekisho: Run) -> None:
    """init never writes into an installation that exists."""
    (tmp_path / "kept").write_text("kept")
    refused = sekisho("init", tmp_path)
    assert refused.returncode == 2
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("host", ["192.0.2.7", "::1", "[::1]", 'a"b', "a b"])
def test_a_name_that_webauthn_cannot_use_is_refused_at_once(tmp_path: Path, sekisho: Run, host: str) -> None:
    """An IP address would be found out only when the first authenticator is enrolled; so it is said now."""
    refused = sekisho("init", tmp_path / "city", "--host-name", host)
    assert refused.returncode == 2
    assert not (tmp_path / "city").exists()


def test_a_made_installation_is_no_demo(tmp_path: Path) -> None:
    """Nothing but the demo's own command makes a demo."""
    assert not load(found(tmp_path / "city", Options()).home).demo
    assert load(found(tmp_path / "demo", Options(), demo=True).home).demo
