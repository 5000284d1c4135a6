"""The documents and the program say the same: what exists is documented, what is linked exists."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from sekisho.cli import build
from sekisho.commands.founding import FOLDERS
from sekisho.contracts.terms import KEYS
from sekisho.evidence.tags import Tag
from sekisho.kernel.installation import Options
from sekisho.people.roles import Role

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ("ja", "en")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def pages() -> list[Path]:
    """Every page that is part of the product."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split()]


def read(language: str, page: str) -> str:
    return (DOCS / language / f"{page}.md").read_text("utf-8")


def test_both_languages_have_the_same_pages() -> None:
    """Whoever reads only one language misses no page."""
    names = [{each.name for each in (DOCS / language).glob("*.md")} for language in LANGUAGES]
    assert names[0] == names[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_documented(language: str) -> None:
    """No command that only its author knows, and none documented that is gone."""
    text = read(language, "commands")
    names = build().names()
    assert [name for name in names if f"`sekisho {name}" not in text] == []
    documented = re.findall(r"`sekisho ([a-z]+(?: [a-z]+)?)", text)
    assert set(documented) - set(names) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_evidence_is_documented(language: str) -> None:
    """An auditor finds each name in the log explained, and no name that cannot occur."""
    documented = re.findall(r"^\| `([a-z:-]+)`", read(language, "events"), re.MULTILINE)
    assert sorted(documented) == sorted(tag.value for tag in Tag)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_a_fact_is_documented(language: str) -> None:
    """Whoever copies a paper finds every key, whether it is required, and the words it may hold."""
    rows = re.findall(r"^\| `([a-z.]+)` \|(.*)\|(.*)\|$", read(language, "dossier"), re.MULTILINE)
    documented = {key: (text, bool(required.strip())) for key, text, required in rows if key in KEYS}
    assert {key: each.required for key, each in KEYS.items()} == {
        key: required for key, (_, required) in documented.items()
    }
    for key, each in KEYS.items():
        assert all(f"`{word}`" in documented[key][0] for word in each.words), key


def areas(patterns: Sequence[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """The first word of every address of the console: `permits`, `lines` … and "" for the home page."""
    for each in patterns:
        address = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from areas(each.url_patterns, address)
        else:
            yield address.split("/")[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_area_of_the_console_is_documented(language: str) -> None:
    """No page that nobody has heard of, and none described that is gone."""
    there = set(areas(get_resolver().url_patterns))
    documented = set(re.findall(r"`/([a-z-]*)`", read(language, "console")))
    assert there == documented


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_is_documented(language: str) -> None:
    """Each key of sekisho.toml is explained."""
    text = read(language, "install")
    assert [field.name for field in fields(Options) if f"`{field.name}`" not in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_can_be_found_from_the_first(language: str) -> None:
    """The contents link every page."""
    linked = set(LINK.findall(read(language, "README")))
    there = {each.name for each in (DOCS / language).glob("*.md")} - {"README.md"}
    assert there - linked == set()


def test_every_decision_is_linked() -> None:
    """docs/adr/README.md lists each page, and nothing that is not there."""
    index = (DOCS / "adr" / "README.md").read_text("utf-8")
    decisions = sorted(each.name for each in (DOCS / "adr").glob("[0-9]*.md"))
    assert sorted(set(LINK.findall(index))) == decisions
    numbers = [name[:4] for name in decisions]
    assert len(set(numbers)) == len(numbers)


def test_no_link_leads_nowhere() -> None:
    """Every relative link in every page leads to something that is there."""
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in pages()
        for target in LINK.findall(page.read_text("utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_role_is_in_the_glossary() -> None:
    """The roles are called on screen what the glossary calls them."""
    glossary = (DOCS / "glossary.md").read_text("utf-8")
    assert [role for role in Role if role.text.ja not in glossary] == []


def test_the_units_run_commands_that_exist() -> None:
    """What systemd is told to start is a command, and may write only into the installation."""
    names = build().names()
    for unit in (ROOT / "deploy" / "systemd").glob("*.service"):
        text = unit.read_text("utf-8")
        assert (
            re.findall(r"^ExecStart=/opt/sekisho/.venv/bin/sekisho (\w+)\b.*$", text, re.MULTILINE)[0]
            in names
        )
        for path in " ".join(re.findall(r"^ReadWritePaths=(.*)$", text, re.MULTILINE)).split():
            assert path.removeprefix("/var/lib/sekisho").strip("/") in ("", *FOLDERS)
        assert "NoNewPrivileges=yes" in text
