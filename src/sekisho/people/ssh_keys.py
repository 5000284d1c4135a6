"""Public keys as people hand them in: one line of a `.pub` file. Pure."""

import struct
from base64 import b64decode, b64encode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from sekisho.kernel.text import Text

SK_TYPES = (b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com")


class BadKey(ValueError):
    """The line is no public key of the kind asked for; `text` says what to hand in instead."""

    def __init__(self) -> None:
        self.text = Text(
            "FIDO2 認証器の公開鍵ではありません。ssh-keygen -t ed25519-sk -O verify-required で作った"
            " .pub ファイルの1行(sk-ssh-ed25519@openssh.com … または sk-ecdsa-…)を貼り付けてください。",
            "This is no public key of a FIDO2 authenticator. Paste the one line of the .pub file made by"
            " `ssh-keygen -t ed25519-sk -O verify-required` (sk-ssh-ed25519@openssh.com … or sk-ecdsa-…).",
        )
        super().__init__(self.text.en)


def sk_public_key(line: str) -> str:
    """`type base64` of a security key's public key line, its comment dropped. BadKey for anything else."""
    words = line.split()
    try:
        kind, blob = words[0].encode("ascii"), b64decode(words[1], validate=True)
        if kind not in SK_TYPES or _first_string(blob) != kind or len(words) < 2:
            raise BadKey
        plain = kind + b" " + b64encode(blob)
        load_ssh_public_key(plain)
    except (ValueError, IndexError, struct.error, UnsupportedAlgorithm):
        raise BadKey from None
    return plain.decode("ascii")


def _first_string(blob: bytes) -> bytes:
    (length,) = struct.unpack_from(">I", blob)
    return blob[4 : 4 + length]
