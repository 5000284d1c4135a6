"""A contract's terms as people read them: registered things by their names, fixed words in words, papers by title."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Model

from sekisho.contracts.grant import Grant, Term
from sekisho.contracts.models import Document, System
from sekisho.contracts.terms import KEYS
from sekisho.contracts.values import Names
from sekisho.contracts.words import word
from sekisho.kernel.outcome import Source
from sekisho.kernel.text import Text
from sekisho.people.models import Line, Person, Site

_REGISTERS: Mapping[str, tuple[type[Model], str]] = {
    "site": (Site, "code"),
    "line": (Line, "code"),
    "person": (Person, "login"),
    "system": (System, "code"),
}
"""Where the names of a key stand, and by which field. A terminal has no name but its code."""


@dataclass(frozen=True, slots=True)
class Said:
    """One allowed thing; `code` is how the papers write it, where that is not the name itself."""

    text: Text
    code: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where it stands: the paper's title, the place in it, its words."""

    title: str
    place: Text
    quote: str


@dataclass(frozen=True, slots=True)
class ShownTerm:
    """One line of the table of terms."""

    name: Text
    allowed: tuple[Said, ...]
    places: tuple[Place, ...]


def shown_terms(grant: Grant) -> list[ShownTerm]:
    """Every term of the grant, in the order of the keys."""
    titles = {str(each): each.title for each in Document.objects.all()}
    return [
        ShownTerm(KEYS[key].text, _allowed(term), tuple(_place(source, titles) for source in term.sources))
        for key, term in grant.terms.items()
    ]


def allowed_shown(grant: Grant, key: str) -> list[Text]:
    """What the grant allows for one key, by the names that people know; empty where nothing is said."""
    term = grant.terms.get(key)
    return [said.text for said in _allowed(term)] if term is not None else []


def _allowed(term: Term) -> tuple[Said, ...]:
    if not isinstance(term.value, Names):
        return (Said(term.value.show()),)
    known = _registered(KEYS[term.key].register, term.value.names)
    others = term.value.names - {each.code for each in known}
    return (*known, *(Said(word(name)) for name in sorted(others)))


def _registered(register: str | None, names: Iterable[str]) -> list[Said]:
    """The registered ones of `names`, people by their furigana."""
    model, field = _REGISTERS.get(register or "", (None, ""))
    if model is None:
        return []
    rows = model._default_manager.filter(**{f"{field}__in": list(names)})
    return [Said(_name(row), getattr(row, field)) for row in rows]


def _name(row: Model) -> Text:
    name: str = getattr(row, "name")  # noqa: B009
    return Text(name, getattr(row, "name_en", name))


def _place(source: Source, titles: Mapping[str, str]) -> Place:
    within = Source("", source.page, source.clause).place
    place = Text(within.ja.strip(), within.en.removeprefix(", "))
    return Place(titles.get(source.document, source.document), place, source.quote)
