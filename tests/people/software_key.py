"""A FIDO2 authenticator that says whatever a test wants it to say: flags, counter, origin, relying party."""

import json
import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url, encode_cbor

PRESENT, VERIFIED, NEW = 0x01, 0x04, 0x40


@dataclass
class SoftwareKey:
    """One credential. What it signs it signs truly; only what it says may be a lie."""

    flags: int = PRESENT | VERIFIED
    counter: int = 0
    origin: str = "http://localhost:8300"
    party: str = "localhost"
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self) -> bytes:
        """As WebAuthn encodes it: COSE, ES256."""
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def answer(self, question: dict[str, Any], **lies: Any) -> str:
        """What a browser would post for `question` (`passkeys.ask_for_new`, `ask_for_proof`)."""
        creates = question["mode"] == "create"
        said = {
            "type": "webauthn.create" if creates else "webauthn.get",
            "challenge": question["options"]["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
            **lies,
        }
        client = json.dumps(said).encode()
        data = sha256(self.party.encode()).digest()
        data += bytes([self.flags | (NEW if creates else 0)]) + self.counter.to_bytes(4, "big")
        response = {"clientDataJSON": bytes_to_base64url(client)}
        if creates:
            data += (
                bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self.public_key
            )
            made = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
            response["attestationObject"] = bytes_to_base64url(made)
        else:
            signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
            response["authenticatorData"] = bytes_to_base64url(data)
            response["signature"] = bytes_to_base64url(signature)
        name = bytes_to_base64url(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
