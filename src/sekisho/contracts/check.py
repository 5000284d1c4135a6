"""Looks across the papers of a dossier: what is named must be registered, what is said must fit its key. Pure.

Every fault with its file and line. `known` are the registers as they stand before the import.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import chain

from sekisho.contracts.dossier import Fact, Fault, ReadPaper
from sekisho.contracts.terms import KEYS, CanForbid, Key
from sekisho.contracts.values import BadValue
from sekisho.kernel.text import Text

REGISTERS = (
    "division",
    "contractor",
    "site",
    "line",
    "person",
    "terminal",
    "system",
    "closed_day",
    "procurement",
    "contract",
)
_REFERENCES = {
    "line": (("contractor", "contractor"), ("site", "site")),
    "person": (("division", "division"), ("contractor", "contractor")),
    "terminal": (("contractor", "contractor"), ("line", "line")),
    "system": (("division", "division"),),
    "contract": (
        ("procurement", "procurement"),
        ("contractor", "contractor"),
        ("division", "division"),
        ("systems", "system"),
    ),
}
_NAMES = {
    "division": Text("課", "division"),
    "contractor": Text("受託者", "contractor"),
    "site": Text("履行場所", "site"),
    "line": Text("回線", "line"),
    "person": Text("人", "person"),
    "terminal": Text("端末", "terminal"),
    "system": Text("システム", "system"),
    "closed_day": Text("閉庁日", "closed day"),
    "procurement": Text("調達", "procurement"),
    "contract": Text("契約", "contract"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is registered already: codes by register, and the hash of each document version."""

    codes: Mapping[str, frozenset[str]]
    documents: Mapping[str, Mapping[int, str]]
    """Document code to version to SHA-256."""


def check(papers: Iterable[ReadPaper], known: Known) -> list[Fault]:
    """Every fault across `papers`, in the order of files and lines."""
    read = list(papers)
    names = {kind: known.codes.get(kind, frozenset()) | _stated(read, kind) for kind in REGISTERS}
    faults = chain(
        _versions(read, known),
        _twice(read),
        *(_paper_faults(paper, names) for paper in read),
    )
    return sorted(faults, key=lambda fault: (fault.file, fault.line, fault.code))


def code_of(kind: str, item: object) -> str:
    """The code by which an item of a register is known."""
    return str(getattr(item, "login" if kind == "person" else "code"))


def _stated(papers: list[ReadPaper], kind: str) -> frozenset[str]:
    return frozenset(code_of(kind, item) for paper in papers for item in getattr(paper.paper, kind))


def _paper_faults(paper: ReadPaper, names: Mapping[str, frozenset[str]]) -> Iterator[Fault]:
    head = paper.paper.document
    if head.procurement not in names["procurement"]:
        yield _unknown(paper, ("document", "procurement"), "procurement", head.procurement, names)
    for kind, references in _REFERENCES.items():
        for number, item in enumerate(getattr(paper.paper, kind)):
            for field, target in references:
                value = getattr(item, field)
                for each in value if isinstance(value, list) else [value]:
                    if each is not None and each not in names[target]:
                        yield _unknown(paper, (kind, number, field), target, each, names)
    yield from _own_rules(paper)
    for number, fact in enumerate(paper.paper.fact):
        yield from _fact_faults(paper, number, fact, names)


def _own_rules(paper: ReadPaper) -> Iterator[Fault]:
    """What a single item must be by itself, beyond its types."""
    for number, line in enumerate(paper.paper.line):
        for at, network in enumerate(line.networks):
            try:
                ip_network(network)
            except ValueError:
                yield _fault(
                    paper,
                    ("line", number, "networks", at),
                    "bad-network",
                    f"「{network}」はネットワークの書き方ではありません。例: 192.0.2.0/28",
                    f'"{network}" is not a network. Write for example 192.0.2.0/28.',
                )
    for number, contract in enumerate(paper.paper.contract):
        if contract.ends < contract.starts:
            yield _fault(
                paper,
                ("contract", number, "ends"),
                "ends-before-start",
                f"契約の終わり({contract.ends})が始まり({contract.starts})より前です。",
                f"The contract ends ({contract.ends}) before it starts ({contract.starts}).",
            )
    for number, person in enumerate(paper.paper.person):
        of_contractor = person.role in ("manager", "operator")
        if of_contractor != (person.contractor is not None) or (
            of_contractor and person.division is not None
        ):
            yield _fault(
                paper,
                ("person", number, "role"),
                "wrong-employer",
                "管理者と作業者には contractor を、市の人には division を書いてください。",
                "Managers and operators belong to a contractor, people of the city to a division.",
            )


def _fact_faults(
    paper: ReadPaper, number: int, fact: Fact, names: Mapping[str, frozenset[str]]
) -> Iterator[Fault]:
    kind, _, rest = fact.subject.partition(":")
    subject = rest.split("/", 1)[0]
    if subject not in names[kind]:
        yield _unknown(paper, ("fact", number, "subject"), kind, subject, names)
    key = KEYS.get(fact.key)
    if key is None:
        known = "、".join(sorted(KEYS))
        yield _fault(
            paper,
            ("fact", number, "key"),
            "unknown-key",
            f"「{fact.key}」という項目はありません。使えるもの: {known}",
            f'There is no key "{fact.key}". Known: {", ".join(sorted(KEYS))}.',
        )
        return
    yield from _value_faults(paper, number, fact, key, names)


def _value_faults(
    paper: ReadPaper, number: int, fact: Fact, key: Key, names: Mapping[str, frozenset[str]]
) -> Iterator[Fault]:
    place = ("fact", number, "value")
    try:
        value = key.parse(fact.value)
    except BadValue as error:
        yield Fault(paper.file, paper.line(*place), "bad-value", error.text)
        return
    except (TypeError, AttributeError):
        yield _fault(
            paper, place, "wrong-domain",
            f"「{key.text.ja}」の値の種類が違います。", f"The {key.text.en} cannot have a value of this kind.",
        )  # fmt: skip
        return
    if fact.mode == "forbid" and not isinstance(value, CanForbid):
        yield _fault(
            paper, ("fact", number, "mode"), "cannot-forbid",
            f"「{key.text.ja}」は forbid では書けません。許す範囲を state か require で書いてください。",
            f"The {key.text.en} cannot be forbidden. State or require what is allowed instead.",
        )  # fmt: skip
    for at, name in enumerate(fact.value):
        if key.register is not None and name not in names[key.register]:
            yield _unknown(paper, (*place, at), key.register, str(name), names)
        if key.register is None and key.words and name not in key.words:
            words = sorted(key.words)
            yield _fault(
                paper,
                (*place, at),
                "unknown-word",
                f"「{key.text.ja}」に「{name}」は使えません。使えるもの: {'、'.join(words)}",
                f'The {key.text.en} cannot be "{name}". Write one of: {", ".join(words)}.',
            )


def _versions(papers: list[ReadPaper], known: Known) -> Iterator[Fault]:
    from hashlib import sha256

    for paper in papers:
        head = paper.paper.document
        versions = known.documents.get(head.code, {})
        if head.version in versions:
            if versions[head.version] != sha256(paper.data).hexdigest():
                yield _fault(
                    paper,
                    ("document", "version"),
                    "changed-version",
                    f"{head.code} の第{head.version}版は取り込み済みで、内容が違います。版を上げてください。",
                    f"{head.code} version {head.version} was imported with other content. Raise the version.",
                )
        elif versions and head.version < max(versions):
            yield _fault(
                paper,
                ("document", "version"),
                "older-version",
                f"{head.code} は第{max(versions)}版まで取り込み済みです。それより新しい版だけ足せます。",
                f"{head.code} is imported up to version {max(versions)}. Only newer ones can be added.",
            )


def _twice(papers: list[ReadPaper]) -> Iterator[Fault]:
    seen: dict[tuple[str, object], str] = {}
    for paper in papers:
        head = paper.paper.document
        items: list[tuple[str, object, tuple[str | int, ...]]] = [
            ("document", (head.code, head.version), ("document", "code"))
        ]
        for kind in REGISTERS:
            field = "login" if kind == "person" else "code"
            items += [
                (kind, code_of(kind, item), (kind, number, field))
                for number, item in enumerate(getattr(paper.paper, kind))
            ]
        for kind, code, path in items:
            place = f"{paper.file}:{paper.line(*path)}"
            if (kind, code) in seen:
                yield _fault(
                    paper,
                    path,
                    "twice",
                    f"「{code}」は {seen[kind, code]} にもあります。片方を消すか、別のコードにしてください。",
                    f'"{code}" also stands in {seen[kind, code]}. Remove one or give it another code.',
                )
            seen.setdefault((kind, code), place)


def _unknown(
    paper: ReadPaper,
    path: tuple[str | int, ...],
    register: str,
    name: str,
    names: Mapping[str, frozenset[str]],
) -> Fault:
    known = sorted(names[register])
    shown = ", ".join(known[:12]) + (" …" if len(known) > 12 else "") if known else "—"
    text = _NAMES[register]
    return _fault(
        paper,
        path,
        f"unknown-{register}",
        f"{text.ja}「{name}」は登録されていません。登録済みのもの: {shown}",
        f'No {text.en} "{name}" is registered. Registered: {shown}',
    )


def _fault(paper: ReadPaper, path: tuple[str | int, ...], code: str, ja: str, en: str) -> Fault:
    return Fault(paper.file, paper.line(*path), code, Text(ja, en))
