"""`sekisho doctor`: what is wrong is found, named, and comes with its mend."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sekisho.commands import look_machine
from sekisho.commands.findings import Check, Finding, Level
from sekisho.commands.founding import found
from sekisho.evidence.log import LogWriter
from sekisho.evidence.note import Signer
from sekisho.kernel.installation import Installation, Options
from tests.cli.conftest import Run
from tests.cli.fake_gate import FakeGate


def look(check: Check, installation: Installation) -> list[Finding]:
    return list(check(installation))


def wrongs(check: Check, installation: Installation) -> str:
    """All that is wrong, in English, each with its mend."""
    found_wrong = [each for each in look(check, installation) if each.level is Level.WRONG]
    assert all(each.mend for each in found_wrong)
    return "\n".join(each.what.en for each in found_wrong)


def with_options(installation: Installation, **changed: object) -> Installation:
    return replace(installation, options=replace(installation.options, **changed))


@pytest.mark.parametrize("name", ["192.0.2.1", "[2001:db8::1]", "Sekisho.City.Example", "a/b", ""])
def test_a_host_name_that_webauthn_cannot_use_is_wrong(home: Installation, name: str) -> None:
    """An address, capitals, a path, nothing: no browser would enrol an authenticator for it."""
    assert wrongs(look_machine.host_name, with_options(home, host_name=name, web_scheme="https"))


def test_a_name_without_https_is_wrong_except_on_this_machine(home: Installation) -> None:
    """Browsers give WebAuthn only to https and to localhost."""
    assert not wrongs(look_machine.host_name, home)
    city = with_options(home, host_name="sekisho.city.example")
    assert "https" in wrongs(look_machine.host_name, city)
    assert not wrongs(look_machine.host_name, with_options(city, web_scheme="https"))


def test_a_console_open_to_the_network_is_wrong(home: Installation) -> None:
    """Only the proxy faces the network."""
    assert "beyond this machine" in wrongs(look_machine.host_name, with_options(home, web_address="0.0.0.0"))


def _expose(home: Installation) -> None:
    (home.keys / "gate-ca").chmod(0o644)


def _share_writable(home: Installation) -> None:
    (home.keys / "log-signing-key").chmod(0o660)


def _lose(home: Installation) -> None:
    (home.keys / "terminal-ca").unlink()


def _swap(home: Installation) -> None:
    (home.keys / "gate-ca.pub").write_bytes((home.keys / "terminal-ca.pub").read_bytes())


def _spoil(home: Installation) -> None:
    (home.keys / "gate-host-key").write_text("not a key")


def _open_folder(home: Installation) -> None:
    home.recordings.chmod(0o755)


def _drop_folder(home: Installation) -> None:
    home.gate.rmdir()


def _other_log(home: Installation) -> None:
    (home.keys / "log-signing-key").write_text(f"{Signer.generate('other.invalid/log')}\n")


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (_expose, "gate-ca"),
        (_share_writable, "log-signing-key"),
        (_lose, "terminal-ca"),
        (_swap, "gate-ca"),
        (_spoil, "gate-host-key"),
        (_open_folder, "recordings"),
        (_drop_folder, "gate"),
        (_other_log, "name"),
    ],
)
def test_each_fault_of_the_keys_is_found_and_named(
    home: Installation, harm: Callable[[Installation], None], named: str
) -> None:
    """Exposed, lost, swapped, spoilt: each is found, and nothing is found before the harm."""
    assert not wrongs(look_machine.keys, home)
    harm(home)
    assert named in wrongs(look_machine.keys, home)


def test_a_clock_behind_the_last_evidence_is_wrong(home: Installation) -> None:
    """A clock set back would let windows run longer and evidence run backwards."""
    checkpoint = home.evidence / "checkpoint"
    checkpoint.touch()
    tomorrow = time.time() + 86_400
    os.utime(checkpoint, (tomorrow, tomorrow))
    assert "clock" in wrongs(look_machine.clock, home)


def test_a_gate_without_its_database_is_wrong(home: Installation) -> None:
    """It answers, so the switch works; but it lets nobody in, and somebody should know why."""
    with FakeGate(home.gate_socket, []):
        assert "database" in wrongs(look_machine.gate, home)


@pytest.fixture
def city(tmp_path: Path, sekisho: Run) -> Path:
    """An installation with its database, as `init` leaves it."""
    assert sekisho("init", tmp_path / "new").returncode == 0
    return tmp_path / "new"


@pytest.mark.e2e
def test_a_new_installation_has_nothing_wrong(city: Path, sekisho: Run) -> None:
    """Not running yet, but nothing to mend; what to do next is said."""
    looked = sekisho("doctor", "--home", city)
    assert looked.returncode == 0, looked.stdout
    assert "sekisho up" in looked.stdout


@pytest.mark.e2e
def test_a_database_of_another_version_is_wrong(city: Path, sekisho: Run) -> None:
    """An update without `migrate` is said, with the command that mends it."""
    (city / "sekisho.sqlite3").unlink()
    looked = sekisho("doctor", "--home", city)
    assert looked.returncode == 1
    assert "sekisho migrate" in looked.stdout
    assert sekisho("migrate", "--home", city).returncode == 0
    assert sekisho("doctor", "--home", city).returncode == 0


@pytest.mark.e2e
def test_a_log_that_does_not_fit_its_signature_is_wrong(city: Path, sekisho: Run) -> None:
    """One changed byte in the log is found, and the way forward is to touch nothing."""
    signer = Signer.parse((city / "keys" / "log-signing-key").read_text())
    log = LogWriter(city / "evidence", signer)
    log.append([b"an entry", b"another"])
    log.close()
    assert "(2 entries)" in sekisho("doctor", "--home", city).stdout
    entries = bytearray((city / "evidence" / "entries").read_bytes())
    entries[5] ^= 1
    (city / "evidence" / "entries").write_bytes(entries)
    looked = sekisho("doctor", "--home", city)
    assert looked.returncode == 1
    assert "Change nothing in the evidence folder" in looked.stdout


@pytest.mark.e2e
def test_the_databases_settings_are_those_that_survive_a_power_cut(tmp_path: Path, sekisho: Run) -> None:
    """On the test run's own database: SQLite passes, and a PostgreSQL without fsync is named wrong."""
    database = os.environ.get("SEKISHO_TEST_DATABASE", "sqlite")
    database = database.removesuffix("/sekisho") + "/postgres" if database != "sqlite" else database
    made = found(tmp_path / "city", Options(database=database, log_origin="test.invalid/log-1"))
    looked = sekisho("doctor", "--home", made.home)
    assert ("fsync is off" in looked.stdout) == (database != "sqlite")
    assert "synchronous_commit is off" not in looked.stdout
    assert "SQLite's" not in looked.stdout


def test_no_installation_at_all_is_said_with_the_way_to_name_one(tmp_path: Path, sekisho: Run) -> None:
    """`--home` forgotten is the most common fault of all."""
    looked = sekisho("doctor", "--home", tmp_path / "nowhere")
    assert looked.returncode == 2
    assert "SEKISHO_HOME" in looked.stderr
