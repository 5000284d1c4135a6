"""The recording's format, `.skrec` version 1, byte by byte (docs/en/recording-format.md). Pure.

    header  b"SKREC\\x01", 16 bytes session id, int64 start (microseconds since 1970, UTC),
            uint16 columns, uint16 rows (both 0: no terminal), uint8 length and ASCII of the charset
    frame   uint8 kind, uvarint microseconds since the frame before, uvarint length, payload

Integers are big-endian; a uvarint is LEB128. A file may end in the middle of a frame after a crash: what
counts is everything up to the last whole frame.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from uuid import UUID

MAGIC = b"SKREC\x01"
CHUNK_BYTES = 65_536
"""Recordings are proven in chunks of this size: leaf `i` is the RFC 6962 leaf hash of chunk `i`."""

_FIXED = struct.Struct(">6s16sqHHB")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_VARINT = 10


class Kind(IntEnum):
    """What a frame holds. Numbers are for ever."""

    INPUT = 1
    OUTPUT = 2
    STDERR = 3
    RESIZE = 4
    """`COLUMNSxROWS`, ASCII."""
    SIGNAL = 5
    """Name without SIG, or `BREAK`."""
    NOTE = 6
    """The gate's own words to the operator, UTF-8."""
    COMMAND = 7
    """What the operator's client asked to run instead of a shell, as the target got it."""


class BadRecording(Exception):
    """The file is not a recording of a version we know; the message says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """How a recording begins."""

    session: UUID
    started: datetime
    size: tuple[int, int] | None
    """Columns and rows, or None without a terminal."""
    charset: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `seconds` since the header's start; `offset` is where the frame begins in the file."""

    kind: Kind
    seconds: float
    data: bytes
    offset: int


def encode_header(header: Header) -> bytes:
    columns, rows = header.size or (0, 0)
    charset = header.charset.encode("ascii")
    micros = (header.started - _EPOCH) // timedelta(microseconds=1)
    fixed = _FIXED.pack(
        MAGIC, header.session.bytes, micros, min(columns, 65535), min(rows, 65535), len(charset)
    )
    return fixed + charset


def decode_header(data: bytes) -> tuple[Header, int]:
    """The header and the offset of the first frame. BadRecording for anything else."""
    if len(data) < _FIXED.size or not data.startswith(MAGIC):
        raise BadRecording("not a recording of version 1: the first bytes are not SKREC 1")
    _, session, micros, columns, rows, length = _FIXED.unpack_from(data)
    end = _FIXED.size + length
    if len(data) < end:
        raise BadRecording("the header is cut short")
    try:
        charset = data[_FIXED.size : end].decode("ascii")
        started = _EPOCH + timedelta(microseconds=micros)
    except (UnicodeDecodeError, OverflowError) as error:
        raise BadRecording(f"the header is damaged: {error}") from error
    size = (columns, rows) if columns or rows else None
    return Header(UUID(bytes=session), started, size, charset), end


def frame_head(kind: Kind, micros: int, length: int) -> bytes:
    """Everything of a frame but its payload."""
    return bytes((kind,)) + _uvarint(micros) + _uvarint(length)


def read_head(data: bytes, at: int) -> tuple[Kind, int, int, int] | None:
    """Kind, microseconds, payload length and payload offset of the frame at `at`; None when it is cut short.

    BadRecording when the bytes cannot be the beginning of a frame.
    """
    if at >= len(data):
        return None
    try:
        kind = Kind(data[at])
    except ValueError as error:
        raise BadRecording(f"unknown frame kind {data[at]} at byte {at}") from error
    micros = _read_uvarint(data, at + 1)
    if micros is None:
        return None
    length = _read_uvarint(data, micros[1])
    if length is None:
        return None
    return kind, micros[0], length[0], length[1]


def _uvarint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_uvarint(data: bytes, at: int) -> tuple[int, int] | None:
    number = shift = 0
    for position in range(at, min(at + _MAX_VARINT, len(data))):
        byte = data[position]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position + 1
        shift += 7
    if len(data) - at >= _MAX_VARINT:
        raise BadRecording(f"a number that never ends at byte {at}")
    return None
