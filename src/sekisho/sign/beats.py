"""One heartbeat: what a gate says of itself, signed for the very question it answers. Pure.

A beat is one line, the gate's words and its signature over them, base64:

    {"gate":"gate-1","state":"connected","sessions":2,"seconds":41,"nonce":"9f…"} MEUCIQ…

The nonce is the asker's, new for each question: an answer cannot be older than its question, so no clock is
needed on either side, and nothing that was recorded on the wire is good a second time.
"""

import base64
import binascii
import json
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_DOMAIN = b"sekisho-sign-beat-v1\n"
_NONCE = re.compile(r"[0-9a-f]{32,64}")
MOST_BYTES = 1024


class State(StrEnum):
    """What a sign says."""

    CONNECTED = "connected"
    NOT_CONNECTED = "not-connected"
    UNKNOWN = "unknown"


class BadBeat(ValueError):
    """Not an answer of this gate to this question."""


@dataclass(frozen=True, slots=True)
class Beat:
    """`sessions`: how many are inside. `seconds`: for how long the state has been what it is."""

    gate: str
    state: State
    sessions: int
    seconds: int
    nonce: str

    def signed(self, key: Ed25519PrivateKey) -> bytes:
        """The line that goes over the wire, without its end."""
        said = json.dumps(asdict(self), separators=(",", ":")).encode("ascii")
        return said + b" " + base64.b64encode(key.sign(_DOMAIN + said))

    @classmethod
    def read(cls, line: bytes, key: Ed25519PublicKey, nonce: str) -> Self:
        """The beat in `line`. BadBeat unless `key` signed it for `nonce`."""
        said, _, signature = line.strip().rpartition(b" ")
        if len(line) > MOST_BYTES or not said:
            raise BadBeat("not a beat")
        try:
            key.verify(base64.b64decode(signature, validate=True), _DOMAIN + said)
            data = json.loads(said)
            beat = cls(
                str(data["gate"]),
                State(data["state"]),
                int(data["sessions"]),
                int(data["seconds"]),
                str(data["nonce"]),
            )
        except InvalidSignature:
            raise BadBeat("signed by another key") from None
        except (binascii.Error, ValueError, KeyError, TypeError) as error:
            raise BadBeat(f"not a beat: {error}") from error
        if beat.nonce != nonce:
            raise BadBeat("the answer to another question")
        if beat.state is State.UNKNOWN:
            raise BadBeat("a gate knows its own state")
        return beat


def is_nonce(text: str) -> bool:
    """128 to 256 bits as lower-case hexadecimal digits."""
    return _NONCE.fullmatch(text) is not None
