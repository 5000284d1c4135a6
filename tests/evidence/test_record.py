"""The record's encoding: one event, one sequence of bytes."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evidence.record import MAX_INTEGER, BadRecord, Record, decode, encode, subjects_of

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ID = UUID("01937f3a-0000-7000-8000-000000000001")

names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=64)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
codes = st.from_regex(r"[a-z]{1,8}:[A-Za-z0-9@-]{1,20}", fullmatch=True)
records = st.builds(
    Record,
    record_id=st.uuids(),
    tag=st.from_regex(r"[a-z]{1,9}:[a-z-]{1,9}:[a-z]{1,9}", fullmatch=True).filter(
        lambda tag: ":-" not in tag
    ),
    at=st.datetimes(timezones=st.just(UTC)),
    actor=codes | st.just("worker"),
    subjects=st.lists(codes, max_size=4).map(subjects_of),
    detail=st.dictionaries(names, json_values, max_size=4),
)


def make(**changes: object) -> Record:
    values: dict[str, object] = {
        "record_id": ID, "tag": "gate:session:opened", "at": AT, "actor": "person:sato",
        "subjects": ("permit:R8-0001", "session:1"), "detail": {"ordinal": 1},
    }  # fmt: skip
    return Record(**(values | changes))  # type: ignore[arg-type]


GOOD = encode(make())


def test_bytes_as_documented():
    """The documented example is what the program writes, byte for byte."""
    assert GOOD == (
        b'{"actor":"person:sato","at":"2026-11-23T09:00:00.000000Z","detail":{"ordinal":1},'
        b'"id":"01937f3a-0000-7000-8000-000000000001","subjects":["permit:R8-0001","session:1"],'
        b'"tag":"gate:session:opened","v":1}'
    )


@given(records)
def test_round_trip(record: Record):
    """Whatever can be encoded reads back the same, and encodes to the same bytes again."""
    data = encode(record)
    assert decode(data) == record
    assert encode(decode(data)) == data


@given(st.data())
def test_one_changed_byte_is_never_the_same_record(data: st.DataObject):
    """No byte of a record is without meaning: a change is refused or reads as something else."""
    place = data.draw(st.integers(0, len(GOOD) - 1))
    changed = bytearray(GOOD)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        assert decode(bytes(changed)) != decode(GOOD)
    except BadRecord:
        return


def test_time_zone_does_not_matter_to_the_bytes():
    """The same moment in Tokyo's time zone gives the same bytes; a time without zone is refused."""
    tokyo = timezone(timedelta(hours=9))
    assert encode(make(at=AT.astimezone(tokyo))) == GOOD
    with pytest.raises(BadRecord, match="time zone"):
        encode(make(at=AT.replace(tzinfo=None)))


@pytest.mark.parametrize(
    "changes",
    [
        {"detail": {"milliseconds": 1.5}},
        {"detail": {"n": 2**53}},
        {"detail": {"時": 1}},
        {"detail": {"": 1}},
        {"detail": {"text": "\ud800"}},
        {"detail": {"deep": [[[[[[[[1]]]]]]]]}},
        {"detail": {"bytes": b"x"}},
        {"detail": {"long": "x" * 65_535}},
        {"detail": []},
        {"tag": "opened"},
        {"tag": "gate:session:opened\n"},
        {"actor": "person: sato"},
        {"actor": ""},
        {"subjects": ("session:2", "session:1")},
        {"subjects": ("session:1", "session:1")},
        {"subjects": ("session",)},
        {"subjects": ("session:a\u202eb",)},
        {"subjects": ("session:" + "x" * 160,)},
    ],
)
def test_what_a_record_cannot_hold(changes: dict[str, object]):
    """Floats, great integers, odd names, surrogates, depth, size, unsorted subjects: refused when written."""
    with pytest.raises(BadRecord):
        encode(make(**changes))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 60_000,
        b"x" * 65_536,
        b" " + GOOD,
        GOOD + b"\n",
        GOOD.replace(b":1}", b": 1}", 1),
        GOOD.replace(b'"v":1', b'"v":2'),
        GOOD.replace(b'"v":1', b'"v":1.0'),
        GOOD.replace(b'"v":1', b'"v":true'),
        GOOD.replace(b'"v":1', b'"v":1,"v":1'),
        GOOD.replace(b'"v":1', b'"v":1,"w":1'),
        GOOD.replace(b'"ordinal":1', b'"ordinal":1e0'),
        GOOD.replace(b'"ordinal":1', b'"ordinal":NaN'),
        GOOD.replace(b'"ordinal":1', b'"ordinal":-0'),
        GOOD.replace(b'"ordinal":1', b'"ordinal":1' + b"0" * 5000),
        GOOD.replace(b"sato", b"\\u0073ato"),
        GOOD.replace(b"01937f3a", b"01937F3A"),
        GOOD.replace(b".000000Z", b"Z"),
        GOOD.replace(b".000000Z", b".000000+00:00"),
        GOOD.replace(b'"permit:R8-0001","session:1"', b'"session:1","permit:R8-0001"'),
        GOOD.replace(b'["permit:R8-0001","session:1"]', b'"permit:R8-0001"'),
        GOOD.replace(b"2026-11-23T09:00:00.000000Z", b"0001-01-01T00:00:00.000000+09:00"),
        GOOD.replace(b'"person:sato"', b"7"),
        GOOD.replace(b'"2026-11-23T09:00:00.000000Z"', b"null"),
    ],
)
def test_anything_not_canonical_is_refused(data: bytes):
    """Another way to write the same thing is not the same thing: the reader refuses it."""
    with pytest.raises(BadRecord):
        decode(data)


@given(st.fixed_dictionaries(dict.fromkeys(["actor", "at", "detail", "id", "subjects", "tag"], json_values)))
def test_nothing_read_raises_anything_else(fields: dict[str, object]):
    """Whatever stands in the members, reading gives a record or BadRecord, and no other error."""
    with pytest.raises(BadRecord):
        decode(json.dumps(fields | {"v": 1}, ensure_ascii=True, sort_keys=True).encode())
    with pytest.raises(BadRecord):
        decode(json.dumps(fields | {"v": 1}, sort_keys=True, separators=(",", ":")).encode())
