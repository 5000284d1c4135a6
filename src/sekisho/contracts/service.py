"""The verb that brings papers in: all of a dossier or nothing, with one record of evidence."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import models, transaction

from sekisho.contracts.check import REGISTERS, Known, check
from sekisho.contracts.dossier import Fault, ReadPaper, read_paper
from sekisho.contracts.models import ClosedDay, Contract, Document, FactRow, Procurement, System
from sekisho.evidence.service import record
from sekisho.evidence.tags import Tag
from sekisho.kernel.outcome import Reason, Refused, Source
from sekisho.kernel.text import Text
from sekisho.people.models import Contractor, Division, Line, Person, Site, Terminal

_MODELS: dict[str, type[models.Model]] = {
    "division": Division,
    "contractor": Contractor,
    "site": Site,
    "line": Line,
    "person": Person,
    "terminal": Terminal,
    "system": System,
    "closed_day": ClosedDay,
    "procurement": Procurement,
    "contract": Contract,
}
_FOREIGN = {"division", "contractor", "site", "line", "procurement"}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `documents` are the new document versions; none when all were known already."""

    documents: tuple[str, ...]
    text: Text


def import_dossier(folder: Path, by: str, now: datetime) -> Imported | Refused:
    """Brings in every `.toml` below `folder`. `by` is the actor. Known versions are left as they are."""
    read = [read_paper(path, str(path.relative_to(folder))) for path in sorted(folder.rglob("*.toml"))]
    if not read:
        return _nothing_there(folder)
    with transaction.atomic():
        papers = [paper for paper in read if isinstance(paper, ReadPaper)]
        faults = [fault for each in read if not isinstance(each, ReadPaper) for fault in each]
        # Papers that cannot be read would make everything they register look unknown.
        faults = faults or check(papers, _known())
        if faults:
            return Refused(tuple(_reason(fault) for fault in faults))
        return _bring_in(papers, by, now)


def _bring_in(papers: list[ReadPaper], by: str, now: datetime) -> Imported:
    known = _known().documents
    new = [
        paper
        for paper in papers
        if paper.paper.document.version not in known.get(paper.paper.document.code, {})
    ]
    for kind in REGISTERS:
        for paper in new:
            for item in getattr(paper.paper, kind):
                _register(kind, item)
    documents = [_add_document(paper, now) for paper in new]
    if documents:
        record(
            Tag.DOSSIER_IMPORTED,
            actor=by,
            subjects=[f"document:{document}" for document in documents],
            at=now,
            detail={"documents": {str(document): document.sha256 for document in documents}},
        )
    count = len(documents)
    return Imported(
        tuple(map(str, documents)),
        Text(
            f"書類 {count} 件を取り込みました。" if count else "新しい書類はありません。何も変えていません。",
            f"{count} documents imported." if count else "Nothing new: nothing was changed.",
        ),
    )


def _register(kind: str, item: Any) -> None:
    """Adds an item to its register, or brings what the paper says of it up to date."""
    fields = item.model_dump()
    systems = fields.pop("systems", None)
    values = {f"{name}_id" if name in _FOREIGN else name: value for name, value in fields.items()}
    key = "login" if kind == "person" else "code"
    named: dict[str, Any] = {key: values.pop(key)}
    row, created = _MODELS[kind]._default_manager.update_or_create(**named, defaults=values)
    if isinstance(row, Person) and created:
        row.set_unusable_password()
        row.save(update_fields=["password"])
    if isinstance(row, Contract) and systems is not None:
        row.systems.set(systems)


def _add_document(paper: ReadPaper, now: datetime) -> Document:
    head = paper.paper.document
    document = Document.objects.create(
        code=head.code,
        version=head.version,
        procurement_id=head.procurement,
        kind=head.kind,
        title=head.title,
        sha256=sha256(paper.data).hexdigest(),
        in_force_from=head.in_force_from,
        imported_at=now,
    )
    FactRow.objects.bulk_create(
        FactRow(
            document=document,
            position=position,
            subject=fact.subject,
            key=fact.key,
            mode=fact.mode,
            value=fact.value,
            open_ended=fact.open,
            page=fact.source.place.page,
            clause=fact.source.place.clause or "",
            quote=fact.source.quote,
            read_by=fact.source.read_by,
            confirmed_by=fact.source.confirmed_by,
            exception_to=fact.exception_to,
        )
        for position, fact in enumerate(paper.paper.fact)
    )
    return document


def _known() -> Known:
    codes = {
        kind: frozenset(
            model._default_manager.values_list("login" if kind == "person" else "code", flat=True)
        )
        for kind, model in _MODELS.items()
    }
    documents: dict[str, dict[int, str]] = {}
    for code, version, digest in Document.objects.values_list("code", "version", "sha256"):
        documents.setdefault(code, {})[version] = digest
    return Known(codes, documents)


def _reason(fault: Fault) -> Reason:
    text = Text(f"{fault.file}:{fault.line} {fault.text.ja}", f"{fault.file}:{fault.line} {fault.text.en}")
    return Reason(fault.code, text, (Source(f"{fault.file}:{fault.line}"),))


def _nothing_there(folder: Path) -> Refused:
    return Refused(
        (
            Reason(
                "no-papers",
                Text(
                    f"{folder} に書類(.toml)がありません。フォルダーの場所を確かめてください。",
                    f"No papers (.toml) in {folder}. Check the folder's name.",
                ),
            ),
        )
    )
