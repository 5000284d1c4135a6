"""Bringing papers in: all or nothing, every error with its file, its line and its mend."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sekisho.contracts.dossier import schema
from sekisho.contracts.models import Contract, Document, FactRow
from sekisho.contracts.reading import grant_of
from sekisho.contracts.service import Imported, import_dossier
from sekisho.evidence.models import OutboxRecord
from sekisho.kernel.outcome import Refused
from sekisho.people.models import Person

EXAMPLE = Path(__file__).parents[2] / "examples" / "shiomino"
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def dossier(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "dossier"))


def change(folder: Path, file: str, old: str, new: str) -> int:
    """Changes the first `old` in a file; returns its line."""
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_city_comes_in_whole() -> None:
    """Five contracts, ten operators, and each of the five grants is whole."""
    done = import_dossier(EXAMPLE, "os-user:test", NOW)
    assert isinstance(done, Imported)
    assert len(done.documents) == 18
    assert Contract.objects.count() == 5
    assert Person.objects.filter(role="operator").count() == 10
    for contract in Contract.objects.all():
        assert not grant_of(contract, date(2026, 11, 24)).empty
    assert OutboxRecord.objects.count() == 1


def test_importing_again_changes_nothing() -> None:
    """The same papers twice: no new rows, no new evidence."""
    import_dossier(EXAMPLE, "os-user:test", NOW)
    again = import_dossier(EXAMPLE, "os-user:test", NOW)
    assert isinstance(again, Imported)
    assert again.documents == ()
    assert OutboxRecord.objects.count() == 1


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "says"),
    [
        ("21-spec-1.toml", 'version = 1', "version = 0", "greater_than_equal", "version"),
        ("21-spec-1.toml", '[document]', "[document", "not-toml", "TOML"),
        ("21-spec-1.toml", 'kind = "specification"', 'kind = "spec"', "literal_error", "specification"),
        ("21-spec-1.toml", 'title = ', 'titel = ', "extra_forbidden", "titel"),
        ("21-spec-1.toml", "minato-office", "other", "unknown-site", "minato-office"),
        ("04-roster.toml", '"fujii"]', '"fuji"]', "unknown-person", "fuji"),
        ("11-contract-1.toml", '"kaigan-line"]', '"kaigan"]', "unknown-line", "kaigan-line"),
        ("11-contract-1.toml", 'ends = 2031-03-31', "ends = 2026-03-31", "ends-before-start", "2026-04-01"),
        ("11-contract-1.toml", 'division = "shimin"', 'division = "simin"', "unknown-division", "shimin"),
        ("21-spec-1.toml", "mon-fri 07:30-21:15", "mon-fri 07:30-2115", "bad-value", "07:30-21:15"),
        ("21-spec-1.toml", '"service.hours"', '"service.hour"', "unknown-key", "service.hours"),
        ("21-spec-1.toml", '"ip-vpn"', '"vpn"', "unknown-word", "ip-vpn"),
        ("03-chain-of-responsibility.toml", "192.0.2.16/28", "192.0.2.17/28", "bad-network", "/28"),
        ("03-chain-of-responsibility.toml", 'code = "kaigan-line"', 'code = "minato-vpn"', "twice", "minato-vpn"),
        ("01-city-register.toml", 'role = "clerk"', 'role = "operator"', "wrong-employer", "contractor"),
        ("05-terminal-ledger.toml", '"ssh-ed25519 ', '"ssh-ed25519', "string_pattern_mismatch", "public_key"),
        ("24-spec-4.toml", 'quote = "サービス', 'quote = ""\nx = "', "extra_forbidden", "x"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_line(
    dossier: Path, file: str, old: str, new: str, code: str, says: str
) -> None:
    """One mistake: its file, its line, what to write, in both languages, and nothing came in."""
    line = change(dossier, file, old, new)
    answer = import_dossier(dossier, "os-user:test", NOW)
    assert isinstance(answer, Refused)
    found = [reason for reason in answer.reasons if reason.code == code]
    assert found, [reason.code for reason in answer.reasons]
    text = found[0].text
    name, at = text.en.split(" ")[0].split(":")
    assert name == file
    assert abs(int(at) - line) <= 1
    assert says in text.ja
    assert says in text.en
    assert not Document.objects.exists()
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("version = 1", 'version = "1"', "int_type"),
        ("version = 1", "version = true", "int_type"),
        ("version = 1", "version = 1.0", "int_type"),
        ("version = 1", "version = 0", "greater_than_equal"),
        ('code = "spec-1"', "code = 1", "string_type"),
        ('title = "仕様書(住民記録システム保守)"', 'title = ""', "string_too_short"),
        ("in_force_from = 2026-04-01", 'in_force_from = "2026-04-01"', "date_type"),
        ("in_force_from = 2026-04-01", "in_force_from = 20260401", "date_type"),
        ("in_force_from = 2026-04-01", "in_force_from = 2026-04-01T00:00:00", "date_type"),
        ('value = ["ip-vpn", "dedicated-line"]', 'value = "ip-vpn"', "list_type"),
        ('value = ["ip-vpn", "dedicated-line"]', "value = []", "too_short"),
        ('value = ["ip-vpn", "dedicated-line"]', "value = [2026-04-01]", "text_or_number"),
        ('value = ["ip-vpn", "dedicated-line"]', "value = [true]", "text_or_number"),
        ("place = { page = 3", "place = { page = 0", "greater_than_equal"),
        ('place = { page = 3, clause = "2-1" }', "place = 3", "model_type"),
        ('mode = "state"', "mode = 1", "literal_error"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_explained_in_each_language(
    dossier: Path, old: str, new: str, code: str
) -> None:
    """Nothing is taken for what it only resembles; the Japanese sentence is Japanese to its end."""
    change(dossier, "21-spec-1.toml", old, new)
    answer = import_dossier(dossier, "os-user:test", NOW)
    assert isinstance(answer, Refused)
    assert answer.codes == (code,)
    text = answer.reasons[0].text
    assert not any(word in text.ja for word in ("should", "Input", "valid", "must", "datetime"))
    assert text.en.endswith(".")


def test_all_mistakes_are_told_at_once(dossier: Path) -> None:
    """Three mistakes in three files are three reasons."""
    change(dossier, "21-spec-1.toml", "minato-office", "other")
    change(dossier, "22-spec-2.toml", "minato-office", "another")
    change(dossier, "04-roster.toml", '"fujii"]', '"fuji"]')
    answer = import_dossier(dossier, "os-user:test", NOW)
    assert isinstance(answer, Refused)
    assert len(answer.reasons) == 3


def test_a_changed_paper_needs_a_new_version(dossier: Path) -> None:
    """The same version with other content is refused; a new version takes over from its day on."""
    import_dossier(dossier, "os-user:test", NOW)
    change(dossier, "22-spec-2.toml", "mon-fri 08:30-17:15", "mon-fri 09:00-16:00")
    answer = import_dossier(dossier, "os-user:test", NOW)
    assert isinstance(answer, Refused)
    assert answer.codes == ("changed-version",)
    change(dossier, "22-spec-2.toml", "version = 1", "version = 2")
    change(dossier, "22-spec-2.toml", "in_force_from = 2026-04-01", "in_force_from = 2026-12-01")
    done = import_dossier(dossier, "os-user:test", NOW)
    assert isinstance(done, Imported)
    assert done.documents == ("spec-2@2",)
    contract = Contract.objects.get(code="r8-2")
    assert "8:30" in grant_of(contract, date(2026, 11, 30)).terms["service.hours"].value.show().ja
    assert "9:00" in grant_of(contract, date(2026, 12, 1)).terms["service.hours"].value.show().ja


def test_an_unconfirmed_reading_is_no_term(dossier: Path) -> None:
    """Nothing becomes a term unseen: without a confirming person the grant is empty and says so."""
    change(dossier, "22-spec-2.toml", 'confirmed_by = "総務課 係長"', 'confirmed_by = ""')
    import_dossier(dossier, "os-user:test", NOW)
    grant = grant_of(Contract.objects.get(code="r8-2"), date(2026, 11, 24))
    assert [problem.code for problem in grant.problems] == ["term-unconfirmed"]


def test_the_prohibition_needs_its_named_exception(dossier: Path) -> None:
    """Without the clause that names itself the exception, the ban on connecting takes the term away."""
    change(dossier, "08-security-agreement.toml", 'exception_to = "security-agreement@1#第7条第1項"\n', "")
    import_dossier(dossier, "os-user:test", NOW)
    grant = grant_of(Contract.objects.get(code="r8-1"), date(2026, 11, 24))
    assert [problem.code for problem in grant.problems] == ["term-contradictory"]
    assert len(grant.problems[0].sources) == 2


def test_the_published_schema_is_the_types() -> None:
    """The JSON Schema in the examples is the one the code checks with."""
    published = json.loads((EXAMPLE.parent / "dossier.schema.json").read_text("utf-8"))
    assert published == schema()


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    """Nothing to import is an error that names the folder."""
    answer = import_dossier(tmp_path, "os-user:test", NOW)
    assert isinstance(answer, Refused)
    assert str(tmp_path) in answer.reasons[0].text.ja
    assert not FactRow.objects.exists()
