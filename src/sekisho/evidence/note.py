"""Signed notes and checkpoints as plain text: C2SP `signed-note` and `tlog-checkpoint`. Pure.

A note is text that ends in a newline, an empty line, and one line for each signature:

    — NAME BASE64(4 bytes of key id || signature)

A checkpoint's text is three lines: the log's origin, its size, its root in base64. A key as text is
`NAME+KEYID+BASE64(0x01 || 32 bytes)` to verify, with `PRIVATE+KEY+` before it (and the seed inside) to
sign. Only algorithm 0x01, Ed25519, is known here; notes carry signatures of other algorithms and other
keys untouched, so that witnesses can be added. Reading is strict: one text has one set of bytes.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100

_NAME = re.compile(r"[^\s+]{1,200}")
_KEY = re.compile(r"([^\s+]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class BadNote(ValueError):
    """This text is no signed note, checkpoint or key; the message says where it stops being one."""


class NotSigned(BadNote):
    """The note is well formed, but the signature asked for is missing or does not verify."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key and the name it signs under."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(ED25519 + self.public_key)}"

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Reads `NAME+KEYID+BASE64`, with or without one newline at the end."""
        name, key_id, key = _parse_key(text.removesuffix("\n"))
        verifier = cls(name, key)
        if verifier.key_id.hex() != key_id:
            raise BadNote("the key's id does not belong to its name and key: one of the three was changed")
        return verifier

    def verifies(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """A private key and the name it signs under. Never shown in a traceback."""

    name: str
    seed: bytes

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self._private.public_key().public_bytes_raw())

    def __str__(self) -> str:
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{_base64(ED25519 + self.seed)}"

    def __repr__(self) -> str:
        return f"Signer({self.name!r})"

    @classmethod
    def generate(cls, name: str) -> "Signer":
        """A new random key. BadNote where `name` has blanks or a plus sign, or is empty."""
        if not _NAME.fullmatch(name):
            raise BadNote(f"a key's name has no blanks and no plus sign, unlike {name!r}")
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> "Signer":
        """Reads `PRIVATE+KEY+NAME+KEYID+BASE64`, with or without one newline at the end."""
        prefix, text = text[:12], text[12:].removesuffix("\n")
        if prefix != "PRIVATE+KEY+":
            raise BadNote("a signing key begins with PRIVATE+KEY+")
        name, key_id, seed = _parse_key(text)
        signer = cls(name, seed)
        if signer.verifier.key_id.hex() != key_id:
            raise BadNote("the key's id does not belong to its name and key: one of the three was changed")
        return signer

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line. `value` is the signature alone, without the key id before it."""

    name: str
    key_id: bytes
    value: bytes

    def __str__(self) -> str:
        return f"— {self.name} {_base64(self.key_id + self.value)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and the signatures under it. Having been read says nothing yet about who signed."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        return (self.text + "\n" + "".join(map(str, self.signatures))).encode()

    def signed_by(self, verifier: Verifier) -> None:
        """NotSigned unless exactly one signature is by `verifier`'s key, and verifies."""
        known = (verifier.name, verifier.key_id)
        mine = [each for each in self.signatures if (each.name, each.key_id) == known]
        if len(mine) != 1:
            raise NotSigned(f"{len(mine)} signatures by {verifier.name} ({verifier.key_id.hex()})")
        if not verifier.verifies(self.text.encode(), mine[0].value):
            raise NotSigned(f"the signature by {verifier.name} does not verify")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How large a log was at one moment, and the root over all its entries then."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Exactly three lines; BadNote for more, fewer, or another way of writing them."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise BadNote("a checkpoint has three lines: origin, size, root")
        if not _SIZE.fullmatch(lines[1]):
            raise BadNote(f"a size is a whole number without leading zeros, not {lines[1]!r}")
        root = _unbase64(lines[2])
        if len(root) != 32:
            raise BadNote(f"a root has 32 bytes, not {len(root)}")
        return cls(lines[0], int(lines[1]), root)


def sign(text: str, signers: Iterable[Signer]) -> Note:
    """A note over `text`, which ends in a newline, in the order of the signers."""
    _check_text(text)
    message = text.encode()
    return Note(text, tuple(Signature(s.name, s.verifier.key_id, s.sign(message)) for s in signers))


def parse(data: bytes) -> Note:
    """Reads a signed note; BadNote unless writing it again gives the same bytes."""
    if len(data) > MAX_NOTE_BYTES:
        raise BadNote(f"a note has at most {MAX_NOTE_BYTES} bytes")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise BadNote("a note is UTF-8") from error
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise BadNote("a note is text, an empty line, and signatures, each line ended by a newline")
    _check_text(text + "\n")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote(f"a note has at most {MAX_SIGNATURES} signatures")
    return Note(text + "\n", tuple(map(_parse_signature, lines)))


def read_checkpoint(data: bytes, log: Verifier, others: Mapping[str, Verifier] | None = None) -> Checkpoint:
    """The checkpoint in a note that `log` signed. BadNote or NotSigned otherwise.

    A signature by a key that is neither `log`'s nor among `others` (witnesses, by name) is refused too:
    nobody could tell whether it was changed.
    """
    note = parse(data)
    note.signed_by(log)
    known = {log.name: log, **(others or {})}
    for each in note.signatures:
        if each.name not in known:
            raise NotSigned(f"a signature by {each.name}, whose key is not known")
        note.signed_by(known[each.name])
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != log.name:
        raise BadNote(f"the log's name is {log.name!r}, the checkpoint's {checkpoint.origin!r}")
    return checkpoint


def _check_text(text: str) -> None:
    if not text.endswith("\n") or len(text) < 2:
        raise BadNote("a note's text ends in a newline")
    if any(ord(character) < 0x20 and character != "\n" for character in text):
        raise BadNote("a note's text has no control characters")


def _parse_signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _NAME.fullmatch(parts[1]):
        raise BadNote("a signature line is a dash, a name, and base64")
    value = _unbase64(parts[2])
    if len(value) < 5:
        raise BadNote("a signature has a key id of four bytes and more")
    return Signature(parts[1], value[:4], value[4:])


def _parse_key(text: str) -> tuple[str, str, bytes]:
    match = _KEY.fullmatch(text)
    if not match:
        raise BadNote("a key is NAME+KEYID+BASE64 on one line")
    key = _unbase64(match[3])
    if key[:1] != ED25519 or len(key) != 33:
        raise BadNote("the only keys known here are Ed25519 (algorithm 1, 32 bytes)")
    return match[1], match[2], key[1:]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"not base64: {text[:40]!r}") from error
    if _base64(data) != text:
        raise BadNote("base64 with bits that mean nothing")
    return data
