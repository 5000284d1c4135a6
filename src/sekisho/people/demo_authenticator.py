"""A software authenticator on the server, for a demo on one machine without any hardware. Demo only.

It signs with user verification claimed, so whoever reaches it *is* every demo account: it proves nothing.
Three things must hold together, or its URL is not routed and its code refuses: the folder was made by the
demo's own command, the console listens on loopback, and the log's name begins with `demo.`, so that no
evidence of a demo can ever pass for a city's.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.contrib.auth.hashers import make_password
from webauthn.helpers import bytes_to_base64url, encode_cbor

from sekisho.kernel.installation import Installation
from sekisho.kernel.outcome import Refused
from sekisho.people.models import Passkey, Person
from sekisho.people.passkeys import ask_for_new, browser_of, check_new
from sekisho.people.service import Actor, check_code, enrol, issue_enrolment_code

LOOPBACK = ("127.0.0.1", "::1", "localhost")
DEMO_LOG = "demo."
_USER_PRESENT, _USER_VERIFIED, _NEW_CREDENTIAL = 0x01, 0x04, 0x40
_FIRST_ORDER = 2**255  # below the order of P-256, so that every digest gives a private key


class NotADemo(Exception):
    """Somebody called the demo's authenticator outside a demo: a programming error or an attack."""


def is_demo(installation: Installation) -> bool:
    """Whether all three signs of a demo are there."""
    options = installation.options
    return installation.demo and options.web_address in LOOPBACK and options.log_origin.startswith(DEMO_LOG)


def available() -> bool:
    return is_demo(settings.SEKISHO)


def answer(person: Person, question: Mapping[str, Any]) -> str:
    """What this authenticator answers to `passkeys.ask_for_new` or `ask_for_proof`, as a browser would post it."""
    if not available():
        raise NotADemo
    key = _key_of(person)
    credential_id = sha256(b"demo:" + person.login.encode()).digest()
    client = _client_data(question)
    if question["mode"] == "create":
        data = _authenticator_data(_NEW_CREDENTIAL) + _attested(credential_id, key)
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"attestationObject": bytes_to_base64url(attestation)}
    else:
        data = _authenticator_data(0)
        signature = key.sign(data + sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature),
        }
    response["clientDataJSON"] = bytes_to_base64url(client)
    name = bytes_to_base64url(credential_id)
    return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


def enrol_for_demo(person: Person, password: str, by: Actor, now: datetime) -> Passkey:
    """Gives a demo account its password and this authenticator, by the very steps of a real enrolment."""
    issued = issue_enrolment_code(person, by, now)
    code = issued if isinstance(issued, Refused) else check_code(person.login, issued.code, now)
    if isinstance(code, Refused):
        raise NotADemo(code.codes)
    browser = browser_of(f"demo {person.login}")
    question = ask_for_new(person, "enrol", browser, now)
    new = check_new(person, "enrol", browser, question["challenge"], answer(person, question), now)
    made = new if isinstance(new, Refused) else enrol(code, make_password(password), new, "demo", now)
    if isinstance(made, Refused):
        raise NotADemo(made.codes)
    return made


def _key_of(person: Person) -> ec.EllipticCurvePrivateKey:
    digest = hmac.digest(
        settings.SECRET_KEY.encode(), f"demo authenticator of {person.login}".encode(), "sha256"
    )
    return ec.derive_private_key(int.from_bytes(digest, "big") % _FIRST_ORDER + 1, ec.SECP256R1())


def _client_data(question: Mapping[str, Any]) -> bytes:
    kind = "webauthn.create" if question["mode"] == "create" else "webauthn.get"
    challenge = question["options"]["challenge"]
    said = {
        "type": kind,
        "challenge": challenge,
        "origin": settings.SEKISHO.console_url,
        "crossOrigin": False,
    }
    return json.dumps(said).encode()


def _authenticator_data(flags: int) -> bytes:
    """WebAuthn level 2, section 6.1: hash of the relying party, flags, a counter that stays zero."""
    party = sha256(settings.SEKISHO.options.host_name.encode()).digest()
    return party + bytes([flags | _USER_PRESENT | _USER_VERIFIED]) + bytes(4)


def _attested(credential_id: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    cose: dict[int, int | bytes] = {
        1: 2,  # kty: EC2
        3: -7,  # alg: ES256
        -1: 1,  # crv: P-256
        -2: numbers.x.to_bytes(32, "big"),
        -3: numbers.y.to_bytes(32, "big"),
    }
    return bytes(16) + len(credential_id).to_bytes(2, "big") + credential_id + encode_cbor(cose)
