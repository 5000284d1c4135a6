"""`sekisho verify`: an auditor's command, with nothing of the city's but the bundle and the key."""

import subprocess
import sys
from pathlib import Path

import pytest

from sekisho.evidence.note import Signer
from tests.attacks.test_bundle_mutations import City
from tests.cli.conftest import Run


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


@pytest.fixture
def key(city: City, tmp_path: Path) -> Path:
    """The log's public key as the city hands it to an auditor."""
    path = tmp_path / "city.pub"
    path.write_text(f"{city.signer.verifier}\n")
    return path


def test_an_untouched_bundle_verifies_with_the_citys_key(city: City, key: Path, sekisho: Run) -> None:
    """Nothing found, code 0, and it says what was verified."""
    done = sekisho("verify", city.export("A", "bundle"), "--key", key)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "検証できました" in done.stdout
    assert "session:" in done.stdout


def test_without_a_key_it_says_loudly_whose_key_it_used(city: City, sekisho: Run) -> None:
    """A bundle vouching for itself proves little; the auditor is told."""
    done = sekisho("verify", city.export("A", "bundle"))
    assert done.returncode == 0
    assert "!" in done.stdout


def test_one_changed_byte_is_found_and_its_file_named(city: City, key: Path, sekisho: Run) -> None:
    """The command fails and names the file."""
    bundle = city.export("A", "bundle")
    recording = bytearray((bundle / "recording.skrec").read_bytes())
    recording[70_000] ^= 1
    (bundle / "recording.skrec").write_bytes(recording)
    done = sekisho("verify", bundle, "--key", key)
    assert done.returncode == 1
    assert "recording.skrec" in done.stdout


def test_another_citys_key_verifies_nothing(city: City, tmp_path: Path, sekisho: Run) -> None:
    """A log signed by somebody else is not this city's log."""
    other = tmp_path / "other.pub"
    other.write_text(f"{Signer.generate(city.signer.name).verifier}\n")
    assert sekisho("verify", city.export("A", "bundle"), "--key", other).returncode == 1


@pytest.mark.parametrize("content", ["", "not a key", "日本語"])
def test_a_file_that_is_no_key_is_said_to_be_none(
    city: City, tmp_path: Path, sekisho: Run, content: str
) -> None:
    """A wrong file is a wrong question, not a failed verification."""
    wrong = tmp_path / "wrong"
    wrong.write_text(content)
    assert sekisho("verify", city.export("A", "bundle"), "--key", wrong).returncode == 2


def test_a_folder_that_is_not_there_is_said_to_be_missing(tmp_path: Path, sekisho: Run) -> None:
    """Nothing to verify is not verified."""
    assert sekisho("verify", tmp_path / "nowhere").returncode == 2


def test_it_runs_without_django(city: City) -> None:
    """An auditor needs neither the console nor a database."""
    code = (
        "import sys; from sekisho.cli import main\n"
        "try: main(['verify', sys.argv[1]])\n"
        "except SystemExit as end: print(end.code, 'django' in sys.modules, file=sys.stderr)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code, str(city.export("A", "bundle"))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stderr.split() == ["0", "False"]
