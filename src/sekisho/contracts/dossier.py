"""The dossier: one TOML file per document version. Its types, its JSON Schema, and reading it with its lines.

The only place where text from outside becomes typed. TOML because YAML reads 21:15 as 1275. Every error is
reported at once, with file, line, and what to write instead; `check.py` looks across files.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import tree_sitter_toml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tree_sitter import Language, Node, Parser

from sekisho.contracts.schema_sentences import explain
from sekisho.contracts.terms import KEYS
from sekisho.kernel.text import Text

_TOML = Parser(Language(tree_sitter_toml.language()))

Code = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,38}$", description="a short name: a-z, 0-9, hyphens")
]
Words = Annotated[str, Field(min_length=1, max_length=500)]
PublicKey = Annotated[str, Field(pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$", description="`type base64`")]


class _Table(BaseModel):
    """A table of a dossier: nothing unknown in it, nothing changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Division(_Table):
    code: Code
    name: Words
    name_en: Words


class Contractor(_Table):
    code: Code
    name: Words
    name_en: Words


class Site(_Table):
    code: Code
    name: Words
    name_en: Words


class Line(_Table):
    code: Code
    name: Words
    name_en: Words
    contractor: Code
    site: Code
    kind: Literal["ip-vpn", "dedicated-line"]
    networks: Annotated[list[str], Field(min_length=1, description="CIDR, e.g. 192.0.2.0/28")]


class Person(_Table):
    login: Code
    name: Words
    furigana: Words
    role: Literal["systems", "division", "clerk", "council", "auditor", "manager", "operator"]
    division: Code | None = None
    contractor: Code | None = None


class Terminal(_Table):
    code: Code
    contractor: Code
    line: Code
    public_key: PublicKey


class System(_Table):
    code: Code
    name: Words
    name_en: Words
    division: Code
    special_personal_information: bool
    host: Words
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    account: Words
    host_keys: Annotated[list[PublicKey], Field(min_length=1)]
    charset: Literal["utf-8", "shift_jis", "euc_jp"] = "utf-8"
    credential: Literal["certificate", "key"] = "certificate"


class ClosedDay(_Table):
    """A day on which city hall is closed, beside national holidays and the turn of the year."""

    code: Code
    name: Words
    name_en: Words
    date: date


class Procurement(_Table):
    code: Code
    title: Words
    title_en: Words


class Contract(_Table):
    code: Code
    procurement: Code
    title: Words
    title_en: Words
    contractor: Code
    division: Code
    systems: Annotated[list[Code], Field(min_length=1)]
    starts: date
    ends: date


class Place(_Table):
    page: Annotated[int, Field(ge=1)] | None = None
    clause: str | None = None


class FactSource(_Table):
    place: Place
    quote: Words
    read_by: Words
    confirmed_by: str = ""


class Fact(_Table):
    subject: Annotated[str, Field(pattern=r"^(contract|procurement):[a-z0-9-]+(/[a-z0-9-]+)*$")]
    key: Annotated[str, Field(json_schema_extra={"enum": sorted(KEYS)})]
    mode: Literal["state", "require", "forbid", "permit", "promise", "report"]
    value: Annotated[list[str | int], Field(min_length=1)]
    open: bool = False
    exception_to: Annotated[str, Field(pattern=r"^$|^[a-z0-9-]+@\d+#.+$")] = ""
    source: FactSource


class DocumentHead(_Table):
    code: Code
    version: Annotated[int, Field(ge=1)]
    procurement: Code
    kind: Literal[
        "consultation",
        "specification",
        "contract",
        "special-clauses",
        "security-agreement",
        "contractor-standard",
        "chain-of-responsibility",
        "roster",
        "register",
    ]
    title: Words
    in_force_from: date


class Paper(_Table):
    """One document version: what it is, what it registers, what it states."""

    document: DocumentHead
    division: list[Division] = []
    contractor: list[Contractor] = []
    site: list[Site] = []
    line: list[Line] = []
    person: list[Person] = []
    terminal: list[Terminal] = []
    system: list[System] = []
    closed_day: list[ClosedDay] = []
    procurement: list[Procurement] = []
    contract: list[Contract] = []
    fact: list[Fact] = []


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in one file: where, and what to write instead."""

    file: str
    line: int
    code: str
    text: Text

    def show(self, language: str) -> str:
        return f"{self.file}:{self.line}: {self.text.in_language(language)} [{self.code}]"


Path_ = tuple[str | int, ...]
"""A path into a paper, as pydantic gives it: ("fact", 3, "source", "quote")."""


@dataclass(frozen=True, slots=True)
class ReadPaper:
    """A paper with its file's name, its bytes, and the lines its parts stand on."""

    file: str
    data: bytes
    paper: Paper
    lines: dict[Path_, int]

    def line(self, *path: str | int) -> int:
        return _line_of(self.lines, path)


def schema() -> dict[str, Any]:
    """The published JSON Schema of a dossier file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Paper.model_json_schema(),
        "title": "Sekisho dossier: one document version",
    }


def read_paper(path: Path, name: str) -> ReadPaper | list[Fault]:
    """Reads one file; every fault in it at once."""
    data = path.read_bytes()
    lines = _lines(data)
    try:
        content = tomllib.loads(data.decode("utf-8"))
        paper = Paper.model_validate(content)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return [
            Fault(
                name, line, "not-utf-8", Text("文字コードがUTF-8ではありません。", "The file is not UTF-8.")
            )
        ]
    except tomllib.TOMLDecodeError as error:
        return [_syntax_fault(name, data, error)]
    except ValidationError as error:
        faults = (
            Fault(name, _line_of(lines, tuple(each["loc"])), *explain(dict(each)))
            for each in error.errors(include_url=False)
        )
        return list(dict.fromkeys(faults))
    return ReadPaper(name, data, paper, lines)


def _line_of(lines: dict[Path_, int], path: Path_) -> int:
    """The line of `path`, or of the nearest part around it that has one."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


def _lines(data: bytes) -> dict[Path_, int]:
    lines: dict[Path_, int] = {}
    counts: dict[Path_, int] = {}
    for node in _TOML.parse(data).root_node.children:
        if node.type == "pair":
            lines.update(_pair(node, ()))
        elif node.type in ("table", "table_array_element"):
            table = _table_path(node, counts)
            lines[table] = node.start_point.row + 1
            for child in node.children:
                if child.type == "pair":
                    lines.update(_pair(child, table))
    return lines


def _table_path(node: Node, counts: dict[Path_, int]) -> Path_:
    """`[[fact]]` is ("fact", n); `[fact.source]` after it is ("fact", n, "source")."""
    names = _key(node.children[1])
    path: Path_ = ()
    for position, name in enumerate(names):
        path = (*path, name)
        last = position == len(names) - 1
        if last and node.type == "table_array_element":
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _pair(node: Node, table: Path_) -> Iterator[tuple[Path_, int]]:
    path = (*table, *_key(node.children[0]))
    yield path, node.start_point.row + 1
    value = node.children[-1]
    if value.type == "array":
        items = [child for child in value.children if child.is_named and child.type != "comment"]
        yield from ((((*path, number)), item.start_point.row + 1) for number, item in enumerate(items))


def _key(node: Node) -> Path_:
    text = (node.text or b"").decode("utf-8", "replace")
    return tuple(part.strip().strip("\"'") for part in text.split("."))


def _syntax_fault(name: str, data: bytes, error: tomllib.TOMLDecodeError) -> Fault:
    words = str(error).split("at line ")
    line = int(words[1].split(",")[0]) if len(words) > 1 else data.count(b"\n") + 1
    return Fault(
        name,
        line,
        "not-toml",
        Text(
            f"TOMLとして読めません({error})。引用符、角括弧、= を確かめてください。",
            f"Not TOML ({error}). Check quotes, brackets and the equals sign.",
        ),
    )
