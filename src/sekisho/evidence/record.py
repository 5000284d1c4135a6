"""What one entry of the log says, and the only bytes in which it may be said. Pure.

The encoding, version 1: a JSON object in UTF-8 in the canonical form of RFC 8785 (members sorted, no white
space, shortest escapes), narrowed so that no reader can disagree with another: numbers are integers between
-(2^53 - 1) and 2^53 - 1, member names are 1 to 64 printable ASCII characters, nothing nests deeper than 8.

    {"actor":"person:sato","at":"2026-11-23T09:00:00.000000Z","detail":{"ordinal":1},
     "id":"0190…","subjects":["permit:R8-0001","session:0190…"],"tag":"gate:session:opened","v":1}

`at` is UTC with six decimals; `subjects` are sorted and distinct. At most 65,535 bytes (C2SP tlog-tiles).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

JsonValue: TypeAlias = "bool | int | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"

VERSION = 1
MAX_BYTES = 65_535
MAX_DEPTH = 8
MAX_INTEGER = 2**53 - 1

_MEMBERS = frozenset({"actor", "at", "detail", "id", "subjects", "tag", "v"})
_TAG = re.compile(r"[a-z][a-z-]*(:[a-z][a-z-]*){2}")
_WHO = re.compile(r"[a-z][a-z-]*(:\S+)?")
_SUBJECT = re.compile(r"[a-z][a-z-]*:\S+")
_NAME = re.compile(r"[\x20-\x7e]{1,64}")


class BadRecord(ValueError):
    """These values, or these bytes, are no record. The message says which rule they break."""


@dataclass(frozen=True, slots=True)
class Record:
    """One event: what (`tag`), when, who did it, what it concerns, and digests, ids and numbers about it."""

    record_id: UUID
    tag: str
    at: datetime
    actor: str
    subjects: tuple[str, ...]
    detail: Mapping[str, JsonValue]


def encode(record: Record) -> bytes:
    """The record's canonical bytes. BadRecord where a value is outside what the encoding can say."""
    _check(record)
    data = canonical(
        {
            "actor": record.actor,
            "at": _timestamp(record.at),
            "detail": record.detail,
            "id": str(record.record_id),
            "subjects": record.subjects,
            "tag": str(record.tag),
            "v": VERSION,
        }
    )
    if len(data) > MAX_BYTES:
        raise BadRecord(f"a record has at most {MAX_BYTES} bytes, not {len(data)}")
    return data


def decode(data: bytes) -> Record:
    """Reads canonical bytes; BadRecord for anything that `encode` would not have written, to the byte."""
    if len(data) > MAX_BYTES:
        raise BadRecord(f"a record has at most {MAX_BYTES} bytes, not {len(data)}")
    fields = _load(data)
    if not isinstance(fields, dict) or fields.keys() != _MEMBERS:
        raise BadRecord(f"a record has exactly the members {', '.join(sorted(_MEMBERS))}")
    if fields["v"] != VERSION:
        raise BadRecord(f"unknown version {fields['v']!r}; this program reads version {VERSION}")
    try:
        record = Record(
            record_id=UUID(fields["id"]),
            tag=fields["tag"],
            at=datetime.fromisoformat(fields["at"]),
            actor=fields["actor"],
            subjects=tuple(fields["subjects"]),
            detail=fields["detail"],
        )
        again = encode(record)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadRecord(f"a member has the wrong form: {error}") from error
    if again != data:
        raise BadRecord("not in canonical form")
    return record


def canonical(value: JsonValue) -> bytes:
    """`value` in the narrowed RFC 8785 form. BadRecord for floats, big integers, odd names, lone surrogates."""
    try:
        plain = _plain(value, MAX_DEPTH)
        return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    except UnicodeEncodeError as error:
        raise BadRecord("a string contains a lone surrogate") from error


def parse_canonical(data: bytes) -> Any:
    """The value whose canonical form is `data`; BadRecord where `data` is not canonical to the byte."""
    value = _load(data)
    if canonical(value) != data:
        raise BadRecord("not in canonical form")
    return value


def subjects_of(subjects: Iterable[str]) -> tuple[str, ...]:
    """Sorted and distinct, as a record keeps them."""
    return tuple(sorted(set(subjects)))


def _load(data: bytes) -> Any:
    try:
        return json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"not JSON in UTF-8: {error}") from error


def _check(record: Record) -> None:
    _match(_TAG, record.tag, 64, "a tag is source:subject:action")
    _match(_WHO, record.actor, 128, "an actor is kind:name, or worker")
    for subject in record.subjects:
        _match(_SUBJECT, subject, 160, "a subject is kind:id")
    if record.subjects != subjects_of(record.subjects):
        raise BadRecord("subjects are sorted and distinct")
    if not isinstance(record.detail, Mapping):
        raise BadRecord("detail is an object")


def _match(pattern: re.Pattern[str], text: str, longest: int, rule: str) -> None:
    if not pattern.fullmatch(text) or not text.isprintable() or len(text) > longest:
        raise BadRecord(f"{rule}, at most {longest} characters, not {text!r}")


def _timestamp(at: datetime) -> str:
    if at.tzinfo is None:
        raise BadRecord("a time without a time zone is no time")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _plain(value: object, depth: int) -> object:
    if depth == 0:
        raise BadRecord(f"nested deeper than {MAX_DEPTH}")
    match value:
        case None | bool() | str():
            return value
        case int() if abs(value) <= MAX_INTEGER:
            return value
        case Mapping():
            return {_name(key): _plain(each, depth - 1) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each, depth - 1) for each in value]
    raise BadRecord(f"a record cannot hold {value!r}: only text, integers, true, false, null, lists, objects")


def _name(key: object) -> str:
    if not isinstance(key, str) or not _NAME.fullmatch(key):
        raise BadRecord(f"a member's name is 1 to 64 printable ASCII characters, not {key!r}")
    return key
