"""The registers from the command line: the first person gets in, a terminal gets its certificate."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from sekisho.kernel.installation import Installation, load
from tests.cli.conftest import Run
from tests.town import REPOSITORY, Probe, keygen, public_key

pytestmark = pytest.mark.e2e

SEED = """
division = Division.objects.create(code="joho", name="情報政策課", name_en="Systems")
contractor = Contractor.objects.create(code="shiosai", name="しおさいシステムズ", name_en="Shiosai Systems")
site = Site.objects.create(code="minato", name="港オフィス", name_en="Harbour office")
line = Line.objects.create(code="line-a", name="港回線", name_en="Harbour line", contractor=contractor, site=site,
    kind="ip-vpn", networks=["192.0.2.0/28", "198.51.100.7/32"])
Terminal.objects.create(code="t-01", contractor=contractor, line=line, public_key=key)
None
"""


@pytest.fixture
def terminal_key(tmp_path: Path) -> Path:
    return keygen(tmp_path / "terminal")


@pytest.fixture
def city(tmp_path: Path, sekisho: Run, terminal_key: Path, database: str) -> Installation:
    """A migrated installation with one division, one contractor, one line and one terminal."""
    assert sekisho("init", tmp_path / "city", "--database", database).returncode == 0
    probe = Probe({"SEKISHO_HOME": str(tmp_path / "city"), "DJANGO_SETTINGS_MODULE": "sekisho.settings"})
    probe(SEED, key=public_key(terminal_key))
    probe.close()
    return load(tmp_path / "city")


SHIOMINO = REPOSITORY / "examples" / "shiomino"


def test_papers_are_imported_as_a_whole_and_once(tmp_path: Path, sekisho: Run, database: str) -> None:
    """The fictional city's papers come in; coming again they change nothing."""
    home = tmp_path / "empty"
    assert sekisho("init", home, "--database", database).returncode == 0
    first = sekisho("import", SHIOMINO, "--home", home)
    assert first.returncode == 0, first.stderr
    again = sekisho("import", SHIOMINO, "--home", home)
    assert again.returncode == 0
    assert "何も変えていません" in again.stdout


def test_a_fault_in_the_papers_is_shown_with_file_and_line_and_nothing_comes_in(
    tmp_path: Path, sekisho: Run, database: str
) -> None:
    """One wrong role in one of many files: named in both languages, and no division is registered."""
    home, papers = tmp_path / "empty", tmp_path / "papers"
    assert sekisho("init", home, "--database", database).returncode == 0
    shutil.copytree(SHIOMINO, papers)
    register = papers / "01-city-register.toml"
    register.write_text(register.read_text().replace('role = "clerk"', 'role = "clark"'))
    refused = sekisho("import", papers, "--home", home)
    assert refused.returncode == 1
    assert refused.stderr.count("01-city-register.toml:") >= 2
    assert "clark" in refused.stderr
    assert sekisho(*TANAKA, "--division", "joho", "--home", home).returncode == 2


def test_the_schema_is_json_and_needs_no_installation(sekisho: Run) -> None:
    """An editor of papers can have it anywhere."""
    printed = sekisho("schema")
    assert printed.returncode == 0
    assert json.loads(printed.stdout)["$schema"].startswith("https://json-schema.org/")


TANAKA = ("person", "add", "tanaka", "--name", "田中花子", "--furigana", "たなかはなこ")


def test_the_first_person_gets_a_code_at_the_machine_itself(city: Installation, sekisho: Run) -> None:
    """Nobody can sign in yet, so the machine's own command registers the first and prints a one-time code."""
    done = sekisho(*TANAKA, "--division", "joho", "--home", city.home)
    assert done.returncode == 0, done.stderr
    assert "tanaka の登録コード" in done.stdout
    again = sekisho("person", "code", "tanaka", "--home", city.home)
    assert again.returncode == 0
    assert again.stdout != done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--division", "nowhere"), 2),
        (("--role", "emperor"), 2),
        (("--role", "operator"), 1),
    ],
)
def test_a_person_that_cannot_be_is_refused_and_nobody_is_registered(
    city: Installation, sekisho: Run, arguments: tuple[str, ...], code: int
) -> None:
    """An unknown division, an unknown role, an operator of no contractor."""
    assert sekisho(*TANAKA, *arguments, "--home", city.home).returncode == code
    assert sekisho("person", "code", "tanaka", "--home", city.home).returncode == 2


def test_openssh_reads_a_terminals_certificate_as_it_was_meant(
    city: Installation, sekisho: Run, tmp_path: Path
) -> None:
    """One principal, the line's addresses, a terminal and nothing else, signed by this installation's CA."""
    out = tmp_path / "terminal-cert.pub"
    done = sekisho("terminal", "certify", "t-01", "--days", 30, "--out", out, "--home", city.home)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        ["ssh-keygen", "-L", "-f", str(out)], capture_output=True, text=True, check=True
    ).stdout
    ca = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(city.keys / "terminal-ca.pub")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[1]
    assert ca in listed
    assert "source-address 192.0.2.0/28,198.51.100.7/32" in listed
    assert [line.strip() for line in listed.split("Principals:")[1].split("Critical")[0].split()] == ["t-01"]
    assert listed.split("Extensions:")[1].split() == ["permit-pty"]


def test_a_terminal_that_is_not_registered_gets_nothing(city: Installation, sekisho: Run) -> None:
    """No row, no certificate."""
    assert sekisho("terminal", "certify", "t-99", "--home", city.home).returncode == 2


def test_an_unknown_session_has_no_bundle(city: Installation, sekisho: Run, tmp_path: Path) -> None:
    """Nothing is exported for a session that is not in the log, and no folder is left behind."""
    unknown = "01931f3a-0000-7000-8000-0000000000a1"
    refused = sekisho("export", unknown, tmp_path / "bundle", "--home", city.home)
    assert refused.returncode == 1
    assert not (tmp_path / "bundle").exists()
